"""A call that does not fit is answered in the public function's own name, and a validator sees what it names."""

import numpy as np
import pytest

from pylib import _validate
from pylib.evidence import elbo
from pylib.models import VAE, build_autoencoder
from pylib.training import batches


def seen_by(validator_of):
    """What a validator sees of the arguments of a function with a default, of positional ones and of others."""
    seen = []

    @_validate.arguments(validator_of(seen))
    def function(x, *more, k=3, **options):
        """Returns what it got."""
        return x, more, k, options

    return function, seen


def test_a_validator_gets_the_arguments_that_it_names():
    function, seen = seen_by(lambda seen: lambda k, x: seen.append((k, x)))
    assert function(1, 2, other=4) == (1, (2,), 3, {"other": 4})
    assert function(5, k=6) == (5, (), 6, {})
    assert seen == [(3, 1), (6, 5)]


def test_a_validator_gets_all_of_the_positional_arguments():
    function, seen = seen_by(lambda seen: lambda more: seen.append(more))
    function(1, 2, 3)
    assert seen == [(2, 3)]


def test_the_function_keeps_its_name_and_does_not_run_on_what_is_refused():
    ran = []

    def refuse(x):
        raise ValueError("no")

    @_validate.arguments(refuse)
    def function(x):
        """Says that it ran."""
        ran.append(x)

    assert function.__name__ == "function" and function.__doc__ == "Says that it ran."
    with pytest.raises(ValueError, match="no"):
        function(1)
    assert ran == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: elbo(None, None),
            r"elbo\(vae, x, samples, seed, prior=None\): missing a required argument: 'samples'",
        ),
        (lambda: elbo(1, 2, 3, 4, 5, 6), r"elbo\(.*\): too many positional arguments"),
        (lambda: batches([1], size=3), r"batches\(\*data, batch_size=128\): got an unexpected keyword argument 'size'"),
    ],
)
def test_a_call_that_does_not_fit_names_the_public_function(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_a_single_size_is_no_list_of_sizes():
    with pytest.raises(ValueError, match=r"hidden must be a list such as \[256, 128\], not 256"):
        VAE(hidden=256)
    with pytest.raises(ValueError, match=r"layer_sizes must be a list such as \[256, 128\], not 128"):
        build_autoencoder(128)
    for sizes in (size for size in ([8], (8, 4))):
        _validate.positive_integers(sizes, "hidden")
    with pytest.raises(ValueError, match="hidden must be a list"):
        _validate.positive_integers((size for size in (8, 4)), "hidden")  # it would be used up by looking


def test_a_validator_may_replace_arguments():
    @_validate.arguments(lambda x, more: {"x": x + 1, "more": tuple(m + 1 for m in more)})
    def function(x, *more, k=3):
        """Returns what it got."""
        return x, more, k

    assert function(1, 2, k=4) == (2, (3,), 4)


def test_a_class_is_called_by_its_name():
    class Pair:
        @_validate.arguments(lambda first: None)
        def __init__(self, first, second=2):
            self.both = first, second

    assert Pair(1).both == (1, 2)
    with pytest.raises(TypeError, match=r"^Pair\(first, second=2\): too many positional arguments$"):
        Pair(1, 2, 3)


def test_integers_of_numpy_are_counts_and_booleans_are_not():
    for count in (3, np.int64(3), np.uint8(3)):
        _validate.positive_integer(count, "k")
        _validate.positive_integers([count], "hidden")
    for wrong in (True, np.True_, 0, np.int64(0), 3.0, None, np.array([3])):
        with pytest.raises(ValueError, match="k must be a Python integer above 0"):
            _validate.positive_integer(wrong, "k")


def test_a_large_value_is_not_written_out():
    for refuse in (
        _validate.generator,
        lambda x: _validate.number(x, "beta"),
        lambda x: _validate.positive_integer(x, "k"),
    ):
        with pytest.raises(ValueError) as error:
            refuse(np.zeros((500, 784)))
        assert len(str(error.value)) < 120 and "\n" not in str(error.value)
