"""The line of progress in a real kernel: what it shows, and that nothing of it stays."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from pylib.progress import Progress
from tools.notebooks import is_blank

pytestmark = pytest.mark.slow


class Recording(NotebookClient):
    """Keeps the text of each line that is displayed, in order."""

    def process_message(self, message, cell, index):
        if message["msg_type"] in ("display_data", "update_display_data"):
            self.texts.append(message["content"]["data"].get("text/plain"))
        return super().process_message(message, cell, index)


def run(source):
    client = Recording(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), timeout=120)
    client.texts = []
    try:
        client.execute()
    except CellExecutionError as error:
        assert error.evalue == "on purpose"
    outputs = [output for output in client.nb.cells[0].outputs if output.output_type != "error"]
    return client.texts, outputs


SLOW = """
import time
from pylib.progress import Progress
for i in Progress(range(5), "sleeping"):
    time.sleep(0.7)
"""


def test_says_what_runs_and_how_long_it_takes_and_leaves_nothing():
    texts, outputs = run(SLOW)
    assert len(texts) >= 4 and all(text.startswith("sleeping") for text in texts[:-2])
    left = [text.split(", ")[1] for text in texts if text and "?" not in text]
    assert left == sorted(left, reverse=True) and left[0] > "00:00 left" and left[-1] == "00:00 left"
    assert texts[-1] == "" and len(outputs) == 1 and is_blank(outputs[0])


def test_ticks_while_a_step_takes_long():
    texts, _ = run(SLOW.replace("range(5)", "range(1)").replace("0.7", "3.5"))
    so_far = [text.split()[-5] for text in texts if "?" in text]
    assert so_far == sorted(so_far) and len(set(so_far)) >= 2  # three, if nothing else keeps the machine
    assert texts[-1] == ""


def test_what_is_quick_shows_nothing():
    texts, outputs = run(SLOW.replace("0.7", "0.01"))
    assert texts == [] and outputs == []


def test_is_gone_after_an_error():
    texts, outputs = run(SLOW.replace("0.7", "2.5") + "    raise ValueError('on purpose')")
    assert texts[0].startswith("sleeping") and texts[-1] == ""
    assert len(outputs) == 1 and is_blank(outputs[0])


def test_elsewhere_it_only_goes_through_the_steps(capsys):
    assert list(Progress(range(3), "counting")) == [0, 1, 2]
    line = Progress(what="counting", total=3)
    line.update(2)
    line.close()
    assert capsys.readouterr() == ("", "")


def test_needs_steps_and_text():
    with pytest.raises(ValueError, match="steps must be something to go through, such as range"):
        Progress(10, "counting")
    with pytest.raises(ValueError, match="what must be a string, not 3"):
        Progress(range(3), 3)
    with pytest.raises(ValueError, match="total must be an integer"):
        Progress(range(3), "counting", total=-1)
