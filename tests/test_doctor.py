"""`python -m pylib.doctor` names what is wrong with an environment, in one that has it wrong."""

import ast
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pylib import doctor

ROOT = Path(__file__).parents[1]


@pytest.fixture
def course(tmp_path):
    """A copy of pylib and requirements.txt, and a TensorFlow beside it that fails, and does so at once."""
    shutil.copytree(ROOT / "pylib", tmp_path / "pylib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    (tmp_path / "tensorflow.py").write_text("raise ImportError('libbroken.so is missing')")
    return tmp_path


def run(course, python=sys.executable):
    """The doctor's exit code, its findings and all that it prints; `course` comes before all that is installed."""
    environment = os.environ | {"PYTHONPATH": str(course)}
    command = [python, "-m", "pylib.doctor"]
    process = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True)
    assert process.stderr == "" and "Traceback" not in process.stdout
    findings = [re.fullmatch(r"(ok|note|WRONG) +(.+)", line) for line in process.stdout.splitlines()]
    return process.returncode, [match.groups() for match in findings if match], process.stdout


def wrong(findings):
    return [sentence for grade, sentence in findings if grade == "WRONG"]


def pretend(course, name, version):
    """Let a package seem to be installed in a version."""
    info = course / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def asked():
    """What requirements.txt asks for, as packaging reads it."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-e"))]


def test_lessons_run_where_the_tests_do(tmp_path):
    (tmp_path / "requirements.txt").write_text("not-that-one>=1,<2")  # nor one in the folder where it runs
    process = subprocess.run([sys.executable, "-m", "pylib.doctor"], cwd=tmp_path, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout
    assert "WRONG" not in process.stdout and process.stderr == ""
    for requirement in asked():
        if requirement.marker is None or requirement.marker.evaluate():
            assert f"{requirement.name} {importlib.metadata.version(requirement.name)}\n" in process.stdout
    for name in ("tensorflow", "keras", "pylib.training"):
        assert f"\nok     import {name}\n" in process.stdout
    assert process.stdout.endswith("\nLessons should run here.\n")


def test_a_tensorflow_that_cannot_be_imported(course):
    code, findings, output = run(course)
    assert code == 1
    (sentence,) = wrong(findings)
    assert sentence.startswith("import tensorflow fails: ImportError: libbroken.so is missing: ")
    assert f"Lessons won't run before what is wrong is mended. Here, pip means: {sys.executable} -m pip" in output


def test_a_keras_that_cannot_be_imported(course):
    (course / "tensorflow.py").write_text("")
    (course / "keras.py").write_text("import no_such_module")
    _, findings, _ = run(course)
    assert ("ok", "import tensorflow") in findings
    (sentence,) = wrong(findings)
    assert sentence.startswith("import keras fails: ModuleNotFoundError: No module named 'no_such_module': ")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_tensorflow_that_ends_the_process(course):
    (course / "tensorflow.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)")
    _, findings, _ = run(course)
    (sentence,) = wrong(findings)
    assert "import tensorflow fails: the system ended it with SIGILL" in sentence and "AVX" in sentence


@pytest.mark.parametrize(("version", "grade"), [("7.7.1", "note"), ("7.6.5", "WRONG")])
def test_hosts_have_an_older_ipywidgets(version, grade, course):
    pretend(course, "ipywidgets", version)
    _, findings, _ = run(course)
    assert [finding[0] for finding in findings if finding[1].startswith(f"ipywidgets {version} ")] == [grade]


def test_packages_that_are_too_old_or_too_new(course):
    pretend(course, "numpy", "1.26.4")
    pretend(course, "seaborn", "0.13.1rc1")
    pretend(course, "nbval", "0.1")
    pretend(course, "scipy", "2.0.0")
    _, findings, _ = run(course)
    asked_for = {requirement.name: requirement.specifier for requirement in asked()}
    floor = {name: min(part.version for part in asked_for[name] if part.operator == ">=") for name in asked_for}

    def sentence(name, version):
        (found,) = (finding for finding in findings if finding[1].startswith(f"{name} {version} "))
        command = re.search(r'pip install "(.+)"$', found[1])[1]
        assert Requirement(command) == Requirement(f"{name}{asked_for[name]}")
        return found[0], found[1].partition(" pip install")[0]

    assert sentence("numpy", "1.26.4") == ("WRONG", f"numpy 1.26.4 is older than {floor['numpy']}:")
    assert sentence("seaborn", "0.13.1rc1") == ("WRONG", f"seaborn 0.13.1rc1 is older than {floor['seaborn']}:")
    assert sentence("nbval", "0.1") == ("note", f"nbval 0.1 is older than {floor['nbval']}:")
    assert sentence("scipy", "2.0.0")[0] == "note"
    assert len(wrong(findings)) == 3  # with TensorFlow


def test_an_environment_without_any_package(course):
    (course / "tensorflow.py").unlink()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", course / "env"], check=True)
    python = course / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code, findings, _ = run(course, python)
    missing = {name: grade for grade, sentence in findings for name in re.findall("^(.+) is not installed", sentence)}
    notes = dict.fromkeys(["jupyterlab", "nbval"], "note")
    names = {requirement.name.removesuffix("-cpu") for requirement in asked()}
    assert missing == dict.fromkeys(names, "WRONG") | notes and code == 1
    assert any("import tensorflow fails: ModuleNotFoundError" in sentence for sentence in wrong(findings))


@pytest.mark.parametrize("name", ["tensorflow", "tensorflow-cpu", "tf-nightly"])
def test_any_tensorflow_will_do(name, monkeypatch):
    versions = {name: "2.99.0.dev20260101"}

    def version(package):
        if package not in versions:
            raise importlib.metadata.PackageNotFoundError
        return versions[package]

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    findings = list(doctor._packages())
    assert ("ok", f"{name} 2.99.0.dev20260101") in findings
    versions[name] = "2.9.1"
    ((grade, sentence),) = (finding for finding in doctor._packages() if finding[1].startswith(f"{name} "))
    assert grade == "WRONG" and f"{name} 2.9.1 is older than " in sentence and f'pip install "{name}>=' in sentence


def test_data_that_is_damaged_or_missing(course):
    data = course / "pylib" / "mnist.npz"
    data.write_bytes(data.read_bytes()[:-1])
    (course / "pylib" / "classifier.npz").unlink()
    code, findings, _ = run(course)
    sentences = [sentence for sentence in wrong(findings) if ".npz" in sentence]
    assert [sentence.split(":")[0] for sentence in sentences] == [
        f"{data} is damaged",
        f"{course / 'pylib' / 'classifier.npz'} or its .sha256 is missing",
    ]
    assert {"diffusion.npz is whole", "pretrained.npz is whole"} <= {text for grade, text in findings if grade == "ok"}
    assert set(doctor.DATA) == {path.name for path in (ROOT / "pylib").glob("*.npz")}


def test_what_requirements_ask_for_is_read_whole():
    read = doctor._requirements()
    for requirement in asked():
        name = requirement.name.removesuffix("-cpu") if "tensorflow" in requirement.name else requirement.name
        assert SpecifierSet(read[name]) == requirement.specifier
    assert len(read) == len(asked()) - 1  # tensorflow and tensorflow-cpu are one


@pytest.mark.parametrize(
    ("system", "machine", "macos", "libc", "problem"),
    [
        ("Linux", "x86_64", "", ("glibc", "2.28"), None),
        ("Linux", "aarch64", "", ("glibc", "2.41"), None),
        ("Linux", "x86_64", "", ("glibc", "2.17"), "TensorFlow needs glibc 2.28 or newer, not glibc 2.17"),
        ("Linux", "x86_64", "", ("", ""), "TensorFlow needs glibc 2.28 or newer, not another C library"),
        ("Linux", "riscv64", "", ("glibc", "2.41"), "there is no TensorFlow for this processor"),
        ("Darwin", "arm64", "12.0", ("", ""), None),
        ("Darwin", "arm64", "15.1.1", ("", ""), None),
        ("Darwin", "arm64", "11.7.10", ("", ""), "TensorFlow needs macOS 12 or newer"),
        ("Darwin", "x86_64", "14.2", ("", ""), "there is no TensorFlow for Intel Macs"),
        ("Windows", "AMD64", "", ("", ""), None),
        ("Windows", "ARM64", "", ("", ""), "there is no TensorFlow for Windows on ARM"),
    ],
)
def test_platforms(system, machine, macos, libc, problem, monkeypatch):
    answers = {"system": system, "machine": machine, "mac_ver": (macos, ("", "", ""), machine), "libc_ver": libc}
    for name, answer in answers.items():
        monkeypatch.setattr(platform, name, lambda answer=answer: answer)
    ((grade, sentence),) = doctor._platform()
    assert grade == ("WRONG" if problem else "ok") and (problem or machine) in sentence


def test_pythons(monkeypatch):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for minor in range(8, 20):
        monkeypatch.setattr(sys, "version_info", (3, minor, 1))
        ((grade, _),) = doctor._python()
        assert (grade == "ok") == SpecifierSet(project["requires-python"]).contains(f"3.{minor}.1")


def test_an_old_python_can_read_it():
    for module in ("__init__", "doctor"):
        ast.parse((ROOT / "pylib" / f"{module}.py").read_text("utf-8"), feature_version=(3, 8))


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [grade for grade, _ in doctor._writable()] == ["ok"] and not list(tmp_path.iterdir())
    monkeypatch.setattr(doctor.os, "curdir", str(tmp_path / "gone"))
    ((grade, sentence),) = doctor._writable()
    assert grade == "note" and sentence.startswith("this folder can't be written: logs go to the temporary folder")


def test_memory(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"  # of a container
    monkeypatch.setattr(doctor, "Path", lambda path: limit)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=8 * 10**9))
    assert list(doctor._memory()) == [("ok", "8.0 GB of memory are free")]
    limit.write_text("max\n")
    assert list(doctor._memory()) == [("ok", "8.0 GB of memory are free")]
    limit.write_text("2000000000\n")
    ((grade, sentence),) = doctor._memory()
    assert grade == "note" and sentence.startswith("2.0 GB of memory are free, and lessons take up to 3 GB")


def test_disk_and_browser(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=10**9))
    ((grade, sentence),) = doctor._disk()
    assert grade == "note" and sentence.startswith("1.0 GB of disk are free here, and the set-up takes 2.2 GB")
    monkeypatch.setenv("PATH", str(tmp_path))
    ((grade, sentence),) = doctor._browser()
    assert grade == "note" and "only tests and benchmarks need one" in sentence
    browser = tmp_path / "google-chrome"
    browser.touch(mode=0o755)
    assert list(doctor._browser()) == [("ok", f"browser for tests and benchmarks: {browser}")]


def test_a_check_that_fails_itself_is_no_traceback(course):
    (course / "requirements.txt").write_bytes(b"\xff")
    code, findings, _ = run(course)
    assert any(text.startswith("packages could not be examined: UnicodeDecodeError") for _, text in findings)
    assert ("ok", "mnist.npz is whole") in findings and code == 1  # for TensorFlow
