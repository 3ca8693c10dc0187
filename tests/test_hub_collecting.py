"""What the hub's `collect` takes from a folder of the exchange, and what ends a marking user's processes."""

import datetime
import getpass
import os

import pytest

from hub import collecting, marking_kernel

NOW = "{:%Y-%m-%d %H:%M:%S.%f} UTC"
WHOLE = {"timestamp.txt": "", "05_exercises.ipynb": "{}", "submission_secret.txt": "0" * 128}


@pytest.fixture
def submission(tmp_path):
    """A folder as `nbgrader submit` leaves it."""
    for name, text in WHOLE.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "timestamp.txt").write_text(NOW.format(datetime.datetime.now(datetime.UTC)))
    return tmp_path


def read(folder):
    """Its files, and what it claims."""
    files = dict(collecting._plain_files(folder))
    return files, collecting._claims(files, folder)


def test_a_whole_submission(submission):
    files, (claimed, owner, touched) = read(submission)
    assert {name: content.decode() for name, (content, _) in files.items()} == {
        name: (submission / name).read_text() for name in WHOLE
    }
    assert owner == getpass.getuser()
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    assert abs(now - claimed) < datetime.timedelta(minutes=1) and abs(now - touched) < datetime.timedelta(minutes=1)


def test_the_time_of_the_last_change_is_known_whatever_is_claimed(submission):
    (submission / "timestamp.txt").write_text("2001-01-01 00:00:00.000000 UTC")
    for path in (submission, *submission.iterdir()):
        os.utime(path, (0, 0))  # a modification time can be set, a change of it not
    _, (claimed, _, touched) = read(submission)
    assert claimed.year == 2001 and touched.year >= 2026


@pytest.mark.parametrize("name", ["submission_secret.txt", "timestamp.txt"])
def test_half_a_submission_counts_for_nothing(submission, name):
    (submission / name).unlink()  # the secret is what nbgrader writes last
    with pytest.raises((ValueError, KeyError)):
        read(submission)


def test_a_time_that_is_none(submission):
    (submission / "timestamp.txt").write_text("yesterday")
    with pytest.raises(ValueError, match="yesterday"):
        read(submission)


def test_links_pipes_and_folders_are_passed_over(submission, tmp_path_factory):
    secret = tmp_path_factory.mktemp("teacher") / "solutions.ipynb"
    secret.write_text("solved")
    (submission / "05_exercises.ipynb").unlink()
    (submission / "05_exercises.ipynb").symlink_to(secret)
    os.mkfifo(submission / "fifo")  # whoever opens it waits
    (submission / "folder").mkdir()
    assert read(submission)[0].keys() == {"timestamp.txt", "submission_secret.txt"}


def test_what_is_too_large(submission, monkeypatch):
    monkeypatch.setattr(collecting, "LARGEST", 100)  # bytes; the secret has 128
    assert "submission_secret.txt" not in dict(collecting._plain_files(submission))


def test_a_submission_with_much_beside_the_notebook_counts(submission):
    (submission / "images").mkdir()
    for i in range(30):
        (submission / f"{i}.png").write_text("")
    files, _ = read(submission)
    assert WHOLE.keys() < files.keys() and len(files) == collecting.MOST + 2  # the two that nbgrader adds


def test_a_link_in_a_submission_s_place(submission, tmp_path_factory):
    link = tmp_path_factory.mktemp("inbound") / "student01+05_exercises+now+x"
    link.symlink_to(submission)
    with pytest.raises(OSError):
        read(link)


def test_ending_all_processes_is_not_for_root(monkeypatch):
    killed = []
    monkeypatch.setattr(os, "kill", lambda *arguments: killed.append(arguments))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SystemExit, match="for marking users, not for root"):
        marking_kernel.end()
    assert killed == []
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    marking_kernel.end()
    assert killed == [(-1, 9)]
