"""Pictures as a learner may have them."""

import gzip
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

FASHION = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist
CLOTHES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]


def fashion(part):
    """Fashion-MNIST's images, uint8 `(n, 28, 28)`, and labels; `part` is "train" or "t10k"."""
    arrays = []
    for kind, header in (("images-idx3", 16), ("labels-idx1", 8)):
        file = gzip.decompress((FASHION / f"{part}-{kind}-ubyte.gz").read_bytes())
        arrays.append(np.frombuffer(file, np.uint8, offset=header))
    return arrays[0].reshape(-1, 28, 28), arrays[1]


def write_fashion(file):
    """Write Fashion-MNIST as an .npz file such as learners may have, and return it."""
    (x_train, y_train), (x_test, y_test) = fashion("train"), fashion("t10k")
    np.savez(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test, class_names=np.array(CLOTHES))
    return file


def write_digits(folder):
    """Write scikit-learn's 1,797 digits, 8 x 8 pixels, as PNGs into `folder/0` to `folder/9`, and return the folder."""
    digits = load_digits()
    for i, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        file = folder / str(label) / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15.9375).astype(np.uint8)).save(file)  # from 0 to 16 to 0 to 255
    return folder
