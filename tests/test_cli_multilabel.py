"""Rows of several labels on the command line: text and columns, both kinds of model."""

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, hamming_loss
from test_cli import result, run

from fastsgd import FastMLPClassifier, FastSGDClassifier, load_model, load_svmlight
from fastsgd.data.cache import save_cache

KINDS = (["--epochs", 8, "--tol", "none", "--seed", 0],
         ["--kind", "mlp", "--hidden", "5", "--epochs", 8, "--tol", "none", "--seed", 0])
LABELS = np.array([1, 4, 30])
rng = np.random.default_rng(0)
X = rng.standard_normal((90, 5)).round(3)
Y = (X @ rng.standard_normal((5, 3)) > 0.5).astype(int)


def lines(sets, rows=X):
    return "".join(" ".join([",".join(map(str, labels))] * bool(len(labels)) + [
        f"{j + 1}:{v}" for j, v in enumerate(row)]) + "\n"
        for labels, row in zip(sets, rows, strict=True))


SETS = [LABELS[row > 0].tolist() for row in Y]
UNSEEN = [*SETS[:-3], [4, 99], [99], [1, 4, 100, 99]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    assert {len(labels) for labels in SETS} >= {0, 1, 2}
    (folder / "train").write_text(lines(SETS))
    (folder / "unseen").write_text(lines(UNSEEN))
    (folder / "single").write_text(lines([[LABELS[i % 3]] for i in range(90)]))
    np.savez(folder / "columns.npz", X=X, y=Y)
    save_cache(folder / "columns.cache", X, Y == 1)
    return folder


def measures(predicted, sets, all_labels):
    """Error, micro F1 and Hamming loss by scikit-learn, on a column for each of the labels."""
    truth = np.array([np.isin(all_labels, labels) for labels in sets]).astype(int)
    answers = np.zeros_like(truth)
    answers[:, np.searchsorted(all_labels, LABELS)] = predicted
    return {"error": np.mean(np.any(truth != answers, axis=1)),
            "f1_micro": f1_score(truth, answers, average="micro"),
            "hamming_loss": hamming_loss(truth, answers)}


def mean_loss(model, rows):
    if isinstance(model, FastSGDClassifier):
        z = (X @ model.coef_.T + model.intercept_) * (2 * Y - 1)
        return np.maximum(0, 1 - z)[rows].mean()
    p = model.predict_proba(X)
    return -np.log(np.where(Y, p, 1 - p))[rows].sum(axis=1).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_text(folder, tmp_path, kind):
    out, notes = run("train", folder / "train", *kind, "--test", folder / "unseen", "--save",
                     tmp_path / "m", "--json")
    told, model = json.loads(out), load_model(tmp_path / "m")
    cls = FastMLPClassifier if "mlp" in kind else FastSGDClassifier
    params = {"max_iter": 8, "random_state": 0}
    ours = (FastMLPClassifier((5,), n_iter_no_change=np.inf, tol=0, **params)
            if "mlp" in kind else FastSGDClassifier(tol=None, **params))
    text_X, text_y = load_svmlight(folder / "train", multilabel=True)
    ours.fit(text_X, text_y)
    assert isinstance(model, cls)
    assert told["classes"] == [1, 4, 30] == ours.classes_.tolist()
    predicted = model.predict(X)
    np.testing.assert_array_equal(predicted, ours.predict(text_X))
    assert {name: told["train"][name] for name in ("error", "f1_micro", "hamming_loss")
            } == pytest.approx(measures(predicted, SETS, LABELS))
    assert told["train"]["mean_loss"] == pytest.approx(mean_loss(model, slice(None)))
    assert {name: told["test"][name] for name in ("error", "f1_micro", "hamming_loss")
            } == pytest.approx(measures(predicted, UNSEEN, np.array([1, 4, 30, 99, 100])))
    assert told["test"]["mean_loss"] == pytest.approx(mean_loss(model, slice(87)))
    assert told["test"]["rows_of_unseen_labels"] == 3
    assert "3 rows have labels that the model lacks (99, 100), of 90" in notes
    for name, part in (("train", "train"), ("unseen", "test")):
        assert result("evaluate", folder / name, "--model", tmp_path / "m") == told[part]
    answers = run("predict", folder / "train", "--model", tmp_path / "m")[0].split("\n")
    assert answers == [*(",".join(map(str, LABELS[row > 0])) for row in predicted), ""]
    assert "" in answers[:-1]
    (tmp_path / "without").write_text(lines([[]] * 90))
    again = run("predict", tmp_path / "without", "--model", tmp_path / "m")[0]
    assert again.split("\n") == answers


@pytest.mark.parametrize("kind", KINDS)
def test_resume(folder, tmp_path, kind):
    run("train", folder / "train", *kind, "--save", tmp_path / "whole")
    run("train", folder / "train", *kind, "--epochs", 3, "--save", tmp_path / "m", "--checkpoint",
        tmp_path / "c")
    for begun in ("m", "c"):
        told = result("train", folder / "train", "--resume", tmp_path / begun, "--epochs", 8,
                      "--test", folder / "unseen", "--save", tmp_path / "again")
        assert told["test"]["rows_of_unseen_labels"] == 3
        whole, again = load_model(tmp_path / "whole"), load_model(tmp_path / "again")
        np.testing.assert_array_equal(whole.predict(X), again.predict(X))
        assert whole.loss_curve_ == again.loss_curve_
    assert "y has the label 99 and others" in run(
        "train", folder / "unseen", "--resume", tmp_path / "m", "--epochs", 9, code=1)[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["columns.npz", "columns.cache"])
def test_columns(folder, tmp_path, kind, form):
    told = result("train", folder / form, *kind, "--class-weight", "balanced", "--test",
                  folder / "columns.npz", "--save", tmp_path / "m")
    assert told["classes"] == [0, 1, 2]
    assert told["train"] == told["test"]
    assert result("evaluate", folder / form, "--model", tmp_path / "m") == told["train"]
    predicted = load_model(tmp_path / "m").predict(X)
    assert told["train"]["f1_micro"] == pytest.approx(f1_score(Y, predicted, average="micro"))
    answers = run("predict", folder / form, "--model", tmp_path / "m")[0].split("\n")[:-1]
    assert answers == [",".join(map(str, np.flatnonzero(row))) for row in predicted]


@pytest.mark.parametrize("kind", KINDS)
def test_the_option_is_for_files_that_do_not_show_it(folder, tmp_path, kind):
    assert result("train", folder / "single", *kind)["train"].get("f1_micro") is None
    told = result("train", folder / "single", *kind, "--multilabel", "--test", folder / "train",
                  "--save", tmp_path / "m")
    assert told["classes"] == [1, 4, 30]
    assert "f1_micro" in told["test"]
    assert load_model(tmp_path / "m").multilabel_
    assert "f1_micro" in result("evaluate", folder / "single", "--model", tmp_path / "m")
    told = result("train", folder / "single", folder / "train", *kind)  # one file shows it
    assert (told["train"]["rows"], "f1_micro" in told["train"]) == (180, True)


@pytest.mark.parametrize(("args", "code", "words"), [
    (["train", "train", "--task", "regress"], 1, "several labels"),
    (["train", "train", "--task", "regress", "--multilabel"], 2, "--multilabel: is for --task"),
    (["train", "single", "--resume", "one", "--multilabel"], 2, "has one class a row"),
    (["train", "train", "--resume", "one", "--epochs", 99], 1, "several labels"),
    (["evaluate", "train", "--model", "one"], 1, "rows of several labels"),
    (["evaluate", "columns.npz", "--model", "one"], 1, "y has 3 columns"),
    (["evaluate", "columns2.npz", "--model", "many"], 1, "y has 2 columns, the model 3 labels"),
    (["evaluate", "sixes.npz", "--model", "many"], 1, "must hold 0 and 1"),
    (["evaluate", "words.npz", "--model", "many"], 1, "labels are text"),
    (["train", "columns.npz", "columns2.npz"], 1, "as many columns, they have 2 and 3"),
    (["train", "columns.npz", "words.npz"], 1, "y of columns and others one label"),
    (["train", "unlabelled", "--multilabel"], 1, "the file has no labels"),
    (["evaluate", "unlabelled", "--model", "many"], 1, "the file has no labels"),
    (["train", "train", "--test", "unlabelled"], 1, "the file has no labels"),
    (["train", "one_label"], 1, "at least two; it has 1 in all"),
    (["train", "bad"], 1, "bad, line 2, column 3: expected a number as the label"),
    (["convert", "train", "c"], 1, "several labels, which a cache cannot hold"),
])
def test_what_cannot_be_is_told_in_one_line(folder, monkeypatch, args, code, words):
    monkeypatch.chdir(folder)
    if not (folder / "one").exists():
        run("train", "single", "--save", "one", "--epochs", 3)
        run("train", "train", "--save", "many", "--epochs", 3)
        np.savez("columns2.npz", X=X, y=Y[:, :2])
        np.savez("sixes.npz", X=X, y=6 * Y)
        np.savez("words.npz", X=X, y=np.where(Y[:, 0], "a", "b"))
        (folder / "one_label").write_text(lines([[5, 5], []] * 45))
        (folder / "unlabelled").write_text(lines([[]] * 90))
        (folder / "bad").write_text("1 1:2\n1,x 1:2\n")
    out, notes = run(*args, code=code)
    assert out == ""
    assert words in notes
    assert code == 2 or notes.count("\n") == 1
