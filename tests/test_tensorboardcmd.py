import html
import re
import shlex
import shutil
import socket
from pathlib import Path

import pytest

from pylib.tensorboardcmd import TensorBoardCommand, new_run, tensorboard_cmd

AWKWARD = ["logs", "my logs/run 1", "it's", 'a"b', "a;rm -rf x", "$HOME", "<b>&amp;</b>", "-x"]


@pytest.mark.parametrize("log_dir", AWKWARD + [Path("logs") / "a b"])
def test_command_survives_the_shell_and_the_page(log_dir):
    shown = tensorboard_cmd(log_dir)
    assert shlex.split(shown.command) == ["tensorboard", "--logdir", str(log_dir), "--port", "6006"]
    page = shown._repr_html_()
    command, magics = (html.unescape(code) for code in re.findall(r"<code>(.*?)</code>", page, re.DOTALL))
    assert command == shown.command and magics == shown.magics
    extension, magic = magics.splitlines()
    assert extension == "%load_ext tensorboard"
    assert shlex.split(magic) == ["%tensorboard", "--logdir", str(log_dir)]  # as the magic itself reads it
    assert set(re.findall(r"<(\w+)", page)) == {"p", "pre", "code", "a"}
    assert re.findall(r'href="([^"]*)"', page) == ["http://localhost:6006"]
    assert shown.command in repr(shown) and shown.url in repr(shown) and shown.magics in repr(shown)


def test_nothing_is_sent(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    tensorboard_cmd("logs")._repr_html_()


def test_empty_name():
    with pytest.raises(ValueError, match="log_dir is empty"):
        tensorboard_cmd("")


def test_new_run_makes_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = new_run("01_autoencoder")
    assert run.is_dir() and run.parent == Path("logs/01_autoencoder")


def test_new_run_goes_elsewhere_where_logs_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("logs").write_text("a file is in the way, as nothing keeps root from writing")
    run = new_run("01_autoencoder")
    assert run.is_dir() and run.is_absolute() and run.parent.name == "01_autoencoder"
    assert tmp_path not in run.parents


def test_new_run_goes_elsewhere_where_the_disk_is_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    run = new_run("01_autoencoder")
    assert run.is_dir() and run.is_absolute() and tmp_path not in run.parents


@pytest.mark.parametrize("wrong", [None, 3, b"logs", "a\0b"])
def test_what_is_no_path(wrong):
    for show in (tensorboard_cmd, TensorBoardCommand):
        with pytest.raises(ValueError, match="log_dir must be a path, such as 'folder/name', not"):
            show(wrong)


@pytest.mark.parametrize("wrong", ["", ".", "..", "a/b", "a/b/../..", "/tmp", "a/", "a\0b", None, 3])
def test_new_run_stays_below_logs(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="lesson must be (the name of one folder, such as|a string)"):
        new_run(wrong)
    assert list(tmp_path.iterdir()) == []
