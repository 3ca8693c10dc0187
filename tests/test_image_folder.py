"""Folders of pictures that Pillow wrote, read back and compared with what NumPy makes of the same pixels."""

import errno
import os
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from pylib import image_folder, mnist_dataset
from tests.own_pictures import FASHION, fashion, write_digits

RNG = np.random.default_rng(0)
GREY = np.pad(RNG.integers(0, 256, (24, 24), dtype=np.uint8), 2)  # on dark paper
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def save(pixels, file, **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(file, **options)
    return file


def numbered(number, ink=255):
    """A picture that bears its number in two pixels."""
    pixels = np.full((28, 28), 255 - ink, np.uint8)
    pixels[9:20, 13:15] = ink
    pixels[5, 5], pixels[5, 6] = divmod(number, 200)
    return pixels


def numbers_of(images, exchanged=False):
    pixels = np.round(images.reshape(-1, 28, 28) * 255).astype(int)
    pixels = 255 - pixels if exchanged else pixels
    return pixels[:, 5, 5] * 200 + pixels[:, 5, 6]


def fill(folder, n=500, ink=255):
    """Write n pictures that are alike."""
    file = save(numbered(0, ink), folder / "0.png")
    for i in range(1, n):
        (folder / f"{i}.png").write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def read_one(tmp_path, monkeypatch):
    """A function that tells what a picture becomes among others, as few as will do."""
    monkeypatch.setattr(image_folder, "ENOUGH", 20)

    def read(pixels, name="one.png", ink=255, **options):
        fill(tmp_path / "train", 40, ink)
        save(pixels, tmp_path / "test" / name, **options)
        images, labels = image_folder.load("test", tmp_path)
        assert images.shape == (1, 784) and labels.tolist() == [0]
        return images.reshape(28, 28)

    return read


@pytest.fixture
def classes(tmp_path):
    """700 numbered pictures in class folders b, a and c, with their classes; 350, 210 and 140 of them."""
    names = np.repeat(["b", "a", "c"], [350, 210, 140])
    for number, name in enumerate(names):
        save(numbered(number), tmp_path / "shapes" / name / f"{number}.png")
    return tmp_path / "shapes", names


# --- Splits ---------------------------------------------------------------------------------------------


def test_digits_of_scikit_learn(tmp_path, capsys):
    folder = write_digits(tmp_path)
    assert mnist_dataset.class_names(folder) == list("0123456789")
    read = [mnist_dataset.load(split, folder) for split in ("train", "test")]
    assert capsys.readouterr().out == (
        f"1,541 pictures of 10 classes for training from {folder}: bright ink on dark paper, as MNIST has it\n"
        f"256 pictures of 10 classes for testing from {folder}\n"
    )
    images, labels = (np.concatenate(arrays) for arrays in zip(*read, strict=True))
    assert images.dtype == np.float32 and labels.dtype == np.int64
    # Straight lines between the middles of old pixels.
    middles = (np.arange(28) + 0.5) * 8 / 28 - 0.5
    weights = np.clip(1 - abs(middles[:, None] - np.arange(8)), 0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    digits = load_digits()
    enlarged = (weights @ np.floor(digits.images * 15.9375) @ weights.T).reshape(-1, 784) / 255
    distances = (images**2).sum(1)[:, None] + (enlarged**2).sum(1) - 2 * images @ enlarged.T
    nearest = distances.argmin(axis=1)
    assert sorted(nearest) == list(range(1797)) and np.array_equal(labels, digits.target[nearest])
    assert abs(images - enlarged[nearest]).max() < 1.6 / 255  # Pillow rounds twice


def test_splits_are_disjoint_complete_and_share_the_classes(classes):
    folder, names = classes
    numbers = {}
    for split, n in {"train": 600, "test": 100}.items():
        images, labels = image_folder.load(split, folder)
        numbers[split] = numbers_of(images)
        assert labels.tolist() == ["abc".index(name) for name in names[numbers[split]]]
        assert np.bincount(labels).tolist() == [0.3 * n, 0.5 * n, 0.2 * n]
        assert abs(np.bincount(labels[: n // 5]) - [0.06 * n, 0.1 * n, 0.04 * n]).max() < 0.06 * n  # mixed
        assert (np.diff(numbers[split]) < 0).mean() > 0.3  # also within a class
    assert sorted([*numbers["train"], *numbers["test"]]) == list(range(700))
    _, labels = image_folder.load("train", folder)
    assert np.bincount(labels[-100:]).tolist() == [30, 50, 20]


def test_splits_are_the_same_each_time_in_any_order_of_the_file_system(classes, monkeypatch):
    folder, _ = classes
    first = [image_folder.load(split, folder)[0] for split in ("train", "test")]
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: RNG.permutation(listdir(path)).tolist())
    again = [image_folder.load(split, folder)[0] for split in ("train", "test")]
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_other_files_do_not_change_the_shares(classes, capsys):
    folder, names = classes
    for number, name in enumerate(names):
        (folder / name / f"{number}.json").write_text("{}")
    _, labels = image_folder.load("test", folder)
    assert np.bincount(labels).tolist() == [30, 50, 20]
    assert capsys.readouterr().out.startswith("skipped 100 of 200 files: a/")


@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("Training", "TESTING"), ("TRAIN", "Test"), ("train", "val")]
)
def test_folders_for_the_splits(tmp_path, train, test):
    for number in range(600):
        part = test if number % 3 == 0 else train
        save(numbered(number), tmp_path / part / "ab"[number % 2] / f"{number}.png")
    assert image_folder.class_names(tmp_path) == ["a", "b"]
    for split, remainders in {"train": {1, 2}, "test": {0}}.items():
        images, labels = image_folder.load(split, tmp_path)
        numbers = numbers_of(images)
        assert sorted(numbers) == [number for number in range(600) if number % 3 in remainders]
        assert np.array_equal(labels, numbers % 2)


def test_other_folders_beside_those_for_the_splits(tmp_path, capsys):
    fill(tmp_path / "train"), fill(tmp_path / "test", 3), fill(tmp_path / "val", 2)
    assert len(image_folder.load("test", tmp_path)[0]) == 3
    printed = capsys.readouterr().out
    assert printed.startswith(
        "skipped 2 of 5 files: val/0.png (not in train or test), val/1.png (not in train or test)\n"
    )


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_folder_for_one_split_alone(tmp_path, part):
    fill(tmp_path / part / "a", 350), fill(tmp_path / part / "b", 350)
    assert image_folder.class_names(tmp_path) == ["a", "b"]
    assert [len(image_folder.load(split, tmp_path)[0]) for split in ("train", "test")] == [600, 100]


def test_a_class_may_be_called_train(tmp_path):
    for name in ("car", "ship", "train"):
        fill(tmp_path / name, 200)
    assert image_folder.class_names(tmp_path) == ["car", "ship", "train"]
    assert len(image_folder.load("test", tmp_path)[0]) == 85


def test_no_classes(tmp_path, capsys):
    fill(tmp_path, 700)
    assert image_folder.class_names(tmp_path) == ["picture"]
    images, labels = image_folder.load("train", tmp_path)
    assert len(images) == 600 and not labels.any()
    assert capsys.readouterr().out.startswith(f"600 pictures for training from {tmp_path}: bright ink")


def test_class_folders(tmp_path):
    names = ["10", "2", "字", "é à", "b10", "B9", "b8"]
    for name in names:
        fill(tmp_path / name / "deeper" / "still", 100)
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("no picture")
    assert image_folder.class_names(tmp_path) == ["2", "10", "b8", "B9", "b10", "é à", "字"]
    assert np.bincount(image_folder.load("train", tmp_path)[1]).min() >= 85


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_cannot_be_printed(tmp_path, capsys):
    fill(tmp_path / os.fsdecode(b"caf\xe9"))
    (tmp_path / "two\nlines").write_text("no picture")
    assert image_folder.class_names(tmp_path) == ["caf\N{REPLACEMENT CHARACTER}"]
    image_folder.load("test", tmp_path)
    printed = capsys.readouterr().out
    assert printed.startswith("skipped 1 of 72 files: two\N{REPLACEMENT CHARACTER}lines (in no class folder)\n")


@needs_links
@pytest.mark.parametrize("reverse", [False, True])
def test_links(tmp_path, capsys, monkeypatch, reverse):
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: sorted(listdir(path), reverse=reverse))
    folder = tmp_path / "shapes"
    fill(folder / "a", 400), fill(tmp_path / "elsewhere", 300)
    (folder / "b").symlink_to(tmp_path / "elsewhere")
    (folder / "0").symlink_to(folder / "a")  # which counts as a
    (folder / "z").symlink_to(folder / "a")
    (folder / "a" / "again").symlink_to(folder)
    (folder / "a" / "sister").symlink_to(tmp_path / "elsewhere")  # which counts as b, nearer to the top
    (folder / "a" / "itself").symlink_to(folder / "a" / "itself")
    (folder / "b" / "one.png").symlink_to(folder / "a" / "0.png")
    assert image_folder.class_names(folder) == ["a", "b"]
    counts = [np.bincount(image_folder.load(split, folder)[1]) for split in ("train", "test")]
    assert sum(counts).tolist() == [400, 301]
    assert "a/itself (no file)" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_pipes_are_not_read(tmp_path, capsys):  # they would never end
    fill(tmp_path / "a")
    (tmp_path / "b").mkdir()
    os.mkfifo(tmp_path / "a" / "pipe.png"), os.mkfifo(tmp_path / "b" / "pipe.png")
    assert image_folder.class_names(tmp_path) == ["a"]
    counts = [len(image_folder.load(split, tmp_path)[0]) for split in ("train", "test")]
    printed = capsys.readouterr().out
    assert sum(counts) == 500 and "a/pipe.png (no file)" in printed and "b/pipe.png (in no class folder)" in printed


# --- What is skipped or refused -------------------------------------------------------------------------


def with_size(file, width, height):
    """Write a PNG's size anew, which its pixels don't fill."""
    content = bytearray(file.read_bytes())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    file.write_bytes(content)


def test_skips_what_is_no_picture_and_names_it(tmp_path, capsys, monkeypatch):
    fill(tmp_path / "train" / "a")
    folder = tmp_path / "test" / "a" / "deeper"
    png = save(GREY, folder / "right.png").read_bytes()
    (folder / "a.txt").write_text("no picture")
    (folder / "b.png").write_bytes(b"broken" + png[6:])
    (folder / "c.png").write_bytes(png[: len(png) // 2])
    (folder / "d.png").write_bytes(b"")
    (folder / "e.png").write_bytes(png)
    for hidden in (".f.png", "Thumbs.db", "desktop.ini", "__MACOSX/g.png", ".git/h.png"):
        (folder / hidden).parent.mkdir(exist_ok=True)
        (folder / hidden).write_bytes(png)
    open_any = Image.open

    def open_but_one(path):
        if Path(path).name == "e.png":
            raise PermissionError(errno.EACCES, "Permission denied")
        return open_any(path)

    monkeypatch.setattr(Image, "open", open_but_one)
    images, _ = image_folder.load("test", tmp_path)
    assert len(images) == 1
    reasons = ["no picture that Pillow reads", "damaged", "damaged", "damaged", "no permission to read it"]
    files = ["a.txt", "b.png", "c.png", "d.png", "e.png"]
    described = ", ".join(f"test/a/deeper/{file} ({reason})" for file, reason in zip(files, reasons, strict=True))
    assert capsys.readouterr().out.splitlines()[0] == f"skipped 5 of 6 files: {described}"


def test_skips_pictures_beside_class_folders_and_names_five(tmp_path, capsys):
    fill(tmp_path / "a", 700), fill(tmp_path, 12)
    assert len(image_folder.load("train", tmp_path)[0]) == 600
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("skipped 12 of 612 files: 0.png (in no class folder), 1.png (in no class folder), ")
    assert line.endswith("), and 7 more") and line.count("(in no class folder)") == 5


def test_a_folder_that_cannot_be_listed_is_skipped(tmp_path, capsys, monkeypatch):
    fill(tmp_path / "a"), fill(tmp_path / "b", 2)
    listdir = os.listdir

    def list_but_one(path):
        if Path(path).name == "b":
            raise PermissionError(errno.EACCES, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", list_but_one)
    assert image_folder.class_names(tmp_path) == ["a"]
    image_folder.load("test", tmp_path)
    assert capsys.readouterr().out.startswith("skipped 1 of 72 files: b (a folder that can't be opened)\n")


def test_refuses_huge_pictures_by_their_size(tmp_path, capsys, monkeypatch):
    fill(tmp_path / "train"), fill(tmp_path / "test", 1)
    save(Image.new("1", (10_000, 10_000)), tmp_path / "test" / "huge.png")
    with_size(save(GREY, tmp_path / "test" / "huger.png"), 20_000, 10_000)  # for which Pillow has an error
    fit = image_folder._fit
    monkeypatch.setattr(image_folder, "_fit", lambda image: fit(image) if image.size == (28, 28) else pytest.fail())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 80_000_000)
    with warnings.catch_warnings(action="error"):
        images, _ = image_folder.load("test", tmp_path)
    assert len(images) == 1 and Image.MAX_IMAGE_PIXELS == 80_000_000
    assert capsys.readouterr().out.startswith(
        "skipped 2 of 3 files: test/huge.png (10,000 x 10,000 pixels, above 50 million), "
        "test/huger.png (20,000 x 10,000 pixels, above 50 million)\n"
    )


@pytest.mark.parametrize(
    ("n", "count"), [(0, "0 pictures"), (1, "1 picture"), (2, "2 pictures"), (499, "499 pictures")]
)
def test_too_few_pictures(tmp_path, capsys, n, count):
    folder = tmp_path / "pictures"
    folder.mkdir()
    if n:
        fill(folder, n)
    for file in range(n // 2):  # what can't be read doesn't count
        (folder / f"{file}.txt").write_text("no picture")
    for split in ("train", "test"):
        with pytest.raises(ValueError) as error:
            image_folder.load(split, folder)
        assert str(error.value) == f"{folder} holds {count} that can be read: the lessons need 500 or more"
    assert ("skipped 249 of 748 files" in capsys.readouterr().out) == (n == 499)


def test_500_pictures_are_enough_in_both_splits_together(tmp_path):
    fill(tmp_path / "train", 499), fill(tmp_path / "test", 1)
    assert [len(image_folder.load(split, tmp_path)[0]) for split in ("train", "test")] == [499, 1]


def test_a_split_without_a_picture_that_can_be_read(tmp_path):
    fill(tmp_path / "train")
    with_size(save(GREY, tmp_path / "test" / "a.png"), 20_000, 10_000)
    with pytest.raises(ValueError, match="holds no picture for the test split that can be read"):
        image_folder.load("test", tmp_path)


def test_100_classes_and_no_more(tmp_path):
    for name in range(100):
        fill(tmp_path / str(name), 7)
    assert image_folder.class_names(tmp_path) == [str(name) for name in range(100)]
    assert set(image_folder.load("test", tmp_path)[1]) == set(range(100))
    fill(tmp_path / "a", 1)
    for read in (image_folder.class_names, lambda path: image_folder.load("train", path)):
        with pytest.raises(ValueError, match="holds 101 class folders: the lessons take up to 100"):
            read(tmp_path)


def test_no_folder(tmp_path):
    for read in (image_folder.class_names, lambda path: image_folder.load("train", path)):
        with pytest.raises(FileNotFoundError, match="no folder of pictures at .*missing"):
            read(tmp_path / "missing")


def test_says_how_long_it_takes(classes, monkeypatch):
    lines = []

    class Recorded(image_folder.Progress):
        def __init__(self, steps=None, what="", total=None):
            super().__init__(steps, what, total)
            lines.append((what, total if steps is None else len(steps)))

    monkeypatch.setattr(image_folder, "Progress", Recorded)
    image_folder.load("train", classes[0])
    assert lines == [("looking at 500 pictures", 500), ("reading 600 pictures", 600)]


# --- Pictures -------------------------------------------------------------------------------------------


def test_ink_is_judged_in_both_splits_alike(tmp_path, capsys):
    for number in range(500):  # the test split alone would be judged otherwise
        bright = number >= 100
        pixels = numbered(number, 0 if bright else 255)
        save(pixels, tmp_path / ("train" if bright else "test") / f"{number}.png")
    for split, numbers in {"train": range(100, 500), "test": range(100)}.items():
        images, _ = image_folder.load(split, tmp_path)
        assert sorted(numbers_of(images, exchanged=True)) == list(numbers)
    assert capsys.readouterr().out.splitlines() == [
        f"400 pictures for training from {tmp_path}: dark ink on bright paper, so black and white are exchanged",
        f"100 pictures for testing from {tmp_path}",
    ]


def test_ink_may_cover_most_of_a_picture(tmp_path):
    file = save(np.pad(np.full((26, 26), 255, np.uint8), 1), tmp_path / "0.png")
    for i in range(1, 500):
        (tmp_path / f"{i}.png").write_bytes(file.read_bytes())
    assert np.isclose(image_folder.load("test", tmp_path)[0].mean(), (26 / 28) ** 2)


def test_what_pillow_warns_of_is_read(read_one):
    with warnings.catch_warnings(action="error"):
        image = read_one(GREY, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x05")  # which is cut off
    assert np.array_equal(image, GREY / np.float32(255))


COLOURS = np.zeros((28, 28, 3), np.uint8)
COLOURS[4:24, 4:10, 0], COLOURS[4:24, 10:16, 1], COLOURS[4:24, 16:22, 2] = 255, 200, 100
LUMA = COLOURS @ [0.299, 0.587, 0.114]
BLOCKS = np.kron(np.pad([[80, 200], [255, 140]], 1), np.ones((7, 7))).astype(np.uint8)  # for what is lossy
SIGNED = np.float32(GREY) / 127.5 - 1


@pytest.mark.parametrize(
    ("picture", "name", "expected", "within"),
    {
        "1": (Image.fromarray(GREY > 127), "a.png", 255 * (GREY > 127), 0),
        "L": (GREY, "a.png", GREY, 0),
        "L in BMP": (GREY, "a.bmp", GREY, 0),
        "no suffix that fits": (GREY, "a.tif", GREY, 0),
        "RGB": (COLOURS, "a.png", LUMA, 1),
        "P": (Image.fromarray(GREY).convert("P"), "a.png", GREY, 0),
        "I;16": (GREY * np.uint16(257), "a.png", GREY, 0),
        "I;16, all dark": (GREY.astype(np.uint16), "a.png", GREY / 257, 0.5),
        "I to 255": (GREY.astype(np.int32), "a.tif", GREY, 0),
        "I to 65,535": (GREY // 2 * np.int32(257), "a.tif", GREY // 2, 0),
        "I to a million": (GREY * np.int32(10_000), "a.tif", GREY * (255 / GREY.max()), 0.6),
        "F to 1": (np.float32(GREY) / 255, "a.tif", GREY, 0),
        "F to 255": (np.float32(GREY), "a.tif", GREY, 0),
        "F from -1": (SIGNED, "a.tif", GREY, 0.6),
        "F with NaN": (np.where(GREY == 0, np.nan, np.float32(GREY)).astype(np.float32), "a.tif", GREY, 0),
        "CMYK": (Image.fromarray(np.dstack([BLOCKS] * 3)).convert("CMYK"), "a.jpg", BLOCKS, 6),
        "YCbCr": (Image.fromarray(COLOURS).convert("YCbCr"), "a.tif", LUMA, 2),
        "LAB": (Image.merge("LAB", [Image.fromarray(GREY), *[Image.new("L", (28, 28), 128)] * 2]), "a.tif", GREY, 0),
        "JPEG": (BLOCKS, "a.jpg", BLOCKS, 6),
        "opaque RGBA": (np.dstack([GREY] * 3 + [np.full_like(GREY, 255)]), "a.png", GREY, 0),
    }.values(),
)
def test_kinds_of_pictures(read_one, picture, name, expected, within):
    options = {"quality": 100} if name.endswith(".jpg") else {}
    difference = read_one(picture, name, **options).astype(float) * 255 - expected
    assert abs(difference).max() <= within + 1e-4


INK = np.zeros((28, 28), np.uint8)
INK[8:20, 12:16] = 255


@pytest.mark.parametrize("ink", [20, 240])
@pytest.mark.parametrize("kind", ["LA", "RGBA", "P", "GIF", "L with a transparent grey"])
def test_transparency_is_paper(read_one, ink, kind):
    hidden = 90  # the colour of what can't be seen
    grey = np.where(INK, ink, hidden).astype(np.uint8)
    name, options = "a.png", {}
    if kind == "LA":
        picture = Image.fromarray(np.dstack([grey, INK]))
    elif kind == "RGBA":
        picture = Image.fromarray(np.dstack([grey, grey, grey, INK]))
    else:
        picture, options = Image.fromarray(grey), {"transparency": hidden}
        if kind != "L with a transparent grey":
            picture = picture.convert("P")
            name = "a.gif" if kind == "GIF" else name
    # The others have their ink as bright as this one, so that it is 1 - 20/255 or 240/255 in the end.
    image = read_one(picture, name, ink=0 if ink < 128 else 255, **options)
    assert np.allclose(image, np.where(INK, max(ink, 255 - ink) / 255, 0), atol=1e-6)


def test_half_transparent_ink_is_mixed_with_the_paper(read_one):
    picture = np.dstack([np.full((28, 28), 255, np.uint8), INK])
    picture[10, 13, 1] = 102
    assert np.isclose(read_one(picture)[10, 13], 0.4)


def test_is_turned_as_the_camera_says(read_one):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise
    assert np.array_equal(read_one(GREY, exif=exif), np.rot90(GREY, -1) / np.float32(255))


def test_first_frame_of_an_animation(read_one):
    frames = [Image.fromarray(pixels) for pixels in (GREY.T, np.rot90(GREY))]
    image = read_one(Image.fromarray(GREY), "a.gif", save_all=True, append_images=frames)
    assert np.array_equal(image, GREY / np.float32(255))


@pytest.mark.parametrize("turn", [0, 1])
def test_what_is_not_square_is_filled_up_with_paper(read_one, turn):
    narrow = np.full((56, 28), 40, np.uint8)
    narrow[10:40, 6:20] = RNG.integers(0, 2, (15, 7)).repeat(2, 0).repeat(2, 1) * 200
    narrow[0, :14] = 255  # less than half of the border
    image = read_one(np.rot90(narrow, turn).copy(), "a.bmp") * 255
    image = np.rot90(image, -turn)
    assert (image[:, :7] == 40).all() and (image[:, 21:] == 40).all()
    # A new pixel takes the two old ones below it at 3/8 each, and the next on both sides at 1/8.
    padded = np.pad(narrow.astype(float), 1, "edge")
    for _ in range(2):
        padded = (padded[0:-3:2] + 3 * padded[1:-2:2] + 3 * padded[2:-1:2] + padded[3::2]).T / 8
    assert abs(image[2:-2, 9:19] - padded[2:-2, 2:-2]).max() < 1.1


def test_a_line_keeps_its_height(read_one):
    image = read_one(np.full((3, 900), 200, np.uint8))
    assert image.min() == image.max() == np.float32(200 / 255)


def test_a_large_jpeg_is_decoded_smaller(read_one, monkeypatch):
    sizes = []
    fit = image_folder._fit
    monkeypatch.setattr(image_folder, "_fit", lambda image: sizes.append(image.size) or fit(image))
    image = read_one(np.kron(BLOCKS, np.ones((100, 100), np.uint8)), "a.jpg")
    assert sizes[-1] == (350, 350)
    assert abs(image * 255 - BLOCKS)[:, [1, 3, 5, 9, 12, 16, 19, 22, 26]][[1, 3, 5, 9, 12, 16, 19, 22, 26]].max() < 3


@pytest.mark.skipif(not FASHION.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_fashion_mnist_comes_through_as_it_is(tmp_path):
    published = {}
    for part, prefix, n in (("train", "train", 3000), ("test", "t10k", 600)):
        images, labels = fashion(prefix)
        published[part] = list(zip(images[:n], labels[:n].tolist(), strict=True))
        for i, (pixels, label) in enumerate(published[part]):
            save(pixels, tmp_path / part / str(label) / f"{i}.png")
    for part, pairs in published.items():
        images, labels = image_folder.load(part, tmp_path)
        expected = sorted((label, (pixels / np.float32(255)).tobytes()) for pixels, label in pairs)
        assert (
            sorted((label, image.tobytes()) for image, label in zip(images, labels.tolist(), strict=True)) == expected
        )
