"""Two devices that share each batch train as one does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[1] / "examples"

# The devices draw other noise than one alone does, so the codes are their means here.
TRAIN = """
import sys
sys.path.insert(0, sys.argv[1])
from pylib import _networks
_networks.Sampling.call = lambda self, z_mean, z_log_var: z_mean
import data_parallel
data_parallel.main(int(sys.argv[2]))
"""


def losses(devices):
    command = [sys.executable, "-c", TRAIN, str(EXAMPLES), str(devices)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    count, values = re.search(r"(\d+) at once: ([\d. ]+)", run.stdout).groups()
    assert int(count) == devices
    return [float(value) for value in values.split()]


def test_two_devices_train_as_one():
    one, two = losses(1), losses(2)
    assert len(one) == 2 and one[-1] < 0.8 * one[0]
    assert two == pytest.approx(one, rel=1e-3)
