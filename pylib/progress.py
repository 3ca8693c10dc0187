"""A line that says what runs and how long it still takes, and is gone once that is done."""

import io
import sys
import threading

from tqdm.std import tqdm

from pylib import _validate


def _validate_progress(steps, what, total):
    _validate.string(what, "what")
    if steps is not None and not hasattr(steps, "__iter__"):
        raise ValueError(f"steps must be something to go through, such as range(10), not {_validate.shown(steps)}")
    if total is not None:
        _validate.count(total, "total")


class Progress(tqdm):
    """Go through `steps`, and show below the cell how far that is, by tqdm's reckoning, from the first second on.

    What takes less than a second shows nothing; neither does anything outside a notebook. The line is empty again when
    the steps are done, or the cell ends for another reason.

    Parameters
    ----------
    steps : what to go through, as in `for image in Progress(images, "reading")`; None where `update` counts
    what : runs
    total : the number of steps; None takes it from `steps`, and without it only the time so far is shown

    Raises
    ------
    ValueError : there is nothing to go through, `what` is no string, or `total` no number of steps
    """

    monitor_interval = 0  # it has a clock of its own

    @_validate.arguments(_validate_progress)
    def __init__(self, steps=None, what="", total=None):
        self.shell = _notebook()
        self.line, self.over = None, threading.Event()
        layout = {"bar_format": "{desc} {bar:24} {elapsed} so far, {remaining} left", "ascii": False, "leave": False}
        off = self.shell is None
        super().__init__(steps, what, total, file=io.StringIO(), mininterval=1, delay=1, disable=off, **layout)
        if not off:
            self.shell.events.register("post_execute", self.close)  # or the line would outlive an error
            self.clock = threading.Thread(target=self._tick, daemon=True)
            self.clock.start()

    def _tick(self):
        while not self.over.wait(1):
            self.refresh()

    def display(self, msg=None, pos=None):
        """Show the line as it is now; tqdm calls this.

        Parameters
        ----------
        msg : the line; None makes it of the count
        pos : of the line among several, which tqdm gives and a notebook needs not
        """
        from IPython.display import display

        text = {"text/plain": str(self) if msg is None else msg}
        if self.line is not None:
            self.line.update(text, raw=True)
        elif not self.over.is_set():
            self.line = display(text, raw=True, display_id=True)

    def close(self):
        """End the count, and empty the line."""
        if getattr(self, "disable", True):  # by a first close, or elsewhere than in a notebook
            return
        self.over.set()
        self.clock.join()
        self.shell.events.unregister("post_execute", self.close)
        super().close()
        if self.line is not None:
            self.display("")


def _notebook():
    """The shell of a notebook, or None elsewhere."""
    ipython = sys.modules.get("IPython")  # where nobody has loaded it, there is no notebook
    shell = ipython and ipython.get_ipython()
    return shell if hasattr(shell, "kernel") else None
