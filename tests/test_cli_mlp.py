"""Multilayer perceptrons on the command line: results, files, resumed trainings."""

import re

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file
from test_cli import result, run

from fastsgd import (
    FastMLPClassifier,
    FastMLPRegressor,
    load_model,
    load_svmlight,
)
from fastsgd.data.cache import save_cache

MLP = ["--kind", "mlp", "--hidden", "6,4", "--seed", 3]


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
        tmp_path / "m", "--kind", "mlp")
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
