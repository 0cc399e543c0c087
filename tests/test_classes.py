"""sync='classes': beside separate fits, the same bits for any number of threads, stopping."""

import pickle
import signal
import threading
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastSGDClassifier, load_model, save_model
from fastsgd.engine.linear.classes import share
from fastsgd.errors import DivergenceError
from fastsgd.losses import LOSSES
from fastsgd.plan.threads import choose_sync

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
N, D, K = 1500, 60, 40
X = sparse.random_array((N, D), density=0.2, format="csr", rng=rng)
Y = np.argmax(X @ rng.standard_normal((D, K)), axis=1)
Y[:2 * K] = np.arange(2 * K) % K  # early_stopping needs two rows of each class


def fit(sync="classes", X=X, y=Y, **kwargs):
    kwargs = {"max_iter": 5, "tol": None, "random_state": 0, **kwargs}
    return FastSGDClassifier(kwargs.pop("loss", "hinge"), sync=sync, **kwargs).fit(X, y)


def same(a, b):
    return np.array_equal(a.coef_, b.coef_) and np.array_equal(a.intercept_, b.intercept_)


def objective(model, X=X):
    """The mean over the classes of mean loss + alpha |w|^2 / 2."""
    signs = np.where(model.classes_ == Y[:, None], 1.0, -1.0)
    z = (X @ model.coef_.T + model.intercept_).ravel()
    loss = LOSSES[model.loss].value(z, signs.ravel(), model.epsilon).mean()
    return loss + 0.5 * model.alpha * np.mean(np.sum(model.coef_**2, axis=1))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", ["l2", None])
def test_without_shuffling_it_is_the_separate_fits(loss, penalty):
    kwargs = {"loss": loss, "penalty": penalty, "shuffle": False, "learning_rate": "invscaling"}
    for Z in (X, X.toarray()):
        one, apart = fit(X=Z, **kwargs), fit("serial", X=Z, **kwargs)
        assert one.fit_stats_["sync"] == "classes"
        assert apart.fit_stats_["sync"] == "serial"
        np.testing.assert_allclose(one.coef_, apart.coef_, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(one.intercept_, apart.intercept_, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(one.loss_curve_, apart.loss_curve_, rtol=1e-9)
        assert (one.t_, one.n_iter_) == (apart.t_, apart.n_iter_)


@pytest.mark.parametrize("schedule", ["optimal", "constant", "invscaling", "cosine", "pa1", "pa2"])
def test_schedules_and_weights_of_classes_are_those_of_separate_fits(schedule):
    kwargs = {"learning_rate": schedule, "shuffle": False, "class_weight": "balanced"}
    weight = rng.random(N)
    make = lambda sync: FastSGDClassifier(  # noqa: E731
        sync=sync, max_iter=3, tol=None, **kwargs).fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(
        make("classes").coef_, make("serial").coef_, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_shuffled_it_ends_at_the_same_objective(loss):
    """One order of rows for all classes instead of one each: 20 epochs, 1 %."""
    one, apart = (fit(sync, loss=loss, max_iter=20, alpha=1e-3) for sync in ("classes", "serial"))
    assert objective(one) == pytest.approx(objective(apart), rel=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [
    {}, {"loss": "log_loss"}, {"shuffle": "rows"}, {"tol": 1e-3, "max_iter": 200},
    {"early_stopping": True, "tol": 1e-3, "max_iter": 200},
], ids=str)
def test_the_same_bits_for_any_number_of_threads(dtype, options):
    Z, most = X.astype(dtype), 3 if dtype == np.float32 else 5  # cache lines of 40 classes
    models = [fit(X=Z, n_jobs=n_jobs, **options) for n_jobs in (1, 2, 3, 8)]
    assert [model.fit_stats_["threads"] for model in models] == [1, 2, 3, most]
    assert models[0].coef_.dtype == dtype
    for model in models[1:]:
        assert same(models[0], model)
        assert model.loss_curve_ == models[0].loss_curve_


def test_threads_own_whole_cache_lines():
    parts = share(np.arange(101), 2, np.float32)
    assert [len(part) for part in parts] == [48, 53]
    assert [len(part) for part in share(np.arange(20), 8, np.float32)] == [16, 4]
    assert [len(part) for part in share(np.arange(3), 2, np.float64)] == [3]


def test_auto_takes_it_where_it_pays():
    assert fit("auto").fit_stats_["sync"] == "classes"
    assert fit("auto", average=True).fit_stats_["sync"] == "serial"
    assert fit("auto", penalty="l1").fit_stats_["sync"] == "serial"
    assert fit("auto", learning_rate="adaptive").fit_stats_["sync"] == "serial"
    assert fit("auto", y=Y > 3).fit_stats_["sync"] == "serial"
    assert fit("classes", y=Y > 3).fit_stats_["sync"] == "serial"
    kwargs = {"n_features": 4, "averaged": False, "seeded": True, "merge_pays": lambda _: False}
    assert choose_sync("auto", None, nnz=600, one_pass=3, **kwargs) == ("serial", 1)
    assert choose_sync("auto", None, nnz=10_000, one_pass=3, **kwargs) == ("classes", 1)
    assert choose_sync("auto", 2, nnz=10_000, one_pass=3, **kwargs) == ("classes", 2)
    assert choose_sync("classes", 2, nnz=600, one_pass=3, **kwargs) == ("classes", 2)
    assert choose_sync("hogwild", 2, nnz=10**7, one_pass=3, **kwargs) == ("hogwild", 2)


@pytest.mark.parametrize(("options", "message"), [
    ({"penalty": "l1"}, "penalty='l1'"), ({"penalty": "elasticnet"}, "only 'l2' and None"),
    ({"average": 10}, "average=10"), ({"learning_rate": "adaptive"}, "'adaptive'"),
])
def test_what_it_cannot_do_is_refused_before_any_work(options, message):
    for y in (Y, Y > 3):
        model = FastSGDClassifier(sync="classes", **options)
        with pytest.raises(ValueError, match=f"sync='classes' .*{message}.*use sync='auto'"):
            model.fit(X, y)
        assert not hasattr(model, "coef_")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_every_class_stops_by_itself_and_keeps_its_weights(early_stopping):
    kwargs = {"tol": 2e-4, "n_iter_no_change": 2, "shuffle": False, "max_iter": 100,
              "early_stopping": early_stopping, "n_jobs": 2}
    one, apart = fit(**kwargs), fit("serial", **kwargs)
    epochs = [state.epoch for state in one._states]
    assert len(set(epochs)) > 3
    assert epochs == [state.epoch for state in apart._states]
    assert [state.t for state in one._states] == [state.t for state in apart._states]
    assert one.n_iter_ == max(epochs) < 100
    np.testing.assert_allclose(one.coef_, apart.coef_, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(one.loss_curve_, apart.loss_curve_, rtol=1e-9)


def test_parts_of_a_training_are_the_whole(tmp_path):
    kwargs = {"tol": 2e-4, "n_iter_no_change": 2, "max_iter": 30}
    whole = fit(**kwargs)
    assert len({state.epoch for state in whole._states}) > 3
    parts = fit(**{**kwargs, "max_iter": 3})
    for epochs in (9, 30):
        save_model(parts, tmp_path / "m")
        parts = load_model(tmp_path / "m").resume(X, Y, max_iter=epochs)
    assert same(whole, parts)
    assert whole.loss_curve_ == parts.loss_curve_
    assert (whole.n_iter_, whole.t_) == (parts.n_iter_, parts.t_)


def test_partial_fit_pickle_and_warm_start():
    whole = fit(shuffle=False)
    parts = FastSGDClassifier(sync="classes", shuffle=False, random_state=0)
    for _ in range(5):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, Y, classes=np.arange(K))))
    assert same(whole, parts)
    assert parts.t_ == whole.t_ == 1 + 5 * N
    warm = fit(warm_start=True, n_jobs=2)
    coef, intercept = warm.coef_.copy(), warm.intercept_.copy()
    again = FastSGDClassifier(sync="classes", max_iter=5, tol=None, random_state=0)
    assert same(warm.fit(X, Y), again.fit(X, Y, coef_init=coef, intercept_init=intercept))
    assert not same(warm, whole)


def test_models_at_different_steps_go_on_each_from_its_own():
    kwargs = {"tol": 2e-4, "n_iter_no_change": 2, "shuffle": False, "max_iter": 100}
    one, apart = fit(**kwargs).partial_fit(X, Y), fit("serial", **kwargs).partial_fit(X, Y)
    assert [state.t for state in one._states] == [state.t for state in apart._states]
    np.testing.assert_allclose(one.coef_, apart.coef_, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_divergence_is_told_and_leaves_the_last_good_weights(n_jobs):
    model = fit(loss="squared_error", n_jobs=n_jobs)
    before, t = model.coef_.copy(), model.t_
    model.set_params(learning_rate="constant", eta0=1e10, alpha=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DivergenceError, match=r"epoch #1\b"):
            model.partial_fit(X * 1e300, Y)
    assert np.array_equal(model.coef_, before)
    assert model.t_ == t


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_leaves_all_models_usable(n_jobs):
    model = FastSGDClassifier(sync="classes", max_iter=10**8, tol=None, n_jobs=n_jobs)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    timer.join()
    assert model.coef_.shape == (K, D)
    assert np.isfinite(model.coef_).all()
    assert np.any(model.coef_, axis=1).all()
    assert min(state.t for state in model._states) > N
    assert not [t for t in threading.enumerate() if t.name.startswith("fastsgd")]
    t = [state.t for state in model._states]
    model.partial_fit(X, Y)
    assert [state.t for state in model._states] == [before + N for before in t]


def test_verbose_tells_of_all_classes_at_once(capsys):
    fit(verbose=1, max_iter=3)
    told = capsys.readouterr().out
    assert told.count("-- Epoch") == 3
    assert "Objective: 0." in told


def test_a_hook_may_end_it():
    model = FastSGDClassifier(sync="classes", max_iter=50, tol=None)
    told = []
    model._epoch_hook = lambda k, epoch: told.append((k, epoch.objective)) or len(told) == 3
    model.fit(X, Y)
    assert [k for k, _ in told] == [None] * 3
    assert [objective for _, objective in told] == pytest.approx(model.loss_curve_, rel=1e-12)
    assert model.n_iter_ == 3


def test_epochs_are_the_subtasks_of_callbacks():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn >= 1.9 has callbacks")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = FastSGDClassifier(sync="classes", max_iter=4, tol=None, random_state=0)
    model.set_callbacks(monitor).fit(X, Y)
    scores = [row["accuracy"] for row in monitor.get_logs().data if "accuracy" in row]
    assert {fit(max_iter=epochs).score(X, Y) for epochs in (1, 2, 3, 4)} == set(scores)
    assert scores[-1] == model.score(X, Y)


def test_warns_where_some_class_did_not_come_to_rest():
    with pytest.warns(ConvergenceWarning, match="Maximum number of iteration"):
        fit(tol=1e-9, max_iter=3)
