"""Train the VAEs of lesson 05 and store their weights: `make weights`, about three minutes."""

import re
from pathlib import Path

import keras

from pylib import pretrained
from pylib.models import VAE
from pylib.tf_utils import compile_settings, mnist_train

EPOCHS = 10


def train(settings):
    images, labels = mnist_train()
    conditional = "n_classes" in settings
    vae = VAE(**settings)
    vae.compile(**compile_settings(50_000, EPOCHS, learning_rate=2e-3))
    vae.fit(
        images[:50_000],
        labels[:50_000] if conditional else None,
        validation_data=(images[50_000:], labels[50_000:]) if conditional else images[50_000:],
        batch_size=128,
        epochs=EPOCHS,
        verbose=2,
    )
    return vae


def main():
    keras.utils.set_random_seed(0)
    vaes = {name: train(settings) for name, settings in pretrained.MODELS.items()}
    sha256 = pretrained.save(vaes, pretrained.BUNDLED)
    module = Path(pretrained.__file__)
    source = module.read_text(encoding="utf-8")
    module.write_text(re.sub('BUNDLED_SHA256 = ".*"', f'BUNDLED_SHA256 = "{sha256}"', source), encoding="utf-8")
    print(f"{pretrained.BUNDLED.name}: {pretrained.BUNDLED.stat().st_size / 1e6:.2f} MB, sha256 {sha256}")


if __name__ == "__main__":
    main()
