"""A folder of pictures of your own as MNIST's two splits: 28 x 28 pixels, bright ink on dark paper."""

import os
import re
import warnings

import numpy as np
from PIL import Image, ImageOps, ImageStat, UnidentifiedImageError

from pylib import _validate
from pylib.progress import Progress

# The first of these names that is there, in any case, is the split's folder.
PARTS = {"train": ("train", "training"), "test": ("test", "testing", "val", "valid", "validation")}
HIDDEN = {"thumbs.db", "desktop.ini", "__macosx"}
ENOUGH = 500  # pictures
MOST_PIXELS = 50_000_000
SIDE = 28


def load(split, path):
    """Read one split of a folder, and print what was found there.

    Pictures lie in a folder for each class, or all in one; either in folders named train and test or, where there are
    none, a seventh of each class becomes the test split, always the same. Pictures are in a mixed order that is always
    the same, and the classes have the same shares in the last sixth as in all of them. Whether ink is dark is decided
    once for all; it is bright in what is returned. Files that can't be read are skipped and named.

    Parameters
    ----------
    split : "train" or "test"
    path : of the folder

    Returns
    -------
    images : `(n, 784)` float32 in [0, 1], a row per picture, 1 where white ink is
    labels : `(n,)` int64, the places in `class_names(path)`

    Raises
    ------
    FileNotFoundError : there is no such folder
    ValueError : fewer than 500 pictures in all, or none for this split, can be read; or there are above 100 classes
    """
    _validate.split(split)
    folder = _folder(path)
    names, splits, skipped = _layout(folder)
    n_files = len(skipped) + len(splits[split])
    dark_ink = _has_bright_paper(folder, splits["train"] + splits["test"], skipped)
    images, labels = [], []
    for file, label in Progress(splits[split], f"reading {len(splits[split]):,} pictures"):
        image = _read(folder.joinpath(*file))
        if isinstance(image, str):
            skipped.append((file, image))
        else:
            images.append(image)
            labels.append(label)
    _print_skipped(skipped, n_files)
    if not images:
        raise ValueError(f"{folder} holds no picture for the {split} split that can be read: give it some")
    order = _mixed(len(images))
    images, labels = np.array(images).reshape(-1, SIDE * SIDE)[order], np.array(labels, np.int64)[order]
    _print_found(split, folder, len(images), len(names), dark_ink)
    return np.divide(255 - images if dark_ink else images, 255, dtype=np.float32), labels


def class_names(path):
    """The names of a folder's classes.

    Parameters
    ----------
    path : of the folder

    Returns
    -------
    names : list of strings in the order of the labels, numbers in them by size; `["picture"]` where there are no
        class folders

    Raises
    ------
    FileNotFoundError : there is no such folder
    ValueError : there are above 100 classes
    """
    return _layout(_folder(path))[0]


def _folder(path):
    path = _validate.path(path, "path")
    if not path.is_dir():
        raise FileNotFoundError(f"there is no folder of pictures at {path}: name one that exists")
    return path


# --- What lies where ------------------------------------------------------------------------------------


def _layout(folder):
    """The classes' names, each split's files with their labels, by class, and the files that belong to neither.

    A file is a tuple of the names on the way to it.
    """
    files, skipped = _walk(folder)
    parts = _parts(folder, files)
    depth = 1 if parts else 0  # where the classes' names stand in a file's
    inside = [file for file in files if not parts or file[0] in parts.values()]
    outside = [file for file in files if parts and file[0] not in parts.values()]
    skipped += [(file, f"not in {' or '.join(parts.values())}") for file in outside]
    names = sorted(_with_pictures(folder, inside, depth), key=_natural)
    if len(names) > _validate.MOST_CLASSES:
        raise ValueError(f"{folder} holds {len(names)} class folders: the lessons take up to {_validate.MOST_CLASSES}")
    labels = {name: label for label, name in enumerate(names)}
    labelled = []
    for file in inside:
        if names and file[depth] not in labels:
            skipped.append((file, "in no class folder"))
        else:
            labelled.append((file, labels.get(file[depth], 0)))
    return [_printable(name) for name in names] or ["picture"], _splits(labelled, parts), skipped


def _walk(folder):
    """All files below a folder, sorted, and the folders in it that can't be listed."""
    files, unlisted = [], []
    visited, ways = {os.path.realpath(folder)}, [()]
    for way in ways:  # it grows on the way: breadth first, so that what lies near counts before a link to it
        here = folder.joinpath(*way)
        try:
            names = [name for name in os.listdir(here) if name[0] != "." and name.casefold() not in HIDDEN]
        except OSError:
            unlisted.append((way, "a folder that can't be opened"))
            continue
        for name in sorted(names, key=lambda name, here=here: (os.path.islink(here / name), name)):
            if not os.path.isdir(here / name):
                files.append((*way, name))
            elif (real := os.path.realpath(here / name)) not in visited:  # or links in a circle would never end
                visited.add(real)
                ways.append((*way, name))
    return sorted(files), unlisted


def _parts(folder, files):
    """The folder of each split, by the split; empty where folders are classes, such as car, ship and train."""
    tops = sorted(_with_pictures(folder, files, 0))
    parts = {}
    for split, names in PARTS.items():
        found = [top for name in names for top in tops if top.casefold() == name]
        if found:
            parts[split] = found[0]
    return parts if len(parts) == 2 or len(tops) == 1 else {}


def _with_pictures(folder, files, depth):
    """The names of those folders, at this depth, in which a file is a picture."""
    found = {}
    for file in files:
        if len(file) > depth + 1 and not found.get(file[depth]):
            found[file[depth]] = _is_picture(folder.joinpath(*file))
    return [name for name, is_one in found.items() if is_one]


def _splits(labelled, parts):
    """The files of each split with their labels, by class, and by suffix, since not every suffix is a picture's."""
    shuffled = [labelled[i] for i in np.random.default_rng(0).permutation(len(labelled))]
    ordered = sorted(shuffled, key=lambda pair: (pair[1], os.path.splitext(pair[0][-1])[1].lower()))
    if len(parts) == 2:
        return {split: [pair for pair in ordered if pair[0][0] == part] for split, part in parts.items()}
    return {"train": [pair for i, pair in enumerate(ordered) if i % 7 != 6], "test": ordered[6::7]}


def _mixed(n):
    """An order of n pictures that lie by class, in which every sixth of them goes to the end."""
    rng, is_last = np.random.default_rng(1), np.arange(n) % 6 == 5
    return np.concatenate([rng.permutation(np.flatnonzero(~is_last)), rng.permutation(np.flatnonzero(is_last))])


def _natural(name):
    """A key that sorts 2 before 10."""
    return [int(part) if part.isdecimal() else part.casefold() for part in re.split(r"(\d+)", name)], name


# --- A picture ------------------------------------------------------------------------------------------


def _open(path):
    """Open a picture of any size, of which Pillow reads the header only."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # or it would raise without telling the size
    try:
        return Image.open(path)
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _is_picture(path):
    if not os.path.isfile(path):
        return False
    try:
        with warnings.catch_warnings(action="ignore"), _open(path):
            return True
    except Exception:  # Pillow raises nearly all kinds
        return False


def _read(path):
    """A picture as uint8 `(28, 28)`, or a string that says why there is none."""
    if not os.path.isfile(path):  # a link that leads nowhere, or a pipe, which would never end
        return "no file"
    try:
        with warnings.catch_warnings(action="ignore"), _open(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                return f"{width:,} x {height:,} pixels, above {MOST_PIXELS // 1_000_000} million"
            image.draft("L", (4 * SIDE, 4 * SIDE))  # a large JPEG is decoded smaller
            ImageOps.exif_transpose(image, in_place=True)
            return _fit(_grey(image))
    except PermissionError:
        return "no permission to read it"
    except UnidentifiedImageError:
        named_as_one = Image.registered_extensions().get(path.suffix.lower()) in Image.OPEN
        return "damaged" if named_as_one else "no picture that Pillow reads"
    except Exception:  # Pillow raises nearly all kinds
        return "damaged"


def _grey(image):
    """A picture in 8 bits of grey, on black or white paper where it is transparent."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _from_numbers(np.nan_to_num(np.asarray(image, np.float32)), image.mode)
    if image.mode == "LAB":
        return image.getchannel("L")
    if not image.has_transparency_data:
        return image.convert("L")
    image = image.convert("RGBA")
    grey, alpha = image.convert("L"), image.getchannel("A")
    ink = ImageStat.Stat(grey, alpha.point(lambda a: 255 * (a >= 128)))
    paper = 0 if ink.sum[0] > 127.5 * ink.count[0] else 255
    return Image.composite(grey, Image.new("L", grey.size, paper), alpha)


def _from_numbers(values, mode):
    """A picture of 16 or 32 bits in 8: white is 65,535 or, in 32 bits, the least usual white that is no pixel's below.

    Pixels below 0 make the least of them black.
    """
    black, high = min(values.min(), 0), values.max()
    whites = [65_535] if mode.startswith("I;16") else [1, 255, 65_535]
    white = next((white for white in whites if high <= white), high)
    return Image.fromarray(((values - black) * (255 / (white - black))).round().astype(np.uint8))


def _fit(image):
    """A grey picture of any shape as an array of 28 x 28 pixels, with paper where it isn't square."""
    scale = SIDE / max(image.size)
    # Bilinear: it averages where it makes smaller, and gives no pixel brighter or darker than those around it.
    small = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BILINEAR)
    square = Image.new("L", (SIDE, SIDE), int(np.median(_border(np.asarray(image)))))
    square.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    return np.array(square)


def _border(pixels):
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _has_bright_paper(folder, files, outside):
    """Whether most pixels on the borders of 500 pictures are bright; ValueError where there aren't so many."""
    images, skipped = [], list(outside)
    with Progress(what=f"looking at {ENOUGH} pictures", total=ENOUGH) as progress:
        for i in np.random.default_rng(2).permutation(len(files)):
            file, _ = files[i]
            image = _read(folder.joinpath(*file))
            if isinstance(image, str):
                skipped.append((file, image))
                continue
            images.append(image)
            progress.update()
            if len(images) == ENOUGH:
                return bool(np.median([_border(image) for image in images]) > 127)
    _print_skipped(skipped, len(outside) + len(files))
    raise ValueError(f"{folder} holds {_pictures(len(images))} that can be read: the lessons need {ENOUGH} or more")


# --- What is said ---------------------------------------------------------------------------------------


def _printable(name):
    """A name without line breaks and what isn't Unicode."""
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", name)


def _pictures(n):
    return "1 picture" if n == 1 else f"{n:,} pictures"


def _print_skipped(skipped, n_files):
    if not skipped:
        return
    named = [f"{_printable('/'.join(file) or '.')} ({reason})" for file, reason in sorted(skipped)[:5]]
    more = [f"and {len(skipped) - 5:,} more"] if len(skipped) > 5 else []
    print(f"skipped {len(skipped):,} of {n_files:,} files: {', '.join(named + more)}")


def _print_found(split, folder, n, n_classes, dark_ink):
    classes = f" of {n_classes} classes" if n_classes > 1 else ""
    what = {"train": "training", "test": "testing"}[split]
    line = f"{_pictures(n)}{classes} for {what} from {_printable(str(folder))}"
    if split == "train" and dark_ink:
        line += ": dark ink on bright paper, so black and white are exchanged"
    elif split == "train":
        line += ": bright ink on dark paper, as MNIST has it"
    print(line)
