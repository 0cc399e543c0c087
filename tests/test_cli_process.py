"""The command line in processes of its own: exit codes, Ctrl-C, progress on a terminal."""

# ruff: noqa: F811 (fixtures that are imported)

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from test_cli import folder, model, run  # noqa: F401

from fastsgd import load_model

COMMAND = [sys.executable, "-m", "fastsgd.cli"]



def test_exit_codes_of_the_process(folder, model):
    for args, code in [(["inspect", model], 0), (["inspect", folder / "bad"], 1),
                       (["train", "x", "--alpha", "-1"], 2), (["nonsense"], 2)]:
        done = subprocess.run([*COMMAND, *map(str, args)], capture_output=True, text=True)
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert (done.stdout != "") == (code == 0)


LONG = ["--epochs", "100000000", "--tol", "none", "--seed", "1"]


def test_ctrl_c_saves_the_model_so_far(folder, tmp_path):
    path = tmp_path / "m"
    with subprocess.Popen(
            [*COMMAND, "train", "-", *LONG, "--save", str(path)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # More than a pipe holds: when all is written, the command has begun to read.
        process.stdin.write("#" * 1_000_000 + "\n" + (folder / "three").read_text())
        process.stdin.close()
        process.stdin = None
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, notes = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in notes
    assert f"the model so far is in {path}, go on with --resume {path}" in notes
    model = load_model(path)
    epochs = model._states[0].epoch
    assert epochs > 0
    assert f"after {epochs} whole epochs" in notes
    run("train", folder / "three", "--resume", path, "--epochs", 5, "--save", path)
    assert [state.epoch for state in load_model(path)._states] == [max(epochs, 5), 5, 5]


ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(command, until=None, **env):
    """What a command prints on a terminal as its stderr, and its exit code.

    When the text matches `until`, it gets a Ctrl-C.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs,
                          env=os.environ | {"TERM": "xterm", "COLUMNS": "160"} | env) as process:
        os.close(theirs)
        text = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:  # Linux: the other side is closed
                break
            if not part:
                break
            text += part
            if until and re.search(until, ESCAPES.sub("", text.decode(errors="replace"))):
                process.send_signal(signal.SIGINT)
                until = None
    os.close(ours)
    return text.decode(), process.returncode


@pytest.mark.parametrize("no_color", ["", "1"])
def test_progress_on_a_terminal(folder, no_color):
    text, code = on_terminal(
        [*COMMAND, "train", str(folder / "three"), *LONG, "--early-stopping"],
        r"class 1/3 epoch \d+/100000000 .*objective \d\.\d+  [\d,]+ rows/s  "
        r"validation error \d\.\d+  at most \d+:\d\d:\d\d left", NO_COLOR=no_color)
    assert code == 130
    assert bool(re.search(r"\x1b\[[0-9;]*[39][0-9]", text)) != bool(no_color)  # colours


@pytest.mark.parametrize("more", [[], ["--kind", "mlp", "--hidden", "5"]], ids=str)
def test_workers_tell_of_their_progress_and_of_the_model_so_far(folder, tmp_path, more):
    path = tmp_path / "m"
    text, code = on_terminal(
        [*COMMAND, "train", str(folder / "two"), *LONG, *more, "--workers", "2", "--save",
         str(path)],
        r"epoch \d{3,}/100000000 .*objective \d\.\d+  [\d,]+ rows/s  at most \d+:")
    assert code == 130
    assert "the model so far is in" in ESCAPES.sub("", text)
    assert load_model(path)._states[0].epoch > 0


def test_no_progress_without_a_terminal_or_with_quiet(folder):
    command = [*COMMAND, "train", str(folder / "two"), "--epochs", "3", "--tol", "none"]
    done = subprocess.run(command, capture_output=True, text=True,
                          env=os.environ | {"FORCE_COLOR": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert on_terminal([*command, "--quiet"]) == ("", 0)
