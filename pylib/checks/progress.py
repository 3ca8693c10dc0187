"""Which exercises are right: a table that follows the checks, kept in a small file beside the notebook."""

import html
import json
import os
from datetime import date
from pathlib import Path

import ipywidgets

from pylib import _validate
from pylib.checks import _judge

EXERCISES = {  # check -> the exercise's name
    "new_numbers": "1 New numbers",
    "mended_loss": "2 A loss to mend",
    "less_biased_evidence": "3 A less biased log p(x)",
    "kl_between_gaussians": "4 KL between two general Gaussians",
    "different_compression": "5 A different compression",
    "spherical_interpolation": "6 The arc between two codes",
    "sampling": "7 Draws from another distribution",
    "own_noise": "8 A noise of your own",
    "drawn_digit": "9 Your own digit in the plane",
    "which_digit": "10 Which digit is half hidden?",
    "inpainting": "11 The missing half",
    "derived_entropy": "12a Entropy",
    "derived_second_moment": "12b Second moment",
    "derived_kl": "12c A KL of your own",
    "loss_with_sigma": "13a A loss with sigma",
    "learned_sigma": "13b A learned sigma",
    "importance_weighted_training": "14 Importance-weighted training",
    "same_hand": "15 Another digit in the same hand",
}


def _validate_path(path):
    _validate.path(path, "path")


def _is_entry(kept):
    return isinstance(kept, dict) and isinstance(kept.get("right"), bool) and isinstance(kept.get("on"), str)


class ProgressTable(ipywidgets.HTML):
    """A table of the exercises of lesson 05 that are right, brought up to date by each check that runs.

    It is kept in a file that may be deleted, and nothing is sent anywhere. Where the file can't be written, the table
    says so, and lasts as long as the notebook runs. nbgrader's run keeps none.

    Parameters
    ----------
    path : of the file, beside the notebook

    Raises
    ------
    ValueError : `path` is none
    """

    @_validate.arguments(_validate_path)
    def __init__(self, path="05_progress.json"):
        super().__init__()
        self.path, self.problem = Path(path), ""
        self.right = self._read()
        _judge.LISTENERS[:] = [self.note]  # the newest table of the notebook is the one that follows
        self._draw()

    def note(self, check, verdict):
        """Enter a verdict.

        Parameters
        ----------
        check : its name
        verdict : a `Verdict`; where nothing is written, an exercise stays as it was
        """
        if check not in EXERCISES or not verdict.written:
            return
        now = {"right": verdict.right, "on": date.today().isoformat()}
        if self.right.get(check, {}).get("right") != verdict.right:
            self.right[check] = now
            self._write()
        self._draw()

    def _read(self):
        """What the file holds, as far as it is a table of this kind."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            return {name: kept[name] for name in EXERCISES if name in kept and _is_entry(kept[name])}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError):
            self.problem = f"{self.path} could not be read, and is begun anew."
            return {}

    def _write(self):
        if os.environ.get("NBGRADER_EXECUTION"):
            return
        try:
            self.path.write_text(json.dumps(self.right, indent=1) + "\n", encoding="utf-8")
            self.problem = ""
        except OSError as error:
            self.problem = f"This is not kept: {self.path} can't be written ({error.strerror})."

    def _draw(self):
        rows = []
        for check, exercise in EXERCISES.items():
            kept = self.right.get(check)
            state = "" if kept is None else f"right, {kept['on']}" if kept["right"] else "not yet"
            mark = "&#10003;" if kept and kept["right"] else ""
            rows.append(f"<tr><td>{mark}</td><td>{html.escape(exercise)}</td><td>{html.escape(state)}</td></tr>")
        count = sum(kept["right"] for kept in self.right.values())
        note = f"<p>{html.escape(self.problem)}</p>" if self.problem else ""
        self.value = (
            f"<p><b>{count} of {len(EXERCISES)} checks are "
            f"right.</b></p>{note}<table><thead><tr><th></th><th>exercise</th>"
            f"<th>last check</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )
