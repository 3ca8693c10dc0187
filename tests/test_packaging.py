"""The wheel holds all that pylib needs, as an empty environment shows."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import pylib

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]

IMPORT_ALL = """
import importlib, pkgutil, pylib
names = [module.name for module in pkgutil.walk_packages(pylib.__path__, "pylib.")]
for name in names:
    importlib.import_module(name)
from pylib import doctor, mnist_dataset, pictures, pretrained, widgets
assert pictures.IMAGES.parent == pictures.HERE and (pictures.IMAGES / "VAE.png").is_file()
doctor._requirements(), mnist_dataset.load("test"), pretrained.load("vae_2"), widgets.DigitCanvas()
print(pylib.__file__, *names)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_wheel_holds_every_file_of_pylib(wheel):
    files = {file.relative_to(ROOT).as_posix() for file in (ROOT / "pylib").rglob("*") if file.is_file()}
    files = {file for file in files if not file.endswith(".pyc")}
    files |= {f"pylib/images/{file.name}" for file in (ROOT / "images").glob("*.png")}
    files.add("pylib/requirements.txt")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("pylib/requirements.txt") == (ROOT / "requirements.txt").read_bytes()
        assert {name for name in archive.namelist() if name.startswith("pylib/")} == files
    kinds = {Path(file).suffix for file in files}
    assert kinds == {".py", ".js", ".css", ".npz", ".png", ".sha256", ".txt"}


def test_one_version_everywhere(wheel):
    assert wheel.name == f"vae_by_doing-{pylib.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"vae_by_doing-{pylib.__version__}.dist-info/METADATA").decode()
    assert f"\nVersion: {pylib.__version__}\n" in metadata
    assert f'\nversion: "{pylib.__version__}"\n' in (ROOT / "CITATION.cff").read_text("utf-8")


def test_every_module_imports_from_the_wheel_alone(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = ["install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], check=True)
    # What pylib imports comes from the environment of this test, but not its link to this checkout.
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site_packages = Path(subprocess.check_output(where, text=True).strip())
    (site_packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run([python, "-c", IMPORT_ALL], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    file, *names = run.stdout.split()
    assert Path(file) == site_packages / "pylib" / "__init__.py"
    modules = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "pylib").rglob("*.py")}
    expected = {module.removesuffix("/__init__").replace("/", ".") for module in modules} - {"pylib"}
    assert set(names) == expected
