"""A wait in JupyterLab: a line says how long it still takes, a plot begins with its first point, and nothing stays."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import Lesson

TRAINING = """\
%matplotlib inline
import time, keras
from pylib import plots
from pylib.models import build_autoencoder
from pylib.tf_utils import mnist_train
from pylib.training import LossPlot, train
plots.use_style()
x = mnist_train()[0][:2_000]
pause = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(2))
history = train(build_autoencoder([8])[2], (x, x), (x, x), 5, callbacks=[pause, LossPlot(loss="MSE")])
"""


@pytest.fixture(scope="module")
def training(chromium, server):
    server.store("training", TRAINING)
    run = Lesson(chromium, server, "training")
    run.start()
    yield run
    run.page.close()


def test_says_how_long_it_takes_and_leaves_nothing(training):
    outputs = training.page.locator(".jp-OutputArea-output")
    line, plot = outputs.filter(has_text=" so far, "), training.page.locator(".jp-OutputArea-output img")
    expect(line).to_contain_text("left", timeout=120_000)
    assert plot.count() == 0  # no axes before there is something to draw
    expect(line).to_contain_text("epoch 2 of 5", timeout=120_000)
    expect(line).not_to_contain_text("? left")
    expect(plot).to_have_count(1, timeout=120_000)

    training.wait()
    expect(line).to_have_count(0)
    assert plot.count() == 1
    heights = outputs.evaluate_all("outputs => outputs.map(output => output.getBoundingClientRect().height)")
    assert [height for height in heights if 0 < height < 50] == []  # no empty line above the plot
    assert training.errors == []
