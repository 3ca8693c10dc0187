"""The score of samples: the distance against SciPy and closed forms, the classifier against real and broken digits."""

import hashlib
import re
import shutil

import numpy as np
import pytest
from scipy import linalg, special, stats

from pylib import quality
from pylib.quality import classify, confident_share, frechet_distance, gaussian_frechet_distance
from pylib.tf_utils import mnist_test, mnist_train

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def halves():
    """The 10,000 digits that the classifier has not seen, shuffled: a reference and as many others."""
    images = mnist_train()[0][50_000:]
    return np.split(images[np.random.default_rng(1).permutation(len(images))], 2)


def gaussian(d, rank=None):
    factor = RNG.normal(size=(d, rank or 2 * d))
    return RNG.normal(size=d), factor @ factor.T / d


# --- The distance of two Gaussians ------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 7, 30])
def test_distance_equals_scipys_matrix_root(d):
    (m, c), (n, e) = gaussian(d), gaussian(d)
    root = np.real(linalg.sqrtm(c @ e))  # the textbook's way, which holds where no eigenvalue is 0
    expected = np.sum((m - n) ** 2) + np.trace(c + e - 2 * root)
    assert gaussian_frechet_distance(m, c, n, e) == pytest.approx(expected, rel=1e-9)


def test_distance_of_independent_numbers_in_closed_form():
    sigma, tau, m, n = np.array([0.0, 0.5, 2.0]), np.array([1.5, 0.5, 0.0]), np.zeros(3), np.array([1.0, -2.0, 0.5])
    expected = np.sum((m - n) ** 2) + np.sum((sigma - tau) ** 2)
    assert gaussian_frechet_distance(m, np.diag(sigma**2), n, np.diag(tau**2)) == pytest.approx(expected, rel=1e-12)


def test_distance_in_one_dimension_is_that_of_the_quantiles():
    # The 2-Wasserstein distance of two densities on the line: the mean square between equal quantiles.
    u = (np.arange(1_000_000) + 0.5) / 1_000_000
    expected = np.mean((stats.norm.ppf(u, 0.3, 1.2) - stats.norm.ppf(u, -1, 0.4)) ** 2)
    assert gaussian_frechet_distance([0.3], [[1.44]], [-1], [[0.16]]) == pytest.approx(expected, rel=1e-4)


def test_features_that_never_vary_do_no_harm():
    (m, c), (n, e) = gaussian(12, rank=5), gaussian(12, rank=5)
    basis = linalg.qr(RNG.normal(size=(20, 12)), mode="economic")[0]  # the same Gaussians in 20 dimensions
    seen = gaussian_frechet_distance(basis @ m, basis @ c @ basis.T, basis @ n, basis @ e @ basis.T)
    assert seen == pytest.approx(gaussian_frechet_distance(m, c, n, e), rel=1e-6)
    assert gaussian_frechet_distance(m, c, m, c) == pytest.approx(0, abs=1e-6)


def test_distance_is_symmetric_and_a_shift_counts_by_its_square():
    (m, c), (n, e) = gaussian(5), gaussian(5)
    assert gaussian_frechet_distance(m, c, n, e) == pytest.approx(gaussian_frechet_distance(n, e, m, c), rel=1e-9)
    assert gaussian_frechet_distance(m, c, m + 2, c) == pytest.approx(20, rel=1e-9)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"other_mean": np.zeros(2)}, r"other_mean must have shape \(3,\), not \(2,\)"),
        ({"covariance": np.eye(2)}, r"covariance must have shape \(3, 3\), not \(2, 2\)"),
        ({"covariance": np.triu(np.ones((3, 3)))}, "covariance must be a covariance: symmetric"),
        ({"other_covariance": -np.eye(3)}, "other_covariance must be a covariance: .* no eigenvalue below 0"),
        ({"mean": [0, np.nan, 0]}, "mean must hold finite numbers"),
    ],
)
def test_what_is_no_gaussian(wrong, message):
    right = {"mean": np.zeros(3), "covariance": np.eye(3), "other_mean": np.ones(3), "other_covariance": np.eye(3)}
    with pytest.raises(ValueError, match=message):
        gaussian_frechet_distance(**right | wrong)


# --- The distance of two sets of images -------------------------------------------------------------


def test_it_is_the_gaussians_of_the_features(halves):
    a, b = (half[:600] for half in halves)
    features = [classify(x)[0].astype("float64") for x in (a, b)]
    moments = [part for f in features for part in (np.mean(f, axis=0), (f - f.mean(0)).T @ (f - f.mean(0)) / 599)]
    assert frechet_distance(a, b) == pytest.approx(gaussian_frechet_distance(*moments), rel=1e-6)
    assert frechet_distance(a, a[::-1]) == pytest.approx(0, abs=1e-3)


def test_real_digits_are_nearest_and_null_models_far(halves):
    reference, real = halves
    floor = frechet_distance(real, reference)
    assert floor < 1.5  # measured: .88
    shuffled = np.stack([x[RNG.permutation(784)] for x in real])
    for images in (
        np.tile(reference.mean(axis=0), (5000, 1)),
        RNG.random((5000, 784)).astype("float32"),
        shuffled,
        np.tile(real[:1], (5000, 1)),  # one clear digit, again and again
    ):
        assert frechet_distance(images, reference) > 100 * floor  # measured: 216 to 584
    noisy = np.clip(real + RNG.normal(0, 0.1, real.shape), 0, 1)
    assert 5 * floor < frechet_distance(noisy, reference) < frechet_distance(shuffled, reference) / 5  # measured: 12


def test_a_small_set_and_an_unshuffled_one_are_farther(halves):
    reference, real = halves
    floor = frechet_distance(real, reference)
    assert frechet_distance(real[:1000], reference[:1000]) > 3 * floor  # measured: 4.4
    assert frechet_distance(*np.split(mnist_test()[0], 2)) > 5 * floor  # measured: 13, by the order of the writers


def test_what_can_not_be_compared(halves):
    a = halves[0][:5]
    with pytest.raises(ValueError, match="equally many, two or more, not 5 and 4: the distance depends on how many"):
        frechet_distance(a, a[:4])
    with pytest.raises(ValueError, match="two or more, not 1 and 1"):
        frechet_distance(a[:1], a[:1])
    with pytest.raises(ValueError, match="reference must lie in .* divide pixels by 255"):
        frechet_distance(a, 255 * a)


# --- The classifier ---------------------------------------------------------------------------------


def test_it_reads_digits_that_it_has_not_seen():
    images, labels = mnist_test()
    features, probabilities = classify(images)
    assert features.shape == (10_000, 128)
    assert features.min() >= 0
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.mean(probabilities.argmax(axis=1) == labels) > 0.975  # measured: .982


def test_probabilities_are_the_softmax_of_the_last_layer_on_the_features(halves):
    with np.load(quality.BUNDLED) as arrays:
        w, b, w_2, b_2, w_3, b_3 = (arrays[str(i)].astype("float64") for i in range(6))
    features = np.maximum(np.maximum(halves[0][:50] @ w + b, 0) @ w_2 + b_2, 0)
    seen = classify(halves[0][:50])
    assert seen[0] == pytest.approx(features, abs=1e-3)
    logits = features @ w_3 + b_3
    assert seen[1] == pytest.approx(special.softmax(logits, axis=1), abs=1e-4)


def test_confident_share_counts_rows_above_the_threshold(halves):
    real = halves[1]
    likeliest = classify(real)[1].max(axis=1)
    for above in (0, 0.5, 0.9, 0.999):
        assert confident_share(real, above) == pytest.approx(sum(p > above for p in likeliest) / len(likeliest))
    assert confident_share(real) > 0.95  # measured: .975
    assert confident_share(np.tile(real.mean(axis=0), (2, 1))) == 0
    assert confident_share(RNG.random((2000, 784))) < 0.5  # measured: .21


@pytest.mark.parametrize("above", [1, -0.1, np.nan, None, "0.9", True])
def test_what_is_no_threshold(above, halves):
    with pytest.raises(ValueError, match="above must be a probability of 0 or more and below 1, not"):
        confident_share(halves[0][:2], above)


# --- Its weights ------------------------------------------------------------------------------------


def test_weights_come_back_as_they_were_saved(tmp_path, monkeypatch, halves):
    classifier = quality.build_classifier()
    path = tmp_path / "again.npz"
    quality.save_classifier(classifier, str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (tmp_path / "again.npz.sha256").read_text() == f"{digest}  again.npz\n"
    monkeypatch.setattr(quality, "BUNDLED", path)
    features, probabilities = classifier(halves[0][:20])
    assert classify(halves[0][:20])[0] == pytest.approx(np.asarray(features), abs=2e-3)  # as float16
    assert classify(halves[0][:20])[1] == pytest.approx(np.asarray(probabilities), abs=2e-3)


def test_the_file_is_small():
    assert quality.BUNDLED.stat().st_size < 5e5


def test_damaged_and_missing_weights(tmp_path, monkeypatch, halves):
    for file in (quality.BUNDLED, quality.BUNDLED.with_name("classifier.npz.sha256")):
        shutil.copy(file, tmp_path)
    path = tmp_path / "classifier.npz"
    path.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setattr(quality, "BUNDLED", path)
    with pytest.raises(ValueError, match=re.escape("sha256 differs): restore it from the repository, or run `make w")):
        classify(halves[0][:2])
    path.unlink()
    with pytest.raises(FileNotFoundError, match="there is no file .*classifier.npz: restore it"):
        classify(halves[0][:2])


def test_save_refuses_what_could_not_be_read(tmp_path):
    classifier = quality.build_classifier()
    for wrong in (None, quality.build_classifier, classifier.layers[1], [classifier]):
        with pytest.raises(ValueError, match=r"classifier must be a build_classifier\(\), trained, not"):
            quality.save_classifier(wrong, tmp_path / "a.npz")
    with pytest.raises(ValueError, match="path must end in .npz, as classifier.npz does"):
        quality.save_classifier(classifier, tmp_path / "a")
    classifier.weights[0].assign(np.full((784, 256), np.nan))
    with pytest.raises(ValueError, match="classifier has a weight that float16 can't hold, or a NaN"):
        quality.save_classifier(classifier, tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []
