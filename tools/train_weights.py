"""Train the VAEs of lesson 05 and store their weights: `make weights`, about three minutes."""

import keras

from pylib import pretrained
from pylib.models import VAE
from pylib.tf_utils import mnist_train
from pylib.training import fit_vae

EPOCHS = 10


def train(settings):
    data = mnist_train() if "n_classes" in settings else mnist_train()[:1]
    vae = VAE(**settings)
    training, held_out = tuple(array[:50_000] for array in data), tuple(array[50_000:] for array in data)
    history = fit_vae(vae, training, held_out, EPOCHS, learning_rate=2e-3)
    print(f"{settings}: {history['val_loss'][-1]:.1f} nats on held-out digits")
    return vae


def main():
    keras.utils.set_random_seed(0)
    pretrained.save({name: train(settings) for name, settings in pretrained.MODELS.items()})
    print(f"{pretrained.BUNDLED.name}: {pretrained.BUNDLED.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
