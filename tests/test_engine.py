from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from pylib.models import VAE, build_autoencoder
from pylib.widgets import engine

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((300, 4), dtype="float32")


def with_weights(model, size=0.3):
    model.set_weights([RNG.normal(0, size, weight.shape) for weight in model.get_weights()])
    return model


def chain(*dense):
    return with_weights(keras.Sequential([keras.Input((4,)), *dense]))


def sent_layers(network):
    """The kernels and biases as a page reads them."""
    numbers = np.frombuffer(network["weights"], "f2" if network["half"] else "f4").astype("float32")
    for layer in network["layers"]:
        size = layer["inputs"] * layer["units"]
        yield numbers[:size].reshape(layer["inputs"], layer["units"])
        yield numbers[size : size + layer["units"]]
        numbers = numbers[size + layer["units"] :]
    assert len(numbers) == 0


def test_all_weights_are_sent():
    model = chain(layers.Dense(8, "silu"), layers.Dense(5, use_bias=False), layers.Dense(3, "relu"))
    network = engine.network(model, ROWS)
    assert [layer["activation"] for layer in network["layers"]] == ["silu", "linear", "relu"]
    sent = list(sent_layers(network))
    assert not sent.pop(3).any()  # the bias that the second layer doesn't have
    for array, weight in zip(sent, model.get_weights(), strict=True):
        assert array == pytest.approx(weight, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("activation", engine.ACTIVATIONS)
def test_activations_are_those_of_keras(activation):
    model = with_weights(chain(layers.Dense(50, activation)), size=20)  # far out, where an exp overflows
    network = engine.network(model, ROWS)
    assert engine.compute(network | {"half": False, "weights": single(model)}, ROWS) == pytest.approx(
        model(ROWS).numpy(), rel=1e-5, abs=1e-5
    )


def single(model):
    return b"".join(weight.tobytes() for weight in model.get_weights())


def test_half_precision_only_where_the_outputs_allow_it():
    model = chain(layers.Dense(16, "tanh"), layers.Dense(3, "sigmoid"))
    network = engine.network(model, ROWS)
    assert network["half"] and len(network["weights"]) == 2 * model.count_params()
    assert np.abs(engine.compute(network, ROWS) - model(ROWS)).max() <= 1 / 255
    for factor in (300, 1e6):  # more than half precision can tell apart, and more than it can hold
        kernel, bias = model.layers[-1].get_weights()
        model.layers[-1].set_weights([factor * kernel, bias])
        network = engine.network(model, ROWS)
        assert not network["half"] and len(network["weights"]) == 4 * model.count_params()
        assert np.array_equal(list(sent_layers(network))[-2], model.layers[-1].get_weights()[0])


def test_models_within_a_model():
    _, _, autoencoder = build_autoencoder([32, 2], code_activation=None)
    images = RNG.random((50, 784), dtype="float32")
    network = engine.network(with_weights(autoencoder), images)
    assert [layer["units"] for layer in network["layers"]] == [32, 2, 32, 784]
    assert engine.compute(network, images) == pytest.approx(autoencoder(images).numpy(), abs=1 / 255)


def test_an_encoder_without_its_sampling():
    vae = with_weights(VAE(hidden=(16, 8)).encoder, size=0.05)
    encoder = keras.Model(vae.input, vae.output[0])
    images = RNG.random((50, 784), dtype="float32")
    network = engine.network(encoder, images, name="encoder")
    assert [layer["units"] for layer in network["layers"]] == [16, 8, 2]
    assert engine.compute(network, images) == pytest.approx(encoder(images).numpy(), abs=1 / 255)
    with pytest.raises(ValueError, match="'.*' of the encoder is a Clip"):
        engine.network(vae, images, name="encoder")


def test_code_label_and_time_in_one_row():
    code, label, time = keras.Input((2,)), keras.Input((), dtype="int32"), keras.Input((1,))
    row = layers.Concatenate()([code, ops.one_hot(label, 3), time])
    model = keras.Model([code, label, time], ops.tanh(layers.Dense(2)(layers.Dense(9, "relu")(row))))
    z, labels, times = ROWS[:, :2], np.arange(300) % 3, ROWS[:, 2:3]
    rows = np.hstack([z, np.eye(3)[labels], times])
    network = engine.network(with_weights(model), [z, labels, times], rows)
    assert [(layer["inputs"], layer["activation"]) for layer in network["layers"]] == [(6, "relu"), (9, "tanh")]
    assert engine.compute(network, rows) == pytest.approx(model([z, labels, times]).numpy(), abs=1 / 255)
    with pytest.raises(ValueError, match="dense layers form one chain"):
        engine.network(model, [z, labels, times], rows[:, ::-1])


def with_skips(x):
    row = h = layers.Concatenate()([x, ops.cos(x)])
    for units in (9, 5):
        h = layers.Concatenate()([layers.Dense(units, "silu")(h), row])
    return layers.Dense(3)(layers.Dense(6, "tanh")(h))


def test_layers_beside_the_row_of_the_first():
    model = model_of(with_skips)
    rows = np.hstack([ROWS, np.cos(ROWS)])
    network = engine.network(model, ROWS, rows)
    assert [(layer["inputs"], layer["units"], layer["skip"]) for layer in network["layers"]] == [
        (8, 9, False),
        (9 + 8, 5, True),
        (5 + 8, 6, True),
        (6, 3, False),
    ]
    assert engine.compute(network, rows) == pytest.approx(model(ROWS).numpy(), abs=1 / 255)
    with pytest.raises(ValueError, match="dense layers form one chain"):
        engine.network(model, ROWS, rows[:, ::-1])


def test_how_much_rounding_may_change():
    model = chain(layers.Dense(16, "tanh"), layers.Dense(3))
    assert engine.network(model, ROWS)["half"]
    network = engine.network(model, ROWS, rounding=1e-5)
    assert not network["half"] and engine.compute(network, ROWS) == pytest.approx(model(ROWS).numpy(), abs=1e-5)


def model_of(build):
    x = keras.Input((4,))
    return with_weights(keras.Model(x, build(x)))


def skip(h, row):
    return layers.Concatenate()([h, row])


def twice(x):
    layer = layers.Dense(4)
    return layer(layer(x))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda x: layers.LayerNormalization(name="level")(layers.Dense(8)(x)), "'level' of the net is a LayerNorm"),
        (lambda x: layers.Dense(8, "selu", name="odd")(x), "'odd' of the net has the activation selu; the page has"),
        (lambda x: layers.Dense(8, "gelu", name="odd")(x), "activation gelu; the page has linear, relu, silu, tanh, s"),
        (lambda x: x + layers.Dense(4)(x), "'add.*' of the net is a Add"),
        (lambda x: ops.tanh(layers.Dense(4, "relu")(x)), "'tanh.*' of the net is a Tanh"),
        (lambda x: layers.Dense(4)(ops.tanh(x)), "dense layers form one chain"),
        (twice, "only compute a net whose dense layers form one chain"),
        (lambda x: [layers.Dense(4)(x), layers.Dense(4)(x)], "dense layers form one chain"),
        (lambda x: [layers.Dense(3)(x), layers.Dense(2)(x)], "dense layers form one chain"),
        (lambda x: layers.Concatenate()([x, layers.Dense(4)(x)]), "'concat.*' of the net is a Concatenate"),
        (lambda x: layers.Dense(3)(ops.tanh(skip(layers.Dense(4)(x), x))), "'concat.*' of the net is a Concatenate"),
        (lambda x: layers.Dense(3)(skip(x, layers.Dense(4, "tanh")(x))), "dense layers form one chain"),
        (lambda x: layers.Dense(3)(skip(*[layers.Dense(4, "tanh")(x)] * 2)), "dense layers form one chain"),
        (lambda x: layers.Dense(3)(skip(layers.Dense(4)(x), x[:, :2])), "dense layers form one chain|a GetItem"),
    ],
)
def test_models_that_the_page_cannot_compute(build, message):
    with pytest.raises(ValueError, match=message):
        engine.network(model_of(build), ROWS, name="net")


ENGINE = 'export const one = 1;\nexport function two() {\n  return two.name + hidden;\n}\nconst hidden = "";\n'
WIDGET = 'import { one,\n  two } from "./engine.js";\n\nconst hidden = one;\nexport default { render: two };\n'


def module(folder, widget=WIDGET, engine_script=ENGINE):
    (folder / "engine.js").write_text(engine_script)
    (folder / "widget.js").write_text(widget)
    return engine.javascript_module(folder / "widget.js")


def test_widget_and_engine_make_one_module(tmp_path):
    expected = """const { one, two } = (() => {
const one = 1;
function two() {
  return two.name + hidden;
}
const hidden = "";

return { one, two };
})();

const hidden = one;
export default { render: two };
"""
    assert module(tmp_path) == expected


def test_modules_of_the_widgets_have_no_import_left():
    for path in Path(engine.__file__).parent.glob("*.js"):
        if path.name == "engine.js":
            continue
        assert path.read_text().count("\nimport ") == 1
        assert "\nimport " not in engine.javascript_module(path)


@pytest.mark.parametrize(
    ("widget", "engine_script", "message"),
    [
        (WIDGET.replace("two }", "three }"), ENGINE, "imports three, which engine.js does not export"),
        (WIDGET.replace("two }", "hidden }"), ENGINE, "imports hidden, which"),
        (WIDGET.replace("two }", "two as three }"), ENGINE, "imports as, three, which"),
        (WIDGET.replace("./engine.js", "./other.js"), ENGINE, "can't read 'import { one,"),
        (WIDGET.replace("{ one,\n  two }", "* as engine"), ENGINE, "can't read 'import [*] as engine"),
        (WIDGET + WIDGET, ENGINE, "can't read 'import { one,"),
        ("import './engine.js';\n", ENGINE, "can't read"),
        ('import { d3 } from "https://esm.sh/d3";\n', ENGINE, "can't read"),
        (WIDGET + "export { hidden };\n", ENGINE, "can't read 'export { hidden };'"),
        (WIDGET, ENGINE + 'import { a } from "./b.js";\n', "can't read 'import { a }"),
        (WIDGET, ENGINE + "export { hidden };\n", "can't read 'export { hidden };'"),
        (WIDGET, ENGINE + "export default hidden;\n", "can't read 'export default hidden;'"),
    ],
)
def test_imports_and_exports_that_are_not_understood(tmp_path, widget, engine_script, message):
    with pytest.raises(ValueError, match=message):
        module(tmp_path, widget, engine_script)
