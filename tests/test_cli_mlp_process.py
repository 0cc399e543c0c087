"""Trainings of multilayer perceptrons in processes of their own: Ctrl-C, progress."""

# ruff: noqa: F811 (fixtures that are imported)

import signal
import subprocess
import time

import pytest
from test_cli import run
from test_cli_mlp import MLP, folder  # noqa: F401
from test_cli_process import COMMAND, on_terminal

from fastsgd import FastMLPClassifier, load_model
from fastsgd.cli.progress import Progress
from fastsgd.engine.run import Epoch

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


def test_progress_of_lbfgs(folder):
    """It tells of iterations."""
    on = [*COMMAND, "train", str(folder / "three")]
    text, code = on_terminal(
        [*on, *map(str, MLP), "--solver", "lbfgs", "--epochs", "30", "--tol", "none"])
    assert code == 0
    assert "/30" in text


class Bar:
    """Keeps what a bar of progress is told."""

    def __init__(self):
        self.told = []

    def update(self, task, **told):
        self.told.append(told)


def test_a_resumed_training_counts_on():
    model = FastMLPClassifier()
    progress = Progress(model, 300, 1, 9, quiet=True, behind=5)
    progress._bar, progress._task, progress._began = Bar(), 0, time.perf_counter()
    for number in (1, 2):
        progress.epoch(0, Epoch(number, 0.5, 0.5, None, 1.0))
    assert [told["description"] for told in progress._bar.told] == ["epoch 6/9", "epoch 7/9"]
    assert [told["completed"] for told in progress._bar.told] == [6, 7]
    assert progress._bar.told[0]["told"].startswith("objective 0.500000  ")


def test_resumed_training_on_a_terminal(folder, tmp_path):
    run("train", folder / "three", *MLP, "--epochs", 5, "--save", tmp_path / "m")
    _, code = on_terminal(
        [*COMMAND, "train", str(folder / "three"), "--resume", str(tmp_path / "m"), "--epochs",
         "1000000000", "--tol", "none"], r"epoch \d+/1000000000")
    assert code == 130
