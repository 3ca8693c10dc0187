"""How lessons train a network, and see it train."""

import keras
import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.ticker import MaxNLocator

from pylib.tf_utils import batches, compile_settings


class LossPlot(keras.callbacks.Callback):
    """Draw the logs of `fit` as it goes: one figure, updated after each epoch.

    `LossPlot(loss="MSE per pixel")` has one panel, with that title on its y axis, that shows `loss`
    and, where there is validation data, `val_loss`; each further keyword adds a panel.
    """

    def __init__(self, **panels):
        super().__init__()
        if not panels:
            raise ValueError('LossPlot needs a log to draw and its unit, as in LossPlot(loss="MSE per pixel")')
        self.panels = panels

    def on_train_begin(self, logs=None):
        self.epochs, self.logs = [], []
        width = 6 if len(self.panels) == 1 else 4 * len(self.panels)
        self.figure, self.axes = plt.subplots(1, len(self.panels), figsize=(width, 2.8), squeeze=False)
        plt.close(self.figure)  # or the inline backend shows it a second time
        self.handle = display(self.figure, display_id=True)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch + 1)
        self.logs.append(logs)
        for axes, (name, unit) in zip(self.axes[0], self.panels.items(), strict=True):
            axes.clear()
            for key, label, marker in ((name, "training", "o"), (f"val_{name}", "held out", "s")):
                if key in logs:
                    axes.plot(self.epochs, [log[key] for log in self.logs], marker=marker, markersize=4, label=label)
            axes.set(xlabel="epoch", ylabel=unit)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            if axes.lines:
                axes.legend()
        if self.handle is not None:  # None where there is no notebook
            self.handle.update(self.figure)


def train(model, training, held_out, epochs, learning_rate=4e-3, callbacks=()):
    """Fit `model` to pairs of inputs and targets with MSE, Adam and batches of 128, drawing the loss as it goes.

    Parameters
    ----------
    model : a Keras model; its weights change
    training, held_out : `(inputs, targets)`, such as `(x_train, x_train)`
    epochs : passes through the training pairs
    learning_rate : the largest step size, of `tf_utils.compile_settings`

    Returns
    -------
    history : dict of a log's name to its values, one for each epoch
    """
    model.compile(loss="mse", **compile_settings(len(training[0]), epochs, learning_rate))
    callbacks = [LossPlot(loss="MSE per pixel"), *callbacks]
    data = {"x": batches(*training), "shuffle": False, "validation_data": held_out, "validation_batch_size": 200}
    return model.fit(**data, epochs=epochs, verbose=0, callbacks=callbacks).history


def fit_vae(vae, training, held_out, epochs, learning_rate=3e-3, callbacks=()):
    """Fit a `models.VAE` with Adam and batches of 128.

    Parameters
    ----------
    vae : its weights change
    training, held_out : `(images,)`, or `(images, labels)` for a conditional VAE
    epochs : passes through the training images
    learning_rate : the largest step size, of `tf_utils.compile_settings`

    Returns
    -------
    history : dict of a log's name to its values in nats, one for each epoch
    """
    vae.compile(**compile_settings(len(training[0]), epochs, learning_rate))
    x = batches(vae.checked(*training))
    data = {"x": x, "shuffle": False, "validation_data": held_out, "validation_batch_size": 200}
    return vae.fit(**data, epochs=epochs, verbose=0, callbacks=list(callbacks)).history
