"""Trainings of multilayer perceptrons in processes of their own: Ctrl-C, progress."""

# ruff: noqa: F811 (fixtures that are imported)

import re
import signal
import subprocess
import time

import pytest
from test_cli import run
from test_cli_mlp import MLP, folder  # noqa: F401
from test_cli_process import COMMAND, on_terminal

from fastsgd import load_model

LONG = [*map(str, MLP), "--epochs", "100000000", "--tol", "none"]


def test_ctrl_c_saves_a_model_that_goes_on(folder, tmp_path):
    path, text = tmp_path / "m", (folder / "three").read_text()
    with subprocess.Popen([*COMMAND, "train", "-", *LONG, "--save", str(path)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        # More than a pipe holds: when all is written, the command has begun to read.
        process.stdin.write("#" * 1_000_000 + "\n" + text)
        process.stdin.close()
        process.stdin = None
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, notes = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (out, "Traceback" in notes) == ("", False)
    epochs = load_model(path)._states[0].epoch
    assert epochs > 0
    assert f"interrupted after {epochs} whole epochs; the model so far is in {path}" in notes
    run("train", folder / "three", "--resume", path, "--epochs", epochs + 2, "--save", path)
    assert load_model(path).n_iter_ == epochs + 2


@pytest.mark.parametrize(("more", "shown"), [
    (["--early-stopping"], r"validation error \d\.\d+  at most \d+:\d\d:\d\d left"),
    (["--task", "regress"], r"rows/s  at most"),
])
def test_progress_on_a_terminal(folder, more, shown):
    _, code = on_terminal(
        [*COMMAND, "train", str(folder / "three"), *LONG, *more],
        rf"epoch \d+/100000000 .*objective \d\.\d+  [\d,]+ rows/s  .*{shown.split('  ')[0]}")
    assert code == 130


def test_progress_of_lbfgs_and_of_a_resumed_training(folder, tmp_path):
    """lbfgs tells of iterations; epochs are counted on."""
    on = [*COMMAND, "train", str(folder / "three")]
    text, code = on_terminal(
        [*on, *map(str, MLP), "--solver", "lbfgs", "--epochs", "30", "--tol", "none"])
    assert code == 0
    assert "/30" in text
    run("train", folder / "three", *MLP, "--epochs", 5, "--save", tmp_path / "m")
    text, code = on_terminal(
        [*on, "--resume", str(tmp_path / "m"), "--epochs", "1000000000", "--tol", "none"],
        r"epoch \d+/1000000000")
    epochs = [int(n) for n in re.findall(r"epoch (\d+)/1000000000", text)]
    assert code == 130
    assert min(epochs) > 5
