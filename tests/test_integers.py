"""Every whole number of the estimators and of the command line: it works, or its range is told."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from test_cli import run

from fastsgd import (
    FastMLPClassifier,
    FastMLPRegressor,
    FastSGDClassifier,
    FastSGDRegressor,
    LayerPipeline,
    Workers,
    load_svmlight,
)
from fastsgd._integers import LARGEST, MOST_FEATURES, MOST_THREADS, MOST_UNITS, RANGES
from fastsgd.checkpoints import train_in_legs
from fastsgd.plan.threads import count_threads

ROWS = 60
X = sp.random(ROWS, 9, 0.4, format="csr", random_state=0)
Y = np.arange(ROWS) % 2
TYPES = (int, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64)
HUGE = (2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**70)
LINEAR = (FastSGDClassifier, FastSGDRegressor)
MLPS = (FastMLPClassifier, FastMLPRegressor)
WAYS = {  # parameter -> what else is set where it counts
    "max_iter": ({}, {"solver": "lbfgs", "loss": "squared_error"}),
    "n_iter_no_change": ({}, {"early_stopping": True}),
    "batch_size": ({"solver": "gd"}, {"solver": "sgd"}),
    "merge_every": ({"sync": "merge", "n_jobs": 2},),
    "average": ({}, {"penalty": "l1"}),
    "max_fun": ({"solver": "lbfgs"},),
    "n_jobs": ({"sync": "merge"}, {"sync": "hogwild"}),
    "random_state": ({}, {"early_stopping": True}),
    "hidden_layer_sizes": ({},),
    "verbose": ({},),
}


def cells():
    for cls in (*LINEAR, *MLPS):
        own = cls().get_params()
        for name, ways in WAYS.items():
            for way in ways:
                if name in own and set(way) <= set(own):
                    if name == "batch_size" and (way["solver"] == "gd") != (cls in LINEAR):
                        continue
                    if cls is FastSGDClassifier and "loss" in way:
                        way = {**way, "loss": "log_loss"}
                    if cls in MLPS:
                        way = {key: value for key, value in way.items() if key != "loss"}
                    yield pytest.param(cls, name, way, id=f"{cls.__name__}-{name}-{way}")


def fitted(cls, how, **params):
    """Whether it was fitted; a ValueError that names its parameter means no."""
    name = how["name"]
    given = {"max_iter": 2, "random_state": 0, "max_time": 5.0, **how["way"], **params}
    if cls in MLPS and name != "hidden_layer_sizes":
        given["hidden_layer_sizes"] = (3,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            cls(**given).fit(X, Y)
        except ValueError as error:
            assert name in str(error), error  # noqa: PT017
            return False
    return True


@pytest.mark.parametrize(("cls", "name", "way"), list(cells()))
def test_each_parameter_of_any_size_and_width(cls, name, way):
    how = {"name": name, "way": way}
    for value in HUGE:
        if name == "max_iter" and value <= LARGEST:
            how["way"] = {**way, "max_time": 0.05}
        if name == "verbose":
            continue
        most = {"hidden_layer_sizes": MOST_UNITS, "random_state": 2**32 - 1}.get(name)
        most = RANGES[name][1] if most is None and name in RANGES else most
        assert fitted(cls, how, **{name: value}) == (value <= most)
    for value in (-1, -(2**63), -(2**70)):
        if name != "verbose":
            assert fitted(cls, how, **{name: value}) == (name == "n_jobs" and value == -1)
    for kind in TYPES:
        assert fitted(cls, how, **{name: 0 if name == "verbose" else kind(2)})
    if name not in ("verbose", "n_jobs", "random_state"):
        for kind in TYPES[1::2]:  # signed
            assert not fitted(cls, how, **{name: kind(-1)})
        for kind in TYPES[2::2]:
            if name not in ("hidden_layer_sizes", "max_iter"):
                value = kind(np.iinfo(kind).max)
                assert fitted(cls, how, **{name: value}) == (int(value) <= LARGEST)


@pytest.mark.parametrize("name", [name for name in RANGES if name != "max_fun"])
def test_partial_fit_of_a_fitted_model_asks_again(name):
    """scikit-learn checks parameters in the first call only; a model's file may tell them too."""
    for cls in (FastSGDClassifier, FastMLPClassifier):
        model = cls(random_state=0).partial_fit(X, Y, classes=[0, 1])
        if name in model.get_params():
            for value in (RANGES[name][0] - 1, RANGES[name][1] + 1, np.uint64(2**64 - 1)):
                model.set_params(**{name: value})
                with pytest.raises(ValueError, match=f"{name} must be an int >= .* and <="):
                    model.partial_fit(X, Y)


def test_threads_have_a_bound():
    assert count_threads(MOST_THREADS) == MOST_THREADS
    assert type(count_threads(np.int8(3))) is int
    assert count_threads(-MOST_THREADS) == 1
    for n_jobs in (MOST_THREADS + 1, 10**6, 10**18, -10**18):
        with pytest.raises(ValueError, match="n_jobs must be an int >= -1024 and <= 1024"):
            count_threads(n_jobs)
        for sync in ("auto", "hogwild", "merge", "round_robin", "classes"):
            with pytest.raises(ValueError, match="n_jobs"):
                FastSGDClassifier(n_jobs=n_jobs, sync=sync).fit(X, Y)


@pytest.mark.parametrize("sync", ["hogwild", "merge"])
def test_threads_of_minibatches_are_no_more_than_these(sync):
    models = [FastMLPClassifier((3,), batch_size=20, sync=sync, n_jobs=n_jobs, max_iter=2,
                                tol=0.0, random_state=0) for n_jobs in (3, MOST_THREADS)]
    for model in models:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert model.fit(X, Y).fit_stats_["threads"] == 3
    if sync == "merge":
        np.testing.assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])


@pytest.mark.parametrize("value", [0, -1, 2**63, 2**70, np.uint64(2**64 - 1), True, 2.0, "3"])
def test_numbers_of_workers_stages_and_legs(value, tmp_path):
    for make, name in ((lambda: Workers(n=value, comm="mpi"), "n"),
                       (lambda: Workers(2, local_steps=value), "local_steps"),
                       (lambda: LayerPipeline(stages=value), "stages"),
                       (lambda: LayerPipeline(micro_batches=value), "micro_batches"),
                       (lambda: FastSGDClassifier().fit(X, Y).resume(X, Y, max_iter=value),
                        "max_iter"),
                       (lambda: train_in_legs(FastSGDClassifier(), X, Y, tmp_path / "m",
                                              every=value), "every")):
        with pytest.raises(ValueError, match=f"{name}.* must be an int >= 1"):
            make()
    assert Workers(n=np.uint8(200), comm="mpi").n == 200


@pytest.mark.parametrize("value", [0, -1, 2**63 - 1, 2**70, np.uint64(2**64 - 1)])
def test_numbers_of_the_reader(value):
    with pytest.raises(ValueError, match="n_features must be from 1 to 9223372036854775806"):
        load_svmlight("none", n_features=value)
    if value > 2**63:
        with pytest.raises(ValueError, match="a file descriptor must be"):
            load_svmlight(int(value))


def test_models_of_more_features_than_there_is_room_for():
    wide = sp.csr_matrix((np.ones(2), np.array([0, 2**62]), np.array([0, 1, 2])),
                         shape=(2, 2**62 + 1))
    for cls in (*LINEAR, *MLPS):
        with pytest.raises(ValueError, match=r"X has 4611686018427387905 features, .* at most"):
            cls().fit(wide, [0, 1])


@pytest.mark.parametrize(("option", "most", "more"), [
    ("--epochs", LARGEST, ["--max-time", "0.05"]), ("--n-iter-no-change", LARGEST, []),
    ("--seed", 2**32 - 1, []), ("--n-jobs", MOST_THREADS, []), ("--average", LARGEST, []),
    ("--batch-size", LARGEST, ["--solver", "gd"]), ("--hidden", None, ["--kind", "mlp"]),
    ("--batch-size", LARGEST, ["--kind", "mlp"]), ("--n-features", None, []),
    ("--local-steps", LARGEST, ["--workers", 2, "--comm", "thread"]),
    ("--workers", None, ["--comm", "thread"]), ("--every", LARGEST, ["--checkpoint", "c"])])
def test_options_are_refused_before_data_are_read(tmp_path, monkeypatch, option, most, more):
    monkeypatch.chdir(tmp_path)
    beyond = 2**63 if most is None else most + 1
    for value in (beyond, 2**70, -(2**70)):
        said = run("train", "no-such-file", *more, option, value, code=2)[1]
        assert any(word in said for word in (option, option[2:].replace("-", "_"), "n must be",
                                             "hidden_layer_sizes", "Workers:"))
    if most is not None:
        (tmp_path / "rows").write_text("1 1:1\n0 2:1\n" * 20)
        again = [] if option == "--epochs" else ["--epochs", 2]
        run("train", "rows", *again, *more, option, most)


def test_more_features_than_an_option_may_ask_for(tmp_path):
    assert str(MOST_FEATURES) in run(
        "train", "none", "--n-features", MOST_FEATURES + 1, code=2)[1]


@pytest.mark.parametrize(("make", "name"), [
    (FastSGDClassifier, "C"), (FastSGDClassifier, "alpha"), (FastSGDRegressor, "eta0"),
    (FastSGDRegressor, "epsilon"), (FastMLPClassifier, "learning_rate_init")])
def test_whole_numbers_that_no_float_holds_are_refused_by_name(make, name):
    """10**400 is a number to scikit-learn's checks; float() of it is an OverflowError."""
    with pytest.raises(ValueError, match=rf"{name} must be .* got an int of 1329 bits"):
        make(**{name: 10**400}).fit(np.eye(4), np.arange(4) % 2)
