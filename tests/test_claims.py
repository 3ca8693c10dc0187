import numpy as np

from pylib.claims import claim


def test_says_true_false_or_that_it_cannot_tell(capsys):
    claim("a", np.True_)
    claim("b", 0)
    claim("c", True, trained=False)
    assert capsys.readouterr().out == "a: True\nb: False\nc: too few epochs to tell\n"
