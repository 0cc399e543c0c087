"""The command line: results, exit codes, errors for people, progress, Ctrl-C."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import dump_svmlight_file
from test_model_file import labels, rows

from fastsgd import FastSGDClassifier, FastSGDRegressor, load_model, load_svmlight
from fastsgd.cli.app import app
from fastsgd.losses import LOSSES
from fastsgd.schedules import SCHEDULES

DIVERGING = ["--task", "regress", "--dtype", "float32", "--eta0", 1e30, "--learning-rate",
             "constant"]
COMMAND = [sys.executable, "-m", "fastsgd.cli"]


def run(*args, code=0, **more):
    """Runs a command in this process; (stdout, stderr)."""
    result = CliRunner().invoke(app, [str(arg) for arg in args], **more)
    assert result.exit_code == code, (result.output, result.exception)
    assert "Traceback" not in result.output
    return result.stdout, result.stderr


def result(*args):
    return json.loads(run(*args, "--json")[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files: two classes, three classes, numbers; a one-based and a zero-based test file."""
    folder = tmp_path_factory.mktemp("data")
    X, y = rows(n=200)
    dump_svmlight_file(X, labels(y, [-1, 1]), str(folder / "two"), zero_based=False)
    dump_svmlight_file(X, labels(y, [1, 2, 3]), str(folder / "three"), zero_based=False)
    dump_svmlight_file(X, y, str(folder / "numbers"), zero_based=False)
    (folder / "wide").write_text("1 2:0.5 99:1\n-1 3:1\n")
    (folder / "bad").write_text("1 2:0.5\n-1 3:x\n")
    return folder


@pytest.fixture
def model(folder, tmp_path):
    path = tmp_path / "model.fsgd"
    run("train", folder / "two", "--save", path, "--seed", 3, "--epochs", 5, "--tol", "none")
    return path


def test_train_tells_what_it_did(folder, tmp_path):
    told = result("train", folder / "two", "--test", folder / "two", "--epochs", 7, "--tol",
                  "none", "--seed", 3, "--save", tmp_path / "m")
    X, y = load_svmlight(str(folder / "two"))
    ours = FastSGDClassifier(random_state=3, max_iter=7, tol=None).fit(X, y)
    z = X @ ours.coef_[0] + ours.intercept_[0]
    objective = np.mean(np.maximum(0, 1 - y * z)) + 0.5e-4 * np.sum(ours.coef_**2)
    assert told["train"]["objective"] == pytest.approx(objective, rel=1e-12)
    assert told["test"] == told["train"]
    assert told["train"]["error"] == pytest.approx(1 - ours.score(X, y))
    assert told["epochs"] == 7
    assert told["classes"] == [-1, 1]
    assert told["model"] == str(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert np.array_equal(again.coef_, ours.coef_)
    assert again.classes_.dtype == np.int64
    text, notes = run("train", folder / "two", "--epochs", 2, "--seed", 3)
    assert re.search(r"^train objective +0\.\d+$", text, re.M)
    assert "2 epochs (--epochs) were not enough" in notes
    assert run("train", folder / "two", "--epochs", 2, "--quiet")[1] == ""


@pytest.mark.parametrize(("args", "kind"), [
    ([], FastSGDClassifier),
    (["--loss", "squared_error"], FastSGDRegressor),
    (["--loss", "huber"], FastSGDRegressor),
    (["--task", "regress"], FastSGDRegressor),
    (["--task", "classify", "--loss", "squared_error"], FastSGDClassifier),
])
def test_the_task_follows_from_the_loss(folder, tmp_path, args, kind):
    run("train", folder / "two", *args, "--save", tmp_path / "m")
    assert type(load_model(tmp_path / "m")) is kind


def test_every_option_reaches_the_estimator(folder, tmp_path):
    run("train", folder / "two", "--save", tmp_path / "m", "--loss", "modified_huber",
        "--penalty", "elasticnet", "--alpha", 0.01, "--l1-ratio", 0.4, "--epochs", 9, "--tol",
        0.01, "--n-jobs", 1, "--sync", "serial", "--learning-rate", "invscaling", "--eta0", 0.2,
        "--power-t", 0.3, "--average", 5, "--shuffle", "rows", "--seed", 8, "--class-weight",
        "1=2.5,-1=0.5", "--dtype", "float32", "--n-features", 20, "--zero-based", "no",
        "--early-stopping", "--validation-fraction", 0.2, "--n-iter-no-change", 2, "--epsilon",
        0.3, "--no-intercept")
    model = load_model(tmp_path / "m")
    expected = {
        "loss": "modified_huber", "penalty": "elasticnet", "alpha": 0.01, "l1_ratio": 0.4,
        "max_iter": 9, "tol": 0.01, "n_jobs": 1, "sync": "serial", "learning_rate": "invscaling",
        "eta0": 0.2, "power_t": 0.3, "average": 5, "shuffle": "rows", "random_state": 8,
        "class_weight": {1: 2.5, -1: 0.5}, "early_stopping": True, "validation_fraction": 0.2,
        "n_iter_no_change": 2, "epsilon": 0.3, "fit_intercept": False,
    }
    assert {name: model.get_params()[name] for name in expected} == expected
    assert model.coef_.dtype == np.float32
    assert model.n_features_in_ == 20
    run("train", folder / "two", "--save", tmp_path / "m", "--C", 0.5, "--penalty", "none",
        "--shuffle", "none")
    model = load_model(tmp_path / "m")
    assert (model.C, model.penalty, model.shuffle) == (0.5, None, False)


@pytest.mark.parametrize(("kind", "more"), [
    ("two", []), ("two", ["--penalty", "l1", "--class-weight", "balanced"]),
    ("three", ["--loss", "log_loss", "--class-weight", "1=3,2=1"]), ("two", ["--C", "3"]),
    ("numbers", ["--task", "regress"]), ("three", ["--average", "1", "--dtype", "float32"]),
])
def test_evaluate_on_the_training_data_gives_what_train_told(folder, tmp_path, kind, more):
    told = result("train", folder / kind, "--epochs", 4, *more, "--save", tmp_path / "m")
    assert result("evaluate", folder / kind, "--model", tmp_path / "m") == told["train"]
    assert "objective" in run("evaluate", folder / kind, "--model", tmp_path / "m")[0]


def test_regression_measures(folder, tmp_path):
    told = result("train", folder / "numbers", "--task", "regress", "--save", tmp_path / "m")
    X, y = load_svmlight(str(folder / "numbers"))
    model = load_model(tmp_path / "m")
    assert told["train"]["r2"] == pytest.approx(model.score(X, y))
    assert told["train"]["rmse"] == pytest.approx(np.sqrt(np.mean((model.predict(X) - y) ** 2)))


def test_predict(folder, tmp_path, model):
    X, _ = load_svmlight(str(folder / "two"))
    lines = run("predict", folder / "two", "--model", model)[0].split()
    assert lines == [str(label) for label in load_model(model).predict(X)]
    assert run("predict", folder / "two", "--model", model, "--output", tmp_path / "o")[0] == ""
    assert (tmp_path / "o").read_text().split() == lines
    with open(folder / "two", "rb") as file:
        assert run("predict", "-", "--model", model, input=file.read())[0].split() == lines
    assert "log_loss" in run("predict", folder / "two", "--model", model, "--proba", code=1)[1]
    run("train", folder / "three", "--loss", "log_loss", "--save", model)
    lines = run("predict", folder / "three", "--model", model, "--proba")[0].splitlines()
    np.testing.assert_array_equal(
        np.array([line.split() for line in lines], float), load_model(model).predict_proba(X))


def test_features_start_where_those_of_the_training_did(tmp_path):
    """A test file without a feature 0 means the same features as the training file with one."""
    (tmp_path / "train").write_text("1 0:1\n-1 1:1\n" * 20)
    (tmp_path / "test").write_text("-1 1:1\n")
    told = result("train", tmp_path / "train", "--test", tmp_path / "test", "--save",
                  tmp_path / "m")
    assert told["test"]["error"] == 0
    assert run("predict", tmp_path / "test", "--model", tmp_path / "m")[0] == "-1\n"
    assert "first_feature                   0\n" in run("inspect", tmp_path / "m")[0]


def test_features_beyond_the_model_are_left_out_with_a_note(folder, model):
    text, notes = run("predict", folder / "wide", "--model", model)
    assert len(text.split()) == 2
    assert "1 values of features beyond the model's 12 are left out" in notes
    told = result("train", folder / "two", "--test", folder / "wide")
    assert told["test"]["rows"] == 2


def test_inspect(folder, tmp_path, model):
    told = result("inspect", model, "--top", 2)
    weights = load_model(model).coef_[0]
    best = np.argsort(-np.abs(weights))[:2]
    assert [row["feature"] for row in told["top"][0]["weights"]] == [int(j) + 1 for j in best]
    assert told["parameters"]["random_state"] == 3
    assert told["epochs"] == 5
    assert told["steps"] == 1000
    (tmp_path / "names").write_text("".join(f"word{j}\n" for j in range(12)))
    text, _ = run("inspect", model, "--vocabulary", tmp_path / "names")
    assert f"{best[0] + 1}  word{best[0]}\n" in text
    (tmp_path / "names").write_text("one\n")
    assert "1 lines" in run("inspect", model, "--vocabulary", tmp_path / "names", code=1)[1]
    run("train", folder / "three", "--save", model)
    assert [entry["class"] for entry in result("inspect", model)["top"]] == [1, 2, 3]


def test_resume_is_the_uninterrupted_run(folder, tmp_path, model):
    run("train", folder / "two", "--resume", model, "--save", model, "--epochs", 9)
    run("train", folder / "two", "--seed", 3, "--epochs", 9, "--tol", "none", "--save",
        tmp_path / "whole")
    parts, whole = load_model(model), load_model(tmp_path / "whole")
    assert np.array_equal(parts.coef_, whole.coef_)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 9
    for option in (["--alpha", 1], ["--seed", 3], ["--dtype", "float32"], ["--n-features", 5]):
        _, notes = run("train", folder / "two", "--resume", model, *option, code=2)
        assert option[0] in notes
    assert "features" in run(
        "train", folder / "wide", "--resume", model, "--epochs", 20, code=1)[1].lower()


def test_time_and_step(folder, tmp_path):
    told = result("train", folder / "two", "--eta0", "auto", "--epochs", 3, "--seed", 1)
    assert told["eta0"] > 0
    assert told["stopped_by"] == "max_iter"
    _, notes = run("train", folder / "two", "--max-time", 0.1, "--epochs", 10**8, "--tol", 1e-12,
                   "--n-iter-no-change", 10**8, "--save", tmp_path / "m")
    assert "0.1 seconds (--max-time) were not enough" in notes
    ended = load_model(tmp_path / "m")
    assert ended.fit_stats_["stopped_by"] == "max_time"
    told = result("train", folder / "two", "--resume", tmp_path / "m", "--max-time", "none",
                  "--epochs", ended.n_iter_ + 2)
    assert told["stopped_by"] == "max_iter"


@pytest.mark.parametrize(("option", "text"), [
    (["--alpha", -1], "--alpha: must be a float in the range"),
    (["--alpha", "nan"], "--alpha"), (["--epochs", 0], "--epochs"), (["--loss", "x"], "--loss"),
    (["--penalty", "l3"], "--penalty"), (["--tol", "x"], "--tol: must be a number"),
    (["--tol", -1], "--tol"), (["--seed", -1], "--seed"), (["--n-jobs", 0], "n_jobs"),
    (["--sync", "x"], "sync"), (["--shuffle", "x"], "--shuffle: must be one of blocks"),
    (["--class-weight", "x"], "--class-weight"), (["--class-weight", "1=x"], "--class-weight"),
    (["--learning-rate", "x"], "--learning-rate"), (["--eta0", 0], "--eta0"),
    (["--eta0", "x"], "--eta0: must be a number"), (["--max-time", "x"], "--max-time"),
    (["--max-time", 0], "--max-time"), (["--eta0", "auto", "--learning-rate", "pa1"], "eta0"),
    (["--alpha", 1, "--C", 1], "alpha or C"), (["--task", "x"], "--task"),
    (["--task", "regress", "--loss", "hinge"], "--loss"), (["--dtype", "int"], "--dtype"),
    (["--task", "regress", "--class-weight", "balanced"], "--class-weight"),
    (["--zero-based", "x"], "--zero-based"), (["--n-features", 0], "--n-features"),
    (["--nonsense"], "--nonsense"), (["--epochs", "many"], "--epochs"),
])
def test_usage_is_checked_before_the_data_are_read(option, text):
    _, notes = run("train", "/nowhere/at/all", *option, code=2)
    assert text in notes


def test_failures_have_one_line(folder, tmp_path, model):
    for args, text in [
        (["train", folder / "none"], "none: No such file"),
        (["train", folder / "two", "--test", folder / "none"], "none: No such file"),
        (["train", folder / "bad"], "bad, line 2, column 6: expected"),
        (["train", folder / "two", "--save", folder / "no" / "m"], "no such folder"),
        (["train", folder / "two", "--save", folder], "is a folder"),
        (["train", folder / "two", "--n-features", 3], "3"),
        (["train", folder / "two", "--resume", folder / "two"], "not a fastsgd model file"),
        (["predict", folder / "two", "--model", folder / "none"], "none: No such file"),
        (["predict", folder / "two", "--model", model, "--output", "/no/where"],
         "no such folder"),
        (["inspect", folder / "bad"], "not a fastsgd model file"),
        (["train", folder / "numbers", *DIVERGING], "epoch #"),
    ]:
        out, notes = run(*args, code=1)
        assert out == ""
        assert text in notes
        assert notes.startswith("fastsgd: error: ")
        assert notes.count("\n") == 1


def test_a_failed_training_leaves_the_old_model(folder, model):
    before = model.read_bytes()
    run("train", folder / "numbers", *DIVERGING, "--save", model, code=1)
    assert model.read_bytes() == before
    assert os.listdir(model.parent) == [model.name]


def test_help_tells_every_option_its_default_and_the_names():
    for command in ("train", "predict", "evaluate", "inspect"):
        told = run(command, "--help")[0].split("Options:")[1]
        for option in re.split(r"\n  (?=-)", told)[1:]:
            assert re.search(r"\[default:|\[required|^-h, --help", option), option
    text = " ".join(run("train", "--help")[0].split())
    for name in [*LOSSES, *SCHEDULES]:
        assert name in text
    defaults = FastSGDClassifier().get_params()
    for name in ("alpha", "l1_ratio", "epsilon", "tol", "n_iter_no_change", "eta0", "loss",
                 "penalty", "learning_rate", "power_t", "sync", "validation_fraction"):
        option = f"--{name.replace('_', '-')}"
        told = re.split(rf" {option} [A-Z]", text)[1].split("[default: ")[1]
        assert told.startswith(f"({defaults[name]}"), (name, told[:40])


def test_help_is_quick_since_it_imports_nothing_heavy():
    code = ("import sys\nfrom fastsgd.cli.app import app\n"
            "sys.exit(any(name in sys.modules for name in ('numpy', 'sklearn', 'scipy')))")
    subprocess.run([sys.executable, "-c", code], check=True)
