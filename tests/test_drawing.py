import keras
import numpy as np
import pytest

from pylib import plots, pretrained
from pylib.mnist_dataset import load
from pylib.models import build_autoencoder
from pylib.preprocessing import centre_digit
from pylib.widgets import DenoisedDrawing, DigitCanvas, DrawnDigit, drawing
from pylib.widgets.engine import compute


def ink():
    picture = np.zeros((drawing.SIDE, drawing.SIDE), np.uint8)
    picture[20:80, 30:38] = 255
    return picture


def test_canvas_makes_an_image_of_its_ink():
    canvas = DigitCanvas()
    assert canvas.image is None
    seen = []
    canvas.observe(lambda change: seen.append(change.new), "image")
    canvas.ink = ink().tobytes()
    assert np.array_equal(canvas.image, centre_digit(ink() / 255))
    canvas.ink = bytes(drawing.SIDE**2)
    assert canvas.image is None and len(seen) == 2
    assert repr(canvas) == "DigitCanvas()"


def test_drawn_digit_sends_what_places_and_reconstructs_it():
    vae = pretrained.load("vae_2")
    images, labels = load("test")
    codes = np.asarray(vae.encoder(images[:300])[0])
    widget = DrawnDigit(vae, codes, labels[:300])
    assert np.allclose(compute(widget._encoder, images[:50]), codes[:50], atol=widget._limit / 400)
    assert np.allclose(compute(widget._decoder, codes), vae.decoder(codes), atol=1 / 255)
    points = np.frombuffer(widget._points, "<f4").reshape(-1, 2)
    digits = np.frombuffer(widget._digits, "u1")
    assert sorted(zip(*points.T, digits, strict=True)) == sorted(zip(*codes.T, labels[:300], strict=True))
    widget.ink = ink().tobytes()
    assert np.array_equal(widget.image, centre_digit(ink() / 255))
    assert repr(widget) == "DrawnDigit()" and widget._names == []


def test_drawing_of_named_classes():
    vae, codes = pretrained.load("vae_2"), np.random.default_rng(0).normal(size=(60, 2))
    names = [f"class {i}" for i in range(12)]
    widget = DrawnDigit(vae, codes, np.arange(60) % 12, names)
    assert widget.get_state()["_names"] == names and set(widget._digits) == set(range(12))
    assert widget._colors == plots.palette(12).as_hex()
    with pytest.raises(ValueError, match="labels must lie in 0 to 10, not in 0 to 11"):
        DrawnDigit(vae, codes, np.arange(60) % 12, names[:11])


def test_vaes_that_have_no_plane_for_a_drawing():
    codes, labels = np.zeros((3, 2)), np.zeros(3, int)
    with pytest.raises(ValueError, match="a drawing has no label: give a VAE without n_classes"):
        DrawnDigit(pretrained.load("conditional_2"), codes, labels)
    with pytest.raises(ValueError, match="latent_dim 2, not 20"):
        DrawnDigit(pretrained.load("vae_20"), codes, labels)


def test_denoised_drawing_sends_noise_and_networks():
    networks = {"narrow": build_autoencoder([8])[2], "wide": build_autoencoder([64, 32], "relu", None)[2]}
    widget = DenoisedDrawing(networks)
    images = load("test")[0][:20]
    for name, network in networks.items():
        assert np.allclose(compute(widget._networks[name], images), network(images), atol=1 / 255)
    noise = np.frombuffer(widget._noise, "<f4")
    assert len(noise) == 784 and abs(noise.mean()) < 0.1 and 0.9 < noise.std() < 1.1
    assert widget.network == "narrow"
    widget.network = "wide"
    with pytest.raises(ValueError, match="network must be one of narrow, wide, not 'deep'"):
        widget.network = "deep"
    with pytest.raises(ValueError, match="sigma must lie between 0 and 0.6, not at 0.7"):
        widget.sigma = 0.7
    assert (widget.network, widget.sigma) == ("wide", 0.3)


def test_networks_that_the_page_cannot_compute():
    convolution = keras.Sequential([keras.Input((784,)), keras.layers.Reshape((28, 28, 1)), keras.layers.Conv2D(1, 3)])
    with pytest.raises(ValueError, match="conv must be a Keras model of dense layers from 784 pixels to 784"):
        DenoisedDrawing({"conv": convolution})
    with pytest.raises(ValueError, match="reconstruct must be a dict of a network's name"):
        DenoisedDrawing({})
