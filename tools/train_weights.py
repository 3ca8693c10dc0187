"""Train the networks that come with pylib and store their weights: `make weights`, some four minutes.

`python -m tools.train_weights classifier` trains what is in classifier.npz alone.
"""

import sys

import keras

from pylib import pretrained, quality
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


TRAINING = {pretrained.BUNDLED: train_vaes, quality.BUNDLED: train_classifier}


def main(names):
    for path, train in TRAINING.items():
        if not names or path.stem in names:
            keras.utils.set_random_seed(0)
            train()
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
