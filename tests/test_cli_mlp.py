"""Multilayer perceptrons on the command line: `--model mlp`, and what its options do."""

import re
import signal
import subprocess
import time

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file
from test_cli import result, run
from test_cli_process import COMMAND, on_terminal

from fastsgd import (
    FastMLPClassifier,
    FastMLPRegressor,
    FastSGDClassifier,
    load_model,
    load_svmlight,
)
from fastsgd.cli.estimator import FREE_ON_RESUME, ONLY
from fastsgd.data.cache import save_cache

MLP = ["--model", "mlp", "--hidden", "6,4", "--seed", 3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """300 sparse rows of 20 features as text, cache and .npz: three classes, two, numbers."""
    folder = tmp_path_factory.mktemp("mlp")
    rng = np.random.default_rng(0)
    X = np.where(rng.random((300, 20)) < 0.3, rng.standard_normal((300, 20)), 0)
    z = X @ rng.standard_normal((20, 3))
    for name, y in (("three", z.argmax(axis=1)), ("two", np.where(z[:, 0] > 0, 1, -1)),
                    ("numbers", z[:, 0].round(3)), ("counts", np.abs(z[:, 0]).round())):
        dump_svmlight_file(X, y, str(folder / name), zero_based=False)
        X_text, y_text = load_svmlight(folder / name)
        save_cache(folder / f"{name}.fsgd-cache", X_text, y_text, index_base=1)
        np.savez(folder / f"{name}.npz", data=X_text.data, indices=X_text.indices,
                 indptr=X_text.indptr, shape=X_text.shape, y=y_text)
        np.savez(folder / f"{name}-dense.npz", X=X, y=y)
    np.savez(folder / "pairs.npz", X=X, y=z[:, :2])
    return folder


def equal(a, b):
    """The same weights, bit for bit."""
    return all(np.array_equal(u, v) for u, v in zip(
        [*a.coefs_, *a.intercepts_], [*b.coefs_, *b.intercepts_], strict=True))


@pytest.mark.parametrize("form", ["", ".fsgd-cache", ".npz", "-dense.npz"])
def test_train_is_the_estimators_fit(folder, tmp_path, form):
    told = result("train", folder / f"three{form}", *MLP, "--epochs", 7, "--save", tmp_path / "m",
                  "--test", folder / f"three{form}")
    X, y = load_svmlight(folder / "three")
    X = np.load(folder / "three-dense.npz")["X"] if "dense" in form else X
    ours = FastMLPClassifier((6, 4), max_iter=7, random_state=3).fit(X, y.astype(int))
    assert equal(load_model(tmp_path / "m"), ours)
    assert told["train"]["error"] == pytest.approx(1 - ours.score(X, y))
    assert told["test"] == told["train"]
    assert told["estimator"] == "FastMLPClassifier"
    assert told["units"] == [20, 6, 4, 3]
    assert told["classes"] == [0, 1, 2]
    assert (told["epochs"], told["solver"], told["stopped_by"]) == (7, "adam", "max_iter")
    assert told["lazy"] == ("dense" not in form)
    assert told["model"] == str(tmp_path / "m")


def test_model_is_a_kind_or_a_file(folder, tmp_path, monkeypatch):
    """`--model mlp --model m`, in any order, or --save; a file called mlp is ./mlp."""
    monkeypatch.chdir(tmp_path)
    short = ["train", folder / "two", "--epochs", 1, "--quiet"]
    for args, name, kind in [
        (["--model", "mlp", "--model", "a"], "a", FastMLPClassifier),
        (["--model", "b", "--model", "mlp"], "b", FastMLPClassifier),
        (["--save", "c", "--model", "mlp"], "c", FastMLPClassifier),
        (["--model", "d"], "d", FastSGDClassifier), (["--save", "e"], "e", FastSGDClassifier),
        (["--model", "linear", "--save", "f"], "f", FastSGDClassifier),
        (["--model", "mlp", "--save", "mlp"], "mlp", FastMLPClassifier),
        (["--model", "./linear", "--model", "mlp"], "linear", FastMLPClassifier),
    ]:
        run(*short, *args)
        assert type(load_model(tmp_path / name)) is kind
    assert sorted(p.name for p in tmp_path.iterdir()) == [*"abcdef", "linear", "mlp"]
    for args, text in [
        (["--model", "mlp", "--model", "linear"], "one kind of model only, got mlp and linear"),
        (["--model", "x", "--model", "y"], "one file of model only, got x and y"),
        (["--model", "x", "--save", "y"], "--model, --save: one file of model only"),
    ]:
        assert text in run(*short, *args, code=2)[1]
    assert result(*short, "--model", "mlp")["model"] is None


@pytest.mark.parametrize(("args", "kind"), [
    ([], FastMLPClassifier), (["--loss", "log_loss"], FastMLPClassifier),
    (["--loss", "squared_error"], FastMLPRegressor), (["--task", "regress"], FastMLPRegressor),
    (["--loss", "poisson"], FastMLPRegressor),
    (["--task", "classify", "--loss", "squared_error"], FastMLPClassifier),
])
def test_the_task_follows_from_the_loss(folder, tmp_path, args, kind):
    run("train", folder / "counts", *MLP, "--epochs", 1, *args, "--save", tmp_path / "m")
    assert type(load_model(tmp_path / "m")) is kind


def test_every_option_reaches_the_estimator(folder, tmp_path):
    run("train", folder / "two", "--model", "mlp", "--save", tmp_path / "m", "--hidden", "5, 3",
        "--activation", "tanh", "--loss", "squared_error", "--task", "classify", "--solver",
        "sgd", "--alpha", 0.01, "--batch-size", 50, "--learning-rate", "adaptive",
        "--learning-rate-init", 0.02, "--power-t", 0.3, "--momentum", 0.8, "--epochs", 3,
        "--tol", 0.01, "--n-iter-no-change", 2, "--seed", 8, "--n-jobs", 1, "--sync",
        "map_reduce", "--early-stopping", "--validation-fraction", 0.2, "--class-weight",
        "1=2.5,-1=0.5", "--dropout", "0.1,0.2,0.3", "--lazy", "no", "--init", "he", "--shuffle",
        "none", "--max-time", 60, "--dtype", "float32", "--n-features", 25, "--zero-based", "no")
    model = load_model(tmp_path / "m")
    expected = {
        "hidden_layer_sizes": (5, 3), "activation": "tanh", "loss": "squared_error",
        "solver": "sgd", "alpha": 0.01, "batch_size": 50, "learning_rate": "adaptive",
        "learning_rate_init": 0.02, "power_t": 0.3, "momentum": 0.8, "max_iter": 3, "tol": 0.01,
        "n_iter_no_change": 2, "random_state": 8, "n_jobs": 1, "sync": "map_reduce",
        "early_stopping": True, "validation_fraction": 0.2, "class_weight": {1: 2.5, -1: 0.5},
        "dropout": [0.1, 0.2, 0.3], "lazy": False, "init": "he", "shuffle": False,
        "max_time": 60,
    }
    found = model.get_params()
    found["hidden_layer_sizes"] = tuple(found["hidden_layer_sizes"])
    found["dropout"] = list(found["dropout"])
    assert {name: found[name] for name in expected} == expected
    assert model.coefs_[0].dtype == np.float32
    assert model.n_features_in_ == 25
    run("train", folder / "two", *MLP, "--hidden", "none", "--dropout", 0.5, "--shuffle", "rows",
        "--lazy", "yes", "--max-time", "none", "--epochs", 1, "--save", tmp_path / "m")
    model = load_model(tmp_path / "m")
    assert [w.shape for w in model.coefs_] == [(20, 1)]
    assert (model.dropout, model.shuffle, model.lazy, model.max_time) == (0.5, True, True, None)


def losses_of(model, X, y, class_weight=None):
    """(mean loss, sum of squared weights) by a plain forward pass."""
    a, act = X, {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}[model.activation]
    for i, (w, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        a = a @ w + b
        a = act(a) if i < len(model.coefs_) - 1 else a
    square = sum(np.sum(w**2) for w in model.coefs_)
    if isinstance(model, FastMLPRegressor):
        target = y.reshape(len(y), -1)
        losses = (0.5 * (a - target) ** 2 if model.loss == "squared_error"
                  else np.exp(a) - target * a + np.where(
                      target > 0, target * np.log(np.maximum(target, 1e-300)), 0) - target)
        return losses.sum(axis=1).mean(), square
    codes = np.searchsorted(model.classes_, y)
    if a.shape[1] == 1:
        a = np.hstack([np.zeros_like(a), a])
    p = np.exp(a - a.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    if model.loss == "log_loss":
        losses = -np.log(p[np.arange(len(y)), codes])
    elif len(model.classes_) == 2:
        losses = 0.5 * (p[:, 1] - codes) ** 2
    else:
        losses = 0.5 * np.sum((p - np.eye(p.shape[1])[codes]) ** 2, axis=1)
    s = np.ones(len(y)) if class_weight is None else np.array(class_weight)[codes]
    return np.sum(s * losses) / np.sum(s), square / np.mean(s)


@pytest.mark.parametrize(("data", "more", "weights", "size"), [
    ("three", [], None, 200), ("three", ["--batch-size", 64], None, 64),
    ("two", [], None, 200), ("three", ["--batch-size", 5000], None, 300),
    ("two", ["--class-weight", "1=3,-1=0.5"], (0.5, 3), 200),
    ("three", ["--class-weight", "1=3,2=0.5", "--solver", "lbfgs"], (1, 3, 0.5), 300),
    ("three", ["--task", "classify", "--loss", "squared_error", "--activation", "tanh"], None,
     200),
    ("two", ["--task", "classify", "--loss", "squared_error"], None, 200),
    ("numbers", ["--task", "regress"], None, 200), ("counts", ["--loss", "poisson"], None, 200),
    ("pairs.npz", ["--task", "regress", "--solver", "lbfgs"], None, 300),
])
def test_measures_are_those_of_docs_mlp(folder, tmp_path, data, more, weights, size):
    """The objective is the mean loss and alpha |W|^2 / (2 s), s the weight of a minibatch."""
    told = result("train", folder / data, *MLP, "--epochs", 20, "--alpha", 0.5, *more, "--quiet",
                  "--save", tmp_path / "m")
    model = load_model(tmp_path / "m")
    X, y = load_svmlight(folder / data.split(".")[0]) if "." not in data else (
        np.load(folder / data)[name] for name in "Xy")
    mean, square = losses_of(model, X, y, weights)
    assert told["train"]["mean_loss"] == pytest.approx(mean, rel=1e-9)
    penalty = 0.5 * square / (2 * size)
    assert penalty > 1e-3
    assert told["train"]["objective"] == pytest.approx(mean + penalty, rel=1e-9)
    if model.solver == "lbfgs":  # which shows just that of the training
        assert told["train"]["objective"] == pytest.approx(model.loss_, rel=1e-9)
    if isinstance(model, FastMLPRegressor):
        assert told["train"]["r2"] == pytest.approx(model.score(X, y))
        assert told["train"]["rmse"] == pytest.approx(
            np.sqrt(np.mean((model.predict(X) - y) ** 2)))
    else:
        assert told["train"]["error"] == pytest.approx(1 - model.score(X, y))
    assert result("evaluate", folder / data, "--model", tmp_path / "m") == told["train"]


def test_balanced_weights_are_those_of_the_rows_at_hand(folder, tmp_path):
    told = result("train", folder / "three", *MLP, "--epochs", 5, "--class-weight", "balanced",
                  "--save", tmp_path / "m")
    X, y = load_svmlight(folder / "three")
    counts = np.bincount(y.astype(int))
    mean, _ = losses_of(load_model(tmp_path / "m"), X, y, len(y) / (3 * counts))
    assert told["train"]["mean_loss"] == pytest.approx(mean, rel=1e-9)


def test_float32_models_measure_float32_rows(folder, tmp_path):
    """Of a float64 cache too, part by part."""
    told = result("train", folder / "three", *MLP, "--epochs", 5, "--dtype", "float32", "--save",
                  tmp_path / "m")
    for form in ("", ".fsgd-cache", ".npz"):
        assert result(
            "evaluate", folder / f"three{form}", "--model", tmp_path / "m") == told["train"]


def test_predict(folder, tmp_path):
    run("train", folder / "three", *MLP, "--epochs", 5, "--save", tmp_path / "m")
    model, (X, _) = load_model(tmp_path / "m"), load_svmlight(folder / "three")
    for form in ("", ".fsgd-cache", ".npz"):
        lines = run("predict", folder / f"three{form}", "--model", tmp_path / "m")[0].split()
        assert lines == [str(label) for label in model.predict(X)]
    lines = run("predict", folder / "three", "--model", tmp_path / "m", "--proba")[0].splitlines()
    np.testing.assert_array_equal(
        np.array([line.split() for line in lines], float), model.predict_proba(X))
    run("train", folder / "pairs.npz", *MLP, "--task", "regress", "--save", tmp_path / "m")
    lines = run("predict", folder / "pairs.npz", "--model", tmp_path / "m")[0].splitlines()
    np.testing.assert_array_equal(
        np.array([line.split() for line in lines], float),
        load_model(tmp_path / "m").predict(np.load(folder / "pairs.npz")["X"]))
    assert "needs a classifier: an MLP" in run(
        "predict", folder / "pairs.npz", "--model", tmp_path / "m", "--proba", code=1)[1]


def test_inspect(folder, tmp_path):
    run("train", folder / "three", *MLP, "--epochs", 4, "--tol", "none", "--save", tmp_path / "m")
    model, told = load_model(tmp_path / "m"), result("inspect", tmp_path / "m", "--top", 3)
    assert told["units"] == [20, 6, 4, 3]
    assert told["weights"] == 20 * 6 + 6 + 6 * 4 + 4 + 4 * 3 + 3
    assert (told["epochs"], told["steps"], told["rows_seen"]) == (4, 8, 1200)
    assert told["loss"] == model.loss_curve_[-1]
    assert told["first_feature"] == 1
    assert [row["activation"] for row in told["layers"]] == ["relu", "relu", "softmax"]
    assert [row["norm"] for row in told["layers"]] == pytest.approx(
        [np.linalg.norm(w) for w in model.coefs_])
    assert [row["intercept_norm"] for row in told["layers"]] == pytest.approx(
        [np.linalg.norm(b) for b in model.intercepts_])
    norms = np.linalg.norm(model.coefs_[0], axis=1)
    best = np.argsort(-norms)[:3]
    assert [(row["feature"], row["norm"]) for row in told["top"][0]["features"]] == [
        (j + 1, pytest.approx(norms[j])) for j in best]
    (tmp_path / "names").write_text("".join(f"word{j}\n" for j in range(20)))
    text, _ = run("inspect", tmp_path / "m", "--vocabulary", tmp_path / "names")
    assert "features whose weights into the first layer have the largest norms" in text
    assert f"{best[0] + 1}  word{best[0]}\n" in text
    assert re.search(r"^ +2 +6 +4  relu ", text, re.M)


@pytest.mark.parametrize("form", ["", ".fsgd-cache", ".npz", "-dense.npz"])
@pytest.mark.parametrize("more", [
    [], ["--dropout", "0.2", "--solver", "sgd", "--learning-rate", "invscaling"],
    ["--early-stopping", "--dtype", "float32"], ["--class-weight", "balanced"]])
def test_resume_is_bit_for_bit_the_uninterrupted_run(folder, tmp_path, form, more):
    args = [folder / f"three{form}", *MLP, "--sync", "serial", "--tol", "none", *more]
    run("train", *args, "--epochs", 4, "--save", tmp_path / "m")
    run("train", folder / f"three{form}", "--resume", tmp_path / "m", "--epochs", 9, "--save",
        tmp_path / "m", "--model", "mlp")
    run("train", *args, "--epochs", 9, "--save", tmp_path / "whole")
    parts, whole = load_model(tmp_path / "m"), load_model(tmp_path / "whole")
    assert parts.n_iter_ == 9
    assert parts.loss_curve_ == whole.loss_curve_
    assert len(parts.loss_curve_) == 9
    assert equal(parts, whole)


def test_a_training_on_text_goes_on_with_its_cache(folder, tmp_path):
    run("train", folder / "three", *MLP, "--epochs", 2, "--save", tmp_path / "m")
    run("train", folder / "three.fsgd-cache", "--resume", tmp_path / "m", "--epochs", 4, "--save",
        tmp_path / "m")
    run("train", folder / "three", *MLP, "--epochs", 4, "--save", tmp_path / "whole")
    assert equal(load_model(tmp_path / "m"), load_model(tmp_path / "whole"))


def test_what_may_change_on_resume(folder, tmp_path):
    data, path = folder / "three", tmp_path / "m"
    run("train", data, *MLP, "--epochs", 2, "--tol", "none", "--save", path)
    for args, text in [
        (["--alpha", 1], "--alpha: cannot change"), (["--hidden", 3], "--hidden: cannot change"),
        (["--gap", 0.1], "--gap: for --model linear only"),
        (["--model", "linear"], "--model: the model that is resumed is of kind mlp"),
        (["--dtype", "float32"], "--dtype"), (["--seed", 3], "--seed"),
    ]:
        assert text in run("train", data, "--resume", path, *args, code=2)[1]
    only = run("train", data, "--resume", path, "--alpha", 1, code=2)[1]
    assert "--epochs, --max-time, --n-iter-no-change, --n-jobs, --sync, --tol can" in only
    assert set(ONLY["linear"]) & FREE_ON_RESUME == {"gap"}
    assert load_model(path).n_iter_no_change == np.inf
    told = result("train", data, "--resume", path, "--epochs", 500, "--tol", 0.5, "--save", path)
    assert told["stopped_by"] == "tol"  # which counts epochs again
    assert load_model(path).n_iter_no_change == 10
    (tmp_path / "few").write_text("0 1:1\n1 2:1\n2 3:1\n")
    assert "goes on with the 300 rows of the last fit, got 3" in run(
        "train", tmp_path / "few", "--resume", path, "--epochs", 900, code=1)[1]


@pytest.mark.parametrize(("option", "text"), [
    (["--penalty", "l2"], "--penalty: for --model linear only, and this is --model mlp"),
    (["--C", 1, "--gap", 0.1, "--average", 5, "--no-intercept", "--l1-ratio", 0.5, "--epsilon",
      1], "--C, --l1-ratio, --epsilon, --no-intercept, --gap, --average: for --model linear"),
    (["--eta0", 0.1], "--learning-rate-init is what it has for --eta0"),
    (["--hidden", "0"], "--hidden: must be whole numbers > 0"), (["--hidden", "3,"], "--hidden"),
    (["--hidden", "-3"], "--hidden"), (["--hidden", "3.5"], "--hidden"),
    (["--activation", "x"], "--activation: must be a str among"),
    (["--solver", "sdca"], "--solver: must be a str among"),
    (["--learning-rate", "pa1"], "--learning-rate"), (["--momentum", 1], "--momentum"),
    (["--learning-rate-init", 0], "--learning-rate-init"), (["--batch-size", 0], "--batch-size"),
    (["--dropout", 1], "--dropout"), (["--dropout", "x"], "--dropout: must be a number"),
    (["--dropout", "0.1,0.1,0.1"], "dropout must be a number, or one for the input"),
    (["--dropout", "0.1", "--solver", "lbfgs"], "needs a solver that takes minibatches"),
    (["--lazy", "x"], "--lazy: must be one of auto, yes, no"), (["--init", "x"], "--init"),
    (["--shuffle", "blocks"], "--shuffle: must be one of rows, none"),
    (["--loss", "hinge"], "--loss: hinge is none of those there are to classify"),
    (["--loss", "log_loss", "--task", "regress"], "--loss"), (["--alpha", -1], "--alpha"),
    (["--loss", "poisson", "--task", "classify"], "--loss"), (["--tol", "x"], "--tol"),
    (["--task", "regress", "--class-weight", "balanced"], "--class-weight"),
    (["--class-weight", "balanced_running"], "--class-weight"), (["--sync", "x"], "--sync"),
    (["--sync", "classes"], "--sync"), (["--n-jobs", 0], "n_jobs"), (["--epochs", 0], "--epochs"),
    (["--max-time", 0], "--max-time"), (["--seed", -1], "--seed"),
])
def test_usage_is_checked_before_the_data_are_read(option, text):
    _, notes = run("train", "/nowhere/at/all", "--model", "mlp", *option, code=2)
    assert text in notes


def test_options_of_mlps_do_not_apply_to_linear_models():
    for more in ([], ["--model", "linear"], ["--model", "file"]):
        _, notes = run("train", "/nowhere", *more, "--hidden", 3, "--activation", "tanh",
                       "--learning-rate-init", 1, "--momentum", 0.5, "--dropout", 0.1, "--lazy",
                       "yes", "--init", "he", code=2)
        for name in ("--hidden", "--activation", "--learning-rate-init", "--momentum",
                     "--dropout", "--lazy", "--init"):
            assert name in notes.split(": for --model mlp only, and this is --model linear")[0]


def test_failures_have_one_line(folder, tmp_path):
    run("train", folder / "three", *MLP, "--epochs", 1, "--save", tmp_path / "m")
    for args, text in [
        (["train", folder / "three-dense.npz", *MLP, "--lazy", "yes"], "lazy=True"),
        (["train", folder / "pairs.npz", *MLP], "y has 2 columns"),
        (["train", folder / "three", *MLP, "--solver", "sgd", "--learning-rate-init", 1e300],
         "non-finite"),
        (["evaluate", folder / "two", "--model", tmp_path / "m"], "label -1 of the data"),
        (["evaluate", folder / "three-dense.npz", "--model", folder / "three.npz"],
         "not a fastsgd model file"),
    ]:
        out, notes = run(*args, "--quiet", code=1)
        assert out == ""
        assert text in notes
        assert notes.startswith("fastsgd: error: ")
        assert notes.count("\n") == 1


def test_notes(folder):
    _, notes = run("train", folder / "two", *MLP, "--epochs", 2)
    assert notes == ("fastsgd: note: 2 epochs (--epochs) were not enough to come to rest within "
                     "--tol 0.0001\n")
    assert run("train", folder / "two", *MLP, "--epochs", 2, "--quiet")[1] == ""
    assert run("train", folder / "two", *MLP, "--epochs", 2, "--tol", "none")[1] == ""
    _, notes = run("train", folder / "two", *MLP, "--max-time", 0.05, "--epochs", 10**8, "--tol",
                   0, "--n-iter-no-change", 10**8)
    assert "0.05 seconds (--max-time) were not enough" in notes


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


def test_help_tells_the_defaults_of_mlps():
    text = " ".join(run("train", "--help")[0].split())
    defaults = FastMLPClassifier().get_params()
    for option, name in [
        ("--epochs", "max_iter"), ("--tol", "tol"), ("--n-iter-no-change", "n_iter_no_change"),
        ("--learning-rate", "learning_rate"), ("--solver", "solver"), ("--loss", "loss")]:
        told = text.split(f" {option} <")[1].split("[default: ")[1].split(")]")[0]
        assert f"MLP: {defaults[name]}" in told, (option, told)
    for option, name in [
        ("--activation", "activation"), ("--learning-rate-init", "learning_rate_init"),
        ("--momentum", "momentum"), ("--init", "init"), ("--lazy", "lazy"), ("--alpha", "alpha"),
        ("--validation-fraction", "validation_fraction"), ("--sync", "sync")]:
        told = text.split(f" {option} <")[1].split("[default: ")[1]
        assert told.startswith(f"({defaults[name]}"), (option, told[:40])
    assert "[default: (100)]" in text
    assert defaults["hidden_layer_sizes"] == (100,)
