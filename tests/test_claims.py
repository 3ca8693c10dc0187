import numpy as np
import pytest

from pylib.claims import claim


def test_says_true_false_or_that_it_cannot_tell(capsys):
    claim("a", np.True_)
    claim("b", 0)
    claim("c", True, trained=False)
    assert capsys.readouterr().out == "a: True\nb: False\nc: too few epochs to tell\n"


def test_an_array_of_one_is_a_truth_value(capsys):
    claim("a", np.array([False]))
    claim("b", [False], trained=np.array(True))
    assert capsys.readouterr().out == "a: False\nb: False\n"


@pytest.mark.parametrize("wrong", [np.array([True, False]), [], None, "True", np.nan, 2, 0.3])
def test_one_truth_value_is_needed(wrong, capsys):
    with pytest.raises(ValueError, match="holds must be "):
        claim("a", wrong)
    with pytest.raises(ValueError, match="trained must be "):
        claim("a", True, wrong)
    with pytest.raises(ValueError, match="statement must be a string, not True"):
        claim(True, True)
    assert capsys.readouterr().out == ""
