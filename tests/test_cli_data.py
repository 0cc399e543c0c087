"""Every command on every form of data file, told by its content."""

import gzip
import json
import os
import shutil

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file
from test_cli import result, run

from fastsgd import FastSGDClassifier, load_model, load_svmlight
from fastsgd.data.cache import open_cache, save_cache
from fastsgd.data.formats import format_of

FORMS = ["text", "text.gz", "sparse.npz", "dense.npz", "sparse.fsgd-cache", "dense.fsgd-cache"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same 100 rows of 9 features in every form."""
    folder = tmp_path_factory.mktemp("forms")
    rng = np.random.default_rng(1)
    X = np.where(rng.random((100, 9)) < 0.5, rng.standard_normal((100, 9)).round(3), 0)
    y = np.where(X @ rng.standard_normal(9) > 0, 5, 3)
    rows = sp.csr_matrix(X)
    dump_svmlight_file(X, y, str(folder / "text"), zero_based=False)
    (folder / "text.gz").write_bytes(gzip.compress((folder / "text").read_bytes()))
    np.savez(folder / "sparse.npz", data=rows.data, indices=rows.indices, indptr=rows.indptr,
             shape=rows.shape, format="csr", y=y.astype(float))
    np.savez_compressed(folder / "dense.npz", X=X, y=y)
    save_cache(folder / "sparse.fsgd-cache", rows, y, index_base=1)
    save_cache(folder / "dense.fsgd-cache", X, y)
    for name in FORMS:  # names say nothing
        shutil.copy(folder / name, folder / f"copy-{FORMS.index(name)}")
    return folder


@pytest.mark.parametrize("form", [*FORMS, *(f"copy-{k}" for k in range(len(FORMS)))])
def test_all_commands_take_all_forms(folder, tmp_path, form):
    told = result("train", folder / form, "--seed", 0, "--epochs", 5, "--tol", "none", "--save",
                  tmp_path / "m", "--test", folder / form)
    dense = folder / "dense.npz" if "dense" in form or form[-1] in "35" else None
    X, y = load_svmlight(folder / "text")
    X = X if dense is None else np.load(dense)["X"]
    ours = FastSGDClassifier(random_state=0, max_iter=5, tol=None).fit(X, y.astype(int))
    model = load_model(tmp_path / "m")
    np.testing.assert_array_equal(model.coef_, ours.coef_)
    assert told["classes"] == [3, 5]
    assert result("evaluate", folder / form, "--model", tmp_path / "m") == told["train"]
    assert told["test"] == told["train"]
    lines = run("predict", folder / form, "--model", tmp_path / "m")[0].split()
    assert lines == [str(label) for label in ours.predict(X)]
    run("convert", folder / form, tmp_path / "c")
    again = open_cache(tmp_path / "c", check="all")
    np.testing.assert_array_equal(again.X.toarray() if dense is None else again.X,
                                  X.toarray() if dense is None else X)
    assert again.y.dtype == np.int64
    assert sp.issparse(again.X) == (dense is None)


def test_convert_tells_what_it_wrote(folder, tmp_path):
    told = result("convert", folder / "text", tmp_path / "c", "--dtype", "float32",
                  "--n-features", 12)
    path = tmp_path / "c"
    X = load_svmlight(folder / "text", dtype=np.float32)[0]
    assert told == {"rows": 100, "features": 12, "nonzeros": X.nnz, "first_feature": 1,
                    "dtype": "float32", "labels": "int64", "bytes": path.stat().st_size,
                    "cache": str(path)}
    assert open_cache(path).X.dtype == np.float32
    told = result("convert", path, tmp_path / "d", "--dtype", "float64")
    assert told["dtype"] == "float64"
    np.testing.assert_array_equal(open_cache(tmp_path / "d").X.data, X.data.astype(float))
    text, notes = run("convert", folder / "dense.npz", path)
    assert notes == ""
    assert "nonzeros       -\n" in text
    assert run("convert", "-", path, input=b"1 1:2\n")[1] == ""
    assert open_cache(path).X.toarray() == [[2]]


def test_y_may_be_absent_where_it_is_not_used(folder, tmp_path):
    np.savez(tmp_path / "new.npz", X=np.load(folder / "dense.npz")["X"])
    run("convert", tmp_path / "new.npz", tmp_path / "new")
    assert open_cache(tmp_path / "new").y is None
    run("train", folder / "text", "--save", tmp_path / "m")
    told = {run("predict", folder / "text", "--model", tmp_path / "m")[0]}
    for name in ("new.npz", "new"):
        told.add(run("predict", tmp_path / name, "--model", tmp_path / "m")[0])
        for args in (["train", tmp_path / name],
                     ["train", folder / "text", "--test", tmp_path / name],
                     ["evaluate", tmp_path / name, "--model", tmp_path / "m"]):
            assert f"{tmp_path / name}: has no y" in run(*args, code=1)[1]
    assert len(told) == 1


def test_types_of_arrays_are_kept(folder, tmp_path):
    """float32 data make a float32 model, unless --dtype asks for another."""
    X = np.load(folder / "dense.npz")["X"].astype(np.float32)
    y = np.load(folder / "dense.npz")["y"]
    np.savez(tmp_path / "d.npz", X=X, y=y)
    save_cache(tmp_path / "c", sp.csr_matrix(X), y)
    for name in ("d.npz", "c"):
        for more, dtype in (([], np.float32), (["--dtype", "float64"], np.float64)):
            told = result("train", tmp_path / name, *more, "--save", tmp_path / "m")
            assert load_model(tmp_path / "m").coef_.dtype == dtype
            assert result("evaluate", tmp_path / name, "--model", tmp_path / "m"
                          ) == told["train"]
    told = result("train", folder / "sparse.fsgd-cache", "--dtype", "float32", "--save",
                  tmp_path / "m")  # a float64 file measured by a float32 model
    assert result("evaluate", folder / "text", "--model", tmp_path / "m") == told["train"]
    assert result("evaluate", folder / "sparse.npz", "--model", tmp_path / "m") == told["train"]


def test_widths(folder, tmp_path):
    run("train", folder / "text", "--n-features", 20, "--save", tmp_path / "wide")
    told = result("train", folder / "sparse.npz", "--n-features", 20, "--save", tmp_path / "m")
    assert told["features"] == 20
    assert "rows" in result("evaluate", folder / "sparse.fsgd-cache", "--model",
                            tmp_path / "wide")
    for args, text in [
        (["train", folder / "dense.npz", "--n-features", 20], "has 9 features, not the 20"),
        (["train", folder / "sparse.npz", "--n-features", 5], "has 9 features, not the 5"),
        (["evaluate", folder / "dense.npz", "--model", tmp_path / "wide"], "not the 20"),
    ]:
        assert text in run(*args, code=1)[1]
    few = sp.csr_matrix(np.load(folder / "dense.npz")["X"][:, :4])
    save_cache(tmp_path / "few", few, np.load(folder / "dense.npz")["y"])
    run("train", tmp_path / "few", "--save", tmp_path / "m")
    _, notes = run("evaluate", folder / "sparse.npz", "--model", tmp_path / "m")
    beyond = np.count_nonzero(np.load(folder / "sparse.npz")["indices"] >= 4)
    assert f"{beyond} values of features beyond the model's 4 are left out" in notes


def test_where_features_start(folder, tmp_path):
    """A cache keeps the number of its first feature, and text and caches must agree on it."""
    run("train", folder / "sparse.fsgd-cache", "--save", tmp_path / "m")
    assert result("inspect", tmp_path / "m")["first_feature"] == 1
    (tmp_path / "t").write_text("3 2:1\n5 9:1\n")
    run("convert", tmp_path / "t", tmp_path / "zero", "--zero-based", "yes")
    assert open_cache(tmp_path / "zero").index_base == 0
    notes = run("predict", tmp_path / "zero", "--model", tmp_path / "m", code=1)[1]
    assert "its features are numbered from 0, here they are asked for from 1" in notes
    assert "convert the text again with --zero-based no" in notes
    assert "are asked for from 0" in run(
        "train", folder / "sparse.fsgd-cache", "--zero-based", "yes", code=1)[1]
    run("train", folder / "sparse.npz", "--save", tmp_path / "m")
    assert not hasattr(load_model(tmp_path / "m"), "_index_base")
    run("train", folder / "sparse.npz", "--zero-based", "no", "--save", tmp_path / "m")
    assert load_model(tmp_path / "m")._index_base == 1
    run("train", folder / "dense.fsgd-cache", "--zero-based", "yes", "--save", tmp_path / "m")
    assert load_model(tmp_path / "m")._index_base == 0


def test_labels_of_text(folder, tmp_path):
    data = np.load(folder / "dense.npz")
    np.savez(tmp_path / "d.npz", X=data["X"], y=np.where(data["y"] == 3, "ham", "spam"))
    told = result("train", tmp_path / "d.npz", "--save", tmp_path / "m")
    assert told["classes"] == ["ham", "spam"]
    assert set(run("predict", tmp_path / "d.npz", "--model", tmp_path / "m")[0].split()) == {
        "ham", "spam"}
    assert result("evaluate", tmp_path / "d.npz", "--model", tmp_path / "m") == told["train"]
    assert "numbers or bools in a cache" in run(
        "convert", tmp_path / "d.npz", tmp_path / "c", code=1)[1]
    assert "y must be numbers to regress" in run(
        "train", tmp_path / "d.npz", "--task", "regress", code=1)[1]


def test_resume_of_a_linear_model_on_a_cache(folder, tmp_path):
    args = [folder / "sparse.fsgd-cache", "--seed", 3, "--tol", "none"]
    run("train", *args, "--epochs", 3, "--save", tmp_path / "m")
    run("train", folder / "sparse.fsgd-cache", "--resume", tmp_path / "m", "--epochs", 6,
        "--save", tmp_path / "m")
    run("train", *args, "--epochs", 6, "--save", tmp_path / "whole")
    np.testing.assert_array_equal(
        load_model(tmp_path / "m").coef_, load_model(tmp_path / "whole").coef_)


def test_what_is_given_in_the_place_of_something_else_is_told_by_name(folder, tmp_path):
    run("train", folder / "text", "--save", tmp_path / "m")
    cache, model = folder / "sparse.fsgd-cache", tmp_path / "m"
    np.save(tmp_path / "a.npy", np.ones(3))
    content = bytearray(cache.read_bytes())
    (tmp_path / "cut").write_bytes(content[:-9])
    for args, text in [
        (["train", model], "is a model file, not data"),
        (["predict", model, "--model", model], "is a model file, not data"),
        (["convert", model, tmp_path / "c"], "is a model file, not data"),
        (["evaluate", cache, "--model", cache], "is a data cache, not a model"),
        (["inspect", cache], "is a data cache, not a model"),
        (["train", folder / "text", "--resume", cache], "is a data cache, not a model"),
        (["inspect", folder / "dense.npz"], "not a fastsgd model file"),
        (["train", tmp_path / "a.npy"], "holds a single array (.npy)"),
        (["train", tmp_path / "cut"], "is cut off"),
        (["convert", folder / "none", tmp_path / "c"], "none: No such file"),
        (["convert", folder / "text", folder / "no" / "c"], "no such folder"),
        (["convert", folder / "text", folder], "is a folder"),
    ]:
        out, notes = run(*args, code=1)
        assert out == ""
        assert text in notes
        assert notes.startswith("fastsgd: error: ")
        assert notes.count("\n") == 1
    for option in (["--dtype", "int"], ["--zero-based", "x"], ["--n-features", 0]):
        assert option[0] in run("convert", "/nowhere", tmp_path / "c", *option, code=2)[1]


def test_a_named_pipe_is_text_and_not_looked_into(tmp_path):
    """As that of `fastsgd train <(zcat ...)`: bytes read from it would be gone."""
    os.mkfifo(tmp_path / "pipe")
    both_ends = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(both_ends, b"1 1:0.5\n" * 9)
        assert format_of(tmp_path / "pipe").name == "text"
        assert os.read(both_ends, 1000) == b"1 1:0.5\n" * 9
    finally:
        os.close(both_ends)


def test_json_of_a_pipe_is_one_object(folder):
    with open(folder / "text", "rb") as file:
        out, _ = run("train", "-", "--json", "--quiet", input=file.read())
    assert json.loads(out)["train"]["rows"] == 100
