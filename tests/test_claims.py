import numpy as np
import pytest

from pylib.claims import claim, claims_of, identity


def test_figures_and_a_word_that_follows_from_them(capsys):
    claim("MSE", 0.0029, "below", "PCA's", 0.0042)
    claim("MSE", np.float32([0.0042]), "below", "PCA's", 0.0029)
    claim("share", 0.694, "above", "", 0.5, ".1%")
    claim("-ELBO", 150.26, "below", "that of two numbers", 150.26, ".1f", "nats")
    assert capsys.readouterr().out.splitlines() == [
        "MSE 0.0029, below PCA's 0.0042 (wanted: below)",
        "MSE 0.0042, above PCA's 0.0029 (wanted: below)",
        "share 69.4%, above 50.0% (wanted: above)",
        "-ELBO 150.3 nats, no different from that of two numbers 150.3 nats (wanted: below)",
    ]


def test_a_run_that_was_too_short_says_so_with_its_figures(capsys):
    claim("MSE", 0.0051, "below", "PCA's", 0.0042, trained=False)
    assert capsys.readouterr().out == "MSE 0.0051, above PCA's 0.0042 (wanted: below; too few epochs to tell)\n"


def test_nothing_that_was_found_of_mnist_is_claimed_of_own_pictures(capsys):
    for data in (None, "a_folder"):
        claims_of(data)("MSE", 0.0051, "below", "PCA's", 0.0042, unit="nats", trained=False)
    assert capsys.readouterr().out.splitlines() == [
        "MSE 0.0051 nats, above PCA's 0.0042 nats (wanted: below; too few epochs to tell)",
        "MSE 0.0051 nats, above PCA's 0.0042 nats (your own pictures: not compared with MNIST's)",
    ]


def test_what_training_made_nan_is_no_different(capsys):
    claim("MSE", np.nan, "below", "PCA's", 0.0042)
    assert capsys.readouterr().out == "MSE nan, no different from PCA's 0.0042 (wanted: below)\n"


def test_both_sides_of_an_identity(capsys):
    identity("log p(x)", -1.742, "ELBO + gap", -1.742 + 1e-8, unit="nats")
    identity("log p(x)", -1.742, "ELBO + gap", -1.74, ".3f")
    identity("by hand", np.arange(3.0), "automatic", [[0, 1, 2 + 1e-5]], ".1f", within=1e-5)
    identity("by hand", np.arange(3.0), "automatic", [[0, 1, 2.5]], ".1f", within=1e-5)
    assert capsys.readouterr().out.splitlines() == [
        "identity: log p(x) -1.7420 nats = ELBO + gap -1.7420 nats (equal within 1e-06)",
        "identity: log p(x) -1.742 is not ELBO + gap -1.740 (apart by 0.0011, above 1e-06)",
        "identity: by hand 0.0 = automatic 0.0, and so on for 3 numbers (equal within 1e-05)",
        "identity: by hand 0.0 is not automatic 0.0, and so on for 3 numbers (apart by 0.2, above 1e-05)",
    ]


def test_equal_is_a_share_of_large_numbers_and_absolute_for_small_ones(capsys):
    identity("a", 1000.0, "b", 1000.5, within=1e-3)
    identity("a", 0.001, "b", 0.0015, within=1e-3)
    identity("a", np.nan, "b", 1.0)
    lines = capsys.readouterr().out.splitlines()
    assert ["=" in line for line in lines] == [True, True, False]


@pytest.mark.parametrize("wrong", [np.array([0.1, 0.2]), [], None, "0.1", True])
def test_one_figure_is_needed(wrong, capsys):
    with pytest.raises(ValueError, match="figure must be "):
        claim("a", wrong, "below", "b", 1.0)
    with pytest.raises(ValueError, match="compared must be "):
        claim("a", 1.0, "below", "b", wrong)
    assert capsys.readouterr().out == ""


def test_one_clear_sentence_for_each_wrong_argument(capsys):
    with pytest.raises(ValueError, match="wanted must be 'below' or 'above', not 'less'"):
        claim("a", 1.0, "less", "b", 2.0)
    with pytest.raises(ValueError, match="what must be a string"):
        claim(1, 1.0, "below", "b", 2.0)
    with pytest.raises(ValueError, match="form must be a number's format, such as '.4f', not 'nats'"):
        claim("a", 1.0, "below", "b", 2.0, "nats")
    with pytest.raises(ValueError, match="trained must be one truth value, not 2"):
        claim("a", 1.0, "below", "b", 2.0, trained=2)
    with pytest.raises(ValueError, match=r"both sides need the same number of values, one or more, not \[2, 3\]"):
        identity("a", [1, 2], "b", [1, 2, 3])
    with pytest.raises(ValueError, match="within must be a finite number above 0"):
        identity("a", 1, "b", 1, within=0)
    assert capsys.readouterr().out == ""
