"""Answers to exercises 6 and 9: interpolation along the arc, the place of a drawn digit."""

import functools

import numpy as np
import tensorflow as tf
from scipy.spatial.transform import Rotation

from tests.exercise_answers.data_and_models import held_out_images, held_out_labels, vae_2

RIGHT, WRONG = {}, {}
EXTRA = {"drawn_digit": lambda: (vae_2(), held_out_images()[2000:], codes(), code_labels())}

# --- Exercise 6: slerp


def slerp_numpy(a, b, t):
    omega = np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))
    t = t[:, None]
    if np.sin(omega) < 1e-3:
        return (1 - t) * a + t * b
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


def slerp_tensorflow(a, b, t):
    omega = tf.acos(tf.clip_by_value(tf.reduce_sum(a * b) / (tf.norm(a) * tf.norm(b)), -1.0, 1.0))
    if omega < 1e-2:
        return (1 - t[:, None]) * a + t[:, None] * b
    weights = tf.stack([tf.sin((1 - t) * omega), tf.sin(t * omega)], axis=1) / tf.sin(omega)
    return weights @ tf.stack([a, b])


def slerp_turning(a, b, t):
    """Turns the direction and changes the length evenly."""
    a, b, t = (np.asarray(part, "float64") for part in (a, b, t))
    length = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
    along = a / np.linalg.norm(a)
    across = b - (b @ along) * along
    if np.linalg.norm(across) < 1e-3:
        return length[:, None] * along
    angle = np.arctan2(np.linalg.norm(across), b @ along)
    across = across / np.linalg.norm(across)
    return length[:, None] * (np.cos(t * angle)[:, None] * along + np.sin(t * angle)[:, None] * across)


def slerp_unsafe(a, b, t, cosine=None, unit=False, divide=True, turn=1.0):
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b) if cosine is None else cosine(a, b)
    omega = np.arccos(cosine) * turn
    if unit:
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    t = t[:, None]
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / (np.sin(omega) if divide else 1)


def lerp(a, b, t):
    return (1 - t[:, None]) * a + t[:, None] * b


def pushed_out(a, b, t):
    line = lerp(a, b, t)
    length = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
    return line / np.linalg.norm(line, axis=1, keepdims=True) * length[:, None]


RIGHT["spherical_interpolation"] = [slerp_numpy, slerp_tensorflow, slerp_turning]
WRONG["spherical_interpolation"] = [
    (lerp, "this is lerp, the straight line"),
    (lambda a, b, t: slerp_numpy(b, a, t), "the two ends are swapped"),
    (lambda a, b, t: slerp_turning(b, a, t), "the two ends are swapped"),
    (lambda a, b, t: slerp_unsafe(a, b, t, unit=True), "all codes have length 1"),
    (pushed_out, "pushed out to the arc"),
    (lambda a, b, t: slerp_unsafe(a, b, t, divide=False), "not divided by the sine"),
    (lambda a, b, t: slerp_unsafe(a, b, t, cosine=np.dot), "once it is divided by both lengths"),
    (
        lambda a, b, t: slerp_unsafe(a, b, t, cosine=lambda a, b: np.clip(a @ b, -1, 1)),
        "once it is divided by both lengths",
    ),
    (lambda a, b, t: slerp_unsafe(a, b, t, turn=180 / np.pi), "in degrees"),
    (lambda a, b, t: slerp_numpy(a, b, t).T, "the transpose"),
    (slerp_unsafe, "fall back on lerp there"),
    (lambda a, b, t: slerp_numpy(a, b, t)[0], "has shape (20,), not (5, 20)"),
    (lambda a, b, t: Rotation.identity().apply(a), "ValueError"),
]

# --- Exercise 9: the drawn digit


@functools.cache
def codes():
    return np.asarray(vae_2().encoder(held_out_images()[:2000])[0])


def code_labels():
    return held_out_labels()[:2000]


def nearest(z):
    """The numbers of all codes, from the nearest to the farthest."""
    return np.argsort(np.linalg.norm(codes() - z, axis=1))


def most_votes(neighbours):
    return np.bincount(code_labels()[neighbours]).argmax()


def vote_of_ten(z):
    return most_votes(nearest(z)[:10])


def read_numpy(image):
    z = np.asarray(vae_2().encoder(image[None])[0])[0]
    return z, vote_of_ten(z)


def read_tensorflow(image):
    z = vae_2().encoder(tf.convert_to_tensor(image)[None])[0]
    distances = tf.norm(codes() - z, axis=1)
    neighbours = tf.gather(code_labels(), tf.argsort(distances)[:10])
    return z, tf.argmax(tf.math.bincount(tf.cast(neighbours, tf.int32)))


def read_with(place=lambda outputs: outputs[0], vote=vote_of_ten):
    def read(image):
        z = np.asarray(place(vae_2().encoder(image[None])))[0]
        return z, vote(z)

    return read


RIGHT["drawn_digit"] = [read_numpy, read_tensorflow, lambda image: list(read_numpy(image))]
WRONG["drawn_digit"] = [
    (read_with(place=lambda outputs: outputs[2]), "it is the encoder's sample; take the mean"),
    (read_with(place=lambda outputs: outputs[1]), "the log-variance; the mean is the first"),
    (read_with(place=lambda outputs: np.asarray(outputs[0])[:, ::-1]), "the two latent numbers are swapped"),
    (read_with(vote=lambda z: code_labels()[nearest(z)[0]]), "only the nearest neighbour decides"),
    (read_with(vote=lambda z: most_votes(nearest(z)[-10:])), "the farthest codes"),
    (
        read_with(vote=lambda z: most_votes(np.argsort(np.abs(codes() - z)[:, 0])[:10])),
        "along the first latent number only",
    ),
    (
        read_with(vote=lambda z: most_votes(np.argsort(np.abs(codes() - z)[:, 1])[:10])),
        "along the second latent number only",
    ),
    (read_with(vote=lambda z: most_votes(np.arange(10))), "the first ten codes vote"),
    (read_with(vote=lambda z: round(code_labels()[nearest(z)[:10]].mean())), "digits are names, and can't be averaged"),
    (read_with(vote=lambda z: nearest(z)[0]), "the number of the nearest code, not its label"),
    (read_with(vote=lambda z: np.bincount(code_labels()[nearest(z)[:10]], minlength=10)), "your digit is ten numbers"),
    (read_with(vote=lambda z: 5), "of the digits are what the ten nearest codes vote for"),
    (lambda image: read_numpy(image)[::-1], "the two results are swapped"),
    (lambda image: read_numpy(image)[0], "return two things"),
    (lambda image: (np.zeros(2), 1), "z is the same for every image"),
    (lambda image: vae_2().encoder(image), "stops in line"),
]
