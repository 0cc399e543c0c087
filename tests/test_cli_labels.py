"""Labels on the command line: their weights, those that a model lacks, rows without one."""

import gzip
import json
import warnings

import numpy as np
import pytest
from test_cli import result, run

from fastsgd import load_model, load_svmlight
from fastsgd.cli.data import read
from fastsgd.data.cache import open_cache, save_cache

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = (["--epochs", 5], ["--kind", "mlp", "--hidden", "3", "--epochs", 5])
rng = np.random.default_rng(0)
X = rng.standard_normal((60, 4)).round(3)
Y = (X[:, 0] > 0).astype(int)
UNSEEN = np.flatnonzero(Y)[:2]
"""Rows of the file "seven" with labels of its own; as rows of class 0 they would have a loss."""


def text(labels, rows=X, first=1):
    """svmlight text; a label of None is left out."""
    return "".join(" ".join([*([] if label is None else [str(label)]), *(
        f"{j + first}:{v}" for j, v in enumerate(row))]) + "\n"
        for label, row in zip(labels, rows, strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, seven = tmp_path_factory.mktemp("labels"), Y.tolist()
    seven[UNSEEN[0]], seven[UNSEEN[1]] = 7, 8.5
    for name, labels in (
            ("train", Y), ("none", [None] * 60), ("seven", seven),
            ("all_unseen", [7] * 60), ("mixed", [None if i % 3 else y for i, y in enumerate(Y)]),
            ("sets", [f"{y},5" for y in Y])):
        (folder / name).write_text(text(labels))
    for name, y in (("words", np.where(Y, "spam", "ham")), ("bools", Y == 1),
                    ("digits", np.where(Y, "10", "02")), ("half", np.float16(1 + Y)),
                    ("odd", np.where(Y, "a=b", "c,d")), ("indicator", (X > 0).astype(int)),
                    ("nan_y", np.where(X[:, 0] > 1, np.nan, Y)), ("real", X[:, 0]),
                    ("pairs", X[:, :2])):
        np.savez(folder / f"{name}.npz", X=X, y=y)
    np.savez(folder / "nan_X.npz", X=np.where(X > 2, np.nan, X), y=Y)
    np.savez(folder / "unseen_word.npz", X=X, y=np.where(X[:, 1] > 1, "egg", "ham"))
    return folder


# weights of classes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("data", "given", "weights"), [
    ("words.npz", "spam=2,ham=0.5", {"spam": 2, "ham": 0.5}), ("words.npz", "spam=2", {"spam": 2}),
    ("words.npz", "spam=2, ham=1", {"spam": 2, "ham": 1}),
    ("bools.npz", "True=2,False=1", {True: 2, False: 1}), ("bools.npz", "true=3", {True: 3}),
    ("train", "1=2,0=0", {1: 2, 0: 0}), ("train", "1.0=2", {1: 2}),
    ("odd.npz", "a=b=2", {"a=b": 2}), ("odd.npz", '{"a=b": 2, "c,d": 1}', {"a=b": 2, "c,d": 1}),
    ("train", '{"0": 3}', {0: 3}), ("words.npz", "balanced", "balanced"),
    ("digits.npz", "02=3", {"02": 3}), ("digits.npz", "10=3,02=0.5", {"10": 3, "02": 0.5}),
    ("half.npz", "1=3", {1: 3}),
])
def test_class_weight_takes_labels_of_any_kind(folder, tmp_path, kind, data, given, weights):
    told = result("train", folder / data, *kind, "--class-weight", given, "--seed", 0, "--save",
                  tmp_path / "m")
    model = load_model(tmp_path / "m")
    assert model.class_weight == weights
    if data == "train":
        X_all, y = load_svmlight(folder / data)
    else:
        X_all, y = X, np.load(folder / data)["y"]
    again = type(model)(**{**model.get_params(), "class_weight": weights}).fit(X_all, y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert result("evaluate", folder / data, "--model", tmp_path / "m") == told["train"]


def test_labels_of_half_precision_are_read_without_a_warning(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(folder / "half.npz")[1].dtype == np.int64


@pytest.mark.parametrize(("data", "given", "code", "words"), [
    ("words.npz", "spam=2,egg=1", 1, "names the label 'egg', which the data lack; theirs are ham"),
    ("train", "7=2", 1, "'7', which the data lack; theirs are 0, 1"),
    ("train", "x=2", 1, "'x', which the data lack"), ("bools.npz", "x=2", 1, "'x'"),
    ("train", "1=2,1.0=3", 1, "names the label 1 twice"), ("sets", "1=2", 1, "one label a row"),
    ("indicator.npz", "1=2", 1, "one label a row"), ("train", "1=2,1=3", 2, "'1' has two"),
    ("train", "1=-2", 2, "'-2' for '1'"), ("train", "1=nan", 2, "'nan' for '1'"),
    ("train", "1=inf", 2, "finite"), ("train", "1=", 2, "'' for '1'"), ("train", "=2", 2, "LABEL"),
    ("train", "1=2,", 2, "LABEL"), ("train", "{", 2, "no JSON"), ("train", "{}", 2, "no label"),
    ("train", '{"1": true}', 2, "True for '1'"), ("train", '{"1": [2]}', 2, "[2] for '1'"),
    ("train", '{"1": 1e999}', 2, "finite"), ("train", '{"1": 1, "1": 2}', 2, "has two"),
])
def test_class_weights_that_cannot_be_are_told_by_name(folder, data, given, code, words):
    _, notes = run("train", folder / data, "--class-weight", given, code=code)
    assert words in notes
    assert "--class-weight" in notes


# labels that the model lacks


def expected_loss(model, rows):
    """Of the linear models here: hinge loss of some rows."""
    z = X[rows] @ model.coef_[0] + model.intercept_[0]
    return np.mean(np.maximum(0, 1 - z * (2 * Y[rows] - 1)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_that_the_model_lacks_is_an_error(folder, tmp_path, kind):
    out, notes = run("train", folder / "train", *kind, "--seed", 0, "--test", folder / "seven",
                     "--save", tmp_path / "m", "--json")
    told, model = json.loads(out), load_model(tmp_path / "m")
    rows = np.delete(np.arange(60), UNSEEN)
    wrong = 2 + np.count_nonzero(model.predict(X[rows]) != Y[rows])
    assert told["test"]["rows"] == 60
    assert told["test"]["error"] == pytest.approx(wrong / 60)
    assert told["test"]["rows_of_unseen_labels"] == 2
    assert "rows_of_unseen_labels" not in told["train"]
    assert f"{folder / 'seven'}: 2 rows have labels that the model lacks (7.0, 8.5)" in notes
    assert notes.index("lacks") < notes.index("--epochs")  # it comes before the training
    out, notes = run("evaluate", folder / "seven", "--model", tmp_path / "m", "--json")
    assert json.loads(out) == told["test"]
    assert "2 rows have labels" in notes
    assert run("evaluate", folder / "seven", "--model", tmp_path / "m", "--quiet")[1] == ""
    (tmp_path / "known").write_text(text(Y[rows], X[rows]))
    known = result("evaluate", tmp_path / "known", "--model", tmp_path / "m")
    assert told["test"]["mean_loss"] == pytest.approx(known["mean_loss"])
    if "mlp" not in kind:
        assert known["mean_loss"] == pytest.approx(expected_loss(model, rows))
    told = result("evaluate", folder / "all_unseen", "--model", tmp_path / "m")
    assert (told["error"], told["mean_loss"], told["objective"]) == (1, None, None)
    told = result("train", folder / "train", "--resume", tmp_path / "m", "--epochs", 6, "--test",
                  folder / "seven")
    assert told["test"]["rows_of_unseen_labels"] == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", ["balanced", "spam=3,ham=1"])
def test_a_text_label_that_the_model_lacks(folder, tmp_path, kind, weight):
    told = result("train", folder / "words.npz", *kind, "--class-weight", weight, "--test",
                  folder / "unseen_word.npz", "--save", tmp_path / "m")
    egg = np.count_nonzero(X[:, 1] > 1)
    assert told["test"]["rows_of_unseen_labels"] == egg > 0
    assert told["test"]["error"] >= egg / 60
    assert np.isfinite(told["test"]["objective"])


@pytest.mark.parametrize(("train", "more", "test", "words"), [
    ("train", [], "words.npz", "labels are text, those of the training are numbers"),
    ("words.npz", [], "train", "labels are numbers, those of the training are text"),
    ("train", [], "nan_X.npz", "its features hold NaN"), ("train", [], "nan_y.npz", "labels hold"),
    ("train", [], "pairs.npz", "y has 2 columns"), ("train", [], "sets", "several labels"),
    ("train", [], "none", "the file has no labels"), ("train", [], "mixed", "needs a label"),
    ("real.npz", ["--task", "regress"], "pairs.npz", "y has 2 numbers a row, the model 1"),
    ("real.npz", ["--task", "regress"], "words.npz", "y must be numbers"),
    ("real.npz", ["--task", "regress"], "nan_y.npz", "targets hold NaN"),
    ("pairs.npz", ["--task", "regress", "--kind", "mlp"], "real.npz", "a row, the model 2"),
    ("train", ["--loss", "poisson", "--kind", "mlp"], "real.npz", "targets >= 0"),
    ("indicator.npz", [], "pairs.npz", "y has 2 columns, the model 4 labels"),
    ("train", [], "empty", "no rows to measure on"), ("train", [], "absent", "No such file"),
])
def test_a_test_file_that_cannot_be_measured_is_told_before_the_training(
        folder, tmp_path, train, more, test, words):
    (folder / "empty").write_text("# nothing\n")
    out, notes = run("train", folder / train, *more, "--test", folder / test, "--save",
                     tmp_path / "m", code=1)
    assert out == ""
    assert words in notes
    assert notes.startswith("fastsgd: error: ")
    assert notes.count("\n") == 1
    assert str(folder / test) in notes
    assert not (tmp_path / "m").exists()


def test_stdin_is_read_once(folder):
    for args in (["-", "--test", "-"], ["-", "-"]):
        assert "stdin can be read once only" in run("train", *args, code=2)[1]


def test_an_error_of_several_lines_is_one_line(folder, tmp_path):
    """Those of scikit-learn and of arrays, such as NaN in rows that are predicted."""
    run("train", folder / "train", "--save", tmp_path / "m")
    _, notes = run("predict", folder / "nan_X.npz", "--model", tmp_path / "m", code=1)
    assert "NaN" in notes
    assert notes.count("\n") == 1


# rows without a label


@pytest.mark.parametrize("form", ["none", "mixed", "sets", "qid", "gz", "stdin", "cache"])
def test_labels_are_not_needed_to_predict(folder, tmp_path, form):
    run("train", folder / "train", "--save", tmp_path / "m")
    expected, data, more = run("predict", folder / "train", "--model", tmp_path / "m")[0], form, {}
    content = (folder / "none").read_text()
    if form == "qid":
        lines = [f" qid:{i} {line} # 3" for i, line in enumerate(content.splitlines())]
        (folder / "qid").write_text("# first\n\n" + "\n".join(lines))
    elif form == "gz":
        (folder / "gz").write_bytes(gzip.compress(content.encode()))
    elif form == "stdin":
        data, more = "-", {"input": content.encode()}
    elif form == "cache":
        run("convert", folder / "none", folder / "cache")
        assert open_cache(folder / "cache").y is None
    data = data if data == "-" else folder / data
    assert run("predict", data, "--model", tmp_path / "m", **more)[0] == expected


def test_they_are_to_train_and_evaluate(folder, tmp_path):
    run("train", folder / "train", "--save", tmp_path / "m")
    for args, words in ([["train", folder / "none"], "line 1, column 1: expected a label"],
                        [["train", folder / "train", folder / "none"], "the file has no labels"],
                        [["train", folder / "mixed"], "line 2, column 1: expected a label before"],
                        [["evaluate", folder / "none", "--model", tmp_path / "m"], "no labels"],
                        [["evaluate", folder / "mixed", "--model", tmp_path / "m"], "line 2"],
                        [["convert", folder / "mixed", tmp_path / "c"], "line 2"]):
        out, notes = run(*args, code=1)
        assert (out, notes.count("\n")) == ("", 1)
        assert words in notes


# files without rows


@pytest.fixture(scope="module")
def empties(folder):
    (folder / "e.svm").write_text("")
    (folder / "e.comments").write_text("# none\n\n  # here\n")
    (folder / "e.gz").write_bytes(gzip.compress(b""))
    np.savez(folder / "e.npz", X=np.empty((0, 4)), y=np.empty(0))
    np.savez(folder / "e.sparse.npz", data=np.empty(0), indices=np.empty(0, int),
             indptr=np.zeros(1, int), shape=(0, 4), y=np.empty(0))
    save_cache(folder / "e.cache", np.empty((0, 4)), np.empty(0), index_base=0)
    run("convert", folder / "e.gz", folder / "e.converted")
    return sorted(folder.glob("e.*"))


@pytest.mark.parametrize("kind", KINDS)
def test_parts_without_rows_are_passed_over(folder, tmp_path, empties, kind):
    assert len(empties) == 7
    kind = [*kind, "--seed", 0, "--tol", "none", "--save", tmp_path / "m"]
    for data in ("train", "words.npz"):
        alone, other = (result("train", *files, *kind)["train"] for files in (
            [folder / data], [empties[0], folder / data, *empties[1:]]))
        assert alone == other


def test_a_file_without_rows_alone(folder, tmp_path, empties):
    run("train", folder / "train", "--save", tmp_path / "m", "--zero-based", "no")
    for path in empties:
        assert run("predict", path, "--model", tmp_path / "m") == ("", "")
        run("predict", path, "--model", tmp_path / "m", "--output", tmp_path / "o")
        assert (tmp_path / "o").read_bytes() == b""
        run("convert", path, tmp_path / "c")
        assert open_cache(tmp_path / "c").X.shape[0] == 0
        for args in (["train", path], ["train", folder / "train", "--test", path],
                     ["evaluate", path, "--model", tmp_path / "m"]):
            assert f"{path}: no rows to" in run(*args, code=1)[1]
    assert run("predict", "-", "--model", tmp_path / "m", input=b"")[0] == ""
    notes = run("train", *empties, code=1)[1]
    assert all(str(path) in notes for path in empties)
