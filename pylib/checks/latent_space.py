"""Checks of exercises 6 and 9, the latent space: interpolate, find a place."""

import numpy as np

from pylib.checks._judge import WrongError, as_array, call, check, compare, evaluate, recognise, require_shape

# --- Exercise 6 -------------------------------------------------------------------------------------
# Right values are computed by turning `a` in the plane of both codes, rather than by the formula that is taught.


def _angle(a, b):
    return np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def _turned(a, b, t):
    """Unit vectors on the way from `a` to `b`, `(m, d)`, at an even pace."""
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
    unit_vectors = np.stack([a / np.linalg.norm(a), b / np.linalg.norm(b)], axis=1)
    weights = np.linalg.lstsq(unit_vectors, _turned(a, b, t).T, rcond=None)[0]
    return weights.T @ np.stack([a, b])


def _lerp(a, b, t):
    return (1 - t[:, None]) * a + t[:, None] * b


def _unit(codes):
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


def _lerp_pushed_out(a, b, t):
    return _unit(_lerp(a, b, t)) * np.linalg.norm(_turned_and_stretched(a, b, t), axis=1, keepdims=True)


def _weighted_by_sines(a, b, t, angle):
    return np.sin((1 - t[:, None]) * angle) * a + np.sin(t[:, None] * angle) * b


def _slerp_in_degrees(a, b, t):
    angle = np.degrees(_angle(a, b))
    return _weighted_by_sines(a, b, t, angle) / np.sin(angle)


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
        "the sum is not divided by the sine of the angle",
        lambda a, b, t: _weighted_by_sines(a, b, t, _angle(a, b)),
    ),
    ("the angle is in degrees; np.sin takes radians", _slerp_in_degrees),
    ("this is the transpose: give a row for each t, (m, d)", lambda a, b, t: _slerp(a, b, t).T),
]


@check
def spherical_interpolation(slerp):
    """Check interpolation along the arc: exercise 6 of lesson 05.

    Parameters
    ----------
    slerp : the learner's `slerp(a, b, t)`, two codes `(d,)` and places `(m,)` in [0, 1] to codes `(m, d)`

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    rng = np.random.default_rng(3)
    t = np.array([0.0, 0.2, 0.5, 0.9, 1.0])
    cases = [(rng.normal(size=d), rng.normal(size=d) * scale, t) for d, scale in ((20, 1), (3, 2), (20, 0.7))]
    codes = evaluate(slerp, *cases[0])
    if not np.isfinite(codes).all() or np.abs(codes).max() > 100:
        raise WrongError(
            "the angle is wrong, its sine NaN or nearly 0: a @ b is a cosine only once it is divided by both lengths"
        )
    compare(slerp, cases, [_slerp, _turned_and_stretched], SLERP_MISTAKES, "code", "a row for each t")
    a = cases[0][0]
    for name, b in {"the same": a, "nearly the same": a * (1 + 1e-7), "1.5 times each other": 1.5 * a}.items():
        codes = evaluate(slerp, a, b, t)
        if not (np.isfinite(codes).all() and np.allclose(codes, _lerp(a, b, t), atol=1e-2)):
            raise WrongError(
                f"where a and b are {name}, the result is {codes.ravel()[-1]:.4g} and not between them: the angle "
                "is 0 and its sine is divided by; fall back on lerp there"
            )
    return "the arc from a to b, at an even pace, also where a and b point the same way"


# --- Exercise 9 -------------------------------------------------------------------------------------


@check
def drawn_digit(read_digit, vae, images, codes, labels):
    """Check a reader of digits by their nearest codes: exercise 9 of lesson 05.

    Parameters
    ----------
    read_digit : the learner's `read_digit(image)`, an image `(784,)` to its mean code `(2,)` and the digit that
        most of the ten nearest `codes` have as their label
    vae : the `pylib.models.VAE` that it uses, with latent_dim 2
    images : 60 images `(n, 784)` in [0, 1] or more, to try it on
    codes : `(m, 2)`, among which it looks for the nearest
    labels : of the codes, `(m,)` integers

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    images = images[:60]
    means, log_vars = (np.asarray(part, "float64") for part in vae.encoder(images)[:2])
    places, digits = _read_all(read_digit, images)
    if not np.allclose(places, means, atol=1e-2):
        _explain_places(read_digit, images, places, means, log_vars)
    _judge_votes(digits, means, codes, labels)
    return "the mean of the encoder, and the vote of its ten nearest neighbours"


def _read(read_digit, image):
    """The place and the digit of one image."""
    result = call(read_digit, image)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise WrongError("return two things: the place z and the digit, as in `return z, digit`")
    return [np.squeeze(as_array(part, "read_digit")) for part in result]


def _read_all(read_digit, images):
    """The places `(n, 2)` and the digits `(n,)` of all images."""
    places, digits = zip(*(_read(read_digit, image) for image in images), strict=True)
    if all(place.shape == () for place in places) and all(digit.shape == (2,) for digit in digits):
        raise WrongError("the two results are swapped; return the place first, then the digit")
    require_shape(places[0], (2,), "the two latent numbers of the image")
    if digits[0].shape == (10,):
        raise WrongError("your digit is ten numbers; let the ten neighbours vote and return the winner")
    require_shape(digits[0], (), "one digit")
    return np.stack(places), np.stack(digits)


def _explain_places(read_digit, images, places, means, log_vars):
    """Raise why the places are not the mean codes."""
    recognise(
        lambda wrong: np.allclose(places, wrong, atol=1e-2),
        [
            ("z is the encoder's second output, the log-variance; the mean is the first", log_vars),
            ("the two latent numbers are swapped", means[:, ::-1]),
        ],
    )
    place_again, _ = _read(read_digit, images[0])
    if not np.allclose(place_again, places[0], atol=1e-4):
        raise WrongError("z is another one at each call: it is the encoder's sample; take the mean, its first output")
    if np.ptp(places, axis=0).max() < 1e-3:
        raise WrongError("z is the same for every image; does the image reach the encoder?")
    raise WrongError(
        f"z of the first image is {np.round(places[0], 2)} where its mean {np.round(means[0], 2)} is right"
    )


def _nearest(codes, means):
    """The numbers of all codes, for each mean from the nearest to the farthest."""
    return np.argsort(np.linalg.norm(codes[None] - means[:, None], axis=2), axis=1)


# Usual mistakes: the numbers of the codes that vote for each image, of all codes and the images' mean codes
NEIGHBOUR_MISTAKES = [
    (
        "only the nearest neighbour decides; let the ten nearest vote",
        lambda codes, means: _nearest(codes, means)[:, :1],
    ),
    (
        "these are the farthest codes; sort the distances from the smallest",
        lambda codes, means: _nearest(codes, means)[:, -10:],
    ),
    (
        "the first ten codes vote, not the nearest ten; sort by distance",
        lambda codes, means: np.tile(np.arange(10), (len(means), 1)),
    ),
    (
        "the distance is measured along the first latent number only; use both",
        lambda codes, means: _nearest(codes[:, :1], means[:, :1])[:, :10],
    ),
    (
        "the distance is measured along the second latent number only; use both",
        lambda codes, means: _nearest(codes[:, 1:], means[:, 1:])[:, :10],
    ),
]


def _judge_votes(digits, means, codes, labels):
    """Raise unless the digits have the most votes of the ten nearest codes."""

    def share_of_winners(neighbours):
        """How many of the learner's digits have the most votes; where two digits have, both are right."""
        votes = np.stack([np.bincount(labels[row], minlength=10) for row in neighbours])
        given = np.clip(np.round(digits).astype(int), 0, 9)
        return np.mean(votes[np.arange(len(votes)), given] == votes.max(axis=1))

    order = _nearest(codes, means)
    right = share_of_winners(order[:, :10])
    if right >= 0.97 and np.array_equal(digits, np.round(digits)):
        return
    recognise(lambda voters: share_of_winners(voters(codes, means)) > 0.97, NEIGHBOUR_MISTAKES)
    averages = labels[order[:, :10]].mean(axis=1)
    if np.mean(np.abs(digits - averages) < 0.51) > 0.97:
        raise WrongError("digits are names, and can't be averaged: three 1s and a 9 make no 3; count votes instead")
    if np.array_equal(digits, order[:, 0]):
        raise WrongError("this is the number of the nearest code, not its label")
    raise WrongError(f"{right:.0%} of the digits are what the ten nearest codes vote for; all should be")
