"""`--kind mlp`: kinds and files, options, what is told of those that cannot be."""

# ruff: noqa: F811 (fixtures that are imported)

import re

import numpy as np
import pytest
from test_cli import result, run
from test_cli_mlp import MLP, folder  # noqa: F401

from fastsgd import FastMLPClassifier, FastMLPRegressor, FastSGDClassifier, load_model
from fastsgd.cli.estimator import FREE_ON_RESUME
from fastsgd.cli.kinds import KINDS


def test_kind_and_file(folder, tmp_path, monkeypatch):
    """`--kind mlp --save m`, in any order; a file may be called as a kind is."""
    monkeypatch.chdir(tmp_path)
    short = ["train", folder / "two", "--epochs", 1, "--quiet"]
    for args, name, kind in [
        (["--kind", "mlp", "--save", "a"], "a", FastMLPClassifier),
        (["--save", "b", "--kind", "mlp"], "b", FastMLPClassifier),
        (["--save", "c"], "c", FastSGDClassifier),
        (["--kind", "linear", "--save", "d"], "d", FastSGDClassifier),
        (["--kind", "mlp", "--save", "mlp"], "mlp", FastMLPClassifier),
    ]:
        run(*short, *args)
        assert type(load_model(tmp_path / name)) is kind
    assert sorted(p.name for p in tmp_path.iterdir()) == [*"abcd", "mlp"]
    assert "--kind: must be linear or mlp, got m" in run(*short, "--kind", "m", code=2)[1]
    assert result(*short, "--kind", "mlp")["model"] is None


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
    run("train", folder / "two", "--kind", "mlp", "--save", tmp_path / "m", "--hidden", "5, 3",
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


def test_what_may_change_on_resume(folder, tmp_path):
    data, path = folder / "three", tmp_path / "m"
    run("train", data, *MLP, "--epochs", 2, "--tol", "none", "--save", path)
    for args, text in [
        (["--alpha", 1], "--alpha: cannot change"), (["--hidden", 3], "--hidden: cannot change"),
        (["--gap", 0.1], "--gap: for --kind linear only"),
        (["--kind", "linear"], "--kind: the model that is resumed is of kind mlp"),
        (["--dtype", "float32"], "--dtype"), (["--seed", 3], "--seed"),
    ]:
        assert text in run("train", data, "--resume", path, *args, code=2)[1]
    only = run("train", data, "--resume", path, "--alpha", 1, code=2)[1]
    assert "--epochs, --max-time, --n-iter-no-change, --n-jobs, --sync, --tol can" in only
    assert set(KINDS["linear"].only) & FREE_ON_RESUME == {"gap"}
    assert load_model(path).n_iter_no_change == np.inf
    told = result("train", data, "--resume", path, "--epochs", 500, "--tol", 0.5, "--save", path)
    assert told["stopped_by"] == "tol"  # which counts epochs again
    assert load_model(path).n_iter_no_change == 10
    (tmp_path / "few").write_text("0 1:1\n1 2:1\n2 3:1\n")
    assert "goes on with the 300 rows of the last fit, got 3" in run(
        "train", tmp_path / "few", "--resume", path, "--epochs", 900, code=1)[1]


@pytest.mark.parametrize(("option", "text"), [
    (["--penalty", "l2"], "--penalty: for --kind linear only, and this is --kind mlp"),
    (["--C", 1, "--gap", 0.1, "--average", 5, "--no-intercept", "--l1-ratio", 0.5, "--epsilon",
      1], "--C, --l1-ratio, --epsilon, --no-intercept, --gap, --average: for --kind linear"),
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
    (["--loss", "hinge"], "--loss: hinge is not a loss with which --kind mlp can classify"),
    (["--loss", "log_loss", "--task", "regress"], "--loss"), (["--alpha", -1], "--alpha"),
    (["--loss", "poisson", "--task", "classify"], "--loss"), (["--tol", "x"], "--tol"),
    (["--task", "regress", "--class-weight", "balanced"], "--class-weight"),
    (["--class-weight", "balanced_running"], "--class-weight"), (["--sync", "x"], "--sync"),
    (["--sync", "classes"], "--sync"), (["--n-jobs", 0], "n_jobs"), (["--epochs", 0], "--epochs"),
    (["--max-time", 0], "--max-time"), (["--seed", -1], "--seed"),
])
def test_usage_is_checked_before_the_data_are_read(option, text):
    _, notes = run("train", "/nowhere/at/all", "--kind", "mlp", *option, code=2)
    assert text in notes


def test_options_of_mlps_do_not_apply_to_linear_models():
    for more in ([], ["--kind", "linear"], ["--save", "file"]):
        _, notes = run("train", "/nowhere", *more, "--hidden", 3, "--activation", "tanh",
                       "--learning-rate-init", 1, "--momentum", 0.5, "--dropout", 0.1, "--lazy",
                       "yes", "--init", "he", code=2)
        for name in ("--hidden", "--activation", "--learning-rate-init", "--momentum",
                     "--dropout", "--lazy", "--init"):
            assert name in notes.split(": for --kind mlp only, and this is --kind linear")[0]


def test_failures_have_one_line(folder, tmp_path):
    run("train", folder / "three", *MLP, "--epochs", 1, "--save", tmp_path / "m")
    for args, text in [
        (["train", folder / "three-dense.npz", *MLP, "--lazy", "yes"], "lazy=True"),
        (["train", folder / "pairs.npz", *MLP], "indicator of 0 and 1; got -0.99"),
        (["train", folder / "three", *MLP, "--solver", "sgd", "--learning-rate-init", 1e300],
         "non-finite"),
        (["evaluate", folder / "pairs.npz", "--model", tmp_path / "m"], "y has 2 columns"),
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


def test_help_tells_the_defaults_of_mlps():
    text = " ".join(run("train", "--help")[0].split())
    defaults = FastMLPClassifier().get_params()
    for option, name in [
        ("--epochs", "max_iter"), ("--tol", "tol"), ("--n-iter-no-change", "n_iter_no_change"),
        ("--learning-rate", "learning_rate"), ("--solver", "solver"), ("--loss", "loss")]:
        told = re.split(rf" {option} [A-Z]", text)[1].split("[default: ")[1].split(")]")[0]
        assert f"MLP: {defaults[name]}" in told, (option, told)
    for option, name in [
        ("--activation", "activation"), ("--learning-rate-init", "learning_rate_init"),
        ("--momentum", "momentum"), ("--init", "init"), ("--lazy", "lazy"), ("--alpha", "alpha"),
        ("--validation-fraction", "validation_fraction"), ("--sync", "sync")]:
        told = re.split(rf" {option} [A-Z]", text)[1].split("[default: ")[1]
        assert told.startswith(f"({defaults[name]}"), (option, told[:40])
    assert "[default: (100)]" in text
    assert defaults["hidden_layer_sizes"] == (100,)
