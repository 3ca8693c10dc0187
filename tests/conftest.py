"""Fixtures of several test files."""

import pytest

from tests.known_models import LinearGaussian, TinyBernoulli


@pytest.fixture(scope="module")
def linear():
    """A model of six pixels whose evidence and posterior have closed forms."""
    return LinearGaussian()


@pytest.fixture(scope="module")
def bernoulli():
    """A model of five black-or-white pixels, few enough to sum over all images."""
    return TinyBernoulli()
