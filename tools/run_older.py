"""Run the lessons in the oldest environment that requirements.txt allows, as hosts of notebooks have it: `make older`.

All libraries are at their floors, but ipywidgets is of the 7th series, which some hosts still have. pylib is installed
from its wheel, and each lesson runs alone in an empty folder, with one epoch.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LESSONS = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))
HOSTS_HAVE = "ipywidgets==7.7.1"


def build(folder):
    """An environment at the floors, with pylib's wheel; returns its Python."""
    uv = [sys.executable, "-m", "uv"]
    python = folder / "env" / "bin" / "python"
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder / "env"], check=True)
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    (folder / "floors.txt").write_text("\n".join([*(line for line in lines if line != "-e ."), "papermill>=2.7"]))
    (folder / "hosts.txt").write_text(HOSTS_HAVE)
    floors = ["--resolution", "lowest-direct", "--overrides", folder / "hosts.txt", "-r", folder / "floors.txt"]
    subprocess.run([*uv, "pip", "install", "--python", python, *floors], check=True)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*uv, "pip", "install", "--python", python, "--no-deps", wheel], check=True)
    return python


def run_alone(python, lesson):
    """Run a lesson in an empty folder with one epoch; returns what went wrong, or ""."""
    with tempfile.TemporaryDirectory() as empty:
        shutil.copy(lesson, empty)
        command = [python, "-m", "papermill", "--no-progress-bar", "-p", "num_epochs", "1", lesson.name, "out.ipynb"]
        run = subprocess.run(command, cwd=empty, capture_output=True, text=True)
    return run.stderr if run.returncode else ""


def main(folder):
    python = build(folder)
    failed = 0
    for lesson in LESSONS:
        start = time.monotonic()
        problem = run_alone(python, lesson)
        print(f"{lesson.stem}: {'failed' if problem else 'ran'}, {time.monotonic() - start:.0f} s", flush=True)
        if problem:
            failed += 1
            print(problem[-3000:])
    return failed


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(Path(temporary)))
