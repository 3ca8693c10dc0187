"""Controls that change a picture in place, fast enough to follow the hand.

A widget that computes in the page is three files of one name, .py, .js and .css, on the engine that all share,
engine.py and engine.js.
"""

from pylib.widgets.diffusion_walk import DiffusionWalk
from pylib.widgets.drawing import DenoisedDrawing, DigitCanvas, DrawnDigit
from pylib.widgets.figure_slider import FigureSlider
from pylib.widgets.latent_explorer import LatentExplorer
from pylib.widgets.noise_explorer import NoiseExplorer

__all__ = [
    "DenoisedDrawing",
    "DiffusionWalk",
    "DigitCanvas",
    "DrawnDigit",
    "FigureSlider",
    "LatentExplorer",
    "NoiseExplorer",
]
