"""How good are pictures of digits? Two figures, both by the eyes of a small classifier that comes with pylib.

The Fréchet distance compares a *set* of pictures with a set of real digits, as M. Heusel et al. (2017) do with the
features of a large network for photographs. These features are another network's, so the figures can't be compared
with published ones. The share of confident ones looks at each picture by itself, and at no real digit.
"""

import functools
from pathlib import Path

from pylib import _backend  # noqa: F401  # isort: skip
import keras
import numpy as np
from keras import layers

from pylib import _bundled, _validate

BUNDLED = Path(__file__).with_name("classifier.npz")
N_FEATURES = 128


def build_classifier():
    """Build the classifier of digits, 784-256-128-10 with relu, untrained; `make weights` trains it.

    Returns
    -------
    classifier : a Keras model, images `(n, 784)` -> [features `(n, 128)`, probabilities of the labels `(n, 10)`]
    """
    x = keras.Input((784,), name="image")
    h = layers.Dense(256, activation="relu")(x)
    features = layers.Dense(N_FEATURES, activation="relu", name="features")(h)
    probabilities = layers.Dense(10, activation="softmax", name="probabilities")(features)
    return keras.Model(x, [features, probabilities], name="classifier")


def _validate_save(classifier, path):
    shapes = [weight.shape for weight in build_classifier().weights]
    weights = getattr(classifier, "weights", [])
    if isinstance(classifier, type) or [weight.shape for weight in weights] != shapes:
        raise ValueError(f"classifier must be a build_classifier(), trained, not {_validate.shown(classifier)}")
    _validate.storable(weights, "classifier")
    return {"path": _validate.npz_path(path, BUNDLED.name)}


@_validate.arguments(_validate_save)
def save_classifier(classifier, path=BUNDLED):
    """Write the classifier's weights as float16, and beside them their sha256.

    Parameters
    ----------
    classifier : a `build_classifier()`, trained
    path : of the .npz file

    Raises
    ------
    FileNotFoundError : there is no such folder
    ValueError : the model has other layers or weights that float16 can't hold, or `path` doesn't end in .npz
    """
    _bundled.save(path, {str(i): np.asarray(weight).astype("float16") for i, weight in enumerate(classifier.weights)})


@functools.cache
def _load_classifier(path):
    arrays = _bundled.load(path, remedy="restore it from the repository, or run `make weights`")
    classifier = build_classifier()
    for i, weight in enumerate(classifier.weights):
        weight.assign(arrays[str(i)].astype("float32"))
    return classifier


def _validate_images(images):
    _validate.images(images)
    return {"images": np.asarray(images)}


@_validate.arguments(_validate_images)
def classify(images):
    """What the classifier that comes with pylib sees in images; of real held-out digits, it reads 98 % rightly.

    It has seen the first 50,000 training digits only, so the last 10,000 are held out for it, too.

    Parameters
    ----------
    images : array `(n, 784)` in [0, 1]

    Returns
    -------
    features : array `(n, 128)`, what its last hidden layer gives, 0 or more
    probabilities : array `(n, 10)` of the labels 0 to 9, in rows that sum to 1

    Raises
    ------
    FileNotFoundError : the weights are missing
    ValueError : the images are none, or the weights are not those this project ships
    """
    return tuple(_load_classifier(BUNDLED).predict(images, batch_size=1000, verbose=0))


def _validate_confident_share(images, above):
    if not _validate.is_number(above) or not 0 <= above < 1:
        raise ValueError(f"above must be a probability of 0 or more and below 1, not {_validate.shown(above)}")
    return _validate_images(images)


@_validate.arguments(_validate_confident_share)
def confident_share(images, above=0.9):
    """The share of the images whose likeliest label has a probability above the threshold.

    It sees whether single images look like *a* digit, and neither whether it is the right one nor whether all ten are
    there: a thousand copies of one clear 1 have 1.0.

    Parameters
    ----------
    images : array `(n, 784)` in [0, 1]
    above : the threshold

    Returns
    -------
    share : from 0 to 1

    Raises
    ------
    FileNotFoundError : the weights are missing
    ValueError : the images are none, the threshold is no probability, or the weights are not those this project ships
    """
    probabilities = classify(images)[1]
    return float(np.mean(probabilities.max(axis=1) > above))


def _validate_frechet_distance(images, reference):
    _validate.images(images)
    _validate.images(reference, name="reference")
    if len(images) != len(reference) or len(images) < 2:
        raise ValueError(
            "images and reference must be equally many, two or more, not "
            f"{len(images)} and {len(reference)}: the distance depends on how many there are"
        )
    return {"images": np.asarray(images), "reference": np.asarray(reference)}


@_validate.arguments(_validate_frechet_distance)
def frechet_distance(images, reference):
    """The Fréchet distance of two sets of images: between Gaussians fitted to the features that the classifier sees.

    Compare figures only if they have the same reference and the same number of images: of a small set, the covariance
    is off by chance, and so real digits are at a distance from other real digits, which is the floor (.9 with 5,000,
    4.4 with 1,000). Shuffle before you choose: MNIST's writers change along the file, and the first half of the test
    digits is at 13 from the second.

    Parameters
    ----------
    images : array `(n, 784)` in [0, 1]
    reference : array `(n, 784)` of real digits

    Returns
    -------
    distance : 0 or more, squared units of a feature

    Raises
    ------
    FileNotFoundError : the weights are missing
    ValueError : the images are none or not as many as the reference, or the weights are not those this project ships
    """
    moments = []
    for features in (classify(images)[0], classify(reference)[0]):
        moments += [features.mean(axis=0, dtype="float64"), np.cov(features, rowvar=False, dtype="float64")]
    return gaussian_frechet_distance(*moments)


def _validate_gaussians(mean, covariance, other_mean, other_covariance):
    mean = _validate.array(mean, ("d",), "mean")
    other_mean = _validate.array(other_mean, mean.shape, "other_mean")
    matrices = {"covariance": covariance, "other_covariance": other_covariance}
    for name, matrix in matrices.items():
        matrix = matrices[name] = _validate.array(matrix, mean.shape * 2, name)
        if not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix).min() < -1e-6 * max(1, np.abs(matrix).max()):
            raise ValueError(f"{name} must be a covariance: symmetric, and with no eigenvalue below 0")
    return {"mean": mean, "other_mean": other_mean, **matrices}


@_validate.arguments(_validate_gaussians)
def gaussian_frechet_distance(mean, covariance, other_mean, other_covariance):
    r"""The Fréchet (2-Wasserstein) distance of two Gaussians, squared (D. C. Dowson, B. V. Landau, 1982).

    It is :math:`|m - m'|^2 + \mathrm{tr}(C + C' - 2 (C^{1/2} C' C^{1/2})^{1/2})`. The trace of that root is the sum of
    the roots of the eigenvalues of a symmetric matrix, which stays right where a feature never varies; a general
    matrix root of :math:`C C'` does not.

    Parameters
    ----------
    mean : array `(d,)`, of the first Gaussian
    covariance : array `(d, d)`
    other_mean : array `(d,)`, of the second
    other_covariance : array `(d, d)`

    Returns
    -------
    distance : 0 or more, in squared units of the numbers

    Raises
    ------
    ValueError : the arrays have other shapes or hold a NaN, or a covariance is none
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    shared = np.linalg.eigvalsh(root @ other_covariance @ root)
    spread = np.trace(covariance) + np.trace(other_covariance) - 2 * np.sqrt(np.maximum(shared, 0)).sum()
    return float(np.sum((mean - other_mean) ** 2) + max(spread, 0))
