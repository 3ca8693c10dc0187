"""What sets .venv up: what it says of faulty machines, when it begins anew, and the settings of JupyterLab."""

import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).parents[1]
FRESH = "Fetching some 480 MB of packages, 2.3 GB once unpacked: about a minute with a fast network.\n"

# Stands for Python with its pip, and for uv: files in the course's folder decide what fails.
FAKE = """#!/bin/sh
cd {folder}
echo "$(basename $0) $*" >> calls
case "$*" in
    "-m venv "*)
        [ -e no-venv ] && echo "Error: ensurepip" && exit 1
        mkdir -p .venv/bin && cp "$0" .venv/bin/python && touch .venv/pip ;;
    "-I -c "*) cat version && [ -e .venv/pip ] ;;
    *"--quiet uv"*) cp "$0" .venv/bin/uv && [ ! -e no-uv ] ;;
    *" index versions pip") [ ! -e no-index ] ;;
    *" install "*)
        [ -e "$(basename $0)-fails" ] || exit 0
        echo "WARNING: nobody answers" >&2
        echo "  ERROR: No matching distribution found for keras" >&2
        echo "note: this is a note" >&2
        exit 1 ;;
esac
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The script in a course's folder of its own, with a Python that only pretends to install."""
    monkeypatch.delenv("CONSTRAINTS", raising=False)
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "set_up.py", tmp_path / "tools")
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    (tmp_path / "version").write_text("3.12")
    python = tmp_path / "fake-python"
    python.write_text(FAKE.format(folder=tmp_path))
    python.chmod(0o755)
    spec = importlib.util.spec_from_file_location("set_up_here", tmp_path / "tools" / "set_up.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "_base_executable", str(python))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    return module


def calls(course):
    """The programs that were called since the last look, with their options."""
    path = course.ROOT / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def fault(course, part="lab"):
    """The sentence with which the script ends."""
    with pytest.raises(SystemExit) as ending:
        course.main(part)
    return ending.value.code  # a text: Python prints it, and the exit code is 1


def test_first_set_up_says_what_it_costs_and_the_second_does_nothing(course, capsys):
    course.main("lab")
    assert capsys.readouterr().out == FRESH + "Set up in 0 s.\n"
    expected = f"uv pip install --python {course.PYTHON} -c constraints.txt -r requirements.txt"
    assert [line for line in calls(course) if " install " in line and "--quiet" not in line] == [expected]
    course.main("lab")
    assert capsys.readouterr().out == ""
    (only,) = calls(course)
    assert only.startswith("python -I -c import sys; print(")


def test_part_test_holds_the_lab_and_a_missing_deno_is_no_fault(course, capsys, monkeypatch):
    monkeypatch.setenv("CONSTRAINTS", "")
    course.main("test")
    installed = [line.split(" --python ")[1] for line in calls(course) if "--python" in line]
    assert installed == [f"{course.PYTHON} -r requirements.txt -e .[test]", f"{course.PYTHON} -e .[page]"]
    course.main("lab")
    assert not [line for line in calls(course) if " install " in line]
    monkeypatch.setattr(course, "fetch", lambda uv, arguments: (int(".[page]" in arguments), ""))
    (course.ROOT / "requirements.txt").write_text("more")
    capsys.readouterr()
    course.main("test")
    assert "deno can't be installed here: JavaScript will not be checked\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["requirements.txt", "constraints.txt", "pyproject.toml", "tools/set_up.py", None])
def test_what_changed_is_brought_up_to_date_in_the_same_environment(course, capsys, monkeypatch, name):
    course.main("lab")
    (course.VENV / "learners-own").touch()
    capsys.readouterr()
    if name:
        (course.ROOT / name).write_text("changed")
    else:
        monkeypatch.setenv("CONSTRAINTS", "")
    course.main("lab")
    assert capsys.readouterr().out == "Bringing the packages in .venv up to date.\nSet up in 0 s.\n"
    assert (course.VENV / "learners-own").exists()


def interrupt(course):
    """End while packages are fetched."""
    (course.ROOT / "requirements.txt").write_text("more")

    def end(*arguments):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course, "fetch", end)
        with pytest.raises(KeyboardInterrupt):
            course.main("lab")


def move(course):
    course.write_state({**course.read_state(), "folder": "/elsewhere"})


BROKEN = {
    "its set-up did not come to its end": interrupt,
    "it was made in /elsewhere": move,
    "its Python is gone": lambda course: course.PYTHON.unlink(),
    "it was made with Python 3.12, and its Python is now 3.13": lambda course: (course.ROOT / "version").write_text(
        "3.13"
    ),
    "it has no pip": lambda course: (course.VENV / "pip").unlink(),
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_broken_environment_is_made_anew(course, capsys, why):
    course.main("lab")
    BROKEN[why](course)
    (course.VENV / "rest").touch()
    capsys.readouterr()
    course.main("lab")
    assert capsys.readouterr().out == f"Making .venv anew, since {why}.\n" + FRESH + "Set up in 0 s.\n"
    assert not (course.VENV / "rest").exists()
    course.main("lab")
    assert capsys.readouterr().out == ""


def test_an_environment_made_by_hand_is_used_if_it_is_whole(course, capsys):
    course.main("lab")
    course.STATE.unlink()
    capsys.readouterr()
    course.main("lab")
    assert capsys.readouterr().out.startswith("Bringing the packages in .venv up to date.\n")
    course.STATE.unlink()
    (course.ROOT / "version").write_text("3.10")
    course.main("lab")
    reason = "the lessons need Python 3.11, 3.12 or 3.13, and it has 3.10"
    assert capsys.readouterr().out.startswith(f"Making .venv anew, since {reason}.\n")


def test_pip_serves_where_uv_does_not(course, capsys):
    (course.ROOT / "no-uv").touch()
    course.main("lab")
    assert "uv can't be installed here: pip is used, which takes longer.\n" in capsys.readouterr().out
    assert "python -m pip --disable-pip-version-check install -c constraints.txt -r requirements.txt" in calls(course)
    (course.ROOT / "no-uv").unlink()
    (course.ROOT / "uv-fails").touch()
    (course.ROOT / "requirements.txt").write_text("more")
    course.main("lab")
    assert "uv did not succeed: pip tries now, which takes longer.\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("no-index", "and no package index answers: look at the network and at `pip config list`, and try again"),
        (None, "though a package index answers: see above what is missing, and try again"),
    ],
)
def test_no_network(course, capsys, missing, sentence):
    for name in filter(None, ("uv-fails", "python-fails", missing)):
        (course.ROOT / name).touch()
    error = "(ERROR: No matching distribution found for keras)"
    assert fault(course) == f"The packages could not be installed, {sentence} {error}."
    assert "WARNING: nobody answers\n  ERROR:" in capsys.readouterr().err


def test_an_update_without_network_leaves_what_works(course, capsys):
    course.main("lab")
    requirements = (course.ROOT / "requirements.txt").read_text()
    for name in ("uv-fails", "python-fails", "no-index", "requirements.txt"):
        (course.ROOT / name).write_text("more")
    fault(course)
    (course.ROOT / "requirements.txt").write_text(requirements)
    capsys.readouterr()
    course.main("lab")
    assert capsys.readouterr().out == ""


def test_another_python(course, monkeypatch):
    monkeypatch.setattr(course, "sys", SimpleNamespace(version_info=(3, 14, 0, "final", 0)))
    assert fault(course) == "The lessons need Python 3.11, 3.12 or 3.13, and this is 3.14: install one of them."
    assert not course.VENV.exists()


def test_a_platform_without_tensorflow(course, monkeypatch):
    """The doctor judges platforms, and its own tests have each of them."""
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("14.2",))
    remedy = "there is no TensorFlow for Intel Macs: use another computer or a hosted one"
    assert fault(course) == f"macOS 14.2 on x86_64: {remedy}."
    assert not course.VENV.exists()


def test_this_platform(course):
    assert course.fault_of_platform() is None


def test_no_venv_module(course, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find_spec(name))
    package = "python{}.{}-venv".format(*sys.version_info)
    remedy = f"on Debian and Ubuntu, sudo apt install {package} mends it."
    assert fault(course) == f"Python's module venv is not whole: {remedy}"


def test_venv_fails(course):
    (course.ROOT / "no-venv").touch()
    python = course.ROOT / "fake-python"
    assert fault(course) == f"{python} -m venv .venv failed: mend that and try again (Error: ensurepip)."


def test_no_space(course, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1.26e9))
    assert fault(course) == f"The packages need 3 GB, and 1.3 GB are free in {course.ROOT}: make room there."


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_folder_that_is_not_writable(course):
    course.ROOT.chmod(0o555)
    command = [sys.executable, "-B", str(course.ROOT / "tools" / "set_up.py"), "lab"]
    # The superuser may write everywhere, and so gives that right up; its folders stay open to it.
    drop = None if os.getuid() else _without_rights
    run = subprocess.run(command, capture_output=True, text=True, preexec_fn=drop)
    course.ROOT.chmod(0o755)
    assert run.returncode == 1
    sentence = "can't be used (Permission denied): mend that, or put the course elsewhere.\n"
    assert run.stderr == f"{course.VENV} {sentence}"


def _without_rights():
    import ctypes

    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE: lost at the start of the program


def test_uv_gets_pips_configuration(course, monkeypatch, tmp_path):
    for name in [*os.environ]:
        if name.startswith(("PIP_", "UV_", "SSL_")) or name == "ALL_PROXY":
            monkeypatch.delenv(name)
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        "[global]\nindex-url = https://global.example\nextra-index-url =\n  https://one.example\n  https://two.example\n"
        "[install]\nindex-url = https://install.example\nfind-links = one two\ntrusted-host = one.example\n"
        "proxy = http://proxy.example:3128\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("PIP_CERT", "/school.pem")
    monkeypatch.setattr(course, "PIP", [sys.executable, "-m", "pip"])
    monkeypatch.setenv("UV_INSECURE_HOST", "learners-own.example")
    found = course.environment_of_uv()
    expected = {
        "UV_COMPILE_BYTECODE": "1",
        "UV_DEFAULT_INDEX": "https://install.example",
        "UV_INDEX": "https://one.example https://two.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "one,two",
        "UV_INSECURE_HOST": "learners-own.example",
        "SSL_CERT_FILE": "/school.pem",
        "ALL_PROXY": "http://proxy.example:3128",
    }
    assert {name: found.get(name) for name in expected} == expected
    configuration.write_text("")
    found = course.environment_of_uv()
    assert {name for name in expected if name in found} == {"UV_COMPILE_BYTECODE", "UV_INSECURE_HOST", "SSL_CERT_FILE"}


def test_settings_are_those_that_jupyterlab_has():
    """Each setting is in the schema of the extension that is installed, with such a value."""
    spec = importlib.util.spec_from_file_location("set_up_of_course", ROOT / "tools" / "set_up.py")
    set_up = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(set_up)
    share = Path(sys.prefix) / "share" / "jupyter"
    for name, settings in set_up.SETTINGS["share/jupyter/lab/settings/overrides.json"].items():
        package, plugin = name.split(":")
        (schema,) = share.glob(f"lab*/**/schemas/{package}/{plugin}.json")
        properties = json.loads(schema.read_text())["properties"]
        for key, value in settings.items():
            kind = {"boolean": bool, "string": str}[properties[key]["type"]]
            assert isinstance(value, kind)
            assert value in [choice["const"] for choice in properties[key].get("oneOf", [{"const": value}])]


@pytest.fixture
def notebooks(course, monkeypatch):
    """The course's notebooks in its folder, and a Python that has nbformat."""
    for pattern in course.SHIPPED:
        for path in ROOT.glob(pattern):
            copy = course.ROOT / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    course.VENV.mkdir()
    course.write_settings()
    monkeypatch.setattr(course, "PYTHON", sys.executable)
    return course


def git(course, *arguments):
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=course.ROOT, check=True, capture_output=True)


def trusted(course):
    """The names of the notebooks that are trusted under the database that the settings name."""
    settings = json.loads((course.VENV / "etc/jupyter/jupyter_config.json").read_text())["NotebookNotary"]
    notary = NotebookNotary(**settings)
    names = {path.relative_to(course.ROOT).as_posix(): path for path in course.ROOT.glob("notebooks/**/*.ipynb")}
    return {name for name, path in names.items() if notary.check_signature(nbformat.read(path, as_version=4))}


def alter(course, name, source):
    notebook = nbformat.read(course.ROOT / name, as_version=4)
    notebook.cells[0].source = source
    nbformat.write(notebook, course.ROOT / name)


FIRST, LAST = "notebooks/01_autoencoder.ipynb", "notebooks/06_latent_diffusion.ipynb"


def test_shipped_notebooks_are_trusted_and_altered_ones_are_not(notebooks):
    shipped = {path.relative_to(notebooks.ROOT).as_posix() for path in notebooks.ROOT.glob("notebooks/**/*.ipynb")}
    assert {FIRST, LAST, "notebooks/teacher/05_exercises.ipynb"} < shipped
    git(notebooks, "init")
    git(notebooks, "add", "notebooks")
    git(notebooks, "commit", "-m", "Lessons")
    alter(notebooks, LAST, "written before the first set-up")
    shutil.copy(notebooks.ROOT / FIRST, notebooks.ROOT / "notebooks" / "07_new.ipynb")
    alter(notebooks, "notebooks/07_new.ipynb", "not of the course")
    notebooks.sign_notebooks({})
    assert trusted(notebooks) == shipped - {LAST}
    alter(notebooks, FIRST, "written over a lesson")
    notebooks.sign_notebooks(notebooks.read_state())
    assert trusted(notebooks) == shipped - {LAST, FIRST}
    alter(notebooks, FIRST, "a new edition")
    git(notebooks, "commit", "-am", "As a pull brings it")
    notebooks.sign_notebooks(notebooks.read_state())
    assert trusted(notebooks) == shipped - {LAST}


def test_without_git_notebooks_are_trusted_at_the_first_set_up_only(notebooks, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(notebooks.ROOT.parent))
    notebooks.sign_notebooks({})
    everything = trusted(notebooks)
    assert {FIRST, LAST} < everything
    alter(notebooks, FIRST, "written over a lesson")
    notebooks.sign_notebooks(notebooks.read_state())
    assert trusted(notebooks) == everything - {FIRST}


def test_jupyter_reads_where_signatures_are(notebooks, tmp_path):
    environment = os.environ | {"JUPYTER_CONFIG_PATH": str(notebooks.VENV / "etc/jupyter"), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "jupyter_server", "--show-config-json"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)["NotebookNotary"] == notebooks.SIGNATURES


def make(folder, *arguments, path=os.environ["PATH"]):
    shutil.copy(ROOT / "Makefile", folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = [shutil.which("make"), *arguments]
    return subprocess.run(command, cwd=folder, env=environment | {"PATH": path}, capture_output=True, text=True)


def program(folder, name, script):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_root_is_told_at_once(tmp_path):
    program(tmp_path / "bin", "id", "echo 0")
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    run = make(tmp_path, "lab", path=path)
    assert run.returncode == 2
    sentence = "JupyterLab does not run as root unless it is told to: make lab OPTIONS=--allow-root\n"
    assert run.stderr.startswith(sentence) and "set_up" not in run.stderr
    run = make(tmp_path, "-n", "lab", "OPTIONS=--allow-root --ip=0.0.0.0", path=path)
    assert "as root" not in run.stdout
    assert run.stdout.rstrip().endswith("--LabApp.default_url=/lab/tree/notebooks --allow-root --ip=0.0.0.0")


def test_no_python_that_fits(tmp_path):
    program(tmp_path / "bin", "python3", "exit 1")
    program(tmp_path / "bin", "id", "echo 1000")
    run = make(tmp_path, "lab", path=str(tmp_path / "bin"))
    sentence = "The lessons need Python 3.11, 3.12 or 3.13, and none of them is on PATH: install one and try again.\n"
    assert run.returncode == 2 and run.stderr.startswith(sentence)


def test_every_target_sets_itself_up():
    makefile = (ROOT / "Makefile").read_text()
    (targets,) = [line.split()[1:] for line in makefile.splitlines() if line.startswith(".PHONY:")]
    for target in targets:
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
        assert "$(SET_UP)" in recipe.split(".venv/bin/python")[0].split("$(ENABLED)")[0], target
