import hashlib
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from pylib import mnist_dataset

# sha256 of the four files as first published, 16- and 8-byte headers included
ORIGINALS = {
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def idx(array):
    """The array in the IDX format that MNIST was published in."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize(("split", "n"), [("train", 60_000), ("test", 10_000)])
def test_is_mnist_as_published(split, n):
    images, labels = mnist_dataset.load(split)
    assert images.shape == (n, 784) and images.dtype == np.float32
    assert labels.shape == (n,) and np.issubdtype(labels.dtype, np.integer)
    assert images.min() == 0 and images.max() == 1
    pixels = np.round(images * 255).reshape(n, 28, 28)
    assert hashlib.sha256(idx(pixels)).hexdigest() == ORIGINALS[f"x_{split}"]
    assert hashlib.sha256(idx(labels)).hexdigest() == ORIGINALS[f"y_{split}"]


@pytest.fixture
def arrays():
    return {
        "x_train": np.full((3, 28, 28), 51, np.uint8),
        "y_train": np.array([1, 2, 3]),
        "x_test": np.zeros((2, 28, 28), np.uint8),
        "y_test": np.array([4, 5], np.uint8),
    }


def test_reads_a_file_of_your_own(tmp_path, arrays):
    np.savez(tmp_path / "own.npz", **arrays)
    images, labels = mnist_dataset.load("train", str(tmp_path / "own.npz"))
    assert np.array_equal(images, np.full((3, 784), np.float32(0.2)))
    assert labels.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": None}, "lacks x_train"),
        ({"y_test": None}, "lacks y_test"),
        ({"x_train": np.zeros((3, 28, 28))}, "must be uint8 .* not float64"),
        ({"x_train": np.zeros((3, 784), np.uint8)}, r"\(n, 28, 28\), not uint8 of shape \(3, 784\)"),
        ({"y_train": np.zeros(3)}, "must be integers"),
        ({"y_train": np.zeros((3, 1), int)}, r"not int64 of shape \(3, 1\)"),
        ({"y_train": np.zeros(2, int)}, "3 images but 2 labels"),
        ({"x_train": np.array([None, "a"])}, "x_train is damaged or holds Python objects"),
        ({"y_train": np.array([None, "a"])}, "y_train is damaged or holds Python objects"),
    ],
)
def test_says_what_is_wrong_with_an_array(tmp_path, arrays, change, message):
    arrays = {key: value for key, value in (arrays | change).items() if value is not None}
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        mnist_dataset.load("train", tmp_path / "own.npz")


def test_says_what_is_wrong_with_a_file(tmp_path, arrays):
    path = tmp_path / "own.npz"
    for read in (lambda: mnist_dataset.load("train", path), lambda: mnist_dataset.class_names(path)):
        with pytest.raises(FileNotFoundError, match="no data file at .*own.npz: .* an .npz file .* or a folder"):
            read()
    for content in (b"", b"not an archive"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a complete .npz"):
            mnist_dataset.load("train", path)
    np.savez(path, **arrays)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="not a complete .npz"):
        mnist_dataset.load("train", path)
    with path.open("wb") as file:
        np.save(file, arrays["x_train"])
    with pytest.raises(ValueError, match="a single array, not an .npz"):
        mnist_dataset.load("train", path)


def test_says_that_an_array_is_damaged(tmp_path, arrays):
    rng = np.random.default_rng(0)
    arrays["x_train"] = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)
    path = tmp_path / "own.npz"
    np.savez_compressed(path, **arrays)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("x_train.npy").header_offset
    content = bytearray(path.read_bytes())
    content[start + 400 : start + 900] = bytes(500)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        mnist_dataset.load("train", path)


def test_bundled_file_is_checked_by_its_sha256(tmp_path, monkeypatch):
    path = tmp_path / "mnist.npz"
    for file in (mnist_dataset.BUNDLED, mnist_dataset.BUNDLED.with_name("mnist.npz.sha256")):
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(mnist_dataset, "BUNDLED", path)
    mnist_dataset.load("test")
    with path.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ValueError, match="sha256 differs"):
        mnist_dataset.load("test")


def test_split_must_be_known():
    with pytest.raises(ValueError, match="'train' or 'test', not 'validation'"):
        mnist_dataset.load("validation")


def test_modules_that_dont_train_load_fast():
    modules = (
        "checks, claims, divergence, evidence, image_folder, likelihood, mnist_dataset, noise, plots, preprocessing"
    )
    modules += ", tensorboardcmd, widgets, _marking"
    slow = {"tensorflow", "keras", "seaborn", "pandas", "scipy.stats"}  # each takes half a second or more
    code = f"import sys; from pylib import {modules}; print({slow} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_tf_utils_gives_the_splits_and_names_a_wrong_backend(tmp_path, arrays):
    from pylib.tf_utils import class_names, mnist_test, mnist_train

    np.savez(tmp_path / "own.npz", **arrays)
    assert [len(a) for a in mnist_train(tmp_path / "own.npz")] == [3, 3]
    assert [len(a) for a in mnist_test(tmp_path / "own.npz")] == [2, 2]
    assert class_names(tmp_path / "own.npz") == ["0", "1", "2", "3", "4", "5"] and class_names() == list("0123456789")
    # A stand-in for Keras on another backend, which need not be installed here.
    (tmp_path / "keras.py").write_text("class backend:\n    backend = staticmethod(lambda: 'jax')\n")
    run = subprocess.run(
        [sys.executable, "-c", "import pylib.tf_utils"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{mnist_dataset.BUNDLED.parents[1]}"},
    )
    assert "need Keras on TensorFlow, not on jax" in run.stderr


def test_pixels_of_0_and_1_are_black_and_white(tmp_path, arrays):
    arrays["x_train"] = np.random.default_rng(0).integers(0, 2, (3, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", **arrays)
    images, _ = mnist_dataset.load("train", tmp_path / "own.npz")
    assert images.dtype == np.float32 and np.array_equal(images, arrays["x_train"].reshape(3, 784))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.zeros((0, 28, 28), np.uint8), "y_train": np.zeros(0, int)}, "x_train in .* is empty"),
        ({"y_train": np.array([0, 9, 100])}, "y_train in .* must lie in 0 to 99, not in 0 to 100"),
        ({"y_train": np.array([-1, 0, 1])}, "must lie in 0 to 99, not in -1 to 1"),
        ({"y_train": np.zeros(0, int)}, "y_train in .* is empty"),
    ],
)
def test_says_what_is_wrong_with_a_split(tmp_path, arrays, change, message):
    np.savez(tmp_path / "own.npz", **arrays | change)
    assert len(mnist_dataset.load("test", tmp_path / "own.npz")[0]) == 2
    with pytest.raises(ValueError, match=message):
        mnist_dataset.load("train", tmp_path / "own.npz")


@pytest.mark.parametrize("wrong", [None, 3, np.array(["train", "test"]), b"train"])
def test_what_is_no_split(wrong):
    with pytest.raises(ValueError, match="split must be 'train' or 'test', not"):
        mnist_dataset.load(wrong)


@pytest.mark.parametrize("wrong", [3, np.nan, "", b"own.npz"])
def test_what_is_no_path(wrong):
    with pytest.raises(ValueError, match="path must be a path"):
        mnist_dataset.load("train", wrong)


def test_names_a_backend_that_is_set_in_keras_own_file(tmp_path):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment |= {"KERAS_HOME": str(tmp_path), "PYTHONPATH": str(mnist_dataset.BUNDLED.parents[1])}
    run = subprocess.run(
        [sys.executable, "-c", "import pylib.tf_utils"], stderr=subprocess.PIPE, text=True, env=environment
    )
    assert "need Keras on TensorFlow, not on jax" in run.stderr


def test_classes_of_your_own(tmp_path, arrays):
    path = tmp_path / "own.npz"
    np.savez(path, **arrays | {"y_train": np.array([0, 99, 3])})
    assert mnist_dataset.load("train", path)[1].tolist() == [0, 99, 3]
    assert mnist_dataset.class_names(path) == [str(label) for label in range(100)]
    np.savez(path, **arrays | {"y_test": np.array([6, 0])})  # the largest label is in either split
    assert mnist_dataset.class_names(path) == list("0123456")
    names = ["a", "字", "é à", "d", "e", "f", "no picture is of this one"]
    np.savez(path, **arrays, class_names=names)
    assert mnist_dataset.class_names(path) == names and type(mnist_dataset.class_names(path)[0]) is str


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (list("abc"), "y_train in .* must lie in 0 to 2, since class_names has 3, not in 1 to 3"),
        ([*"abcde", ""], "must be 1 to 100 strings, none of them empty"),
        (["a"] * 101, "must be 1 to 100 strings"),
        (np.array([], str), "must be 1 to 100 strings"),
        (range(6), r"class_names in .* must be strings of shape \(n,\), not int64"),
        ("abcdef", r"must be strings of shape \(n,\), not <U6 of shape \(\)"),
        (np.array(["a", None]), "class_names is damaged or holds Python objects"),
    ],
)
def test_says_what_is_wrong_with_names(tmp_path, arrays, names, message):
    np.savez(tmp_path / "own.npz", **arrays, class_names=names)
    for read in (mnist_dataset.class_names, lambda path: mnist_dataset.load("train", path)):
        with pytest.raises(ValueError, match=message):
            read(tmp_path / "own.npz")
