"""Train the lessons' VAE on several devices at once: `python data_parallel.py [devices] [folder] [epochs]`.

Without graphics cards, the devices are virtual: shares of the processor, to try the code on any machine. With a folder,
each epoch is saved there, and a run that was stopped goes on from its last whole epoch. See DATA_PARALLEL.md.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

from pylib.models import VAE
from pylib.tf_utils import mnist_train
from pylib.training import compile_settings


def strategy_for(devices):
    """Copies of the model on all graphics cards, or else on `devices` virtual ones; None means a single device."""
    cards = tf.config.list_physical_devices("GPU")
    if not cards:
        shares = [tf.config.LogicalDeviceConfiguration()] * devices
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], shares)
    names = [device.name for device in tf.config.list_logical_devices("GPU" if cards else "CPU")]
    return tf.distribute.MirroredStrategy(names) if len(names) > 1 else tf.distribute.get_strategy()


def main(devices, folder=None, epochs=2):
    strategy = strategy_for(devices)
    keras.utils.set_random_seed(0)
    x = mnist_train()[0][:6400]
    batch_size = 256  # of all devices together
    with strategy.scope():
        vae = VAE()
        settings = compile_settings(len(x), epochs, batch_size=batch_size)
        settings["steps_per_execution"] = 1  # TensorFlow cannot mirror its loop over several steps
        settings["jit_compile"] = False  # nor a step that XLA compiled
        vae.compile(**settings)
    # Weights, the optimiser's state and the number of the epoch; two copies, should the run end while it saves one.
    backup = keras.callbacks.BackupAndRestore(folder, double_checkpoint=True) if folder else keras.callbacks.Callback()

    def tell(epoch, logs):
        print(
            f"epoch {epoch + 1} of {epochs}, {strategy.num_replicas_in_sync} at once: -ELBO {logs['loss']:.4f} nats",
            flush=True,
        )

    told = keras.callbacks.LambdaCallback(on_epoch_end=tell)
    vae.fit(x, batch_size=batch_size, epochs=epochs, verbose=0, shuffle=False, callbacks=[backup, told])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devices", nargs="?", type=int, default=2)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("epochs", nargs="?", type=int, default=2)
    main(**vars(parser.parse_args()))
