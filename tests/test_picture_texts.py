"""Pictures are shown with a text for those who can't see them."""

import base64
import io

import matplotlib.pyplot as plt
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

from pylib.pictures import described, show


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


@pytest.mark.parametrize("alt", ["", "A picture.", "digits_and_reconstructions"])
def test_alt_text_that_says_nothing(alt):
    line()
    with pytest.raises(ValueError, match="alt must say in a sentence"):
        show(alt)
    assert plt.get_fignums()  # nothing is lost


def test_there_must_be_a_figure():
    with pytest.raises(ValueError, match="there is no figure to show: draw one first"):
        show("A straight line that rises.")
