"""Answers to exercises 6, 9 and 15: interpolation along the arc, the place of a drawn digit, the same hand."""

import functools
from collections import Counter

import numpy as np
import tensorflow as tf
from scipy.spatial.transform import Rotation

from pylib.diffusion import field, follow
from tests.exercise_answers.data_and_models import diffusion, held_out_images, held_out_labels, vae_2, vae_20

RIGHT, WRONG = {}, {}

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


def slerp_late(a, b, t, below=0.05):
    """Falls back on lerp for angles that are not small enough."""
    return (
        lerp(a, b, t)
        if np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)) < below
        else slerp_numpy(a, b, t)
    )


def slerp_with_epsilon(a, b, t):
    omega = np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))
    t = t[:, None]
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / (np.sin(omega) + 1e-3)


def slerp_in_place(a, b, t):
    length = np.linalg.norm(a)
    a /= length
    return slerp_numpy(length * a, b, t)


RIGHT["spherical_interpolation"] = [
    slerp_numpy,
    slerp_tensorflow,
    slerp_turning,
    lambda a, b, t: [slerp_numpy(a.astype("float64"), b, np.array([place]))[0] for place in t],
]
WRONG["spherical_interpolation"] = [
    (lerp, "this is lerp, the straight line"),
    (lambda a, b, t: slerp_numpy(b, a, t), "the two ends are swapped"),
    (lambda a, b, t: slerp_turning(b, a, t), "the two ends are swapped"),
    (lambda a, b, t: slerp_unsafe(a, b, t, unit=True), "all codes have length 1"),
    (pushed_out, "pushed out to the arc"),
    (lambda a, b, t: slerp_unsafe(a, b, t, divide=False), "not divided by the sine"),
    (lambda a, b, t: slerp_unsafe(a, b, t, cosine=np.dot), "its cosine is a @ b over both lengths"),
    (
        lambda a, b, t: slerp_unsafe(a, b, t, cosine=lambda a, b: np.clip(a @ b, -1, 1)),
        "its cosine is a @ b over both lengths",
    ),
    (lambda a, b, t: slerp_unsafe(a, b, t, turn=180 / np.pi), "in degrees"),
    (lambda a, b, t: slerp_numpy(a, b, t).T, "the transpose"),
    (slerp_unsafe, "fall back on lerp there"),
    (slerp_late, "this is still lerp; only below an angle of 0.01"),
    (slerp_with_epsilon, "where"),
    (slerp_in_place, "writes into the array that it is given"),
    (lambda a, b, t: slerp_unsafe(a, b, t, turn=0.5), "the angle is half of what it should be"),
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


def read_by_counter(image):
    z = vae_2().encoder(image[None])[0]
    votes = Counter(code_labels()[nearest(np.asarray(z))[:10]].tolist())
    return np.asarray(z).ravel().tolist(), votes.most_common(1)[0][0]


def nearest_by(order):
    return lambda z: most_votes(np.argsort(np.linalg.norm(codes() - z, ord=order, axis=1))[:10])


RIGHT["drawn_digit"] = [read_numpy, read_tensorflow, lambda image: list(read_numpy(image)), read_by_counter]
WRONG["drawn_digit"] = [
    (read_with(place=lambda outputs: outputs[2]), "is it the encoder's sample? Take the mean"),
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
    (read_with(vote=lambda z: most_votes(np.arange(10))), "do the ten codes that vote depend on"),
    (read_with(vote=lambda z: round(code_labels()[nearest(z)[:10]].mean())), "digits are names, and can't be averaged"),
    (read_with(vote=lambda z: nearest(z)[0]), "the number of the nearest code, not its label"),
    (read_with(vote=lambda z: np.bincount(code_labels()[nearest(z)[:10]], minlength=10)), "your digit is ten numbers"),
    (read_with(vote=lambda z: 5), "every image is read as 5"),
    (
        read_with(vote=lambda z: most_votes(nearest(z)[:100])),
        "digits are not what the ten nearest codes vote for; for one",
    ),
    (read_with(vote=lambda z: most_votes(nearest(z)[:9])), "9 neighbours vote; let the ten nearest do"),
    (read_with(vote=lambda z: most_votes(nearest(z)[:11])), "11 neighbours vote; let the ten nearest do"),
    (read_with(vote=lambda z: most_votes(nearest(z)[1:11])), "the nearest of all is left out of the vote"),
    (read_with(vote=nearest_by(1)), "the sum of both absolute differences"),
    (read_with(vote=nearest_by(np.inf)), "the larger of both differences"),
    (lambda image: read_numpy(np.round(image)), "does vae_2 encode the image as it is?"),
    (lambda image: vae_2().encoder(image[:100]), "ValueError"),
    (lambda image: read_numpy(image)[::-1], "the two results are swapped"),
    (lambda image: read_numpy(image)[0], "return two things"),
    (lambda image: (np.zeros(2), 1), "z is the same for every image"),
    (lambda image: vae_2().encoder(image), "stops in line"),
]

# --- Exercise 15: another digit in the same hand


def rewrite(z, label, new_label, steps=10, up=None, down=None, start=True, end=True, turn=True):
    prior = diffusion()
    angles = np.linspace(0, np.pi / 2, steps + 1)
    points = (z - prior.mean) / prior.scale if start else z
    points = follow(field(prior.network, label if up is None else up(label, new_label)), points, angles)[-1]
    back = field(prior.network, new_label if down is None else down(label, new_label))
    points = follow(back, points, angles[::-1] if turn else angles)[-1]
    return prior.mean + prior.scale * points if end else points


def rewrite_one_by_one(z, label, new_label):
    return [rewrite(z[i : i + 1], label[i : i + 1], new_label[i : i + 1])[0] for i in range(len(z))]


def rewrite_by_path(z, label, new_label):
    """The way back by the prior's own `path`, which starts from noise."""
    prior = diffusion()
    start = (z - prior.mean) / prior.scale
    noise = follow(field(prior.network, label), start, np.linspace(0, np.pi / 2, 21))[-1]
    return prior.path(noise, steps=15, label=new_label)[-1]


def rewrite_by_euler(z, label, new_label, steps=300):
    prior = diffusion()
    x, h = (z - prior.mean) / prior.scale, np.pi / 2 / steps
    for i in range(steps):
        x = x + h * np.asarray(field(prior.network, label)(x, i * h))
    for i in range(steps, 0, -1):
        x = x - h * np.asarray(field(prior.network, new_label)(x, i * h))
    return prior.mean + prior.scale * x


def with_fresh_noise(z, label, new_label):
    return diffusion().path(np.random.normal(size=z.shape), steps=10, label=new_label)[-1]


def in_place(z, label, new_label):
    z -= diffusion().mean.astype("float32")
    return rewrite(z + diffusion().mean, label, new_label)


RIGHT["same_hand"] = [
    rewrite,
    rewrite_one_by_one,
    rewrite_by_path,
    rewrite_by_euler,
    lambda *args: tf.constant(rewrite(*args, steps=40), tf.float32),
]
WRONG["same_hand"] = [
    (lambda z, label, new_label: z, "the codes come back as they were"),
    (lambda *args: rewrite(*args, down=lambda old, new: old), "the codes come back as they were"),
    (lambda *args: rewrite(*args, up=lambda old, new: new), "the codes come back as they were"),
    (lambda z, label, new_label: rewrite(z, new_label, label), "the two labels are exchanged"),
    (lambda *args: rewrite(*args, start=False), "the codes are not standardised"),
    (lambda *args: rewrite(*args, end=False), "the result is still standardised"),
    (lambda *args: rewrite(*args, turn=False), "turn its angles round"),
    (with_fresh_noise, "there is fresh noise in it"),
    (lambda z, label, new: diffusion().sample(len(z), seed=0, label=new), "get that to 0 first"),
    (lambda *args: vae_20().decoder(rewrite(*args).astype("float32")), "has shape (12, 784), not (12, 20)"),
    (lambda z, label, new: rewrite(z, None, new), "the way to the noise has no label"),
    (lambda z, label, new: rewrite(z, label, 10 + new), "ValueError: labels"),
    (lambda *args: rewrite(*args, steps=1), "get that to 0 first"),
    (lambda z, label, new: (z + rewrite(z, label, new)) / 2, "look at where the new label comes in"),
    (in_place, "writes into the array that it is given"),
]
