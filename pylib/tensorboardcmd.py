"""How to look at a training run in TensorBoard."""

import html
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from pylib import _validate

LEAST_ROOM = 10_000_000  # bytes; a lesson writes less than one million


def _validate_log_dir(log_dir):
    if isinstance(log_dir, str) and not log_dir:
        raise ValueError("log_dir is empty: name the folder that training wrote its logs to")
    _validate.path(log_dir, "log_dir")


def _validate_lesson(lesson):
    _validate.string(lesson, "lesson")
    if not lesson or lesson == ".." or "\0" in lesson or Path(lesson).name != lesson:
        raise ValueError(f"lesson must be the name of one folder, such as '01_autoencoder', not {lesson!r}")


class TensorBoardCommand:
    """The command that starts TensorBoard on a folder, shown as text or as HTML with a local link.

    It only shows the command: nothing is started, and nothing is sent anywhere.

    Parameters
    ----------
    log_dir : folder with the logs of one run or several

    Attributes
    ----------
    command : quoted for this machine's shell
    url : where TensorBoard is once the command runs
    magics : for a cell of a notebook, where the machine is another than the browser's

    Raises
    ------
    ValueError : `log_dir` is empty or no path
    """

    url = "http://localhost:6006"

    @_validate.arguments(_validate_log_dir)
    def __init__(self, log_dir):
        words = ["tensorboard", "--logdir", os.fspath(log_dir), "--port", "6006"]
        self.command = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
        self.magics = f"%load_ext tensorboard\n%tensorboard --logdir {shlex.quote(os.fspath(log_dir))}"

    def __repr__(self):
        return f"{self.command}\nthen open {self.url}\nor, on a hosted machine, run this in a cell:\n{self.magics}"

    def _repr_html_(self):
        return (
            f"<p>Run this in a terminal:</p><pre><code>{html.escape(self.command)}</code></pre>"
            f'<p>then open <a href="{self.url}" target="_blank" rel="noopener">{self.url}</a>.</p>'
            f"<p>On a hosted machine, run this in a cell instead:</p><pre><code>{html.escape(self.magics)}</code></pre>"
        )


@_validate.arguments(_validate_log_dir)
def tensorboard_cmd(log_dir):
    """The command, quoted for this machine's shell, that shows training runs in TensorBoard.

    Parameters
    ----------
    log_dir : folder with the logs of one run or several

    Returns
    -------
    command : a `TensorBoardCommand`, which a notebook shows with a link

    Raises
    ------
    ValueError : `log_dir` is empty or no path
    """
    return TensorBoardCommand(log_dir)


@_validate.arguments(_validate_lesson)
def new_run(lesson):
    """Make a folder for this run's logs, `logs/<lesson>/<time>-<process>` below the working directory.

    Where that cannot be written, or the disk is nearly full, it is made below the system's temporary folder instead.

    Parameters
    ----------
    lesson : name of the folder that holds all runs of the lesson

    Returns
    -------
    run : Path of the folder

    Raises
    ------
    ValueError : `lesson` is not the name of one folder
    """
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    run = Path("logs") / lesson / name
    try:
        run.mkdir(parents=True)
        has_room = shutil.disk_usage(run).free >= LEAST_ROOM
    except OSError:
        has_room = False
    if not has_room:
        run = Path(tempfile.mkdtemp(prefix="vae-logs-")) / lesson / name
        run.mkdir(parents=True)
    return run
