import numpy as np

from pylib.verdicts import verdict


def test_says_true_false_or_that_it_cannot_tell(capsys):
    verdict("a", np.True_)
    verdict("b", 0)
    verdict("c", True, trained=False)
    assert capsys.readouterr().out == "a: True\nb: False\nc: too few epochs to tell\n"
