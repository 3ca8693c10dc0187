"""Pictures are shown with a text for those who can't see them."""

import base64
import io
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

from pylib.pictures import described, show, show_image


@pytest.fixture(autouse=True)
def agg():
    plt.switch_backend("agg")
    yield
    plt.close("all")


def line():
    return plt.subplots(figsize=(2, 1))[0]


def test_png_and_alt_text_where_readers_look_for_it():
    figure = line()
    data, metadata = described(figure, "A straight line that rises.")
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.format == "PNG" and picture.width > picture.height
    assert data["text/plain"] == metadata["image/png"]["alt"] == "A straight line that rises."


def test_shows_the_current_figure_and_closes_it():
    line(), line()
    InteractiveShell.instance()
    try:
        with capture_output() as captured:
            show("A straight line that rises.")
    finally:
        InteractiveShell.clear_instance()
    (output,) = captured.outputs
    assert set(output.data) == {"image/png", "text/plain"}
    assert output.metadata == {"image/png": {"alt": "A straight line that rises."}}
    assert len(plt.get_fignums()) == 1


def test_the_courses_own_pictures_are_shown_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    InteractiveShell.instance()
    try:
        with capture_output() as captured:
            show_image("VAE.png", "A digit, its code, and the digit again.")
    finally:
        InteractiveShell.clear_instance()
    (output,) = captured.outputs
    stored = Path(__file__).parents[1] / "images" / "VAE.png"
    assert base64.b64decode(output.data["image/png"]) == stored.read_bytes()
    assert output.metadata == {"image/png": {"alt": "A digit, its code, and the digit again."}}
    with pytest.raises(ValueError, match=r"name must be one of VAE.png, .*, not 'VAE'"):
        show_image("VAE", "A digit, its code, and the digit again.")


@pytest.mark.parametrize("alt", ["", "A picture.", "digits_and_reconstructions"])
def test_alt_text_that_says_nothing(alt):
    line()
    with pytest.raises(ValueError, match="alt must say in a sentence"):
        show(alt)
    assert plt.get_fignums()  # nothing is lost


def test_there_must_be_a_figure():
    with pytest.raises(ValueError, match="there is no figure to show: draw one first"):
        show("A straight line that rises.")
