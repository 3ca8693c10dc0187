"""Marking in nbgrader's own process: a notebook runs, and a process of its own judges what its cells recorded.

Nothing here needs TensorFlow, so that nbgrader doesn't load it for each submission; the rest is
`pylib.checks.marking`'s.
"""

import json
import os
import re
import subprocess
import sys

RECORD = "application/vnd.vae-by-doing.record"
MARKED = re.compile(r"^checks\.mark\(\"(\w+)\"", re.MULTILINE)


def _judge_apart(pairs):
    """`pylib.checks.marking.judge_record` of pairs of a name and a record, in a process of its own."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("NBGRADER_EXECUTION", None)
    command = [sys.executable, "-c", "import pylib.checks; from pylib.checks.marking import main; main()"]
    run = subprocess.run(command, input=json.dumps(pairs), capture_output=True, text=True, env=environment)
    if run.returncode != 0:
        raise RuntimeError(f"the judge stopped: {run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def judge_cells(cells):
    """Judge the records in a notebook's executed cells: they are taken out, and what is wrong is put in as an error.

    Parameters
    ----------
    cells : of a notebook; those that mark change
    """
    marked = []
    for cell in cells:
        if cell.cell_type != "code" or not (names := MARKED.findall(cell.source)):
            continue
        records = [output.data.pop(RECORD) for output in cell.outputs if RECORD in output.get("data", {})]
        # nbgrader takes the first result of a cell for its points; a cell that marks has none of its own.
        kept = [output for output in cell.outputs if output.get("data") != {}]
        cell.outputs = [output for output in kept if output.output_type != "execute_result"]
        if any(output.output_type == "error" for output in cell.outputs):
            continue  # it stopped, and has no mark anyway
        # One record for each call is all that counts.
        marked += [(cell, name, records[i] if len(records) == len(names) else None) for i, name in enumerate(names)]
    problems = _judge_apart([(name, record) for _, name, record in marked]) if marked else []
    for (cell, _, _), problem in zip(marked, problems, strict=True):
        if problem is not None and not any(output.output_type == "error" for output in cell.outputs):
            cell.outputs.insert(0, _error(problem))


LARGEST_STREAM = 200_000  # characters that a cell may print; what it prints beyond is not kept
LARGEST_OUTPUT = 30_000_000  # of all else that a cell shows


def autograde_preprocessors():
    """nbgrader's own steps of marking, but its `Execute` keeps endless output out, and then judges the records.

    Returns
    -------
    preprocessors : classes for `c.Autograde.autograde_preprocessors`
    """
    from nbgrader.converters.autograde import Autograde  # a learner has no nbgrader
    from nbgrader.preprocessors import Execute

    class JudgingExecute(Execute):
        def preprocess(self, nb, resources, **options):  # numpydoc ignore=PR01,RT01
            """Run the notebook, then judge what its marked cells recorded."""
            nb, resources = super().preprocess(nb, resources, **options)
            judge_cells(nb.cells)
            return nb, resources

        def process_message(self, msg, cell, cell_index):  # numpydoc ignore=PR01,RT01
            """Take in one message of the kernel's, unless its cell has sent too much."""
            kind = msg["msg_type"]
            if kind in ("stream", "display_data", "update_display_data", "execute_result"):
                if getattr(self, "sizes_of", None) is not cell:
                    self.sizes_of, self.sizes = cell, {"stream": 0, "else": 0}
                key, most = ("stream", LARGEST_STREAM) if kind == "stream" else ("else", LARGEST_OUTPUT)
                self.sizes[key] += len(str(msg["content"]))
                if self.sizes[key] > most:
                    return None
            return super().process_message(msg, cell, cell_index)

    usual = Autograde.class_traits()["autograde_preprocessors"].default()
    return [JudgingExecute if step is Execute else step for step in usual]


def _error(text):
    from nbformat.v4 import new_output

    return new_output("error", ename="AssertionError", evalue=text, traceback=[text])
