"""A call that does not fit is answered in the public function's own name, and a validator sees what it names."""

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
        (lambda: elbo(None, None), r"elbo\(vae, x, samples, seed\): missing a required argument: 'samples'"),
        (lambda: elbo(1, 2, 3, 4, 5), r"elbo\(.*\): too many positional arguments"),
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
