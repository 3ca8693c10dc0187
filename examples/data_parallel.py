"""Train the lessons' VAE on several devices at once: `python data_parallel.py [devices]`.

Without graphics cards, the devices are virtual: shares of the processor, to try the code on any machine.
See DATA_PARALLEL.md.
"""

import os
import sys

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


def main(devices):
    strategy = strategy_for(devices)
    keras.utils.set_random_seed(0)
    x = mnist_train()[0][:6400]
    batch_size = 256  # of all devices together
    with strategy.scope():
        vae = VAE()
        settings = compile_settings(len(x), epochs=2, batch_size=batch_size)
        settings["steps_per_execution"] = 1  # TensorFlow cannot mirror its loop over several steps
        settings["jit_compile"] = False  # nor a step that XLA compiled
        vae.compile(**settings)
    history = vae.fit(x, batch_size=batch_size, epochs=2, verbose=0, shuffle=False).history
    print(
        f"-ELBO after each epoch, {strategy.num_replicas_in_sync} at once:",
        *[f"{loss:.4f}" for loss in history["loss"]],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
