"""Train the networks that come with pylib and store their weights: `make weights`, some five minutes.

`python -m tools.train_weights classifier` trains what is in classifier.npz alone.
"""

import sys

import keras
import numpy as np

from pylib import pretrained, quality
from pylib.diffusion import Diffusion, build_velocity, fit_velocity
from pylib.likelihood import encode
from pylib.models import VAE
from pylib.tf_utils import mnist_train
from pylib.training import batches, compile_settings, fit_vae

EPOCHS = 10


def train_vae(settings):
    data = mnist_train() if "n_classes" in settings else mnist_train()[:1]
    vae = VAE(**settings)
    training, held_out = tuple(array[:50_000] for array in data), tuple(array[50_000:] for array in data)
    history = fit_vae(vae, training, held_out, EPOCHS, learning_rate=2e-3)
    print(f"{settings}: {history['val_loss'][-1]:.1f} nats on held-out digits")
    return vae


def train_classifier():
    images, labels = mnist_train()
    classifier = quality.build_classifier()
    probabilities = keras.Model(classifier.input, classifier.output[1])
    probabilities.compile(
        loss="sparse_categorical_crossentropy", metrics=["accuracy"], **compile_settings(50_000, EPOCHS, 2e-3)
    )
    data = {"x": batches(images[:50_000], labels[:50_000]), "validation_data": (images[50_000:], labels[50_000:])}
    history = probabilities.fit(**data, epochs=EPOCHS, shuffle=False, verbose=0).history
    print(f"classifier: {history['val_accuracy'][-1]:.1%} of held-out digits read rightly")
    quality.save_classifier(classifier)


def train_vaes():
    pretrained.save({name: train_vae(settings) for name, settings in pretrained.MODELS.items()})


def train_diffusion():
    """On one draw of each training digit's code, standardised, as lesson 06 does it with fewer units."""
    images, labels = (array[:50_000] for array in mnist_train())
    z_mean, z_log_var = encode(pretrained.load("vae_20"), images)
    codes = z_mean + np.exp(z_log_var / 2) * np.random.default_rng(0).normal(size=z_mean.shape)
    mean, scale = codes.mean(axis=0), codes.std(axis=0)
    network = build_velocity(**pretrained.VELOCITY)
    history = fit_velocity(network, (codes - mean) / scale, labels, 40)
    print(f"diffusion: squared error of a velocity's number {history['loss'][-1]:.3f}")
    pretrained.save_diffusion(Diffusion(network, mean, scale))


# The diffusion comes last, since it learns the codes of a VAE.
TRAINING = {pretrained.BUNDLED: train_vaes, quality.BUNDLED: train_classifier, pretrained.DIFFUSION: train_diffusion}


def main(names):
    for path, train in TRAINING.items():
        if not names or path.stem in names:
            keras.utils.set_random_seed(0)
            train()
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
