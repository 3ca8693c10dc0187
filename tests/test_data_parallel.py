"""Two devices that share each batch train as one does, and a run that was killed goes on where it was."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[1] / "examples"

# The devices draw other noise than one alone does, and a second run than a first, so the codes are their means here.
TRAIN = """
import sys
sys.path.insert(0, sys.argv[1])
from pylib import _networks
_networks.Sampling.call = lambda self, z_mean, z_log_var: z_mean
import data_parallel
data_parallel.main(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
"""


def start(devices, folder, epochs):
    command = [sys.executable, "-c", TRAIN, str(EXAMPLES), str(devices), str(folder), str(epochs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def losses(devices, folder="", epochs=2):
    """-ELBO by epoch."""
    run = start(devices, folder, epochs)
    printed, errors = run.communicate()
    assert run.returncode == 0, errors[-3000:]
    lines = re.findall(r"epoch (\d+) of (\d+), (\d+) at once: -ELBO ([\d.]+) nats", printed)
    assert all((int(of), int(at_once)) == (epochs, devices) for _, of, at_once, _ in lines)
    return {int(epoch): float(loss) for epoch, *_, loss in lines}


def test_two_devices_train_as_one():
    one, two = losses(1), losses(2)
    assert list(one) == list(two) == [1, 2] and one[2] < 0.8 * one[1]
    assert two == pytest.approx(one, rel=1e-3)


def test_a_killed_run_goes_on_from_its_last_epoch(tmp_path):
    whole = losses(2, epochs=3)
    killed = start(2, tmp_path / "run", 3)
    for line in killed.stdout:
        if line.startswith("epoch 1 "):
            break
    killed.kill()
    killed.communicate()
    rest = losses(2, tmp_path / "run", 3)
    assert list(rest) in ([2, 3], [3])  # it may have come one epoch further before it died
    assert rest == pytest.approx({epoch: whole[epoch] for epoch in rest}, rel=1e-3)  # with Adam's state and step size
    assert not (tmp_path / "run").exists()  # or the next run would begin at its end
