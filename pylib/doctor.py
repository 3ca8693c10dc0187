"""What keeps the lessons from running on this machine, and what to do about it: `python -m pylib.doctor`.

It changes nothing. Packages may be missing or broken, so it needs nothing but Python, and an old one will do.
"""

import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PYTHONS = ((3, 11), (3, 12), (3, 13))
DATA = ("mnist.npz", "classifier.npz", "diffusion.npz", "pretrained.npz")
TENSORFLOWS = ("tensorflow", "tensorflow-cpu", "tf-nightly", "tf-nightly-cpu")  # any of them will do
NOT_FOR_LESSONS = ("jupyterlab", "nbval")  # other programs show notebooks, too, and only tests need nbval
BROWSERS = ("chromium", "google-chrome", "chromium-browser", "chrome")
MEMORY, DISK = 3e9, 2.5e9  # bytes
ELSEWHERE = "use another computer or a hosted one"

# What each finding begins with: only what is wrong keeps lessons from running.
OK, NOTE, WRONG = "ok", "note", "WRONG"

# In a process of its own, since a broken TensorFlow may end the process without a Python error.
IMPORTS = """
import tensorflow
print("tensorflow", flush=True)
import keras
print("keras", flush=True)
from pylib.training import xla_works
print("pylib.training", flush=True)
print("XLA works:", xla_works())
"""


def _python():
    version = platform.python_version()
    names = ", ".join("{}.{}".format(*pair) for pair in PYTHONS)
    if sys.version_info[:2] not in PYTHONS:
        yield WRONG, f"Python {version} is not supported: install one of {names}, and set up .venv with it"
    elif sys.maxsize < 2**32:
        yield WRONG, f"Python {version} is a 32-bit one, for which there is no TensorFlow: install a 64-bit one"
    else:
        yield OK, f"Python {version}"


def _platform():
    system, machine, macos, libc = platform.system(), platform.machine(), platform.mac_ver()[0], platform.libc_ver()
    name = f"{system} {platform.release()} on {machine}"
    wrong = None
    if system == "Darwin":
        name = f"macOS {macos} on {machine}"
        if machine != "arm64":
            wrong = f"there is no TensorFlow for Intel Macs: {ELSEWHERE}"
        elif _numbers(macos) < (12,):
            wrong = "TensorFlow needs macOS 12 or newer: update macOS"
    elif system == "Windows" and machine.upper() != "AMD64":
        wrong = f"there is no TensorFlow for Windows on ARM: {ELSEWHERE}"
    elif system == "Linux":
        found = " ".join(filter(None, libc)) or "another C library"
        name += f", {found}"
        if machine not in ("x86_64", "aarch64"):
            wrong = f"there is no TensorFlow for this processor: {ELSEWHERE}"
        elif libc[0] != "glibc" or _numbers(libc[1]) < (2, 28):
            wrong = f"TensorFlow needs glibc 2.28 or newer, not {found}: use a newer Linux, or {ELSEWHERE}"
    yield (WRONG, f"{name}: {wrong}") if wrong else (OK, name)


def _numbers(version):
    """A version as a tuple that compares: "2.21.0rc1" is (2, 21)."""
    numbers = [int(number) for number in re.match(r"[\d.]*", version)[0].strip(".").split(".") if number]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _requirements():
    """What requirements.txt asks for: a package's name to its specifier, with any TensorFlow as "tensorflow"."""
    inside, above = HERE / "requirements.txt", HERE.parent / "requirements.txt"  # in an installed wheel; in a checkout
    lines = (inside if inside.is_file() else above).read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([\w-]+)(>=[\d.]+,<[\d.]+)", line) for line in lines]
    return {("tensorflow" if match[1] in TENSORFLOWS else match[1]): match[2] for match in found if match}


def _installed(name):
    """The package, or whichever TensorFlow there is, and its version; None without."""
    for package in TENSORFLOWS if name == "tensorflow" else (name,):
        try:
            return package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return name, None


def _packages():
    for name, specifier in _requirements().items():
        floor, ceiling = re.findall(r"[\d.]+", specifier)
        name, version = _installed(name)
        remedy = f'pip install "{name}{specifier}"'
        grade = NOTE if name in NOT_FOR_LESSONS else WRONG
        if version is None:
            needed = ", which lessons don't need" if name in NOT_FOR_LESSONS else ""
            yield grade, f"{name} is not installed{needed}: {remedy}"
        elif name == "ipywidgets" and (7, 7) <= _numbers(version) < _numbers(floor):
            yield NOTE, f"{name} {version} will do on hosted machines; JupyterLab 4 needs {floor}: {remedy}"
        elif _numbers(version) < _numbers(floor):
            yield grade, f"{name} {version} is older than {floor}: {remedy}"
        elif _numbers(version) >= _numbers(ceiling):
            yield NOTE, f"{name} {version} is newer than what lessons were tested with; if they fail: {remedy}"
        else:
            yield OK, f"{name} {version}"


def _imports():
    print("...    importing TensorFlow, which may take half a minute", flush=True)
    command = [sys.executable, "-c", IMPORTS]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", "errors": "replace"}
    try:
        run = subprocess.run(command, timeout=300, **output)
    except subprocess.TimeoutExpired:
        yield WRONG, "TensorFlow was not imported in five minutes: try again when the machine is less busy"
        return
    for name in ("tensorflow", "keras", "pylib.training"):
        if name not in run.stdout.splitlines():
            yield WRONG, f"import {name} fails: {_reason(run)}"
            return
        yield OK, f"import {name}"
    if "XLA works: True" in run.stdout:
        yield OK, "TensorFlow's compiler, XLA, works"
    else:
        yield NOTE, "TensorFlow's compiler, XLA, doesn't work here, so training takes somewhat longer"


def _reason(run):
    """Why a process failed, and what to do about it, in a line."""
    if run.returncode < 0:
        name = signal.Signals(-run.returncode).name
        return f"the system ended it with {name}; TensorFlow needs a processor with AVX, and memory"
    lines = run.stderr.strip().splitlines() or ["it gave no reason"]
    remedy = "install the packages named above, or set up .venv anew, as README.md says"
    if "DLL load failed" in run.stderr:
        remedy = "install the Microsoft Visual C++ Redistributable, and start the machine anew"
    return f"{lines[-1]}: {remedy}"


def _data():
    for name in DATA:
        file, sums = HERE / name, HERE / f"{name}.sha256"
        remedy = "get it from the repository again, or install pylib again"
        if not (file.is_file() and sums.is_file()):
            yield WRONG, f"{file} or its .sha256 is missing: {remedy}"
        elif hashlib.sha256(file.read_bytes()).hexdigest() != sums.read_text().split()[0]:
            yield WRONG, f"{file} is damaged: {remedy}"
        else:
            yield OK, f"{name} is whole"


def _writable():
    try:
        with tempfile.TemporaryFile(dir=os.curdir):
            yield OK, "this folder can be written"
    except OSError:
        yield NOTE, "this folder can't be written: logs go to the temporary folder, and notebooks can't be saved here"


def _memory():
    try:
        import psutil  # comes with Jupyter's kernel
    except Exception:
        yield NOTE, "how much memory is free can't be told without the package psutil; lessons take up to 3 GB"
        return
    free = psutil.virtual_memory().available
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):  # of a container
        try:
            free = min(free, int(Path(path).read_text()))
        except (OSError, ValueError):  # no container, or one without a limit
            pass
    if free < MEMORY:
        yield NOTE, f"{free / 1e9:.1f} GB of memory are free, and lessons take up to 3 GB: close other programs"
    else:
        yield OK, f"{free / 1e9:.1f} GB of memory are free"


def _disk():
    free = shutil.disk_usage(os.curdir).free
    if free < DISK:
        yield NOTE, f"{free / 1e9:.1f} GB of disk are free here, and the set-up takes 2.2 GB: make room before it"
    else:
        yield OK, f"{free / 1e9:.1f} GB of disk are free here"


def _browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path:
        yield OK, f"browser for tests and benchmarks: {path}"
    else:
        yield NOTE, "no Chromium or Chrome on PATH; only tests and benchmarks need one"


def _main():
    """Print what was found; returns how many findings are wrong."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # an error's text may hold what this terminal can't show
    from pylib import __version__

    print(f"pylib {__version__} in {HERE}\nPython in {sys.executable}\n")
    wrong = 0
    for check in (_python, _platform, _packages, _imports, _data, _writable, _memory, _disk, _browser):
        try:
            for grade, sentence in check():
                wrong += grade == WRONG
                print(f"{grade:6} {sentence}", flush=True)
        except Exception as error:  # the rest is worth knowing, too
            what = check.__name__.strip("_")
            print(f"{NOTE:6} {what} could not be examined: {type(error).__name__}: {error}", flush=True)
    if wrong:
        print(f"\nLessons won't run before what is wrong is mended. Here, pip means: {sys.executable} -m pip")
    else:
        print("\nLessons should run here.")
    return wrong


if __name__ == "__main__":
    sys.exit(_main() > 0)
