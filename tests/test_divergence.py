import numpy as np
import pytest
from scipy import integrate, stats

from pylib.divergence import gaussian_kl, log_normal

CASES = 100


def gaussians(d=3, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.uniform(low, high, (CASES, d)) for low, high in ((-3, 3), (-4, 1), (-3, 3), (-2, 2))]


def test_closed_form_against_quadrature():
    """The definition, in one dimension."""
    q_mean, q_log_var, p_mean, p_log_var = cases = gaussians(d=1, seed=1)
    q, p = stats.norm(q_mean, np.exp(q_log_var / 2)), stats.norm(p_mean, np.exp(p_log_var / 2))
    z = q_mean + 12 * np.exp(q_log_var / 2) * np.linspace(-1, 1, 2001)
    expected = integrate.trapezoid(q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), z, axis=1)
    assert gaussian_kl(*cases) == pytest.approx(expected, abs=1e-6, rel=1e-9)


def test_dimensions_add_up():
    mean, log_var, *p = gaussians()
    parts = [gaussian_kl(*(array[:, i : i + 1] for array in (mean, log_var, *p))) for i in range(3)]
    assert gaussian_kl(mean, log_var, *p) == pytest.approx(sum(parts))
    assert gaussian_kl(mean, log_var, *p).shape == (CASES,)


def test_p_is_the_unit_gaussian_unless_it_is_given():
    mean, log_var, _, _ = gaussians(d=1)
    z = mean + 12 * np.exp(log_var / 2) * np.linspace(-1, 1, 2001)
    q = stats.norm(mean, np.exp(log_var / 2))
    expected = integrate.trapezoid(q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z)), z, axis=1)
    assert gaussian_kl(mean, log_var) == pytest.approx(expected, abs=1e-6, rel=1e-9)
    zero = np.zeros(1)
    assert not np.allclose(gaussian_kl(mean, log_var), gaussian_kl(zero, zero, mean, log_var), rtol=0.1)


def test_zero_for_equals_and_never_negative():
    mean, log_var, *p = gaussians()
    assert gaussian_kl(mean, log_var, mean, log_var) == pytest.approx(0)
    assert gaussian_kl(mean, log_var, *p).min() > 0


def test_log_normal_against_scipy():
    mean, log_var, z, _ = gaussians()
    assert log_normal(z, mean, log_var) == pytest.approx(stats.norm(mean, np.exp(log_var / 2)).logpdf(z).sum(axis=1))
    assert log_normal(z) == pytest.approx(stats.norm.logpdf(z).sum(axis=1))


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(position, bad):
    arrays = [np.zeros((2, 3)) for _ in range(4)]
    arrays[position][1, 1] = bad
    name = ("q_mean", "q_log_var", "p_mean", "p_log_var")[position]
    with pytest.raises(ValueError, match=f"{name} must hold finite numbers"):
        gaussian_kl(*arrays)
    if position < 2:
        with pytest.raises(ValueError, match=f"{name} must hold finite numbers"):
            gaussian_kl(*arrays[:2])


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="must have one shape"):
        gaussian_kl(np.zeros((4, 3)), np.zeros((4, 2)), np.zeros(3), np.zeros(3))
    for empty in (np.zeros((4, 0)), np.zeros((0, 2)), np.float64(0)):
        with pytest.raises(ValueError, match="d of 1 or more"):
            gaussian_kl(empty, empty)


def test_integers_booleans_and_lists_count():
    """KL(N(0, 1) || N(1, 1)) is 1/2; an unsigned 0 - 1 would wrap around."""
    for convert in (np.uint8, np.bool_, np.ndarray.tolist):
        zero, one = convert(np.zeros(2, int)), convert(np.ones(2, int))
        assert gaussian_kl(zero, zero, one, zero) == pytest.approx(1.0)  # two dimensions
        assert log_normal(zero, one, zero) == pytest.approx(2 * stats.norm.logpdf(1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gaussian_kl(None, np.zeros(2)), "q_mean must be an array of numbers, not None"),
        (lambda: gaussian_kl(np.zeros(2), "text"), "q_log_var must be an array of numbers, not 'text'"),
        (
            lambda: log_normal(np.zeros((2, 3)), np.zeros(2)),
            r"one shape \(..., d\), but they are z \(2, 3\), mean \(2,\)",
        ),
        (lambda: log_normal([np.nan]), "z must hold finite numbers"),
        (lambda: log_normal(1.0), "d of 1 or more"),
    ],
)
def test_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
