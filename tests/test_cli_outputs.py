"""Outputs of the commands: -, what is read is not written over, full disks, a stdout that ends."""

# ruff: noqa: F811 (fixtures that are imported)

import json
import os
import pty
import stat
import subprocess
import sys

import numpy as np
import pytest
from output_writers import device, full_disk  # noqa: F401
from test_cli import folder, model, run  # noqa: F401

from fastsgd import checkpoints, load_model
from fastsgd.cli import outputs
from fastsgd.data.cache import open_cache

COMMAND = [sys.executable, "-m", "fastsgd.cli"]


@pytest.fixture
def here(folder, model, tmp_path, monkeypatch):
    """A folder with rows in `a` and a model in `model.fsgd`."""
    (tmp_path / "a").write_bytes((folder / "two").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def process(*args, **more):
    """(exit code, stdout, stderr), in bytes."""
    done = subprocess.run([*COMMAND, *map(str, args)], capture_output="stdout" not in more, **more)
    return done.returncode, done.stdout, done.stderr


def shell(line, **variables):
    """The same of a line for bash in which $F is the command."""
    name = f"{sys.executable} -m fastsgd.cli"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True,
                          env=os.environ | {"F": name} | variables)
    return done.returncode, done.stdout, done.stderr


PREDICT = ("predict", "a", "--model", "model.fsgd")


@pytest.mark.parametrize("output", ["-", "/dev/fd/1", "link"])
def test_predictions_on_stdout(here, output):
    os.symlink("/dev/stdout", "link")
    code, out, err = process(*PREDICT, "--output", output)
    assert (code, err) == (0, b"")
    assert out.decode() == run(*PREDICT)[0]
    assert sorted(os.listdir()) == ["a", "link", "model.fsgd"]
    assert os.readlink("link") == "/dev/stdout"


def test_what_else_is_in_a_file_behind_stdout_is_kept(here):
    line = "(echo first; $F {} --output /dev/stdout; echo last) > out"
    assert shell(line.format(" ".join(PREDICT))) == (0, "", "")
    lines = (here / "out").read_text().split()
    assert (lines[0], lines[-1], len(lines)) == ("first", "last", 202)


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_a_model_and_a_cache_on_stdout(here, name):
    """Bytes there, and what is told on stderr."""
    code, out, err = process("train", "a", "--epochs", 5, "--tol", "none", "--seed", 3, "--save",
                             name, "--json")
    assert code == 0
    assert json.loads(err)["epochs"] == 5
    (here / "again").write_bytes(out)
    assert load_model("again").coef_.tobytes() == load_model("model.fsgd").coef_.tobytes()
    code, out, err = process("convert", "a", name, "--json")
    assert code == 0
    assert json.loads(err)["bytes"] is None
    (here / "cache").write_bytes(out)
    assert open_cache("cache", check="all").X.shape[0] == json.loads(err)["rows"] == 200
    assert "-" not in os.listdir()


def test_what_is_told_stays_on_stdout_where_the_model_is_elsewhere(here):
    os.mkfifo("pipe")
    for save in ("m", "pipe"):
        ours = os.open("pipe", os.O_RDWR)
        out, _ = run("train", "a", "--epochs", 2, "--save", save, "--json", "--quiet")
        assert json.loads(out)["model"] == save
        os.close(ours)
    assert not outputs.is_stdout(os.devnull)
    assert outputs.where_to_print("m") is sys.stdout


def test_bytes_are_not_shown_on_a_terminal(here):
    ours, theirs = pty.openpty()
    for args in (("train", "a", "--save", "-"), ("convert", "a", "/dev/stdout")):
        code, _, err = process(*args, stdout=theirs, stderr=subprocess.PIPE)
        assert code == 2
        assert "a terminal cannot show" in " ".join(err.decode().split())
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("args", [
    ("convert", "a", "a"), ("convert", "a", "./a"), ("convert", "a", "hard"),
    ("convert", "a", "soft"), ("convert", "hard", "a"),
    (*PREDICT, "--output", "a"), (*PREDICT, "--output", "soft"), (*PREDICT, "--output", "hard"),
    (*PREDICT, "--output", "model.fsgd"),
    ("train", "a", "--save", "a"), ("train", "a", "--save", "soft"),
    ("train", "model.fsgd", "a", "--save", "hard"),
    ("train", "model.fsgd", "--test", "a", "--save", "a"), ("train", "a", "--checkpoint", "hard"),
    ("train", "a", "--resume", "model.fsgd", "--save", "a"),
], ids=" ".join)
def test_what_is_read_is_not_written_over(here, args):
    os.link("a", "hard")
    os.symlink("a", "soft")
    before = {path: path.read_bytes() for path in here.iterdir()}
    out, err = run(*args, code=1)
    assert out == ""
    assert "this command also uses" in err
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_stdin_is_not_written_over(here):
    before = (here / "a").read_bytes()
    for args in (("predict", "-", "--model", "model.fsgd", "--output", "a"),
                 ("convert", "-", "a"), ("train", "-", "--save", "a")):
        with open("a", "rb") as file:
            code, out, err = process(*args, stdin=file)
        assert (code, out) == (1, b"")
        assert b"this command also uses" in err
    assert (here / "a").read_bytes() == before


def test_predictions_are_not_appended_to_their_data(here):
    before = (here / "a").read_bytes()
    for more in ("", "--output -"):
        code, _, err = shell(f"$F {' '.join(PREDICT)} {more} >> a")
        assert code == 1
        assert "this command also uses" in err
    assert (here / "a").read_bytes() == before


@pytest.mark.parametrize("marker", ["a", "model.fsgd", "m", "c"])
def test_a_marker_is_no_other_file(marker, here):
    """It would be removed before anything else."""
    before = sorted(os.listdir())
    _, err = run("train", "a", "--resume", "model.fsgd", "--save", "m", "--checkpoint", "c",
                 "--comm", "mpi", "--rows", "all", "--marker", marker, code=1)
    assert "this command also uses" in err
    assert sorted(os.listdir()) == before


def test_markers_are_files(here):
    for option in ("--marker", "--checkpoint"):
        _, err = run("train", "a", "--comm", "mpi", "--rows", "all", option, "-", code=2)
        assert "must be a file, not stdout" in " ".join(err.split())


def test_a_model_that_goes_on_is_replaced(here):
    run("train", "a", "--resume", "model.fsgd", "--epochs", 7, "--checkpoint", "model.fsgd",
        "--save", "model.fsgd", "--quiet")
    assert load_model("model.fsgd").n_iter_ == 7


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_results_are_told_though_the_model_cannot_be_saved(here, kind):
    (here / "m").write_bytes(b"old")
    with full_disk(500):
        out, err = run("train", "a", "--epochs", 2, "--save", "m", "--json", "--quiet", "--kind",
                       kind, code=1)
    told = json.loads(out)
    assert (told["epochs"], told["model"]) == (2, None)
    assert told["train"]["rows"] == 200
    assert err == "fastsgd: error: m: File too large\n"
    assert (here / "m").read_bytes() == b"old"
    assert sorted(os.listdir()) == ["a", "m", "model.fsgd"]


def test_a_checkpoint_that_cannot_be_written_ends_the_training(here, monkeypatch):
    """What was reached is saved and told."""
    save, left = checkpoints.save_model, [2]

    def two_then_full(model, path):
        left[0] -= 1
        with full_disk(10**6 if left[0] >= 0 else 500):
            save(model, path)

    monkeypatch.setattr(checkpoints, "save_model", two_then_full)
    out, err = run("train", "a", "--epochs", 12, "--tol", "none", "--checkpoint", "c", "--every",
                   2, "--save", "m", "--json", "--quiet", code=1)
    told = json.loads(out)
    assert (told["epochs"], told["model"]) == (6, "m")
    assert told["rows_per_second"] > 0
    assert (load_model("c").n_iter_, load_model("m").n_iter_) == (4, 6)
    assert err == "fastsgd: error: c: File too large\n"


def test_predictions_and_caches_on_a_full_disk(here):
    for name in ("o", "c"):
        (here / name).write_bytes(b"old")
    with full_disk(100):
        for args in ((*PREDICT, "--output", "o"), ("convert", "a", "c")):
            out, err = run(*args, code=1)
            assert out == ""
            assert err == f"fastsgd: error: {args[-1]}: File too large\n"
    assert (here / "o").read_bytes() == (here / "c").read_bytes() == b"old"
    assert sorted(os.listdir()) == ["a", "c", "model.fsgd", "o"]


@pytest.mark.parametrize("line", [
    "$F inspect model.fsgd > $FULL", "$F train --help > $FULL",
    "$F predict a --model model.fsgd --output - > $FULL",
    "$F train a --epochs 2 --save $FULL --quiet", "$F convert a - > $FULL"])
def test_a_full_device(here, line, device):
    full = str(device(7))
    code, out, err = shell(line, FULL=full)
    assert code == 1
    name = full if "--save" in line else "/dev/stdout"
    assert f"error: {name}: No space left on device\n" in err
    assert err.count("fastsgd: error") == err.count("error") == 1
    assert ("epochs" in out) == ("--save" in line)
    assert "Traceback" not in err + out
    assert "Exception ignored" not in err
    assert stat.S_ISCHR(os.stat(full).st_mode)


def test_notes_on_a_full_disk_do_not_cost_the_model(here, device):
    shell("$F train a --epochs 2 --save m 2> $FULL", FULL=str(device(7)))
    assert load_model("m").n_iter_ == 2


@pytest.mark.parametrize("line", [
    "$F predict a --model model.fsgd >&-", "$F inspect model.fsgd >&-", "$F convert a - >&-"])
def test_a_stdout_that_is_closed(here, line):
    code, out, err = shell(line)
    assert code == 1
    assert "fastsgd: error: " in err
    assert err.count("\n") == 1
    assert out == ""
    assert sorted(os.listdir()) == ["a", "model.fsgd"]


def test_other_standard_files_that_are_closed(here):
    """No file that is opened later takes the number of one of them."""
    code, out, err = shell("$F predict a --model model.fsgd --output o <&- >&-")
    assert (code, out, err) == (0, "", "")
    assert (here / "o").read_text() == run(*PREDICT)[0]
    code, out, _ = shell("$F train a --epochs 2 --save m --json 2>&-")
    assert (code, json.loads(out)["model"]) == (0, "m")
    code, _, err = shell("$F predict - --model model.fsgd <&-")
    assert code == 1
    assert "Traceback" not in err


def test_a_reader_who_has_enough(here):
    with open("a", "ab") as file:
        file.write((here / "a").read_bytes() * 200)
    for more in ("", "--output /dev/fd/1"):
        code, out, err = shell(f"set -o pipefail; $F {' '.join(PREDICT)} {more} | head -1")
        assert out.strip() in ("1", "-1")
        assert code == 1
        assert err.count("\n") <= 1
        assert "Traceback" not in err
    code, _, err = shell("set -o pipefail; $F convert a - | head -c 10 > part")
    assert code == 1
    assert err.count("\n") <= 1


def test_a_model_from_a_pipe(here):
    code, out, err = shell("$F predict a --model <(cat model.fsgd)")
    assert (code, err) == (0, "")
    assert out == run(*PREDICT)[0]
    code, out, _ = shell("$F train a --epochs 2 --save - --quiet 2> told | $F inspect /dev/stdin")
    assert code == 0
    assert "FastSGDClassifier" in out


def test_names_that_are_no_text(here):
    name = os.fsdecode(b"m\xff" + b"x" * 253)
    code, out, _ = process("train", "a", "--epochs", 2, "--save", name, "--quiet")
    assert code == 0
    assert os.fsencode(name) in out
    assert load_model(name).n_iter_ == load_model(os.fsencode(name)).n_iter_ == 2
    np.testing.assert_array_equal(load_model(name).classes_, [-1, 1])
