"""Checks of exercises 10 and 11, inference with a trained VAE: classify, complete."""

import functools

import numpy as np

from pylib import evidence
from pylib.checks._judge import WrongError, as_array, call, check, evaluate, recognise, require_pixels, require_shape
from pylib.divergence import gaussian_kl

# --- Exercise 10 ------------------------------------------------------------------------------------

LOG_PRIOR = np.log([0.5, 0.001, 0.05, 0.05, 0.2, 0.004, 0.1, 0.045, 0.04, 0.01])


@check
def which_digit(label_scores, vae, images):
    """Check a classifier made of a conditional VAE: exercise 10 of lesson 05.

    Parameters
    ----------
    label_scores : the learner's `label_scores(x, log_prior)`, images `(n, 784)` and log p(y), `(10,)`, to a bound on
        log p(x, y) for each image and digit, `(n, 10)`, nats
    vae : the conditional `pylib.models.VAE` that it uses
    images : 50 images `(n, 784)` in [0, 1] or more, to try it on

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    x = images[:50]
    models = [evidence.given_label(vae, y) for y in range(10)]
    right = _columns(evidence.elbo(model, x, 5, seed=0) for model in models) + LOG_PRIOR
    scores = evaluate(label_scores, x, LOG_PRIOR)
    require_shape(scores, right.shape, "a row for each image and a column for each digit")
    _require_log_joint(scores, right)
    _require_log_prior(label_scores, x, scores)
    if _equal_up_to_sampling(scores, right):
        return "a bound on log p(x, y) for each of the ten digits"
    recognise(functools.partial(_equal_up_to_sampling, scores), _wrong_bounds(models, x, right))
    difference = np.median(np.abs(scores - right))
    raise WrongError(
        f"the scores are {difference:.1f} nats off (median); for the first image and digit 0 yours is "
        f"{scores[0, 0]:.1f} where {right[0, 0]:.1f} is right"
    )


def _columns(values):
    return np.stack(list(values), axis=1)


def _require_log_joint(scores, right):
    """Raise unless the scores may be bounds on log p(x, y), rather than probabilities or losses."""
    if not np.isfinite(scores).all():
        raise WrongError("there is a NaN or infinity among the scores")
    if np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        raise WrongError("these are probabilities that sum to 1; leave them as bounds on log p(x, y), in nats")
    if np.allclose(np.logaddexp.reduce(scores, axis=1), 0, atol=1e-3):
        raise WrongError("these are log p(y | x), divided by their sum; leave them as bounds on log p(x, y)")
    ratio = np.median(scores / right)
    if abs(ratio) < 0.1:
        raise WrongError("the bound is far too near 0; is it the mean over pixels? The sum is 784 times that")
    if ratio < 0:
        raise WrongError("these are losses, small where a digit fits; turn the sign of the bound")
    if np.median(np.ptp(scores - LOG_PRIOR, axis=1)) < 40:
        raise WrongError("all ten digits get nearly the same bound; does the label y reach encoder and decoder?")


def _require_log_prior(label_scores, x, scores):
    """Raise unless log p(y) is added once."""
    # Draws of z differ, by many nats for labels that do not fit, so the prior is moved by hundreds.
    far = 50 * LOG_PRIOR
    moved = np.median(scores - evaluate(label_scores, x, far), axis=0)
    wanted = LOG_PRIOR - far
    slope = moved @ wanted / (wanted @ wanted)
    if np.allclose(moved, np.exp(LOG_PRIOR) - np.exp(far), atol=0.02):
        raise WrongError("p(y) is added where log p(y) should be; log_prior is a logarithm already")
    if abs(slope) < 0.3:
        raise WrongError("log_prior is missing: this bounds log p(x | y), and log p(y) has to be added")
    if abs(slope - 1) > 0.3:
        raise WrongError(f"log_prior is added {slope:.2g} times; add it once")


def _equal_up_to_sampling(scores, expected):
    """Whether the scores differ no more than other draws of z make them differ."""
    difference = scores - expected
    return abs(np.median(difference)) < 0.7 and np.median(np.abs(difference)) < 2


def _wrong_bounds(models, x, right):
    """Usual mistakes, as pairs of a message and the scores."""
    codes = [evidence.encode(model, x) for model in models]
    kl = _columns(gaussian_kl(z_mean, z_log_var) for z_mean, z_log_var in codes)
    at_mean = _columns(
        evidence.log_likelihood(model, x, z_mean) for model, (z_mean, _) in zip(models, codes, strict=True)
    )
    return [
        ("the KL is missing from the bound", right + kl),
        ("the KL is subtracted twice; the ELBO holds it already", right - kl),
        ("the KL is added; the ELBO is log p(x | z, y) minus the KL", right + 2 * kl),
        ("the mean code is decoded; the bound is a mean over draws of z from q", at_mean - kl + LOG_PRIOR),
        ("this is log p(x | z, y) at the mean code; draw z, and subtract the KL", at_mean + LOG_PRIOR),
    ]


# --- Exercise 11 ------------------------------------------------------------------------------------


@check
def inpainting(inpaint, vae, images, known):
    """Check the completion of half-hidden digits: exercise 11 of lesson 05.

    Parameters
    ----------
    inpaint : the learner's `inpaint(x, known)`, images `(n, 784)` that count where `known`, to whole ones `(n, 784)`
    vae : the `pylib.models.VAE` that it uses
    images : 20 images `(n, 784)` in [0, 1] or more, to try it on
    known : `(784,)` booleans, whether a pixel is known

    Returns
    -------
    verdict : a `Verdict`, whose message is printed
    """
    images = images[:20]
    hidden = ~known
    half = np.where(known, images, 0).astype("float32")
    plain = np.asarray(vae.decoder(vae.encoder(half)[0]))

    def completed(x):
        return as_array(call(inpaint, x, known), "inpaint")

    whole = completed(half)
    require_shape(whole, half.shape, "a row of 784 pixels for each image")
    if not np.isfinite(whole).all():
        raise WrongError("there is a NaN or infinity among the pixels; the steps are too large, or go uphill")
    require_pixels(whole, half, "your pixels")
    _require_search(whole[:, hidden], half[:, hidden], plain[:, hidden])
    other = np.where(known, images, np.random.default_rng(0).random(images.shape)).astype("float32")
    if np.mean((completed(other) - whole)[:, hidden] ** 2) > 5e-3:
        raise WrongError(
            "the result changes with what stands in the hidden pixels; neither the loss nor the start may look at them"
        )
    if not np.allclose(whole[:, known], half[:, known], atol=1e-3):
        raise WrongError("the known pixels have changed; put the given ones back, with np.where(known, x, ...)")
    return _judge_hidden_pixels(*(pixels[:, hidden] for pixels in (whole, images, half, plain)))


def _require_search(found, empty, plain):
    """Raise where the hidden pixels were not searched for, or not for each image."""
    recognise(
        lambda pixels: np.allclose(found, pixels, atol=2e-3),
        [
            ("the images come back as they were; the hidden half is still empty", empty),
            ("this is the plain reconstruction of the half-empty image, with no search for z", plain),
        ],
    )
    if found.max() < 0.2:
        raise WrongError("the hidden half comes out empty: does the loss look at the hidden pixels, where x is 0?")
    if np.ptp(found, axis=0).max() < 1e-2:
        raise WrongError(
            "every image gets the same hidden half: does z move, and has each image its own row of z, (n, latent_dim)?"
        )


def _judge_hidden_pixels(found, right, empty, plain):
    """What is right about the hidden pixels, once they are better than guesses without any search."""
    error, empty_error, plain_error, mean_error = (
        np.mean((pixels - right) ** 2) for pixels in (found, empty, plain, right.mean(axis=0))
    )
    without_search = min(empty_error, plain_error)
    if error > without_search:
        raise WrongError(
            f"the hidden half is worse than guessed (MSE {error:.3f}, and {without_search:.3f} "
            "without any search): does the step go downhill, and is the loss over the known pixels?"
        )
    if error > 0.9 * mean_error:
        raise WrongError(
            f"the hidden half is little better than a mean digit (MSE {error:.3f} against "
            f"{mean_error:.3f}): take more steps, or larger ones"
        )
    return f"the hidden half has an MSE of {error:.3f}, where a mean digit has {mean_error:.3f}"
