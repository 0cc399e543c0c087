"""What is no plain file says so at once; a named pipe without a writer is told while it waits."""

import os
import socket
import threading

import pytest
from test_cli import run

from fastsgd import load_svmlight
from fastsgd.cli import pipes
from fastsgd.cli.pipes import opened_text
from fastsgd.data.cache import open_cache
from fastsgd.data.formats import format_of
from fastsgd.data.npz import load_npz
from fastsgd.data.shards import byte_range
from fastsgd.errors import DataFileError

TEXT = b"1 1:1\n0 2:1\n" * 9


@pytest.fixture
def kinds(tmp_path, monkeypatch):
    """Names of a folder, a socket, a device and a pipe."""
    monkeypatch.chdir(tmp_path)  # the names of sockets are short
    os.mkdir("folder")
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        yield {"folder": "a folder", "socket": "a socket", os.devnull: "a device",
               "pipe": "a named pipe"}


def test_where_a_plain_file_is_needed_others_are_refused_at_once(kinds):
    for read in (load_npz, open_cache, lambda path: byte_range(path, 0, 2)):
        for path, what in kinds.items():
            with pytest.raises(DataFileError, match=f"{path}: is {what}; .* needs a regular file"):
                read(path)
        with pytest.raises(FileNotFoundError):
            read("none")


def test_commands_say_a_line(kinds):
    for path in ("folder", "socket"):
        for command in (["train", path], ["convert", path, "cache"]):
            _, said = run(*command, code=1)
            assert said.startswith(f"fastsgd: error: {path}: is {kinds[path]}; data are read ")
            assert said.count("\n") == 1
    assert format_of("pipe").name == format_of(os.devnull).name == "text"
    with pytest.raises(OSError, match="socket"):
        load_svmlight("socket")
    assert "no rows to train on" in run("train", os.devnull, code=1)[1]


def test_a_pipe_without_a_writer_is_told_while_it_waits(kinds, monkeypatch):
    told = threading.Event()

    def say(text):
        told.text = text
        told.set()

    monkeypatch.setattr(pipes, "say", say)
    monkeypatch.setattr(pipes, "SILENT_SECONDS", 0.01)

    def write():
        assert told.wait(60)
        with open("pipe", "wb") as file:
            file.write(TEXT)

    writer = threading.Thread(target=write)
    writer.start()
    with opened_text("pipe") as source:
        X, y = load_svmlight(source)
    writer.join()
    assert told.text.startswith("pipe: is a named pipe; waiting for a program that writes to it")
    assert (X.shape, y.tolist()) == ((18, 2), [1, 0] * 9)


def written_to(path, text):
    """A thread that writes a text to a pipe."""

    def write():
        with open(path, "wb") as file:
            file.write(text)

    writer = threading.Thread(target=write)
    writer.start()
    return writer


def test_a_pipe_that_is_written_to_is_not_told_of(kinds):
    writer = written_to("pipe", TEXT)
    _, said = run("train", "pipe", "--epochs", 2, "--tol", "none", "--quiet")
    writer.join()
    assert said == ""
    with open("plain", "wb") as file:
        file.write(TEXT)
    with opened_text("plain") as path:
        assert path == "plain"


def test_errors_in_a_pipe_name_it(kinds):
    writer = written_to("pipe", b"1 1:x\n")
    assert "error: pipe, line 1, column 5: " in run("train", "pipe", code=1)[1]
    writer.join()
