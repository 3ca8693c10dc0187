"""hub/set_up.py says in one sentence what is wrong, before it changes anything; and what lies beside it is whole."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hub import set_up

ROOT = Path(__file__).parents[1]
HUB = "https://hub.example.org"


@pytest.fixture
def as_root(monkeypatch):
    if not shutil.which("apt-get"):
        pytest.skip("neither Debian nor Ubuntu")
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # faults are looked for, and nothing is changed


def fault(*arguments):
    with pytest.raises(SystemExit) as stopped:
        set_up.find_faults(set_up.parse([str(argument) for argument in arguments]))
    return stopped.value.code


def test_only_root_sets_up():
    code = "import os, sys; from hub import set_up; os.geteuid() or os.setuid(65534); set_up.main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "--url", HUB]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr == "The set-up adds users, so it runs as root: sudo python3 hub/set_up.py ...\n"


def test_an_address_without_tls_is_for_this_machine_only(as_root):
    assert fault("--url", "http://hub.example.org").startswith("Passwords need TLS where others reach the hub")
    assert fault("--url", "http://10.0.0.5:8000").startswith("Passwords need TLS where others reach the hub")
    assert fault("--url", "hub.example.org") == (
        "--url must be an address such as https://hub.example.org, and it is hub.example.org."
    )
    for address in ("http://localhost:8000", "http://hub.localhost", "http://127.0.0.1:8000", "http://[::1]"):
        assert set_up.parse(["--url", address])["loopback"]
    assert not set_up.parse(["--url", "http://localhost.example.org"])["loopback"]


def test_a_certificate_is_two_files(as_root, tmp_path):
    certificate = tmp_path / "hub.pem"
    certificate.touch()
    assert fault("--url", HUB, "--certificate", certificate) == "--certificate and --key go together."
    assert fault("--url", HUB, "--certificate", certificate, "--key", tmp_path / "none").startswith(
        f"There is no file {tmp_path / 'none'}"
    )


def test_students_reach_programs_and_data(as_root, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for option in ("--prefix", "--state"):
        sentence = fault("--url", HUB, option, closed / "below")
        assert str(closed / "below") in sentence and f"{closed} is closed to them: choose another {option}" in sentence


def test_numbers_make_sense(as_root):
    assert (
        fault("--url", HUB, "--memory", "much") == "--memory must be a number and a unit, such as 4G, and it is much."
    )
    assert fault("--url", HUB, "--marking", "0") == "--marking must be 1 or more."


def test_an_old_python_is_named(as_root, monkeypatch, tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nprintf 3.9\n")
    old.chmod(0o755)
    monkeypatch.setattr(set_up, "PYTHON", old)
    assert fault("--url", HUB) == (
        f"The lessons need Python 3.11, 3.12 or 3.13, and {old} is 3.9: take a system that has one of them."
    )


def test_another_system_and_a_full_disk_are_named(as_root, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=3_200_000_000))
    assert fault("--url", HUB, "--prefix", "/opt/none/yet") == (
        "The packages need 4 GB, and 3.2 GB are free for /opt/none/yet: make room there."
    )
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert fault("--url", HUB) == "The set-up wants Debian or Ubuntu, with /usr/bin/python3."


@pytest.mark.parametrize(("version", "proxy"), [("v24.1.0", "5.3.0"), ("v20.20.2", "5.3.0"), ("v18.19.0", "4.6.3")])
def test_the_proxy_fits_the_node_that_is_there(monkeypatch, tmp_path, version, proxy):
    commands = _with_node(monkeypatch, tmp_path, version)
    set_up.install_proxy(tmp_path)
    assert commands[0][-1] == f"configurable-http-proxy@{proxy}"


@pytest.mark.parametrize(("version", "named"), [("v12.22.0", "12"), ("", "missing")])
def test_no_node_that_serves(monkeypatch, tmp_path, version, named):
    _with_node(monkeypatch, tmp_path, version)
    with pytest.raises(SystemExit, match=f"The proxy needs Node 14 or newer, and node is {named}: install a newer one"):
        set_up.install_proxy(tmp_path)


def _with_node(monkeypatch, folder, version):
    """A node that says a version, and a list of the commands that would be run."""
    node = folder / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    commands = []
    monkeypatch.setattr(set_up, "run", lambda *command, **options: commands.append(command))
    return commands


def test_values_for_kubernetes():
    values = yaml.safe_load((ROOT / "hub/kubernetes/values.yaml").read_text())
    assert values["proxy"]["https"]["enabled"] and values["singleuser"]["networkPolicy"]["enabled"]
    assert values["singleuser"]["allowPrivilegeEscalation"] is False
    assert values["singleuser"]["memory"]["limit"] == set_up.parse(["--url", HUB])["memory"]
    assert (ROOT / "hub/kubernetes/README.md").read_text().startswith("**Not run here.**")
