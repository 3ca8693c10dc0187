import itertools

import keras
import numpy as np
import pytest
from keras import layers

from pylib import pretrained
from pylib.diffusion import Diffusion, build_velocity
from pylib.models import VAE
from pylib.widgets import DiffusionWalk, engine

# Here its Python side; what the page draws is tested in tests/browser.

HALF_A_LEVEL = 0.5 / 255


def velocity(latent_dim=20, hidden=(64, 64), n_classes=10):
    """A network whose weights are no longer those it was born with."""
    keras.utils.set_random_seed(0)
    return shaken(build_velocity(latent_dim, hidden, n_classes))


def shaken(model, size=0.1):
    rng = np.random.default_rng(0)
    model.set_weights([weight + rng.normal(0, size, weight.shape) for weight in model.get_weights()])
    return model


def prior_of(network):
    d = network.inputs[0].shape[1]
    return Diffusion(network, np.linspace(-0.5, 0.5, d), np.linspace(0.8, 1.2, d))


@pytest.fixture(scope="module")
def prior():
    return prior_of(velocity())


@pytest.fixture(scope="module")
def decoder():
    return pretrained.load("vae_20").decoder


@pytest.fixture
def walk(prior, decoder):
    return DiffusionWalk(prior, decoder)


def of_python(walk, prior, decoder):
    """The pictures from noise to digit, by the prior's own path."""
    guidance = walk.guidance if walk.digit is not None else 0
    codes = prior.path([walk.noise], walk.steps, walk.digit, guidance)[:, 0]
    return np.asarray(decoder(codes.astype("float32")))


def of_the_page(walk):
    """The same as diffusion_walk.js computes them from what it gets."""

    def of_label(z, theta, place):
        waves = theta * np.arange(1, walk._waves + 1)
        row = np.concatenate([z, np.cos(waves), np.sin(waves), np.eye(walk._n_classes + 1)[place]])
        return engine.compute(walk._velocity, row[None])[0]

    def guided(z, theta):
        if walk.digit is None:
            return of_label(z, theta, 0)
        asked = of_label(z, theta, walk.digit + 1)
        return (1 + walk.guidance) * asked - walk.guidance * of_label(z, theta, 0)

    z = np.array(walk.noise)
    path = [z]
    for theta, then in itertools.pairwise(np.linspace(np.pi / 2, 0, walk.steps + 1)):
        half_way = z + (then - theta) / 2 * guided(z, theta)
        z = z + (then - theta) * guided(half_way, (theta + then) / 2)
        path.append(z)
    return engine.compute(walk._decoder, np.array(walk._mean) + np.array(walk._scale) * path)


@pytest.mark.parametrize(("digit", "guidance"), [(None, 0), (None, 2.5), (3, 0), (3, 1.5), (9, 4)])
def test_the_page_computes_what_python_does(walk, prior, decoder, digit, guidance):
    walk.digit, walk.guidance = digit, guidance
    for steps in (1, 20):
        walk.steps = steps
        expected = of_python(walk, prior, decoder)
        assert expected.shape == (steps + 1, 784) and np.abs(expected[-1] - expected[0]).max() > 0.5
        assert np.abs(of_the_page(walk) - expected).max() < HALF_A_LEVEL


def test_weights_of_the_velocity_are_rounded_only_where_that_changes_nothing(prior, decoder):
    walk = DiffusionWalk(prior, decoder)
    assert not walk._velocity["half"] and len(walk._velocity["weights"]) == 4 * prior.network.count_params()
    network = velocity()
    network.set_weights([weight.astype("float16") for weight in network.get_weights()])
    walk = DiffusionWalk(prior_of(network), decoder)
    assert walk._velocity["half"] and len(walk._velocity["weights"]) == 2 * network.count_params()


def test_weights_of_the_decoder_are_rounded_only_where_the_picture_allows_it(prior, decoder):
    assert DiffusionWalk(prior, decoder)._decoder["half"]  # stored as halves, too
    copy = shaken(keras.models.clone_model(decoder), 1e-3)
    copy.set_weights(decoder.get_weights())
    copy.set_weights([weight * 1.0003 for weight in copy.get_weights()])
    walk = DiffusionWalk(prior, copy)
    walk.digit, walk.guidance = 4, 1
    assert not walk._decoder["half"]
    assert np.abs(of_the_page(walk) - of_python(walk, prior, copy)).max() < HALF_A_LEVEL


def test_a_vae_is_as_good_as_its_decoder(prior, decoder):
    vae = pretrained.load("vae_20")
    assert np.array_equal(DiffusionWalk(prior, vae).image, DiffusionWalk(prior, decoder).image)


class DiffusionOfTheLesson:
    def __init__(self, network, mean, scale):
        self.network, self.mean, self.scale = network, mean, scale
        self.latent_dim = len(mean)

    def path(self, *how):
        return Diffusion(self.network, self.mean, self.scale).path(*how)


def test_a_class_of_the_same_kind_will_do(prior, decoder):
    walk = DiffusionWalk(DiffusionOfTheLesson(prior.network, prior.mean, prior.scale), decoder)
    assert np.array_equal(walk.image, DiffusionWalk(prior, decoder).image)
    untrained = DiffusionOfTheLesson(build_velocity(20, (4,)), prior.mean, prior.scale)
    untrained.path = lambda eps, steps, *how: np.zeros((steps + 1, *np.shape(eps)))
    with pytest.raises(ValueError, match="^network is untrained"):
        DiffusionWalk(untrained, decoder)


def test_image_follows(walk, prior, decoder):
    images = [walk.image]
    changes = [("digit", 7), ("guidance", 2), ("steps", 5), ("noise", np.ones(20)), ("step", 0), ("step", 3)]
    for name, value in changes:
        setattr(walk, name, value)
        # Of numbers up to 3; float32 rounds otherwise where one code is decoded alone.
        assert walk.image == pytest.approx(of_python(walk, prior, decoder)[walk.step], abs=1e-5)
        images.append(walk.image)
    for before, after in itertools.pairwise(images):
        assert np.abs(after - before).max() > 0.005
    assert (walk.digit, walk.guidance, walk.steps, walk.noise, walk.step) == (7, 2, 5, [1] * 20, 3)
    assert isinstance(walk.guidance, float) and isinstance(walk.noise[0], float)


def test_guidance_without_a_digit_does_nothing(walk):
    before = walk.image
    walk.guidance = 3
    assert np.array_equal(walk.image, before)
    walk.digit = 2
    guided = walk.image
    walk.guidance = 0
    assert np.abs(walk.image - guided).max() > 0.01


def test_a_step_back_computes_no_path(prior, decoder, monkeypatch):
    walk, paths = DiffusionWalk(prior, decoder), []
    monkeypatch.setattr(prior, "path", lambda *how: paths.append(how) or Diffusion.path(prior, *how), raising=False)
    for step in (3, 0, 20):
        walk.step = step
    assert paths == []
    walk.set_state({"noise": [0.5] * 20, "step": 0})  # as the page sends them
    assert len(paths) == 1
    walk.set_state({"digit": 3, "steps": 4, "step": 2, "guidance": 1})
    assert len(paths) == 2


def test_the_last_step_stays_the_last(walk):
    places = []
    for steps, step in [(40, None), (5, None), (30, 10), (20, None), (8, None), (9, 1), (1, None)]:
        walk.steps = steps
        if step is not None:
            walk.step = step
        places.append(walk.step)
    assert places == [40, 5, 10, 10, 8, 1, 1]


def test_steps_and_step_of_the_page_are_taken_as_they_come(walk):
    for steps, step in [(10, 10), (40, 40), (40, 25), (20, 20), (25, 7), (5, 5)]:
        walk.set_state({"steps": steps, "step": step})
        assert (walk.steps, walk.step) == (steps, step)


BAD = {
    "noise": (
        [[0.0] * 19, [[0.0] * 20], [np.nan] * 20, ["a"] * 20, [[1], [1, 2]], 1.0, None, "noise"],
        "noise must (have shape|hold finite numbers|be an array of numbers)",
    ),
    "digit": ([10, -1, 1.5, True, "3", [3]], "digit must be None or an integer from 0 to 9, not"),
    "steps": ([0, 41, 2.5, True, None, "20"], "steps must be an integer from 1 to 40, not"),
    "guidance": ([-0.5, np.nan, np.inf, True, None, "1"], "guidance must be a finite number of 0 or more, not"),
    "step": ([-1, 21, 1.5, True, None, "3"], "step must be an integer from 0 to 20, the number of steps, not"),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (values, _) in BAD.items() for value in values])
def test_bad_values(walk, name, value):
    before, image = getattr(walk, name), walk.image
    with pytest.raises(ValueError, match=f"^{BAD[name][1]}"):
        setattr(walk, name, value)
    assert getattr(walk, name) == before and walk.image is image


def test_a_prior_without_labels(decoder):
    prior = prior_of(velocity(n_classes=0))
    walk = DiffusionWalk(prior, decoder)
    assert walk._n_classes == 0
    assert np.abs(of_the_page(walk) - of_python(walk, prior, decoder)).max() < HALF_A_LEVEL
    with pytest.raises(ValueError, match="this prior knows no labels"):
        walk.digit = 3
    assert walk.digit is None


def test_names_of_classes_go_to_the_page(walk, prior, decoder):
    assert walk._names == DiffusionWalk(prior, decoder, list("0123456789"))._names == []
    three = prior_of(velocity(n_classes=3))
    named = DiffusionWalk(three, decoder, ["Ankle boot", "<b>x</b>", "字"])
    assert named.get_state()["_names"] == ["Ankle boot", "<b>x</b>", "字"] and named._n_classes == 3
    assert DiffusionWalk(three, decoder)._names == []
    assert DiffusionWalk(prior_of(velocity(n_classes=0)), decoder, ["a", "b"])._names == ["a", "b"]
    with pytest.raises(ValueError, match="^names must have 3 entries, one for each class of the model, not 2$"):
        DiffusionWalk(three, decoder, ["a", "b"])
    with pytest.raises(ValueError, match="^names must be a list, one for each class of the model, not 'abc'$"):
        DiffusionWalk(three, decoder, "abc")


@pytest.mark.parametrize("value", [None, Diffusion, "prior", np.zeros(3), VAE(hidden=(4,))])
def test_no_prior(decoder, value):
    with pytest.raises(ValueError, match="^prior must be a pylib.diffusion.Diffusion, not"):
        DiffusionWalk(value, decoder)


@pytest.mark.parametrize("value", [None, VAE, "decoder", VAE(n_classes=10).decoder])
def test_no_decoder(prior, value):
    with pytest.raises(ValueError, match="^decoder must be a trained pylib.models.VAE, or its decoder, not"):
        DiffusionWalk(prior, value)


def test_decoders_that_do_not_suit_the_prior(prior):
    with pytest.raises(ValueError, match="^decoder is untrained: its decoder's biases are all 0, so fit it"):
        DiffusionWalk(prior, VAE(latent_dim=20, hidden=(4,)))
    with pytest.raises(ValueError, match="^prior has codes of 20 numbers, and decoder takes codes of 2$"):
        DiffusionWalk(prior, pretrained.load("vae_2"))
    small = shaken(keras.Sequential([keras.Input((20,)), layers.Dense(100)]))
    with pytest.raises(
        ValueError, match="^decoder must give 784 pixels for each code, 28 x 28 as `pixels` says, not 100$"
    ):
        DiffusionWalk(prior, small)
    conditional = shaken(VAE(latent_dim=20, hidden=(4,), n_classes=10).decoder_logits)
    with pytest.raises(ValueError, match="^decoder must be a trained"):
        DiffusionWalk(prior, conditional)
    vae = VAE(latent_dim=20, hidden=(4,), n_classes=10)
    shaken(vae.decoder_logits)
    with pytest.raises(ValueError, match="^decoder takes labels, and a walk has only codes for it"):
        DiffusionWalk(prior, vae)


def test_a_velocity_that_is_no_chain(decoder):
    network = velocity()
    row = network.get_layer("row").output
    h = layers.Dense(8, "silu")(row)
    outputs = layers.Dense(20)(layers.Concatenate()([row, h]))  # the other way round
    prior = prior_of(shaken(keras.Model(network.inputs, outputs)))
    with pytest.raises(ValueError, match="the page can only compute a velocity network whose dense layers form one"):
        DiffusionWalk(prior, decoder)


def test_repr_is_short(walk):
    assert repr(walk) == "DiffusionWalk()"
