"""What widgets that compute in the page share: networks for it, and the JavaScript and CSS that go there.

engine.js has the other side.
"""

import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from pylib import _validate, plots


def _sigmoid(x):
    return 0.5 + 0.5 * np.tanh(0.5 * x)  # no exp that could overflow


# What the page can compute; here for the test that it computes the same. engine.js has each of them, too.
ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * _sigmoid(x),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
}


def with_decoder(vae, name):
    """A trained VAE, or its decoder alone as something that has it, once it is known to be one of them.

    Parameters
    ----------
    vae : a `pylib.models.VAE`, or a Keras model of one input, rows of numbers
    name : of the argument in error messages

    Returns
    -------
    vae : has `decoder`, `decoder_logits`, `latent_dim` and `n_classes`

    Raises
    ------
    ValueError : it is neither, or untrained
    """
    shape = getattr(vae, "input_shape", None)  # of several inputs, a list
    if not hasattr(vae, "decoder") and isinstance(shape, tuple) and len(shape) == 2:
        vae = SimpleNamespace(decoder=vae, decoder_logits=vae, latent_dim=shape[1], n_classes=None)
    if not hasattr(getattr(vae, "decoder_logits", None), "get_weights"):
        raise ValueError(f"{name} must be a trained pylib.models.VAE, or its decoder, not {vae!r}")
    biases = [weight for weight in vae.decoder_logits.get_weights() if weight.ndim == 1]
    if not any(bias.any() for bias in biases):  # Keras starts with zeros
        raise ValueError(f"{name} is untrained: its decoder's biases are all 0, so fit it or load its weights first")
    return vae


def require_pictures(decoder, pixels):
    """Raise ValueError unless a decoder gives pictures of this size.

    Parameters
    ----------
    decoder : a Keras model from rows to rows
    pixels : height and width
    """
    height, width = pixels
    given = decoder.output_shape[-1]
    if given != height * width:
        raise ValueError(
            f"decoder must give {height * width} pixels for each code, {height} x {width} as `pixels` says, not {given}"
        )


def autoencoders(reconstruct, pixels):
    """Models from images to images by name, once each is known to be one.

    Parameters
    ----------
    reconstruct : a Keras model from `(n, height * width)` to as many, or a dict of names to several of them
    pixels : height and width

    Returns
    -------
    networks : dict of a name, "reconstruct" for a model without one, to a model

    Raises
    ------
    ValueError : a model is none, a name is no text, or there is no model
    """
    networks = reconstruct if isinstance(reconstruct, dict) else {"reconstruct": reconstruct}
    n_pixels = pixels[0] * pixels[1]
    _validate.mapping(networks, "reconstruct", "a network's name to a Keras model of dense layers")
    for name, model in networks.items():
        _validate.string(name, "a network's name")
        shapes = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
        if shapes != ((None, n_pixels), (None, n_pixels)):
            raise ValueError(
                f"{name} must be a Keras model of dense layers from {n_pixels} pixels to {n_pixels}, since the page "
                f"computes it, not {_validate.shown(model)}"
            )
    return networks


MOST_DOTS = 5000


def sent_names(names):
    """What engine.js calls the classes by.

    Parameters
    ----------
    names : of the classes, a list of strings

    Returns
    -------
    names : the same; of the ten digits an empty list, as good as none in notebooks stored before classes had names
    """
    return [] if names == _validate.DIGITS else names


def plane_traits(codes, labels, names):
    """What engine.js draws the plane of codes from.

    Parameters
    ----------
    codes : `(n, latent_dim)`; the first two numbers are places, of which 5,000 at most are taken by chance
    labels : `(n,)` integers from 0 on
    names : of the classes in the order of their labels, a list of strings

    Returns
    -------
    traits : dict of `_points`, `_digits`, `_colors`, `_names` and `_limit`, the largest number on the axes
    """
    shown = np.random.default_rng(0).permutation(len(codes))[:MOST_DOTS]
    return {
        "_points": codes[shown, :2].astype("<f4").tobytes(),
        "_digits": labels[shown].astype("u1").tobytes(),
        "_colors": plots.palette(len(names)).as_hex(),
        "_names": sent_names(names),
        "_limit": float(plots.symmetric_limits(codes)[1]),
    }


def network(model, inputs, rows=None, name="network", rounding=1 / 255):
    """A chain of dense layers as a dict for a widget's trait, from which engine.js computes what the model does.

    A layer may skip: where a Concatenate stands before it, it gets the row that the first layer got after the layer
    before it.

    Half-precision weights halve what a notebook stores and its pages load; they are sent where they change no output
    for `inputs` by more than `rounding`.

    Parameters
    ----------
    model : a Keras model whose dense layers form one chain, with the activations linear, relu, silu, tanh or
        sigmoid; it may hold further such models, such as an autoencoder its encoder and decoder
    inputs : what the model takes, as it takes it, such as codes `(n, latent_dim)` or [codes, labels]: examples of
        those that the page will compute
    rows : the same as the first dense layer gets them from the page, `(n, width)`, such as codes beside one-hot
        labels; None where `inputs` are so already
    name : of the model in error messages
    rounding : the most by which half-precision weights may change an output; 1/255 is one grey level of a picture

    Returns
    -------
    network : dict of `layers`, each a dict of `inputs`, `units`, `activation` and `skip`; `half`, whether the weights
        are float16 instead of float32; and `weights`, bytes: each layer's kernel, row after row, and then its bias

    Raises
    ------
    ValueError : the page can't compute one of the layers, or they form no chain
    """
    layers = _dense_layers(model, name)
    rows = np.asarray(inputs if rows is None else rows, "float32")
    outputs = model(inputs)

    def error(dtype):
        with np.errstate(over="ignore", invalid="ignore"):  # a weight beyond half precision makes it infinite or NaN
            rounded = [(kernel.astype(dtype), bias.astype(dtype), *how) for kernel, bias, *how in layers]
            return np.abs(_compute(rounded, rows) - np.asarray(outputs)).max()

    widths = [rows.shape[1], *(kernel.shape[1] for kernel, *_ in layers)]
    taken = [width + skip * rows.shape[1] for width, (*_, skip) in zip(widths, layers, strict=False)]
    fit = [kernel.shape[0] for kernel, *_ in layers] == taken and np.shape(outputs) == (len(rows), widths[-1])
    if not (fit and error("float32") <= 1e-3):
        raise ValueError(f"the page can only compute a {name} whose dense layers form one chain")
    half = bool(error("float16") <= rounding)
    dtype = "<f2" if half else "<f4"
    return {
        "layers": [
            {"inputs": kernel.shape[0], "units": kernel.shape[1], "activation": activation, "skip": skip}
            for kernel, _, activation, skip in layers
        ],
        "half": half,
        "weights": b"".join(array.astype(dtype).tobytes() for layer in layers for array in layer[:2]),
    }


def compute(network, rows):
    """What the page computes, in NumPy.

    Parameters
    ----------
    network : as the function `network` makes it
    rows : `(n, width)`

    Returns
    -------
    outputs : `(n, units)` of the last layer
    """
    numbers = np.frombuffer(network["weights"], "<f2" if network["half"] else "<f4")
    layers = []
    for layer in network["layers"]:
        size = layer["inputs"] * layer["units"]
        kernel, bias, numbers = np.split(numbers, [size, size + layer["units"]])
        layers.append((kernel.reshape(layer["inputs"], -1), bias, layer["activation"], layer["skip"]))
    return _compute(layers, np.asarray(rows, "float32"))


def _compute(layers, rows):
    h = rows
    for kernel, bias, activation, skip in layers:
        h = np.hstack([h, rows]) if skip else h
        h = ACTIVATIONS[activation](h @ kernel.astype("float32") + bias)
    return h


def _dense_layers(model, name):
    """The model as a list of `(kernel, bias, activation's name, skip)`; that they form a chain is left to see."""
    layers, skip = [], False
    operations = [operation for operation in _operations(model) if type(operation).__name__ != "InputLayer"]
    for operation, following in itertools.zip_longest(operations, operations[1:]):
        kind = type(operation).__name__
        if kind != "Dense" and not layers:  # it makes the row for the first dense layer
            continue
        if kind == "Concatenate" and type(following).__name__ == "Dense":
            skip = True
            continue
        if kind.lower() in ACTIVATIONS and layers[-1][2] == "linear":  # such as ops.sigmoid(logits)
            kernel, bias, _, skips = layers[-1]
            layers[-1] = (kernel, bias, kind.lower(), skips)
            continue
        if kind != "Dense":
            raise ValueError(
                f"the page can only compute dense layers, and {operation.name!r} of the {name} is a {kind}"
            )
        activation = getattr(operation.activation, "__name__", repr(operation.activation))
        if activation not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise ValueError(f"{operation.name!r} of the {name} has the activation {activation}; the page has {known}")
        kernel = np.asarray(operation.kernel)
        bias = np.zeros(kernel.shape[1]) if operation.bias is None else np.asarray(operation.bias)
        layers.append((kernel, bias, activation, skip))
        skip = False
    return layers


def _operations(model):
    """What the model does one after the other, models within it opened."""
    for operation in getattr(model, "operations", None) or model.layers:  # a Sequential has no operations
        if hasattr(operation, "layers"):
            yield from _operations(operation)
        else:
            yield operation


_IMPORT = re.compile(r'^import \{([\w\s,]+)\} from "\./engine\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:class|const|function) (\w+))", re.MULTILINE)
_LEFT_OVER = re.compile(r"^[ \t]*(?:import|export)\b.*", re.MULTILINE)


def javascript_module(script):
    """A widget's JavaScript and the engine's as one module, which lives alone in a stored notebook or a page offline.

    The engine becomes a function that is called at once, so that no name of its own meets one of the widget's.

    Parameters
    ----------
    script : a file's path; it imports names from "./engine.js" beside it in one statement, and nothing else

    Returns
    -------
    module : text for anywidget's `_esm`

    Raises
    ------
    ValueError : an import or export isn't understood, or the engine doesn't export the name
    """
    script = Path(script)
    engine = script.with_name("engine.js").read_text(encoding="utf-8")
    exported, engine = _EXPORT.findall(engine), _EXPORT.sub("", engine)

    def inlined(match):
        names = re.findall(r"\w+", match[1])
        missing = ", ".join(name for name in names if name not in exported)
        if missing:
            raise ValueError(f"{script.name} imports {missing}, which engine.js does not export")
        exports = f"{{ {', '.join(names)} }}"
        return f"const {exports} = (() => {{\n{engine}\nreturn {exports};\n}})();"

    module = _IMPORT.sub(inlined, script.read_text(encoding="utf-8"), count=1)
    not_understood = [line.strip() for line in _LEFT_OVER.findall(module) if not line.startswith("export default {")]
    if not_understood:
        raise ValueError(f"{script.name} and engine.js make no one module: can't read {not_understood[0]!r}")
    return module


def stylesheet(css):
    """A widget's CSS after what all widgets share.

    Parameters
    ----------
    css : a file's path, beside engine.css

    Returns
    -------
    text : for anywidget's `_css`
    """
    return "\n".join(path.read_text(encoding="utf-8") for path in (css.with_name("engine.css"), css))
