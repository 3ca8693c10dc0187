"""Set .venv up, or bring it up to date: `python3 tools/set_up.py lab` for the lessons, `test` for the tests, too.

It needs nothing but Python, and ends at once where nothing has changed. What is wrong is told in one sentence.
"""

import ast
import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from pylib import doctor  # noqa: E402  # which needs nothing but Python, either

VENV = ROOT / ".venv"
STATE = VENV / "set-up.json"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
PIP = [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]

VERSIONS = ("3.11", "3.12", "3.13")
UV = "uv>=0.9,<1"
SOURCES = ["requirements.txt", "constraints.txt", "pyproject.toml", "tools/set_up.py"]
PACKAGES = {"lab": ["-r", "requirements.txt"], "test": ["-r", "requirements.txt", "-e", ".[test]"]}
COSTS = {
    "lab": "some 480 MB of packages, 2.3 GB once unpacked: about a minute with a fast network",
    "test": "some 640 MB of packages, 2.8 GB once unpacked: about a minute and a half with a fast network",
}

# Where uv looks for what pip has in its configuration, and what stands between several values.
UV_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
}
SIGNATURES = {"db_file": str(VENV / "nbsignatures.db"), "secret_file": str(VENV / "notebook_secret")}
SETTINGS = {
    # A lesson's widgets are saved with it, and nothing asks for news.
    "share/jupyter/lab/settings/overrides.json": {
        "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    },
    # Which notebooks are trusted is kept here, not in the user's home. Jupyter reads no such thing from a folder *.d.
    "etc/jupyter/jupyter_config.json": {"NotebookNotary": SIGNATURES},
    # What TensorFlow's C++ code says when it starts goes to the terminal, not into the first cell.
    "etc/ipython/ipython_kernel_config.json": {"IPKernelApp": {"capture_fd_output": False}},
}
SHIPPED = ["notebooks/[0-9]*.ipynb", "notebooks/teacher/*.ipynb"]
SIGN = """
import sys, nbformat.sign
notary = nbformat.sign.NotebookNotary(db_file=sys.argv[1], secret_file=sys.argv[2])
for path in sys.argv[3:]:
    notary.sign(nbformat.read(path, as_version=4))
"""


def main(part):
    """Bring .venv to what a part needs, "lab" or "test"."""
    state = read_state()
    broken = what_is_broken(state) if VENV.exists() else None
    wanted = digest_of_sources()
    if broken or state.get(part) != wanted:
        new = bool(broken) or not VENV.exists()
        find_faults(new)
        start = time.monotonic()
        VENV.mkdir(exist_ok=True)
        write_state({"unfinished": True})
        if new:
            make(broken)
        print(f"Fetching {COSTS[part]}." if new else "Bringing the packages in .venv up to date.", flush=True)
        failure = install(part)
        if failure:
            write_state({"unfinished": True} if new else state)  # what worked before an update still does
            raise SystemExit(failure)
        write_settings()
        done = {"folder": str(ROOT), "python": version_in_venv(), "lab": wanted, part: wanted}
        state = done if new else {**state, **done}
        write_state(state)
        print(f"Set up in {time.monotonic() - start:.0f} s.", flush=True)
    sign_notebooks(state)


def read_state():
    """What the last successful set-up wrote down; nothing where .venv was made by hand."""
    try:
        return dict(json.loads(STATE.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def write_state(state):
    """Write down what is set up."""
    STATE.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")


def digest_of_sources():
    """What decides what is installed, as one number."""
    sources = [(ROOT / name).read_bytes() for name in SOURCES]
    return hashlib.sha256(b"".join([constraints().encode(), *sources])).hexdigest()


def constraints():
    """Options that hold packages to the versions tested; the variable is the Makefile's and may be empty."""
    return os.environ.get("CONSTRAINTS", "-c constraints.txt")


def version_in_venv():
    """The version of .venv's Python as "3.12", with " without pip" where pip is missing; "" where it doesn't run."""
    code, version = answer(PYTHON, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2], end=''); import pip")
    return version + (" without pip" if version and code else "")


def answer(*command):
    """Exit code and output of a command that is run in the course's folder; 127 where there is no such program."""
    try:
        run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return 127, ""
    return run.returncode, run.stdout


def what_is_broken(state):
    """Why .venv can't be used as it is, or None."""
    if state.get("unfinished"):
        return "its set-up did not come to its end"
    if state.get("folder", str(ROOT)) != str(ROOT):
        return f"it was made in {state['folder']}"
    version = version_in_venv()
    number = version.split(" ")[0]
    if not version:
        return "its Python is gone"
    if number != state.get("python", number):
        return f"it was made with Python {state['python']}, and its Python is now {number}"
    if number not in VERSIONS:
        return f"the lessons need Python 3.11, 3.12 or 3.13, and it has {number}"
    if version != number:
        return "it has no pip"
    return None


def find_faults(new):
    """End with a sentence where this machine can't hold the course. A .venv that works is only brought up to date."""
    number = "{}.{}".format(*sys.version_info)
    free = shutil.disk_usage(ROOT).free
    fault = fault_of_platform()
    if new and number not in VERSIONS:
        fault = f"The lessons need Python 3.11, 3.12 or 3.13, and this is {number}: install one of them."
    elif new and importlib.util.find_spec("ensurepip") is None:
        fault = (
            f"Python's module venv is not whole: on Debian and Ubuntu, sudo apt install python{number}-venv mends it."
        )
    elif new and free < 3e9:
        fault = f"The packages need 3 GB, and {free / 1e9:.1f} GB are free in {ROOT}: make room there."
    if fault:
        raise SystemExit(fault)


def fault_of_platform():
    """Why TensorFlow has no package for this machine, or None."""
    return next((f"{found}." for grade, found in doctor._platform() if grade == doctor.WRONG), None)


def make(broken):
    """Make .venv, anew where it is broken."""
    if broken:
        print(f"Making .venv anew, since {broken}.", flush=True)
    for entry in VENV.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry != STATE:
            entry.unlink()
    python = getattr(sys, "_base_executable", sys.executable)  # where this one is an environment's, the one below
    run = subprocess.run([python, "-m", "venv", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        raise SystemExit(f"{python} -m venv .venv failed: mend that and try again ({run.stdout.strip()[-500:]}).")


def install(part):
    """Install packages; return why they could not be, or None."""
    options = shlex.split(constraints())
    uv = answer(*PIP, "install", "--quiet", UV)[0] == 0
    if not uv:
        print("uv can't be installed here: pip is used, which takes longer.", flush=True)
    failed, error = fetch(uv, options + PACKAGES[part])
    if failed:
        answers = answer(*PIP, "index", "versions", "pip")[0] == 0
        index = "though a package index answers" if answers else "and no package index answers"
        remedy = "see above what is missing" if answers else "look at the network and at `pip config list`"
        return f"The packages could not be installed, {index}: {remedy}, and try again ({error})."
    if part == "test" and fetch(uv, options + ["-e", ".[page]"])[0]:
        print("deno can't be installed here: JavaScript will not be checked", flush=True)
    return None


def fetch(uv, arguments):
    """Install by uv, or by pip where that fails; return the exit code and the last error."""
    if uv:
        command = [str(BIN / "uv"), "pip", "install", "--python", str(PYTHON), *arguments]
        if subprocess.run(command, cwd=ROOT, env=environment_of_uv()).returncode == 0:
            return 0, ""
        print("uv did not succeed: pip tries now, which takes longer.", flush=True)
    return pip("install", *arguments)


def pip(*arguments):
    """Run .venv's pip; return its exit code and the last of its errors, all of which are shown as they come."""
    error = ""
    with subprocess.Popen([*PIP, *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            error = line.strip() if line.strip().startswith("ERROR:") else error
            sys.stderr.write(line)
    return process.returncode, error


def environment_of_uv():
    """The environment in which uv does as pip would, whose configuration it doesn't read."""
    lines = answer(*PIP, "config", "list")[1].splitlines()
    configured = dict(line.split("=", 1) for line in lines if "=" in line)
    environment = {"UV_COMPILE_BYTECODE": "1", **os.environ}  # as pip does, or imports take seconds more
    for name, (uv_name, between) in UV_NAMES.items():
        for section in (":env:", "install", "global"):  # pip's order: the first that is set counts
            if value := configured.get(f"{section}.{name}"):
                environment.setdefault(uv_name, between.join(ast.literal_eval(value).split()))
    if "UV_INDEX" in environment:  # all indexes count, as for pip
        environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return environment


def write_settings():
    """Write the project's settings of JupyterLab into .venv."""
    for name, content in SETTINGS.items():
        path = VENV / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def sign_notebooks(state):
    """Let the course's own notebooks be trusted, so that their widgets live before anything is run.

    A notebook is signed if it is as git has it. Without git that can't be seen: then only at the first set-up.
    """
    paths = [path for pattern in SHIPPED for path in sorted(ROOT.glob(pattern))]
    times = {path.relative_to(ROOT).as_posix(): path.stat().st_mtime_ns for path in paths}
    seen = state.get("notebooks", {})
    changed = [name for name in times if times[name] != seen.get(name)]
    if not changed:
        return
    ours = as_git_has_them(changed)
    if ours is None:
        ours = [] if seen else changed
    if ours and answer(PYTHON, "-c", SIGN, *SIGNATURES.values(), *ours)[0]:
        print("The lessons can't be marked as trusted: widgets will show once their cells are run.")
    write_state({**state, "notebooks": times})


def as_git_has_them(names):
    """Those files that are as in git's last commit, or None where git knows none of them."""
    known = answer("git", "ls-files", "-z", "--", *names)[1].split("\0")
    code, modified = answer("git", "diff", "--name-only", "--relative", "-z", "HEAD", "--", *names)
    if known == [""]:
        return None
    return [name for name in names if name in known and name not in modified.split("\0")] if code == 0 else []


if __name__ == "__main__":
    if sys.argv[1:] not in (["lab"], ["test"]):
        raise SystemExit("Say what for: python3 tools/set_up.py lab, or test.")
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        raise SystemExit("Interrupted: the same command begins anew.") from None
    except OSError as error:
        path = error.filename or VENV
        raise SystemExit(f"{path} can't be used ({error.strerror}): mend that, or put the course elsewhere.") from None
