"""Checks of exercises 6, 9 and 15, the latent space: interpolate, find a place, change the digit and keep the hand."""

import functools

import numpy as np

from pylib.checks import _given
from pylib.checks._answers import WrongError
from pylib.checks._judge import (
    as_array,
    check,
    compare,
    evaluate,
    in_shape,
    is_close,
    kind_of,
    recognise,
    require_finite,
    require_functions,
    require_shape,
)

# --- Exercise 6 -------------------------------------------------------------------------------------
# Right values are computed by turning `a` in the plane of both codes, rather than by the formula that is taught.


def _angle(a, b):
    """Between two codes, exact for small angles too: W. Kahan's formula."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return 2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))


def _double(*arrays):
    return [array.astype("float64") for array in arrays]


def _turned(a, b, t):
    """Unit vectors on the way from `a` to `b`, `(m, d)`, at an even pace."""
    a, b, t = _double(a, b, t)
    along = a / np.linalg.norm(a)
    across = b - (b @ along) * along
    turn = t[:, None] * _angle(a, b)
    return np.cos(turn) * along + np.sin(turn) * across / np.linalg.norm(across)


def _turned_and_stretched(a, b, t):
    """Slerp of the direction, and lerp of the length."""
    length = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
    return length[:, None] * _turned(a, b, t)


def _slerp(a, b, t):
    """Both codes, weighted by the same sines: K. Shoemake (1985)."""
    a, b = _double(a, b)
    unit_vectors = np.stack([a / np.linalg.norm(a), b / np.linalg.norm(b)], axis=1)
    weights = np.linalg.lstsq(unit_vectors, _turned(a, b, t).T, rcond=None)[0]
    return weights.T @ np.stack([a, b])


def _lerp(a, b, t):
    a, b, t = _double(a, b, t)
    return (1 - t[:, None]) * a + t[:, None] * b


def _unit(codes):
    return codes / np.linalg.norm(codes, axis=-1, keepdims=True)


def _lerp_pushed_out(a, b, t):
    return _unit(_lerp(a, b, t)) * np.linalg.norm(_turned_and_stretched(a, b, t), axis=1, keepdims=True)


def _weighted_by_sines(a, b, t, angle):
    return np.sin((1 - t[:, None]) * angle) * a + np.sin(t[:, None] * angle) * b


def _slerp_by_angle(angle):
    """Slerp with something else in the place of the angle."""
    return lambda a, b, t: _weighted_by_sines(a, b, t, angle(a, b)) / np.sin(angle(a, b))


SLERP_MISTAKES = [
    ("this is lerp, the straight line; slerp goes along the arc and keeps its distance from 0", _lerp),
    ("the two ends are swapped: t = 0 must give a, and t = 1 must give b", lambda a, b, t: _slerp(b, a, t)),
    (
        "the two ends are swapped: t = 0 must give a, and t = 1 must give b",
        lambda a, b, t: _turned_and_stretched(b, a, t),
    ),
    ("all codes have length 1; only the angle is taken from unit vectors, the codes keep their own lengths", _turned),
    (
        "this is the straight line pushed out to the arc, which hurries in the middle; divide the angle evenly",
        _lerp_pushed_out,
    ),
    (
        "this is the straight line pushed out to the length of a; go along the arc",
        lambda a, b, t: _unit(_lerp(a, b, t)) * np.linalg.norm(a),
    ),
    (
        "the sum is not divided by the sine of the angle",
        lambda a, b, t: _weighted_by_sines(a, b, t, _angle(a, b)),
    ),
    (
        "the sum is divided by the angle; divide it by the angle's sine",
        lambda a, b, t: _weighted_by_sines(a, b, t, _angle(a, b)) / _angle(a, b),
    ),
    ("the angle is in degrees; np.sin takes radians", _slerp_by_angle(lambda a, b: np.degrees(_angle(a, b)))),
    ("the angle is half of what it should be", _slerp_by_angle(lambda a, b: _angle(a, b) / 2)),
    (
        "the cosine is taken for the angle; the angle is its arccos",
        _slerp_by_angle(lambda a, b: np.cos(_angle(a, b))),
    ),
    ("a is weighted by t and b by 1 - t, without sines", lambda a, b, t: _lerp(b, a, t)),
    (
        "only a is weighted by its sine; b has t alone",
        lambda a, b, t: np.sin((1 - t[:, None]) * _angle(a, b)) / np.sin(_angle(a, b)) * a + t[:, None] * b,
    ),
    ("only the direction is turned, and the length of a is kept", lambda a, b, t: _turned(a, b, t) * np.linalg.norm(a)),
]


@check
def spherical_interpolation(slerp, hidden=False):  # numpydoc ignore=PR01
    """Check interpolation along the arc: exercise 6 of lesson 05.

    Parameters
    ----------
    slerp : the learner's `slerp(a, b, t)`, two codes `(d,)` and places `(m,)` in [0, 1] to codes `(m, d)`

    Returns
    -------
    verdict : a `Verdict`, whose message is printed; it shows codes `(10, 20)` along `lerp` and `slerp`
    """
    require_functions(slerp=slerp)
    rng = _given.generator(6, hidden)
    t = np.array([0.0, 0.2, 0.5, 0.9, 1.0] if not hidden else [0.0, 0.15, 0.4, 0.5, 0.85, 1.0], "float32")

    def code(d, scale=1.0):
        return (scale * rng.normal(size=d)).astype("float32")

    def at_angle(a, angle, stretch=1.0):
        across = rng.normal(size=len(a))
        across -= (across @ a) / (a @ a) * a
        return (stretch * (np.cos(angle) * a + np.sin(angle) * _unit(across) * np.linalg.norm(a))).astype("float32")

    starts = [(code(d), scale) for d, scale in ((20, 1), (3, 2), (20, 0.7), (2, 1))]
    cases = [(a, at_angle(a, rng.uniform(0.6, 2.5), scale), t) for a, scale in starts]
    a = cases[0][0]
    small = [(a, at_angle(a, angle), t) for angle in (0.3, 0.1, 0.03)]
    wide = [(a, at_angle(a, 3.0, 0.9), t)]
    same = {"the same": a, "nearly the same": at_angle(a, 1e-4), "1.5 times each other": (1.5 * a).astype("float32")}
    shown_t = np.linspace(0, 1, 10, dtype="float32")
    ends = np.random.default_rng(7).normal(size=(2, 20)).astype("float32")  # which decode to a 3 and a 7
    along = [evaluate(slerp, a, b, t) for b in same.values()]
    codes = [evaluate(slerp, *case) for case in small]
    shown = evaluate(slerp, *ends, shown_t)
    look = "t = 0 and t = 1 must give a and b; then look at the angle: its cosine is a @ b over both lengths"
    compare(slerp, cases, [_slerp, _turned_and_stretched], SLERP_MISTAKES, "code", "a row for each t", look)
    compare(slerp, wide, [_slerp, _turned_and_stretched], SLERP_MISTAKES, "code", "a row for each t", look, rtol=1e-3)
    for (a, b, _), value in zip(small, codes, strict=True):
        value, rights = in_shape(value, (len(t), len(a))), [_slerp(a, b, t), _turned_and_stretched(a, b, t)]
        if not any(is_close(value, right, rtol=0, atol=5e-5 * np.linalg.norm(a)) for right in rights):
            lerp = is_close(value, _lerp(a, b, t), rtol=0, atol=1e-5 * np.linalg.norm(a))
            raise WrongError(
                f"at an angle of {_angle(*_double(a, b)):.2g} between a and b "
                + (
                    "this is still lerp; only below an angle of 0.01 are both alike, so fall back on lerp only there"
                    if lerp
                    else f"the middle has length {np.linalg.norm(value[len(t) // 2]):.4f} where "
                    f"{np.linalg.norm(rights[0][len(t) // 2]):.4f} is right; look at what you do for small angles"
                )
            )
    for (name, b), value in zip(same.items(), along, strict=True):
        value = in_shape(value, (len(t), len(a)))
        if not is_close(value, _lerp(a, b, t), rtol=0, atol=1e-2):
            raise WrongError(
                f"where a and b are {name}, the result is {value.ravel()[-1]:.4g} at its end and should be "
                f"{b[-1]:.4g}: the angle is 0 there or nearly so, and its sine is divided by; fall back on lerp there"
            )
    picture = {"lerp": _lerp(*ends, shown_t), "slerp": in_shape(shown, (10, 20))}
    return "the arc from a to b, at an even pace, also where a and b point the same way", picture


# --- Exercise 9 -------------------------------------------------------------------------------------


class _Neighbours:
    """The codes around the mean code of each image, in several orders; each is computed when it is first asked for."""

    def __init__(self, codes, labels, means):
        self.codes, self.labels, self.means = codes, labels, means
        self.steps = codes[None] - means[:, None]
        self.distances = np.hypot(self.steps[:, :, 0], self.steps[:, :, 1])

    @functools.cached_property
    def nearest(self):
        """The numbers of all codes, for each image from the nearest to the farthest."""
        return np.argsort(self.distances, axis=1, kind="stable")

    def ordered_by(self, measure):
        return np.argsort(measure, axis=1, kind="stable")

    def winners(self, voters, weights=None):
        """The digit with the most votes for each row of voters, and by how many it wins."""
        votes = np.zeros((len(voters), 10))
        weights = np.ones(voters.shape) if weights is None else weights
        np.add.at(votes, (np.arange(len(voters))[:, None], self.labels[voters]), weights)
        ordered = np.sort(votes, axis=1)
        return votes.argmax(axis=1), ordered[:, -1] - ordered[:, -2]

    def vote(self, voters, weights=None):
        return self.winners(voters, weights)[0]

    @functools.cached_property
    def right(self):
        return self.vote(self.nearest[:, :10])


# Usual mistakes: the digit of each image, from its neighbours n
READING_MISTAKES = [
    ("only the nearest neighbour decides; let the ten nearest vote", lambda n: n.labels[n.nearest[:, 0]]),
    *(
        (f"{k} neighbours vote; let the ten nearest do", lambda n, k=k: n.vote(n.nearest[:, :k]))
        for k in (3, 5, 7, 8, 9, 11, 12, 15, 20)
    ),
    ("the nearest of all is left out of the vote; it counts, too", lambda n: n.vote(n.nearest[:, 1:11])),
    ("these are the farthest codes; sort the distances from the smallest", lambda n: n.vote(n.nearest[:, -10:])),
    (
        "the distance is the sum of both absolute differences; take the Euclidean one, the root of the sum of squares",
        lambda n: n.vote(n.ordered_by(np.abs(n.steps).sum(axis=2))[:, :10]),
    ),
    (
        "the distance is the larger of both differences; take the Euclidean one, the root of the sum of squares",
        lambda n: n.vote(n.ordered_by(np.abs(n.steps).max(axis=2))[:, :10]),
    ),
    (
        "nearness is measured by the dot product; take the distance",
        lambda n: n.vote(n.ordered_by(-(n.means @ n.codes.T))[:, :10]),
    ),
    (
        "nearness is measured by the angle between codes; take the distance",
        lambda n: n.vote(n.ordered_by(-(_unit(n.means) @ _unit(n.codes).T))[:, :10]),
    ),
    (
        "the distance is measured along the first latent number only; use both",
        lambda n: n.vote(n.ordered_by(np.abs(n.steps[:, :, 0]))[:, :10]),
    ),
    (
        "the distance is measured along the second latent number only; use both",
        lambda n: n.vote(n.ordered_by(np.abs(n.steps[:, :, 1]))[:, :10]),
    ),
    (
        "votes are weighted by nearness; let each of the ten count the same",
        lambda n: n.vote(n.nearest[:, :10], 1 / (1e-9 + np.sort(n.distances, axis=1)[:, :10])),
    ),
    ("this is the number of the nearest code, not its label", lambda n: n.nearest[:, 0]),
    *(
        (
            "digits are names, and can't be averaged: three 1s and a 9 make no 3; count votes instead",
            lambda n, change=change: change(n.labels[n.nearest[:, :10]].mean(axis=1)),
        )
        for change in (np.round, np.floor, np.positive)
    ),
    *(
        (
            "this is the middle one of ten sorted digits; count votes instead",
            lambda n, change=change: change(np.median(n.labels[n.nearest[:, :10]], axis=1)),
        )
        for change in (np.round, np.floor, np.positive)
    ),
    (
        "this is how many votes the winner has, not which digit it is",
        lambda n: np.array([np.bincount(row).max() for row in n.labels[n.nearest[:, :10]]]),
    ),
]


@functools.cache
def _telling_images(hidden):
    """Images `(n, 784)` that tell ten neighbours from other ways to vote, and on which no rounding decides."""
    encoder = _given.model("vae_2").encoder
    given, labels = _given.notebooks_images_and_labels(2000)
    images, codes = _given.images(1000, hidden), np.asarray(encoder(given)[0], "float64")
    neighbours = _Neighbours(codes, labels, np.asarray(encoder(images)[0], "float64"))
    right, lead = neighbours.winners(neighbours.nearest[:, :10])
    distances = np.sort(neighbours.distances, axis=1)
    safe = (lead >= 1) & (distances[:, 10] - distances[:, 9] > 1e-3 * distances[:, 9] + 1e-4)
    chosen = list(np.flatnonzero(safe & (lead >= 4))[:10])
    for _, mistake in READING_MISTAKES:
        differs = np.flatnonzero(safe & (mistake(neighbours) != right))
        chosen += [i for i in differs if i not in chosen][:1]
    chosen = chosen[:40]
    return images[chosen], _Neighbours(codes, labels, neighbours.means[chosen])


@check
def drawn_digit(read_digit, hidden=False):  # numpydoc ignore=PR01
    """Check a reader of digits by their nearest codes: exercise 9 of lesson 05.

    Parameters
    ----------
    read_digit : the learner's `read_digit(image)`, an image `(784,)` to its mean code `(2,)` and the digit that
        most of the ten nearest `codes` have as their label

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    require_functions(read_digit=read_digit)
    _read(read_digit, _given.images(1, hidden)[0])  # one that isn't written is told so before others are encoded
    images, neighbours = _telling_images(hidden)
    places, digits = _read_all(read_digit, images)
    again = _read(read_digit, images[0])[0]
    means, right = neighbours.means, neighbours.right
    if not np.allclose(places, means, atol=1e-3):
        log_vars = np.asarray(_given.model("vae_2").encoder(images)[1], "float64")
        _explain_places(again, places, means, log_vars)
    if np.array_equal(digits, right):
        return "the mean of the encoder, and the vote of its ten nearest neighbours"
    if np.all(digits == digits[0]):
        raise WrongError(
            f"every image is read as {digits[0]:g}; do the ten codes that vote depend on the image's place?"
        )
    with np.errstate(all="ignore"):
        recognise(lambda mistake: np.array_equal(digits, mistake(neighbours)), READING_MISTAKES)
    wrong = np.flatnonzero(digits != right)
    votes = np.bincount(neighbours.labels[neighbours.nearest[wrong[0], :10]], minlength=10)
    counted = ", ".join(f"{n} for {digit}" for digit, n in enumerate(votes) if n)
    raise WrongError(
        f"{len(wrong)} of {len(digits)} digits are not what the ten nearest codes vote for; for one, the votes are "
        f"{counted}, and yours is {digits[wrong[0]]:g}"
    )


def _read(read_digit, image):
    """The place and the digit of one image."""
    result = read_digit(image)
    if not isinstance(result, tuple) or len(result) != 2:
        raise WrongError(f"return two things, as in `return z, digit`, not {kind_of(result)}")
    return [np.squeeze(as_array(part, "read_digit")) for part in result]


def _read_all(read_digit, images):
    """The places `(n, 2)` and the digits `(n,)` of all images."""
    places, digits = zip(*(_read(read_digit, image) for image in images), strict=True)
    if all(place.shape == () for place in places) and all(digit.shape == (2,) for digit in digits):
        raise WrongError("the two results are swapped; return the place first, then the digit")
    for place in places:
        require_shape(place, (2,), "the two latent numbers of the image")
    if digits[0].shape == (10,):
        raise WrongError("your digit is ten numbers; let the ten neighbours vote and return the winner")
    for digit in digits:
        require_shape(digit, (), "one digit")
    return np.stack(places), np.stack(digits)


def _explain_places(again, places, means, log_vars):
    """Raise why the places are not the mean codes."""
    recognise(
        lambda wrong: np.allclose(places, wrong, atol=1e-3),
        [
            ("z is the encoder's second output, the log-variance; the mean is the first", log_vars),
            ("the two latent numbers are swapped", means[:, ::-1]),
        ],
    )
    if not np.allclose(again, places[0], atol=1e-5):
        raise WrongError("z is another one at each call: is it the encoder's sample? Take the mean, its first output")
    if np.ptp(places, axis=0).max() < 1e-3:
        raise WrongError("z is the same for every image; does the image reach the encoder?")
    raise WrongError(
        f"z of the first image is {np.round(places[0], 2)} where its mean {np.round(means[0], 2)} is right; does "
        "vae_2 encode the image as it is?"
    )


# --- Exercise 15 ------------------------------------------------------------------------------------


def _flow(
    z,
    label_up,
    label_down,
    standardise=True,
    start_in_units=False,
    back_in_units=True,
    angles_down=None,
    steps=20,
    wind=None,
):
    """What becomes of codes that flow to noise with one label and back with another; the defaults are right."""
    from pylib.diffusion import field, follow  # which loads Keras

    diffusion = _given.model("diffusion_20")
    mean, scale = (diffusion.mean, diffusion.scale) if standardise else (0.0, 1.0)
    angles = np.linspace(0, np.pi / 2, steps + 1)
    start = z.astype("float64") if start_in_units else (z.astype("float64") - mean) / scale
    noise = start if wind == "down" else follow(field(diffusion.network, label_up), start, angles)[-1]
    if wind == "up":
        end = noise
    else:
        end = follow(field(diffusion.network, label_down), noise, angles[::-1] if angles_down is None else angles_down)[
            -1
        ]
    return mean + scale * end if back_in_units else end


def _slant(images):
    """How far the ink of each image moves to the right for each row further down: its moments' ratio."""
    ink = images.reshape(-1, 28, 28)
    ink = ink / ink.sum(axis=(1, 2), keepdims=True)
    place = np.arange(28)
    rows, columns = place[None, :, None], place[None, None, :]
    down = rows - (ink * rows).sum(axis=(1, 2), keepdims=True)
    right = columns - (ink * columns).sum(axis=(1, 2), keepdims=True)
    return (ink * down * right).sum(axis=(1, 2)) / (ink * down**2).sum(axis=(1, 2))


REWRITING_MISTAKES = [
    (
        "the codes come back as they were, as they do where both ways have the same label; the way to "
        "the noise needs the label that the digit has, and the way back the new one",
        lambda z, y, new: z.astype("float64"),
    ),
    (
        "the two labels are exchanged: to the noise with the old one, back with the new one",
        lambda z, y, new: _flow(z, new, y),
    ),
    ("the way to the noise has no label; it needs the label that the digit has", lambda z, y, new: _flow(z, None, new)),
    ("the way back has no label; it needs the new one", lambda z, y, new: _flow(z, y, None)),
    ("this is the noise; follow the field back to the codes", lambda z, y, new: _flow(z, y, new, wind="up")),
    (
        "this is the noise, in units of noise; follow the field back to the codes",
        lambda z, y, new: _flow(z, y, new, wind="up", back_in_units=False),
    ),
    ("the codes are taken for noise: only the way back is there", lambda z, y, new: _flow(z, y, new, wind="down")),
    (
        "the codes are not standardised: less diffusion.mean, over diffusion.scale",
        lambda z, y, new: _flow(z, y, new, standardise=False),
    ),
    (
        "the codes are not standardised before they go to the noise: less diffusion.mean, over diffusion.scale",
        lambda z, y, new: _flow(z, y, new, start_in_units=True),
    ),
    (
        "the result is still standardised: times diffusion.scale, plus diffusion.mean",
        lambda z, y, new: _flow(z, y, new, back_in_units=False),
    ),
    (
        "the result is standardised, and so far only multiplied by diffusion.scale; add diffusion.mean",
        lambda z, y, new: _flow(z, y, new) - _given.model("diffusion_20").mean,
    ),
    (
        "the way back runs from 0 to pi/2, as the way there does; turn its angles round",
        lambda z, y, new: _flow(z, y, new, angles_down=np.linspace(0, np.pi / 2, 21)),
    ),
]


@check
def same_hand(rewrite, hidden=False):  # numpydoc ignore=PR01
    """Check how codes of one digit are made codes of another in the same hand: exercise 15 of lesson 05.

    Parameters
    ----------
    rewrite : the learner's `rewrite(z, label, new_label)`, of codes `(n, 20)` of `vae_20` and two digits, each `(n,)`,
        to codes `(n, 20)`

    Returns
    -------
    verdict : a `Verdict`, whose message is printed; it shows 100 each of `digit`, `rewritten` and
        `wanted`, and `slants`, a row for digits, one rewritten and one with fresh noise
    """
    require_functions(rewrite=rewrite)
    vae = _given.model("vae_20")
    images, label = _given.images_and_labels(12, hidden)
    z = np.asarray(vae.encoder(images)[0])
    new_label = (label + _given.generator(15, hidden).integers(1, 10, len(label))) % 10
    codes, again = evaluate(rewrite, z, label, new_label), evaluate(rewrite, z, label, new_label)
    kept = evaluate(rewrite, z, label, label)
    codes, kept = in_shape(codes, z.shape), in_shape(kept, z.shape)
    require_shape(codes, z.shape, "a code for each that is given")
    require_finite(codes, "code", "are there angles outside 0 to pi/2, or too large steps?")
    right = _flow(z, label, new_label)

    def near(value, wanted):
        return np.sqrt(np.mean((value - wanted) ** 2)) < 0.03

    if near(codes, right):
        if not near(kept, z):
            raise WrongError("with the digit's own label the code should come back as it was, and it does not")
        return "to the noise with the old label, and back with the new one", {} if hidden else _rewritten(rewrite)
    if not np.allclose(codes, np.reshape(again, codes.shape), atol=1e-4):
        raise WrongError(
            "a second call gives other codes: there is fresh noise in it, and with it another hand; the noise "
            "must come from the code itself, by following the field from angle 0 to pi/2"
        )
    recognise(lambda mistake: near(codes, mistake(z, label, new_label)), REWRITING_MISTAKES)
    off, least = np.sqrt(np.mean((codes - right) ** 2)), np.sqrt(np.mean((kept - z) ** 2))
    seen = f"the codes are off by {off:.2g} (root of the mean square, where codes spread by {z.std():.2f})"
    if near(kept, z):
        raise WrongError(
            f"{seen}, though with the digit's own label they come back; look at where the new label comes in"
        )
    raise WrongError(
        f"{seen}, and with the digit's own label they come back off by {least:.2g} where 0 is right; get that to 0 "
        "first"
    )


def _rewritten(rewrite):
    """What the verdict shows: a hundred digits, rewritten ones and how both slant, beside others from fresh noise."""
    vae = _given.model("vae_20")
    many, digits = _given.images_and_labels(100, hidden=False, start=100)
    wanted = np.tile(np.arange(10), 10)
    wanted = np.where(wanted == digits, (wanted + 1) % 10, wanted)
    of_many = evaluate(rewrite, np.asarray(vae.encoder(many)[0]), digits, wanted)
    rewritten = np.asarray(vae.decoder(in_shape(of_many, (100, 20)).astype("float32")))
    fresh = _given.model("diffusion_20").sample(100, seed=0, label=wanted)
    fresh = np.asarray(vae.decoder(fresh.astype("float32")))
    slants = np.stack([_slant(pictures) for pictures in (many, rewritten, fresh)])
    return {"digit": many, "rewritten": rewritten, "wanted": wanted, "slants": slants}
