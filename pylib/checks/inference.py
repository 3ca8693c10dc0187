"""Checks of exercises 10 and 11, inference with a trained VAE: classify what is half hidden, complete it."""

import functools

import numpy as np
from scipy import special

from pylib.checks import _given
from pylib.checks._answers import WrongError
from pylib.checks._judge import (
    check,
    evaluate,
    in_shape,
    is_close,
    recognise,
    require_finite,
    require_functions,
    require_pixels,
    require_shape,
)

LEFT = np.tile(np.arange(28) < 14, 28)
TOP = np.arange(784) < 392

# --- Exercise 10 ------------------------------------------------------------------------------------

LOG_PRIOR = np.log([0.5, 0.001, 0.05, 0.05, 0.2, 0.004, 0.1, 0.045, 0.04, 0.01])


def _log_table(x, known, z):
    """log p(x_known|z, y) for each image, draw and digit, `(n, m, 10)`, nats."""
    return _remembered_table(*(part.astype("float64").tobytes() for part in (x, known, z)))


@functools.lru_cache(maxsize=32)
def _remembered_table(*parts):
    x, known, z = (np.frombuffer(part) for part in parts)
    x, known, z = x.reshape(-1, 784), known.astype(bool), z.reshape(-1, 2)
    columns = []
    for y in range(10):
        logits = np.asarray(_given.model("conditional_2").decoder_logits([z, np.full(len(z), y)]), "float64")[:, known]
        columns.append(x[:, known] @ logits.T - np.logaddexp(0, logits).sum(axis=1))
    return np.stack(columns, axis=2)


def _log_joint(table, log_prior):
    return special.logsumexp(table, axis=1) - np.log(table.shape[1]) + log_prior


def _posterior(table, log_prior):
    return special.softmax(_log_joint(table, log_prior), axis=1)


def _from_table(change):
    """A mistake that is a function of the table with known pixels and of the prior."""
    return lambda x, known, log_prior, z: change(_log_table(x, known, z), log_prior)


def _z_log_density(z):
    return -0.5 * np.sum(z.astype("float64") ** 2, axis=1)


POSTERIOR_MISTAKES = [
    (
        "log_prior is missing: these are p(y | x) for digits of equal chances",
        _from_table(lambda t, p: _posterior(t, 0 * p)),
    ),
    ("log_prior is subtracted where it should be added", _from_table(lambda t, p: _posterior(t, -p))),
    ("log_prior is added twice", _from_table(lambda t, p: _posterior(t, 2 * p))),
    (
        "p(y) is added where log p(y) should be; log_prior is a logarithm already",
        _from_table(lambda t, p: _posterior(t, np.exp(p))),
    ),
    (
        "all ten digits get the same prior, a mean of log_prior",
        _from_table(lambda t, p: _posterior(t, np.full(10, p.mean()))),
    ),
    (
        "the hidden pixels count, too; leave them out of the sum",
        lambda x, known, p, z: _posterior(_log_table(x, np.ones(784, bool), z), p),
    ),
    (
        "the hidden pixels count as 0, which is white paper; leave them out of the sum",
        lambda x, known, p, z: _posterior(_log_table(np.where(known, x, 0), np.ones(784, bool), z), p),
    ),
    (
        "the pixels that are hidden are used, and the known ones left out",
        lambda x, known, p, z: _posterior(_log_table(x, ~known, z), p),
    ),
    (
        "only the best draw counts; take the mean of p(x | z, y) over all of them",
        _from_table(lambda t, p: special.softmax(t.max(axis=1) + p, axis=1)),
    ),
    (
        "this takes the mean of the logarithms over the draws; first exp, then the mean, then the logarithm",
        _from_table(lambda t, p: special.softmax(t.mean(axis=1) + p, axis=1)),
    ),
    (
        "only the first draw counts; take the mean of p(x | z, y) over all of them",
        _from_table(lambda t, p: special.softmax(t[:, 0] + p, axis=1)),
    ),
    (
        "the prior of z counts twice: the draws come from it already",
        lambda x, known, p, z: _posterior(_log_table(x, known, z) + _z_log_density(z)[:, None], p),
    ),
    ("pixels are averaged; log p(x | z, y) is their sum", _from_table(lambda t, p: _posterior(t / 784, p))),
    (
        "pixels are averaged; log p(x | z, y) is their sum",
        lambda x, known, p, z: _posterior(_log_table(x, known, z) / known.sum(), p),
    ),
    ("these are log p(x, y), which are to be divided by their sum over y", _from_table(_log_joint)),
    ("these are log p(x | y); Bayes' theorem is missing", _from_table(lambda t, p: _log_joint(t, 0 * p))),
    ("these are p(x, y), not yet divided by their sum over y", _from_table(lambda t, p: np.exp(_log_joint(t, p)))),
    (
        "this is the most probable digit; give the probabilities of all ten",
        _from_table(lambda t, p: _posterior(t, p).argmax(axis=1)),
    ),
    (
        "the sign is turned: the digits that fit worst have the largest probability",
        _from_table(lambda t, p: special.softmax(-_log_joint(t, p), axis=1)),
    ),
    (
        "this divides by the sum over the images, axis 0; each image's ten probabilities sum to 1",
        _from_table(lambda t, p: special.softmax(_log_joint(t, p), axis=0)),
    ),
]


@check
def which_digit(label_probabilities, hidden=False):  # numpydoc ignore=PR01
    """Check what a half-hidden digit may be, by Bayes' theorem: exercise 10 of lesson 05.

    Parameters
    ----------
    label_probabilities : the learner's `label_probabilities(x, known, log_prior, z)`, of images `(n, 784)`, `known`
        `(784,)`, the ten numbers log p(y) and draws `(m, 2)` of the prior of z, to p(y|x_known), `(n, 10)`

    Returns
    -------
    verdict : a `Verdict`, whose message is printed; it shows `halves`, 200 digits whose right half is hidden, their
        `probabilities` and `labels`
    """
    require_functions(label_probabilities=label_probabilities)
    rng = _given.generator(10, hidden)
    z = rng.normal(size=(300, 2)).astype("float32")
    rows = rng.random((14, 28)) < 0.5
    strips = np.concatenate([rows, ~rows]).ravel()
    few = np.repeat(np.isin(np.arange(28), [11, 12, 13, 14]), 28)  # where the prior counts
    # Garbage in place of hidden pixels, which must not be used; the prior as arrays of the notebook's kind
    prior, flat = LOG_PRIOR.astype("float32"), np.full(10, np.log(0.1), "float32")
    cases = []
    for number, (known, log_prior) in enumerate(
        [(LEFT, flat), (TOP, prior), (strips, prior), (np.ones(784, bool), prior), (few, prior), (LEFT, prior)]
    ):
        x = _given.images(12, hidden, start=50 * number)
        cases.append((np.where(known, x, rng.random(x.shape).astype("float32")), known, log_prior, z))
    values = [evaluate(label_probabilities, *case) for case in cases]
    tables = [_log_table(x, known, z) for x, known, _, _ in cases]
    rights = [_posterior(table, log_prior) for table, (_, _, log_prior, _) in zip(tables, cases, strict=True)]
    values = [in_shape(value, right.shape) for value, right in zip(values, rights, strict=True)]

    def same(values, others):
        return all(is_close(v, o, rtol=2e-3, atol=2e-3) for v, o in zip(values, others, strict=True))

    if same(values, rights):
        if hidden:
            return "p(y | the known pixels)"
        some, labels = _given.images_and_labels(200, hidden=False, start=500)
        half = np.where(LEFT, some, 0).astype("float32")
        shown = evaluate(label_probabilities, half, LEFT, flat, z)
        guesses = np.mean(np.argmax(shown, axis=1) == labels)
        return f"p(y | the known pixels), by which {guesses:.1%} of 200 half-hidden digits are read rightly", {
            "probabilities": shown,
            "labels": labels,
            "halves": half,
        }
    with np.errstate(all="ignore"):
        if same([np.exp(value) for value in values], rights):
            raise WrongError("these are log p(y | x); take their exponential")
        for message, mistake in POSTERIOR_MISTAKES:
            wrong = [mistake(*case) for case in cases]
            wrong = [in_shape(w, v.shape) for w, v in zip(wrong, values, strict=True)]
            if same(values, wrong) and not same(rights, [np.asarray(w) for w in wrong]):
                raise WrongError(message)
    for value, right in zip(values, rights, strict=True):
        require_shape(value, right.shape, "a row for each image and a column for each digit")
        require_finite(
            value,
            "probability",
            "exp of -104 is 0 in float32, and 0 / 0 is NaN; subtract the largest exponent first, as logsumexp does",
        )
    _explain_probabilities(values, rights)


def _explain_probabilities(values, rights):
    """Raise what is seen of wrong probabilities, the simplest first."""
    if any(np.abs(value.sum(axis=1) - 1).max() > 1e-2 for value in values):
        total = max(np.concatenate([value.sum(axis=1) for value in values]), key=lambda total: abs(total - 1))
        raise WrongError(f"each row must sum to 1, as probabilities do, and one sums to {total:.4g}")
    if is_close(values[3], rights[3], 2e-3, 2e-3):
        raise WrongError(
            "where all pixels are known the probabilities are right, and where some are hidden they are not; look at "
            "how `known` enters, and at the mean over z, which counts more where less is known"
        )
    if is_close(values[0], rights[0], 2e-3, 2e-3) and is_close(values[5], rights[5], 2e-3, 2e-3):
        raise WrongError(
            "where the left half is known the probabilities are right, and where other pixels are they are not; use "
            "`known` as it is given"
        )
    if is_close(values[0], rights[0], 2e-3, 2e-3):
        raise WrongError(
            "with equal chances for all digits the probabilities are right, and with others they are not; look at "
            "how log_prior enters"
        )
    i = np.argmax(np.abs(values[0] - rights[0]).max(axis=1))
    digit = rights[0][i].argmax()
    raise WrongError(
        f"for one image whose right half is hidden, p(y = {digit}) is {values[0][i, digit]:.3f} where "
        f"{rights[0][i, digit]:.3f} is right; look first at log p(x_known | z, y), the sum over the known pixels of "
        "x * logits - softplus(logits), and then at the mean over z"
    )


# --- Exercise 11 ------------------------------------------------------------------------------------


class _Search:
    """What a search for codes minimises, and how far from its minimum a completed image's code is."""

    def __init__(self, x, known):
        self.x, self.known = x[:, known].astype("float64"), known
        # As NumPy arrays, since thousands of small steps are faster so
        self.layers = [w.astype("float64") for w in _given.model("vae_20").decoder_logits.get_weights()]

    def logits(self, z):
        """Of all pixels, and their slopes by z, `(n, 784)` and `(n, 784, 20)`."""
        w, b, v, c = self.layers
        a = z @ w + b
        gate = special.expit(a)
        slopes = (gate + a * gate * (1 - gate))[:, :, None] * w.T[None]
        return (a * gate) @ v + c, np.einsum("hp,nhd->npd", v, slopes, optimize=True)

    def value(self, z):
        """-log p(x_known|z) - log p(z) up to a constant, `(n,)`, nats."""
        logits = self.logits(z)[0][:, self.known]
        return np.sum(np.logaddexp(0, logits) - self.x * logits, axis=1) + np.sum(z**2, axis=1) / 2

    def descend(self, z, steps=25):
        """Codes with the least value near `z`, by damped steps of Fisher scoring."""
        value, damping = self.value(z), np.ones(len(z))
        for _ in range(steps):
            logits, slopes = self.logits(z)
            p, slopes = special.expit(logits[:, self.known]), slopes[:, self.known]
            gradient = np.einsum("npd,np->nd", slopes, p - self.x) + z
            curvature = np.einsum("npd,np,npe->nde", slopes, p * (1 - p), slopes, optimize=True)
            curvature += np.eye(z.shape[1]) * (1 + damping[:, None, None])
            z, value, damping = _accepted(self.value, z, value, damping, z - _solve(curvature, gradient))
        return z

    def codes_of(self, pixels, z, steps=40):
        """Codes whose hidden pixels are nearest to these, `(n, 784)`, and the mean squared distance that is left."""
        wanted = pixels[:, ~self.known]

        def error(z):
            return np.sum((special.expit(self.logits(z)[0][:, ~self.known]) - wanted) ** 2, axis=1)

        value, damping = error(z), np.full(len(z), 0.1)
        for _ in range(steps):
            logits, slopes = self.logits(z)
            p = special.expit(logits[:, ~self.known])
            slopes = slopes[:, ~self.known] * (p * (1 - p))[:, :, None]
            gradient = np.einsum("npd,np->nd", slopes, p - wanted)
            curvature = np.einsum("npd,npe->nde", slopes, slopes, optimize=True)
            curvature += np.eye(z.shape[1]) * damping[:, None, None]
            z, value, damping = _accepted(error, z, value, damping, z - _solve(curvature, gradient))
        return z, value / wanted.shape[1]

    def prior_weight(self, z):
        """By how much the prior is weighed where `z` is a minimum, and how far from one it is even then."""
        logits, slopes = self.logits(z)
        of_pixels = np.einsum("npd,np->nd", slopes[:, self.known], special.expit(logits[:, self.known]) - self.x)
        weight = -np.sum(of_pixels * z) / np.sum(z**2)
        return weight, np.linalg.norm(of_pixels + weight * z) / np.linalg.norm(of_pixels)


def _solve(matrices, vectors):
    return np.linalg.solve(matrices, vectors[:, :, None])[:, :, 0]


def _accepted(function, z, value, damping, proposed):
    """Codes after a step that is taken only where it makes the function smaller: K. Levenberg, D. Marquardt."""
    new = function(proposed)
    better = new < value
    damping = np.where(better, damping / 4, damping * 6)
    return np.where(better[:, None], proposed, z), np.where(better, new, value), damping


@check
def inpainting(inpaint, hidden=False):  # numpydoc ignore=PR01
    """Check the completion of half-hidden digits: exercise 11 of lesson 05.

    Parameters
    ----------
    inpaint : the learner's `inpaint(x, known)`, images `(n, 784)` that count where `known`, to whole ones `(n, 784)`

    Returns
    -------
    verdict : a `Verdict`, whose message is printed; it shows `digits`, `known` and `completed`, ten rows each
    """
    require_functions(inpaint=inpaint)
    known = TOP if hidden else LEFT
    garbage = _given.generator(11, hidden).random((10, 784)).astype("float32")
    half = np.where(known, _given.images(10, hidden), 0).astype("float32")
    whole = evaluate(inpaint, half, known, shape=half.shape)
    other = np.where(known, garbage, _given.images(10, hidden)).astype("float32")
    of_other = evaluate(inpaint, other, ~known, shape=half.shape)
    require_shape(whole, half.shape, "a row of 784 pixels for each image")
    if not np.isfinite(whole).all():
        raise WrongError("there is a NaN or infinity among the pixels; are the steps too large, or do they go uphill?")
    require_pixels(whole, half, "your pixels")
    _require_search(whole[:, ~known], half, known)
    if not np.allclose(whole[:, known], half[:, known], atol=1e-3):
        raise WrongError("the known pixels have changed; put the given ones back, with np.where(known, x, ...)")
    # Right answers may start anywhere, so they are compared by what they minimise rather than by pixels.
    excess = _judge_codes(half, known, whole, 3.6 if hidden else 3.0)
    try:
        _judge_codes(other, ~known, of_other, 4.0)
    except WrongError:
        raise WrongError(
            f"the codes are {excess:.1f} nats from the best ones (median) where the hidden half is 0, and far from "
            "them where the other half is known and anything stands in the hidden one; neither the loss nor the start "
            "may look at hidden pixels, and `known` says which they are"
        ) from None
    shown = {"digits": _given.images(10, hidden), "known": half, "completed": whole}
    return f"codes within {excess:.1f} nats of the best ones (median), and pixels that the decoder draws there", shown


def _require_search(found, half, known):
    """Raise where the hidden pixels were not searched for, or not for each image."""
    vae = _given.model("vae_20")
    plain = np.asarray(vae.decoder(vae.encoder(half)[0]))[:, ~known]
    centre = np.asarray(vae.decoder(np.zeros((1, 20), "float32")))[:, ~known]
    recognise(
        lambda pixels: np.allclose(found, pixels, atol=2e-3),
        [
            ("the images come back as they were; the hidden half is still empty", half[:, ~known]),
            ("this is the plain reconstruction of the half-empty image, with no search for z", plain),
            ("this is what the decoder makes of z = 0; z does not move", centre),
        ],
    )
    if np.ptp(found, axis=0).max() < 1e-2:
        raise WrongError("every image gets the same hidden half; has each image its own row of z, (n, latent_dim)?")


def _judge_codes(half, known, whole, limit):
    """By how many nats the codes of completed images are worse than the best (median); raise where by too many."""
    search = _Search(half, known)
    best = search.descend(np.zeros((len(half), 20)))
    codes, left_over = search.codes_of(whole, best)
    if np.median(left_over) > 3e-4:
        raise WrongError(
            "the hidden pixels are none that the decoder draws for any code (those of the nearest code differ "
            "by a mean "
            f"squared error of {np.median(left_over):.4f}); take them from the decoder, at the code that was found"
        )
    excess = np.median(search.value(codes) - search.value(best))
    seen = f"the codes that were found are {excess:.1f} nats worse than the best ones (median)"
    weight, distance = search.prior_weight(codes)
    if distance < 0.35 and weight > 1.75:
        raise WrongError(
            f"{seen}: they are where the prior counts {weight:.1f} times what it should; -log p(z) is half the "
            f"sum of z²"
        )
    if excess <= limit:
        return excess
    length, best_length = (np.sqrt(np.mean(np.sum(z**2, axis=1))) for z in (codes, best))
    compared = f"{length:.1f} against {best_length:.1f}"
    if length > 1.4 * best_length:
        raise WrongError(
            f"{seen}, and lie farther from 0 than those ({compared}): is -log p(z), half the sum of z², in the loss, "
            "and is the loss a sum over the known pixels alone?"
        )
    if length < 0.75 * best_length:
        raise WrongError(
            f"{seen}, and lie nearer to 0 than those ({compared}): does each term count once, with sums over "
            "pixels, or are there too few steps from a start at 0?"
        )
    raise WrongError(
        f"{seen}: does the loss hold softplus(logits) - x * logits of the known pixels alone, and are there "
        "enough steps for it to stop falling?"
    )
