"""Start a kernel for marking as a user who owns nothing, so that students' code can't touch what the teacher owns.

nbgrader runs as the course's account and starts this script, through the kernelspec "marking", as it would start a
kernel. The script takes a free one of the marking users, ends whatever a kernel before has left there, and starts the
kernel as that user by sudo. The two talk over sockets in a folder that no student can enter.
"""

import contextlib
import fcntl
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
KEPT = ("NBGRADER_", "TF_", "OMP_", "OPENBLAS_", "PYTHONHASHSEED")  # variables that marking sets
LIMITS = {resource.RLIMIT_DATA: 6 << 30, resource.RLIMIT_NPROC: 500, resource.RLIMIT_FSIZE: 1 << 30}


def for_nbgrader(connection_file, folders):
    """As the course's account: hand a kernel over to a marking user, and stay while it runs."""
    connection = json.loads(Path(connection_file).read_text())
    with free_one(Path(folders) / "locks") as marker:
        as_marker = ["sudo", "-n", "-H", "-u", marker, "--", sys.executable, "-I", __file__]
        subprocess.run([*as_marker, "end"], check=True)
        # nbgrader looks for the sockets beside its file, where the marking user can't make them.
        place = Path(folders, marker, "sockets", "kernel")
        for port in PORTS:
            link = Path(f"{connection['ip']}-{connection[port]}")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(f"{place}-{connection[port]}")
        environment = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        order = {"connection": connection | {"ip": str(place)}, "environment": environment}
        # Whatever ends this process closes the pipe, at which the other side ends the kernel.
        with subprocess.Popen([*as_marker, "run"], stdin=subprocess.PIPE, text=True) as kernel:
            kernel.stdin.write(json.dumps(order) + "\n")
            kernel.stdin.flush()
            code = kernel.wait()
        subprocess.run([*as_marker, "end"], check=True)
    return code


@contextlib.contextmanager
def free_one(locks):
    """The name of a marking user whom no other kernel has meanwhile."""
    while True:
        for path in sorted(locks.iterdir()):
            with open(path, "rb") as lock, contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path.name
                return
        time.sleep(1)


def run():
    """As a marking user: run a kernel until it ends or the other side does."""
    order = json.loads(sys.stdin.readline())
    os.umask(0o007)  # sockets are the course's to use, by their folder's group
    home = Path.home() / "work"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    os.chdir(home)
    Path("kernel.json").write_text(json.dumps(order["connection"]))
    for socket in (Path.home() / "sockets").iterdir():
        socket.unlink()
    for limit, value in LIMITS.items():
        resource.setrlimit(limit, (value, value))
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **order["environment"]}
    kernel = subprocess.Popen(
        [sys.executable, "-m", "ipykernel_launcher", "-f", "kernel.json"], env=environment, stdin=subprocess.DEVNULL
    )
    if os.fork() == 0:  # watch the other side
        while sys.stdin.read(1):
            pass
        end()
        os._exit(0)
    code = kernel.wait()
    end()
    return code


def end():
    """As a marking user: end each process of this user but this one."""
    if os.geteuid() == 0:
        raise SystemExit("This ends all processes of its user: it is for marking users, not for root.")
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    sys.exit({"for_nbgrader": for_nbgrader, "run": run, "end": end}[task](*arguments))
