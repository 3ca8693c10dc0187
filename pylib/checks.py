"""What the exercises of lesson 05 call to tell a right answer from a wrong one, and why it is wrong.

A check takes the learner's function, tries it on cases of its own, prints one line and returns a
`Verdict`. It raises nothing: an answer that stops with an error is a wrong answer with a message.
It compares with a right value, then with the usual mistakes, each of which has a message of its own.

Answers may use NumPy, TensorFlow or Keras, in float32 or float64: whatever becomes an array counts.
"""

import contextlib
import functools
import io
import linecache
import logging
import warnings
from dataclasses import dataclass

import numpy as np

from pylib import evidence, noise

# MSE per pixel of PCA on MNIST, which a network comes near or beats: numbers in the code, error
PCA_SIZES = (1, 2, 10, 20, 32, 64, 128, 784)
PCA_ERRORS = (0.0606, 0.0557, 0.0341, 0.0235, 0.0168, 0.0091, 0.0042, 0.0001)
MEAN_IMAGE_ERROR = 0.0675


@dataclass(frozen=True)
class Verdict:
    """What a check found: whether there is an answer, whether it is right, and the line that was printed."""

    right: bool
    written: bool
    message: str

    def _ipython_display_(self):
        """Show nothing at the end of a cell, because the line is printed already."""


class _WrongError(Exception):
    pass


class _NotWrittenError(Exception):
    pass


def _check(check):
    """Decorate a check, which raises what is wrong and returns what is right, to print that and return a Verdict."""

    @functools.wraps(check)
    def wrapper(*args, **kwargs):
        try:
            verdict = Verdict(True, True, f"right: {check(*args, **kwargs)}")
        except _WrongError as problem:
            verdict = Verdict(False, True, f"not yet: {problem}")
        except _NotWrittenError as problem:
            verdict = Verdict(False, False, f"not written yet: {problem}")
        print(verdict.message)
        return verdict

    return wrapper


@contextlib.contextmanager
def quiet():
    """Run an answer without warnings on the error stream, which nbgrader would take for a failed test."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


# --- Running an answer ------------------------------------------------------------------------------


def _call(answer, *args):
    """What `answer` returns for copies of the arguments."""
    name = getattr(answer, "__name__", "answer")
    if answer is None or answer is ...:
        raise _NotWrittenError("there is no function here")
    if not callable(answer):
        raise _WrongError(f"give the function itself, without calling it, not a {type(answer).__name__}")
    copies = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    try:
        with quiet():
            result = answer(*copies)
    except NotImplementedError as error:
        raise _NotWrittenError(f"{name} is still empty") from error
    except Exception as error:
        raise _WrongError(_crash(name, answer, error)) from error
    if result is None or result is ...:
        raise _NotWrittenError(f"{name} returns nothing; does it end with `return`?")
    return result


def _crash(name, answer, error):
    """One sentence on an error: its type, its message, and the learner's own line that it comes from."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        lines.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    own = getattr(getattr(answer, "__code__", None), "co_filename", None)
    at = [place for place in lines if place[0] == own]
    where = ""
    if at:
        source = linecache.getline(*at[-1]).strip()
        where = f" in line {at[-1][1]}" + (f", `{source}`" if source else "")
    text = " ".join(str(error).split())
    text = text if len(text) <= 200 else text[:197] + "..."
    return f"{name} stops{where} with {type(error).__name__}" + (f": {text}" if text else "")


def _array(value, name):
    """A learner's value as an array of real numbers, float64."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
            raise TypeError
        return array.astype("float64")
    except Exception as error:
        raise _WrongError(
            f"{name} returns a {type(value).__name__} that is no array of numbers; return one array"
        ) from error


def _values(answer, *args):
    """What `answer` returns, as an array: for float32, or if it can't take that, for float64."""
    name = getattr(answer, "__name__", "answer")

    def cast(dtype):
        floats = [isinstance(arg, np.ndarray) and arg.dtype.kind == "f" for arg in args]
        return [arg.astype(dtype) if is_float else arg for arg, is_float in zip(args, floats, strict=True)]

    try:
        return _array(_call(answer, *cast("float32")), name)
    except _WrongError:
        try:
            return _array(_call(answer, *cast("float64")), name)
        except _WrongError:
            pass
        raise


def _one_by_one(answer):
    """`answer`, written for one image, as a function of `(n, 784)` images and what else it takes."""

    @functools.wraps(answer)
    def run(images, *rest):
        rows = [[part[i] if np.shape(part) == images.shape else part for part in rest] for i in range(len(images))]
        return np.stack([np.asarray(answer(image, *row)) for image, row in zip(images, rows, strict=True)])

    return run


def _at_once_or_one_by_one(judge, *answers):
    """What `judge` returns for answers that take all images at once or, where those fail, one at a time."""
    try:
        return judge(*answers)
    except _WrongError:
        with contextlib.suppress(_WrongError):
            return judge(*map(_one_by_one, answers))
        raise


# --- What may be wrong with values --------------------------------------------------------------------


def _close(value, right, rtol=1e-4, atol=1e-3):
    return value.shape == np.shape(right) and np.allclose(value, right, rtol=rtol, atol=atol, equal_nan=True)


def _same(values, rights, **tolerance):
    return all(_close(value, right, **tolerance) for value, right in zip(values, rights, strict=True))


def _require_shape(value, shape, meaning):
    if value.shape == shape:
        return
    hint = ""
    if value.shape == shape[::-1]:
        hint = "; it is the transpose"
    elif value.size == np.prod(shape):
        hint = "; reshape it"
    elif value.shape == ():
        hint = "; one number for all of them means that it was summed or averaged once too often"
    raise _WrongError(f"the result has shape {value.shape}, not {shape}, {meaning}{hint}")


def _require_pixels(new, images, what):
    """Raise unless `new` are images as `images` are, with finite pixels in [0, 1]."""
    _require_shape(new, images.shape, "a row of 784 pixels for each image")
    if not np.isfinite(new).all():
        raise _WrongError(f"{what} hold NaN or infinity; is there a division by 0?")
    low, high = new.min(), new.max()
    if high > 50:
        raise _WrongError(f"{what} reach {high:.0f}; pixels here go from 0 to 1, not to 255")
    if high > 1 + 1e-5:
        raise _WrongError(f"{what} reach {high:.2f}, and ink can't be more than 1; clip them with np.clip")
    if low < -1e-5:
        raise _WrongError(f"{what} go down to {low:.2f}, and ink can't be negative; clip them with np.clip")


def _compare(answer, cases, rights, mistakes, what, meaning, **tolerance):
    """Raise unless `answer` gives the right value on all cases.

    Parameters
    ----------
    cases : list of tuples of arguments
    rights : functions of the arguments, each of which is right
    mistakes : list of (message, function of the arguments that makes the mistake)
    what : the value's name, such as "KL"
    meaning : of the value's shape, for a message
    """
    values = [_values(answer, *case) for case in cases]
    expected = [[np.asarray(right(*case)) for case in cases] for right in rights]
    # A number may come in an array of its own.
    values = [
        value.reshape(()) if value.size == 1 and right.shape == () else value
        for value, right in zip(values, expected[0], strict=True)
    ]
    if any(_same(values, right, **tolerance) for right in expected):
        return
    with np.errstate(all="ignore"):
        for message, mistake in mistakes:
            if _same(values, [np.asarray(mistake(*case)) for case in cases], **tolerance):
                raise _WrongError(message)
    for value, right in zip(values, expected[0], strict=True):
        _require_shape(value, right.shape, meaning)
        if not np.isfinite(value).all():
            raise _WrongError(f"the {what} is {value.ravel()[~np.isfinite(value.ravel())][0]} where it is a number")
    value, right = (np.concatenate([np.ravel(v) for v in vs]) for vs in (values, expected[0]))
    ratio = np.median(value[np.abs(right) > 1e-3] / right[np.abs(right) > 1e-3])
    if np.allclose(value, ratio * right, rtol=1e-3, atol=1e-6) and abs(ratio) > 1e-6:
        raise _WrongError(_factor(ratio, what))
    offset = np.median(value - right)
    if np.allclose(value, right + offset, rtol=1e-4, atol=1e-3):
        raise _WrongError(f"the {what} is {abs(offset):.4g} too {'large' if offset > 0 else 'small'} in every case")
    worst = np.argmax(np.abs(value - right) > 1e-3 + 1e-4 * np.abs(right))
    raise _WrongError(f"the {what} is {value[worst]:.5g} where {right[worst]:.5g} is right")


def _factor(ratio, what):
    for known, text in {
        -1: "the right one with the sign turned",
        0.5: "exactly half of the right one: is a factor missing?",
        2: "exactly twice the right one: is the factor 1/2 missing?",
        1 / 784: "the mean over pixels; the sum is 784 times it",
        784: "784 times the right one: is something summed over pixels twice?",
        1 / np.log(2): "in bits; use the natural logarithm, for nats",
    }.items():
        if np.isclose(ratio, known, rtol=1e-3):
            return f"your {what} is {text}"
    return f"your {what} is {ratio:.4g} times the right one in every case"


# --- The exercises ------------------------------------------------------------------------------------


@_check
def new_numbers(combine, images):
    """Check `combine(a, b)`: two rows of digits, `(n, 784)`, to new ones made of both. `images` are some digits."""
    return _at_once_or_one_by_one(functools.partial(_new_numbers, images), combine)


def _new_numbers(images, combine):
    a, b, other = np.split(images[:60], 3)
    before = a.astype("float32"), b.astype("float32")
    given = before[0].copy(), before[1].copy()
    new = _values(combine, a, b)
    _require_pixels(new, a, "your new pixels")
    for name, same in {"first": a, "second": b}.items():
        if np.allclose(new, same, atol=1e-3):
            raise _WrongError(f"this is the {name} digit as it was; let both leave their mark")
    if new.max(axis=1).mean() < 0.3:
        raise _WrongError(f"the new digits are too faint to see: their darkest pixels reach {new.max():.2f}")
    for name, changed in {"first": (other, b), "second": (a, other)}.items():
        if np.allclose(new, _values(combine, *changed), atol=1e-3):
            raise _WrongError(f"the {name} digit makes no difference to the result; let both leave their mark")
    with quiet(), contextlib.suppress(Exception):
        combine(*given)
    if not (np.array_equal(given[0], before[0]) and np.array_equal(given[1], before[1])):
        raise _WrongError("your function changes the digits it is given; return a new array instead of using += on one")
    return f"{len(a)} new digits, made of two each, all pixels in [0, 1]"


@_check
def mended_loss(vae_loss):
    """Check `vae_loss(x, logits, z_mean, z_log_var)`: minus the ELBO in nats, the mean over the images."""
    rng = np.random.default_rng(0)
    cases = [
        (rng.random((n, 784)), rng.normal(size=(n, 784)), rng.normal(size=(n, d)), rng.normal(size=(n, d)) - 1)
        for n, d in ((3, 2), (5, 4))
    ]

    def pixels(x, logits):
        return np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - x * logits

    def latents(z_mean, z_log_var):
        return (z_mean**2 + np.expm1(z_log_var) - z_log_var) / 2

    def loss(over_pixels=np.sum, over_latents=np.sum, over_images=np.mean, sign=1.0, weight=1.0, kl=latents):
        def value(x, logits, z_mean, z_log_var):
            reconstruction = over_pixels(pixels(x, logits), axis=1)
            return over_images(weight * reconstruction + sign * over_latents(kl(z_mean, z_log_var), axis=1))

        return value

    def of_sigma(z_mean, sigma):
        return (z_mean**2 + sigma**2 - 1 - np.log(sigma**2)) / 2

    def squared_error(x, logits, z_mean, z_log_var):
        squares = (x - 1 / (1 + np.exp(-logits))) ** 2
        return np.mean(np.sum(squares, axis=1) + np.sum(latents(z_mean, z_log_var), axis=1))

    def per_image(*of):
        return loss(over_images=np.asarray)(*of)

    mistakes = [
        (
            "both terms are still means: the one over pixels must be a sum of 784, and so must the one over the "
            "latent numbers be a sum",
            loss(np.mean, np.mean),
        ),
        ("your reconstruction error is the mean over pixels; the sum is 784 times it", loss(np.mean)),
        ("your KL is the mean over the latent numbers; sum it over them", loss(np.sum, np.mean)),
        (
            "the loss is summed over the images; average it over them, or the step size depends on the batch",
            loss(over_images=np.sum),
        ),
        ("this is one number for each image; return their mean", per_image),
        ("the KL is subtracted; minus the ELBO is reconstruction error plus KL", loss(sign=-1)),
        ("this is the ELBO; the loss is minus that", lambda *of: -loss()(*of)),
        ("the sign of the reconstruction error is turned", loss(weight=-1)),
        ("the KL is missing", loss(sign=0)),
        ("the reconstruction error is missing", loss(weight=0)),
        ("your KL is exactly twice the right one: is the factor 1/2 missing?", loss(sign=2)),
        ("your KL is exactly half of the right one: is the factor 1/2 there twice?", loss(sign=0.5)),
        ("z_log_var is taken for sigma; it is log sigma², so sigma² = exp(z_log_var)", loss(kl=of_sigma)),
        (
            "z_log_var is taken for log sigma; it is log sigma², so sigma² = exp(z_log_var)",
            loss(kl=lambda m, v: latents(m, 2 * v)),
        ),
        ("this is squared error plus KL; here the pixels are Bernoulli, which gives cross-entropy", squared_error),
    ]
    _compare(vae_loss, cases, [loss()], mistakes, "loss", "one number for the batch")
    x, logits, *codes = cases[0]
    extreme = (x, 100 * logits, *codes)
    value, right = _values(vae_loss, *extreme), loss()(*extreme)
    if not (np.isfinite(value).all() and np.isclose(value.ravel()[0], right, rtol=1e-3)):
        raise _WrongError(
            f"with logits of 100 or more the loss is {value.ravel()[0]:.5g} where {right:.5g} is right: a probability "
            "rounds to 0 or 1 and its logarithm is lost, so work on the logits, as lesson 03 does"
        )
    return "sums over pixels and latent numbers, a mean over images, and exact for large logits"


@_check
def evidence_bound(bound):
    """Check `bound(log_weights)`: `(n, k)` to the log of the mean weight of each image, `(n,)`."""
    rng = np.random.default_rng(1)
    cases = [(rng.normal(size=(4, 7)),), (rng.normal(-3, 2, size=(3, 10)),)]

    def right(w):
        return np.logaddexp.reduce(w, axis=1) - np.log(w.shape[1])

    mistakes = [
        (
            "this is the log of the sum of the weights, and the mean is wanted: log k is missing",
            lambda w: right(w) + k(w),
        ),
        ("log k is added where it should be subtracted", lambda w: right(w) + 2 * k(w)),
        ("k is subtracted instead of log k", lambda w: right(w) + k(w) - w.shape[1]),
        ("this is the mean of the logs, which is the ELBO; the log of the mean is wanted", lambda w: w.mean(axis=1)),
        ("this is the sum of the logs; the log of the mean of the weights is wanted", lambda w: w.sum(axis=1)),
        ("this is the mean weight itself; its logarithm is wanted", lambda w: np.exp(right(w))),
        ("this is the largest log-weight; all k of them count", lambda w: w.max(axis=1)),
        (
            "the largest log-weight was subtracted to be safe, but not added again after the logarithm",
            lambda w: right(w) - w.max(axis=1),
        ),
        (
            "the mean is over the images, axis 0; each image has its k weights along axis 1",
            lambda w: right(w.T),
        ),
        ("this is one number for the whole batch; each image has its own bound", lambda w: np.log(np.exp(w).mean())),
        ("this is one number for the whole batch; each image has its own bound", lambda w: right(w).mean()),
        ("this has the sign turned: a bound on log p(x), not on minus that, is wanted", lambda w: -right(w)),
    ]

    def k(w):
        return np.log(w.shape[1])

    _compare(bound, cases, [right], mistakes, "bound", "one bound for each image")
    for shift, problem in ((-10_000, "every exp is 0, and log 0 is minus infinity"), (800, "exp overflows")):
        low = _values(bound, cases[1][0] + shift)
        if not _close(low, right(cases[1][0] + shift), rtol=1e-6, atol=2e-2):
            raise _WrongError(
                f"with log-weights near {shift:,} the bound is {low.ravel()[0]:.5g} where "
                f"{right(cases[1][0] + shift)[0]:.5g} is right: {problem}; subtract the largest log-weight first"
            )
    apart = np.array([[-10_000.0, -10.0, -12.0], [-5.0, -20_000.0, -6.0]])
    far = _values(bound, apart)
    if not _close(far, right(apart), atol=2e-2):
        raise _WrongError(
            f"for log-weights {apart[0].tolist()} the bound is {far.ravel()[0]:.5g} where {right(apart)[0]:.5g} is "
            "right; subtract each image's largest log-weight, not the smallest, the mean, or another image's"
        )
    return "the log of the mean weight, also where every weight underflows"


@_check
def kl_between_gaussians(kl):
    """Check `kl(mean_q, cov_q, mean_p, cov_p)`: KL(q || p) of two Gaussians with full covariance, in nats."""

    def gaussian(rng, d):
        a = rng.normal(size=(d, d + 2))
        return rng.normal(size=d), a @ a.T / d + 0.2 * np.eye(d)

    rng = np.random.default_rng(2)
    cases = [(*gaussian(rng, d), *gaussian(rng, d)) for d in (2, 3, 3)]

    def parts(mean_q, cov_q, mean_p, cov_p):
        """Trace, distance, dimensions and log-determinant, in coordinates in which p is the unit Gaussian."""
        root = np.linalg.cholesky(cov_p)
        whitened = np.linalg.solve(root, np.linalg.solve(root, cov_q).T)
        eigenvalues = np.linalg.eigvalsh((whitened + whitened.T) / 2)
        step = np.linalg.solve(root, mean_q - mean_p)
        return np.array([eigenvalues.sum(), step @ step, len(step), np.log(eigenvalues).sum()])

    def with_signs(*signs):
        return lambda *case: float(np.dot(signs, parts(*case)) / 2)

    right = with_signs(1, 1, -1, -1)

    def diagonal(*case):
        mean_q, cov_q, mean_p, cov_p = case
        return right(mean_q, np.diag(np.diag(cov_q)), mean_p, np.diag(np.diag(cov_p)))

    def distance_by_q(*case):
        mean_q, cov_q, mean_p, cov_p = case
        step = mean_q - mean_p
        return right(*case) + (step @ np.linalg.solve(cov_q, step) - parts(*case)[1]) / 2

    def euclidean(*case):
        step = case[0] - case[2]
        return right(*case) + (step @ step - parts(*case)[1]) / 2

    def symmetric(q_mean, q_cov, p_mean, p_cov):
        return (right(q_mean, q_cov, p_mean, p_cov) + right(p_mean, p_cov, q_mean, q_cov)) / 2

    mistakes = [
        (
            "this is KL(p || q), the other direction; the mean is over q",
            lambda mq, cq, mp, cp: right(mp, cp, mq, cq),
        ),
        ("the sign of the log-determinants is turned: it is log det of p minus log det of q", with_signs(1, 1, -1, 1)),
        ("the log-determinants are missing", with_signs(1, 1, -1, 0)),
        ("the dimension d is not subtracted, so KL(q || q) would not be 0", with_signs(1, 1, 0, -1)),
        ("the dimension d is added where it should be subtracted", with_signs(1, 1, 1, -1)),
        (
            "1 is subtracted where the dimension d should be",
            lambda *case: right(*case) + (len(case[0]) - 1) / 2,
        ),
        ("the distance of the means is missing", with_signs(1, 0, -1, -1)),
        ("the distance of the means is subtracted where it should be added", with_signs(1, -1, -1, -1)),
        ("the trace is missing", with_signs(0, 1, -1, -1)),
        ("the factor 1/2 is missing from the log-determinants", with_signs(1, 1, -1, -2)),
        ("the distance of the means is weighed by q's covariance; use the inverse of p's", distance_by_q),
        ("the distance of the means is not weighed; use the inverse of p's covariance", euclidean),
        ("only the diagonals of the covariances are used; the digits' latent numbers may be correlated", diagonal),
        (
            "the covariances are taken for standard deviations and squared; they are covariances already",
            lambda mq, cq, mp, cp: right(mq, cq @ cq, mp, cp @ cp),
        ),
        ("this is the mean of both directions; only KL(q || p) is wanted", symmetric),
        ("your KL is divided by the dimension; sum it", lambda *case: right(*case) / len(case[0])),
    ]
    _compare(kl, cases, [right], mistakes, "KL", "one number", rtol=1e-3)
    mean, cov = np.zeros(200), np.eye(200)
    many = (mean + 0.1, 1e-3 * cov, mean, 1e-3 * cov)
    value = _values(kl, *many)
    if not np.isclose(value.ravel()[0], right(*many), rtol=1e-2):
        raise _WrongError(
            f"in 200 dimensions the KL is {value.ravel()[0]:.5g} where {right(*many):.5g} is right: the determinant "
            "underflows to 0, so take its logarithm from np.linalg.slogdet"
        )
    return "KL(q || p) for any covariances, in 2 dimensions as in 200"


@_check
def different_compression(errors):
    """Check `errors`: a dict of latent sizes to held-out MSE per pixel, three sizes or more."""
    if errors is None or errors is ... or errors == {}:
        raise _NotWrittenError("there are no errors yet")
    if not isinstance(errors, dict):
        raise _WrongError(f"give a dict of latent sizes to errors, such as {{2: 0.04}}, not a {type(errors).__name__}")
    if any(value is None or value is ... for value in errors.values()):
        raise _NotWrittenError("an error is None; does your function end with `return`?")
    sizes = np.array(sorted(errors))
    values = [_array(errors[size], "your function") for size in sizes]
    for size, value in zip(sizes, values, strict=True):
        if value.size != 1:
            raise _WrongError(
                f"the error for {size} numbers has shape {value.shape}; average it over pixels and images to one number"
            )
    values = np.array([value.item() for value in values])
    if len(sizes) < 3:
        raise _WrongError(f"{len(sizes)} sizes make no curve; give three or more")
    if sizes[-1] < 4 * sizes[0]:
        raise _WrongError(f"sizes from {sizes[0]} to {sizes[-1]} are too near; let the largest be 4 times the smallest")
    if not np.isfinite(values).all():
        raise _WrongError("there is a NaN or infinity among the errors; training went wrong, so try a smaller step")

    pca = np.exp(np.interp(np.log(sizes), np.log(PCA_SIZES), np.log(PCA_ERRORS)))

    def plausible(mse):
        return np.all(mse > 0.25 * pca) and np.all(mse < 1.15 * MEAN_IMAGE_ERROR)

    if np.all(np.abs(values - MEAN_IMAGE_ERROR) < 0.05 * MEAN_IMAGE_ERROR):
        raise _WrongError("the errors are those of the mean image, 0.067; the network has learned nothing")
    if not plausible(values):
        shown = ", ".join(f"{value:.3g}" for value in values)
        if np.all(values < 0):
            raise _WrongError(f"the errors are negative ({shown}); is the sign turned, or are they decibels?")
        if np.all(values > 60):
            raise _WrongError(f"{shown} looks like a loss in nats; the MSE per pixel is wanted, about 0.01 to 0.05")
        if plausible(values / 784):
            raise _WrongError("this is the squared error per image; the MSE per pixel is a 784th of it")
        if plausible(values / 255**2):
            raise _WrongError("this is in pixels from 0 to 255; divide them by 255")
        if plausible(values**2):
            raise _WrongError("this is the root of the mean squared error; leave the root out")
        if np.all(values < 0.25 * pca):
            raise _WrongError(f"{shown} is too good to be true; is an image compared with itself?")
        raise _WrongError(f"{shown} is no MSE per pixel of a network that learned; that would be about 0.01 to 0.05")
    rises = [i for i in range(1, len(sizes)) if values[i] > 1.05 * values[i - 1]]
    if rises:
        i = rises[0]
        raise _WrongError(
            f"{sizes[i]} numbers give a larger error than {sizes[i - 1]} do ({values[i]:.4f} against "
            f"{values[i - 1]:.4f}); is each size trained by a network of its own, and long enough?"
        )
    if values[-1] > 0.8 * values[0]:
        raise _WrongError("the errors hardly fall with the size; does latent_dim reach your network?")
    return f"the error falls from {sizes[0]} to {sizes[-1]} numbers"


@_check
def spherical_interpolation(slerp):
    """Check `slerp(a, b, t)`: codes `(d,)` and places `(m,)` in [0, 1] to codes on the arc between, `(m, d)`."""
    rng = np.random.default_rng(3)
    t = np.array([0.0, 0.2, 0.5, 0.9, 1.0])
    cases = [(rng.normal(size=d), rng.normal(size=d) * scale, t) for d, scale in ((20, 1), (3, 2), (20, 0.7))]

    def column(t):
        return t[:, None]

    def angle(a, b):
        return np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    def frame(a, b):
        """Unit vectors along `a`, and in the plane of both at a right angle to it."""
        along = a / np.linalg.norm(a)
        across = b - (b @ along) * along
        return along, across / np.linalg.norm(across)

    def turned(a, b, t, arc):
        along, across = frame(a, b)
        return np.cos(arc) * along + np.sin(arc) * across

    def direction_and_length(a, b, t):
        length = (1 - column(t)) * np.linalg.norm(a) + column(t) * np.linalg.norm(b)
        return length * turned(a, b, t, column(t) * angle(a, b))

    def weighted(a, b, t):  # Shoemake (1985): both codes, weighted by the same sines
        unit_a, unit_b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        weights = np.linalg.lstsq(
            np.stack([unit_a, unit_b], axis=1), turned(a, b, t, column(t) * angle(a, b)).T, rcond=None
        )[0]
        return weights.T @ np.stack([a, b])

    def lerp(a, b, t):
        return (1 - column(t)) * a + column(t) * b

    def unit(v):
        return v / np.linalg.norm(v, axis=1, keepdims=True)

    def sines(a, b, t, arc, divided=True):
        return (np.sin((1 - column(t)) * arc) * a + np.sin(column(t) * arc) * b) / (np.sin(arc) if divided else 1)

    mistakes = [
        ("this is lerp, the straight line; slerp goes along the arc and keeps its distance from 0", lerp),
        (
            "the two ends are swapped: t = 0 must give a, and t = 1 must give b",
            lambda a, b, t: weighted(b, a, t),
        ),
        (
            "the two ends are swapped: t = 0 must give a, and t = 1 must give b",
            lambda a, b, t: direction_and_length(b, a, t),
        ),
        (
            "all codes have length 1; only the angle is taken from unit vectors, the codes keep their own lengths",
            lambda a, b, t: unit(direction_and_length(a, b, t)),
        ),
        (
            "this is the straight line pushed out to the arc, which hurries in the middle; divide the angle evenly",
            lambda a, b, t: unit(lerp(a, b, t)) * np.linalg.norm(direction_and_length(a, b, t), axis=1, keepdims=True),
        ),
        ("the sum is not divided by the sine of the angle", lambda a, b, t: sines(a, b, t, angle(a, b), False)),
        ("the angle is in degrees; np.sin takes radians", lambda a, b, t: sines(a, b, t, np.degrees(angle(a, b)))),
        (
            "this is the transpose: give a row for each t, (m, d)",
            lambda a, b, t: weighted(a, b, t).T,
        ),
    ]
    first = _values(slerp, *cases[0])
    if not np.isfinite(first).all() or np.abs(first).max() > 100:
        raise _WrongError(
            "the angle is wrong, its sine NaN or nearly 0: a @ b is a cosine only once it is divided by both lengths"
        )
    _compare(slerp, cases, [weighted, direction_and_length], mistakes, "code", "a row for each t")
    a = cases[0][0]
    for name, b in {"the same": a, "nearly the same": a * (1 + 1e-7), "1.5 times each other": 1.5 * a}.items():
        value = _values(slerp, a, b, t)
        if not (np.isfinite(value).all() and np.allclose(value, lerp(a, b, t), atol=1e-2)):
            raise _WrongError(
                f"where a and b are {name}, the result is {value.ravel()[-1]:.4g} and not between them: the angle "
                "is 0 and its sine is divided by; fall back on lerp there"
            )
    return "the arc from a to b, at an even pace, also where a and b point the same way"


@_check
def sampling(sample_laplace):
    """Check `sample_laplace(loc, log_scale, rng)`: draws from Laplace distributions, `(n, d)`."""
    rng = np.random.default_rng(4)
    loc, log_scale = rng.normal(0, 3, (6000, 2)), rng.uniform(-2, 1, (6000, 2))
    loc, log_scale = loc.astype("float32").astype("float64"), log_scale.astype("float32").astype("float64")

    def draw(loc, log_scale, seed=0):
        return _values(_seeded(sample_laplace, seed), loc, log_scale)

    z = draw(loc, log_scale)
    if z.shape != loc.shape and z.shape in ((1, 2), (2,), (6000,), (6000, 1), ()):
        raise _WrongError(f"the result has shape {z.shape}, not {loc.shape}: a code for each image is wanted")
    _require_shape(z, loc.shape, "as loc has")
    if not np.isfinite(z).all():
        bad = np.mean(~np.isfinite(z))
        raise _WrongError(
            f"{bad:.0%} of the draws are NaN or infinite: a logarithm was taken of a number that is not above 0"
        )
    if not np.array_equal(z, draw(loc, log_scale)):
        raise _WrongError("the same rng gives other draws the second time; take all noise from rng")
    if np.array_equal(z, draw(loc, log_scale, seed=1)):
        raise _WrongError("another rng gives the same draws; use the rng you are given, not one with a seed of its own")

    scale = np.exp(log_scale)
    for move, direction in {"one way": 1.0, "the other way": -1.0}.items():
        if not np.allclose(draw(loc + direction, log_scale) - z, direction, atol=1e-3):
            if np.allclose(draw(loc + direction, log_scale), z, atol=1e-3):
                raise _WrongError("loc has no influence; z is loc plus scale times noise")
            raise _WrongError(f"with the same noise, loc + 1 should move every z by 1 ({move}): loc is not just added")
    centred = z - loc
    for axis, message in {
        0: "every image gets the same noise: one noise vector for the whole batch; draw it with the shape of loc",
        1: "all latent numbers of an image share one noise; draw it with the shape of loc",
    }.items():
        standard = centred / scale
        if np.max(np.ptp(standard, axis=axis)) < 1e-2 * np.abs(standard).max():
            raise _WrongError(message)

    def laplace(e):
        return np.where(e < 0, np.exp(np.minimum(e, 0)) / 2, 1 - np.exp(-np.maximum(e, 0)) / 2)

    def normal(e):
        grid = np.linspace(-6, 6, 2001)
        density = np.exp(-(grid**2) / 2)
        return np.interp(e, grid, np.cumsum(density) / density.sum())

    def fits(e, cdf):
        """Whether the largest distance between the draws' distribution and `cdf` is what chance allows."""
        e = np.sort(e.ravel())
        return np.max(np.abs(cdf(e) - (np.arange(e.size) + 0.5) / e.size)) < 0.025

    if not fits(centred / scale, laplace):
        one = np.ones_like(scale)
        for message, unit, cdf in [
            ("the noise is Gaussian; that is the sampling of lesson 03, and Laplace is wanted", scale, normal),
            ("the noise is Gaussian, and log_scale is taken for a log-variance, as in lesson 03", scale**0.5, normal),
            ("log_scale is taken for a log-variance: the scale is exp(log_scale), not its root", scale**0.5, laplace),
            ("log_scale itself is used as the scale; take its exponential", np.abs(log_scale), laplace),
            ("the scale is not used; z is loc plus scale times noise", one, laplace),
            ("the noise is divided by the scale; multiply it", 1 / scale, laplace),
            ("the scale is squared", scale**2, laplace),
            ("the noise is half as wide as it should be", scale / 2, laplace),
            ("the noise is twice as wide as it should be", 2 * scale, laplace),
            (
                "the noise has variance 1; a Laplace distribution of scale 1 has variance 2",
                scale / 2**0.5,
                laplace,
            ),
            (
                "no z lies below loc: this is the exponential distribution; half of the draws need the other sign",
                scale,
                lambda e: 1 - np.exp(-np.maximum(e, 0)),
            ),
            (
                "no z lies above loc: this is the exponential distribution; half of the draws need the other sign",
                scale,
                lambda e: np.exp(np.minimum(e, 0)),
            ),
            ("the noise is uniform from 0 to 1; turn it into Laplace noise first", scale, lambda e: np.clip(e, 0, 1)),
            (
                "the noise is uniform around 0; turn it into Laplace noise by the inverse of its distribution function",
                scale,
                lambda e: np.clip(e + 0.5, 0, 1),
            ),
            (
                "this is the logistic distribution; Laplace has |u - 1/2| inside the logarithm",
                scale,
                lambda e: 1 / (1 + np.exp(-np.clip(e, -500, 500))),
            ),
            (
                "the draws are clipped or lack the sign: the middle is empty, where Laplace has its peak",
                scale,
                lambda e: np.where(e < -1, 0.5 * np.exp(e + 1), np.where(e > 1, 1 - 0.5 * np.exp(1 - e), 0.5)),
            ),
        ]:
            if fits(centred / unit, cdf):
                raise _WrongError(message)
        width, below = np.mean(np.abs(centred / scale)), np.mean(centred < 0)
        raise _WrongError(
            f"these are not Laplace draws: in units of the scale, |z - loc| has the mean {width:.3g} where 1 is right, "
            f"and {below:.0%} of the draws lie below loc where 50% is right"
        )
    return "Laplace draws, each image with noise of its own, and loc and log_scale can be moved under them"


def _seeded(answer, seed):
    """`answer` with a generator of its own in place of its last argument."""

    @functools.wraps(answer)
    def run(*args):
        return answer(*args, np.random.default_rng(seed))

    return run if callable(answer) else answer


@_check
def own_noise(spoil, restore, images):
    """Check `spoil(images, rng)` and `restore(noisy)`, `(n, 784)` to `(n, 784)`. `images` are some digits."""
    return _at_once_or_one_by_one(functools.partial(_own_noise, images[:100]), spoil, restore)


def _own_noise(images, spoil, restore):

    def spoilt(seed, clean=images):
        return _values(_seeded(spoil, seed), clean)

    noisy = spoilt(0)
    _require_pixels(noisy, images, "your noisy pixels")
    before = noise.psnr(images, noisy)
    if before > 25:
        kept = "returns the digits as they were" if before > 60 else f"leaves {before:.0f} dB"
        raise _WrongError(f"your noise is too faint to be worth removing: it {kept}; spoil them to 20 dB or less")
    if before < 3:
        raise _WrongError(f"nothing is left of the digits ({before:.1f} dB); leave a trace of each")
    if not np.array_equal(noisy, spoilt(0)):
        raise _WrongError("the same rng gives other noise the second time; take all randomness from rng")
    if np.allclose(noisy, spoilt(1)):
        raise _WrongError("another rng gives the same noise; use the rng you are given")
    if np.allclose(noisy, spoilt(0, images[::-1])):
        raise _WrongError("the digits make no difference to what spoil returns; spoil them, and leave a trace of each")
    same = np.repeat(images[:1], 20, axis=0)
    if np.ptp(spoilt(0, same), axis=0).max() < 1e-6:
        raise _WrongError(
            "every image gets the same noise: one noise vector for the whole batch; draw it for each image"
        )

    clean = _values(restore, noisy)
    _require_pixels(clean, images, "your restored pixels")
    if np.allclose(clean, noisy, atol=1e-3):
        raise _WrongError("restore returns the noisy digits as they are")
    if np.ptp(clean, axis=0).max() < 1e-3:
        raise _WrongError("restore gives the same picture for every digit")
    after = noise.psnr(images, clean)
    if after < before:
        raise _WrongError(f"restore makes it worse: {before:.1f} dB before, {after:.1f} dB after")
    if after < before + 1:
        raise _WrongError(f"restore gains {after - before:.1f} dB; find a way to gain 1 dB or more")
    return f"restored from {before:.0f} to {after:.0f} dB"


@_check
def drawn_digit(read_digit, vae, images, codes, labels):
    """Check `read_digit(image)`: one image `(784,)` to its mean code `(2,)` and the vote of the ten nearest `codes`."""
    images = images[:60]
    means, log_vars = (np.asarray(part, "float64") for part in vae.encoder(images)[:2])

    def read(image):
        result = _call(read_digit, image)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise _WrongError("return two things: the place z and the digit, as in `return z, digit`")
        return result

    results = [read(image) for image in images]
    z = [np.squeeze(_array(place, "read_digit")) for place, _ in results]
    digits = [np.squeeze(_array(digit, "read_digit")) for _, digit in results]
    if all(place.shape == () for place in z) and all(digit.shape == (2,) for digit in digits):
        raise _WrongError("the two results are swapped; return the place first, then the digit")
    _require_shape(z[0], (2,), "the two latent numbers of the image")
    if digits[0].shape == (10,):
        raise _WrongError("your digit is ten numbers; let the ten neighbours vote and return the winner")
    _require_shape(digits[0], (), "one digit")
    z, digits = np.stack(z), np.stack(digits)
    if not np.allclose(z, means, atol=1e-2):
        for message, wrong in [
            ("z is the encoder's second output, the log-variance; the mean is the first", log_vars),
            ("the two latent numbers are swapped", means[:, ::-1]),
        ]:
            if np.allclose(z, wrong, atol=1e-2):
                raise _WrongError(message)
        again = np.squeeze(_array(read(images[0])[0], "read_digit"))
        if not np.allclose(again, z[0], atol=1e-4):
            raise _WrongError(
                "z is another one at each call: it is the encoder's sample; take the mean, its first output"
            )
        if np.ptp(z, axis=0).max() < 1e-3:
            raise _WrongError("z is the same for every image; does the image reach the encoder?")
        raise _WrongError(
            f"z of the first image is {np.round(z[0], 2)} where its mean {np.round(means[0], 2)} is right"
        )

    order = np.argsort(np.linalg.norm(codes[None] - means[:, None], axis=2), axis=1)

    def votes(neighbours):
        return np.stack([np.bincount(labels[row], minlength=10) for row in neighbours])

    def wins(table):
        """Whether each of the learner's digits has the most votes in its row; where two have, both are right."""
        given = np.clip(np.round(digits).astype(int), 0, 9)
        return np.mean(table[np.arange(len(table)), given] == table.max(axis=1))

    ten = votes(order[:, :10])
    if wins(ten) < 0.97 or not np.array_equal(digits, np.round(digits)):
        for message, neighbours in [
            ("only the nearest neighbour decides; let the ten nearest vote", order[:, :1]),
            ("these are the farthest codes; sort the distances from the smallest", order[:, -10:]),
            (
                "the first ten codes vote, not the nearest ten; sort by distance",
                np.tile(np.arange(10), (len(order), 1)),
            ),
            (
                "the distance is measured along the first latent number only; use both",
                np.argsort(np.abs(codes[None, :, 0] - means[:, None, 0]), axis=1)[:, :10],
            ),
            (
                "the distance is measured along the second latent number only; use both",
                np.argsort(np.abs(codes[None, :, 1] - means[:, None, 1]), axis=1)[:, :10],
            ),
        ]:
            if wins(votes(neighbours)) > 0.97:
                raise _WrongError(message)
        averages = np.array([labels[row].mean() for row in order[:, :10]])
        if np.mean(np.abs(digits - averages) < 0.51) > 0.97:
            raise _WrongError(
                "digits are names, and can't be averaged: three 1s and a 9 make no 3; count votes instead"
            )
        if np.array_equal(digits, order[:, 0]):
            raise _WrongError("this is the number of the nearest code, not its label")
        raise _WrongError(f"{wins(ten):.0%} of the digits are what the ten nearest codes vote for; all should be")
    return "the mean of the encoder, and the vote of its ten nearest neighbours"


@_check
def which_digit(label_scores, vae, images):
    """Check `label_scores(x, log_prior)`: a bound on log p(x, y) for each image and digit, `(n, 10)`, in nats."""
    x = images[:50]
    log_prior = np.log([0.5, 0.001, 0.05, 0.05, 0.2, 0.004, 0.1, 0.045, 0.04, 0.01])
    given = [evidence.given_label(vae, y) for y in range(10)]
    bounds = np.stack([evidence.elbo(model, x, 5, seed=0) for model in given], axis=1)

    scores = _values(label_scores, x, log_prior)
    _require_shape(scores, bounds.shape, "a row for each image and a column for each digit")
    if not np.isfinite(scores).all():
        raise _WrongError("there is a NaN or infinity among the scores")
    total = np.logaddexp.reduce(scores, axis=1)
    if np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        raise _WrongError("these are probabilities that sum to 1; leave them as bounds on log p(x, y), in nats")
    if np.allclose(total, 0, atol=1e-3):
        raise _WrongError("these are log p(y | x), divided by their sum; leave them as bounds on log p(x, y)")
    right = bounds + log_prior
    ratio = np.median(scores / right)
    if abs(ratio) < 0.1:
        raise _WrongError("the bound is far too near 0; is it the mean over pixels? The sum is 784 times that")
    if ratio < 0:
        raise _WrongError("these are losses, small where a digit fits; turn the sign of the bound")
    if np.median(np.ptp(scores - log_prior, axis=1)) < 40:
        raise _WrongError("all ten digits get nearly the same bound; does the label y reach encoder and decoder?")

    # Draws of z differ, by many nats for labels that do not fit, so the prior is moved by hundreds.
    far = 50 * log_prior
    moved = np.median(scores - _values(label_scores, x, far), axis=0)
    wanted = log_prior - far
    slope = moved @ wanted / (wanted @ wanted)
    if np.allclose(moved, np.exp(log_prior) - np.exp(far), atol=0.02):
        raise _WrongError("p(y) is added where log p(y) should be; log_prior is a logarithm already")
    if abs(slope) < 0.3:
        raise _WrongError("log_prior is missing: this bounds log p(x | y), and log p(y) has to be added")
    if abs(slope - 1) > 0.3:
        raise _WrongError(f"log_prior is added {slope:.2g} times; add it once")

    def near(wrong):
        return abs(np.median(scores - wrong)) < 0.7 and np.median(np.abs(scores - wrong)) < 2

    if near(right):
        return "a bound on log p(x, y) for each of the ten digits"
    codes = [evidence.encode(model, x) for model in given]
    kl = np.stack([_kl(*code) for code in codes], axis=1)
    at_mean = np.stack(
        [evidence.log_likelihood(model, x, code[0]) for model, code in zip(given, codes, strict=True)], axis=1
    )
    for message, wrong in [
        ("the KL is missing from the bound", right + kl),
        ("the KL is subtracted twice; the ELBO holds it already", right - kl),
        ("the KL is added; the ELBO is log p(x | z, y) minus the KL", right + 2 * kl),
        ("the mean code is decoded; the bound is a mean over draws of z from q", at_mean - kl + log_prior),
        ("this is log p(x | z, y) at the mean code; draw z, and subtract the KL", at_mean + log_prior),
    ]:
        if near(wrong):
            raise _WrongError(message)
    off = np.median(np.abs(scores - right))
    raise _WrongError(
        f"the scores are {off:.1f} nats off (median); for the first image and digit 0 yours is {scores[0, 0]:.1f} "
        f"where {right[0, 0]:.1f} is right"
    )


def _kl(z_mean, z_log_var):
    return np.sum(z_mean**2 + np.expm1(z_log_var) - z_log_var, axis=1) / 2


@_check
def inpainting(inpaint, vae, images, known):
    """Check `inpaint(x, known)`: images `(n, 784)` whose pixels count where `known`, `(784,)`, to whole images."""
    images = images[:20]
    hidden = ~known
    half = np.where(known, images, 0).astype("float32")
    full = _array(_call(inpaint, half, known), "inpaint")
    _require_shape(full, half.shape, "a row of 784 pixels for each image")
    if not np.isfinite(full).all():
        raise _WrongError("there is a NaN or infinity among the pixels; the steps are too large, or go uphill")
    _require_pixels(full, half, "your pixels")

    def error(guess):
        return np.mean((guess[:, hidden] - images[:, hidden]) ** 2)

    plain = np.asarray(vae.decoder(vae.encoder(half)[0]))
    for message, wrong in [
        ("the images come back as they were; the hidden half is still empty", half),
        ("this is the plain reconstruction of the half-empty image, with no search for z", plain),
    ]:
        if np.allclose(full[:, hidden], wrong[:, hidden], atol=2e-3):
            raise _WrongError(message)
    if full[:, hidden].max() < 0.2:
        raise _WrongError("the hidden half comes out empty: does the loss look at the hidden pixels, where x is 0?")
    if np.ptp(full[:, hidden], axis=0).max() < 1e-2:
        raise _WrongError(
            "every image gets the same hidden half: does z move, and has each image its own row of z, (n, latent_dim)?"
        )
    other = np.where(known, images, np.random.default_rng(0).random(images.shape)).astype("float32")
    if np.mean((_array(_call(inpaint, other, known), "inpaint") - full)[:, hidden] ** 2) > 5e-3:
        raise _WrongError(
            "the result changes with what stands in the hidden pixels; neither the loss nor the start may look at them"
        )
    if not np.allclose(full[:, known], half[:, known], atol=1e-3):
        raise _WrongError("the known pixels have changed; put the given ones back, with np.where(known, x, ...)")
    mean_image = np.mean((images[:, hidden] - images[:, hidden].mean(axis=0)) ** 2)
    if error(full) > min(error(half), error(plain)):
        raise _WrongError(
            f"the hidden half is worse than guessed (MSE {error(full):.3f}, and {min(error(half), error(plain)):.3f} "
            "without any search): does the step go downhill, and is the loss over the known pixels?"
        )
    if error(full) > 0.9 * mean_image:
        raise _WrongError(
            f"the hidden half is little better than a mean digit (MSE {error(full):.3f} against "
            f"{mean_image:.3f}): take more steps, or larger ones"
        )
    return f"the hidden half has an MSE of {error(full):.3f}, where a mean digit has {mean_image:.3f}"
