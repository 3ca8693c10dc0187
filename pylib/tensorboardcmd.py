"""How to look at a training run in TensorBoard."""

import html
import os
import shlex
import subprocess
import tempfile
import time
from pathlib import Path


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
    """

    url = "http://localhost:6006"

    def __init__(self, log_dir):
        words = ["tensorboard", "--logdir", os.fspath(log_dir), "--port", "6006"]
        self.command = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)

    def __repr__(self):
        return f"{self.command}\nthen open {self.url}"

    def _repr_html_(self):
        return (
            f"<p>Run this in a terminal:</p><pre><code>{html.escape(self.command)}</code></pre>"
            f'<p>then open <a href="{self.url}" target="_blank" rel="noopener">{self.url}</a>.</p>'
        )


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
    ValueError : `log_dir` is empty
    """
    if not os.fspath(log_dir):
        raise ValueError("log_dir is empty: name the folder that training wrote its logs to")
    return TensorBoardCommand(log_dir)


def new_run(lesson):
    """Make a folder for this run's logs, `logs/<lesson>/<time>-<process>` below the working directory.

    Where that cannot be written, it is made below the system's temporary folder instead.

    Parameters
    ----------
    lesson : name of the folder that holds all runs of the lesson

    Returns
    -------
    run : Path of the folder
    """
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    run = Path("logs") / lesson / name
    try:
        run.mkdir(parents=True)
    except OSError:
        run = Path(tempfile.mkdtemp(prefix="vae-logs-")) / lesson / name
        run.mkdir(parents=True)
    return run
