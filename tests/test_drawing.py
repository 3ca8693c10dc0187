import matplotlib.pyplot as plt
import numpy as np
import pytest

from pylib import pretrained
from pylib.mnist_dataset import load
from pylib.preprocessing import centre_digit
from pylib.widgets import DigitCanvas, DrawnDigit, drawing


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


@pytest.mark.parametrize("constrained", [False, True])
def test_drawn_digit_shows_its_place(constrained, monkeypatch):
    monkeypatch.setitem(plt.rcParams, "figure.constrained_layout.use", constrained)
    vae = pretrained.load("vae_2")
    images, labels = load("test")
    codes = np.asarray(vae.encoder(images[:300])[0])
    widget = DrawnDigit(vae, codes, labels[:300])
    before = widget._picture.value
    widget.canvas.ink = ink().tobytes()
    z = np.asarray(vae.encoder(widget.image[None])[0])[0]
    assert np.allclose(np.ravel(widget._place.get_data()), z)
    assert widget._picture.value != before
    widget.canvas.ink = bytes(drawing.SIDE**2)
    assert widget._picture.value == before
    with pytest.raises(ValueError, match="a drawing has no label: give a VAE without n_classes"):
        DrawnDigit(pretrained.load("conditional_2"), codes, labels[:300])
    with pytest.raises(ValueError, match="latent_dim 2, not 20"):
        DrawnDigit(pretrained.load("vae_20"), codes, labels[:300])
