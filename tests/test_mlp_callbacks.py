"""scikit-learn's callback protocol (1.9) on MLPs: who is called when, and with what."""

import numpy as np
import pytest

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn >= 1.9 has callbacks")

from scipy import sparse  # noqa: E402
from sklearn.utils.validation import check_is_fitted  # noqa: E402
from test_callbacks import Recorder, kinds  # noqa: E402

from fastsgd import FastMLPClassifier, FastMLPRegressor, load_model, save_model  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
rng = np.random.default_rng(0)
X = rng.standard_normal((90, 4)) * (rng.random((90, 4)) < 0.6)
Y2, Y3 = np.where(X[:, 0] > 0, "up", "down"), np.arange(90) % 3
LABELS = np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int)
GIVEN = {"hidden_layer_sizes": (5,), "tol": 0, "random_state": 0, "batch_size": 30}


def weights(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


@pytest.mark.parametrize("more", [{}, {"solver": "lbfgs"}, {"early_stopping": True},
                                  {"sync": "hogwild", "n_jobs": 2}], ids=str)
def test_every_epoch_begins_and_ends_with_a_usable_model(more):
    recorder = Recorder()
    model = FastMLPClassifier(max_iter=4, **{**GIVEN, **more}).set_callbacks(recorder)
    model.fit(sparse.csr_array(X), Y2)
    assert recorder.calls[0][0] == "setup"
    assert recorder.calls[-1][0] == "teardown"
    assert kinds(recorder, "fit") == ["setup", "begin", "end", "teardown"]
    assert kinds(recorder, "epoch") == ["begin", "end"] * 4
    assert np.array_equal(recorder.y, Y2)
    for epochs, fitted in enumerate(recorder.models, start=1):
        check_is_fitted(fitted)
        assert set(fitted.predict(X)) <= {"up", "down"}
        assert fitted.n_iter_ == epochs
        if not {"sync", "early_stopping"} & set(more):  # whose fits show the best so far
            alone = FastMLPClassifier(max_iter=epochs, **{**GIVEN, **more})
            np.testing.assert_array_equal(
                weights(fitted), weights(alone.fit(sparse.csr_array(X), Y2)))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_true_stops_the_training(solver):
    recorder = Recorder(stop_at=3)
    model = FastMLPClassifier(max_iter=50, **GIVEN, solver=solver).set_callbacks(recorder)
    model.fit(X, Y3)
    assert model.n_iter_ == 3
    assert model.fit_stats_["stopped_by"] == "callback"
    assert kinds(recorder, "epoch") == ["begin", "end"] * 3
    alone = FastMLPClassifier(max_iter=3, **GIVEN, solver=solver).fit(X, Y3)
    np.testing.assert_array_equal(weights(model), weights(alone))


@pytest.mark.parametrize("more", [{"tol": 1.0}, {"max_time": 1e-9, "batch_size": 1},
                                  {"solver": "lbfgs", "tol": 0.01}], ids=str)
def test_every_task_that_began_ends(more):
    recorder = Recorder()
    model = FastMLPClassifier(max_iter=1000, **{**GIVEN, **more}).set_callbacks(recorder)
    assert model.fit(X, Y2).n_iter_ < 1000
    for name in ("epoch", "fit"):
        assert kinds(recorder, name).count("begin") == kinds(recorder, name).count("end") > 0


def test_partial_fit_resume_and_regressor():
    recorder = Recorder()
    model = FastMLPRegressor(**GIVEN).set_callbacks(recorder)
    model.partial_fit(X, X[:, 0]).partial_fit(X, X[:, 0])
    assert kinds(recorder, "epoch") == ["begin", "end"] * 2
    assert recorder.models[-1].predict(X).shape == (90,)
    model.resume(X, X[:, 0], max_iter=5)
    assert kinds(recorder, "epoch") == ["begin", "end"] * 5
    model.resume(X, X[:, 0], max_iter=5)
    assert kinds(recorder, "fit") == ["setup", "begin", "end", "teardown"] * 4
    assert kinds(recorder, "epoch") == ["begin", "end"] * 5


@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_model_of_an_epoch_is_a_checkpoint(tmp_path, early_stopping):
    """Saved within a callback it goes on with the bits of the fit that went on without it."""
    class Checkpoint(Recorder):
        def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
            if context.task_name == "epoch":
                save_model(fitted_estimator, tmp_path / str(fitted_estimator.n_iter_))
            return False

    given = {**GIVEN, "early_stopping": early_stopping, "dropout": 0.2}
    model = FastMLPClassifier(max_iter=6, **given).set_callbacks(Checkpoint())
    model.fit(sparse.csr_array(X), Y2)
    for epochs in (1, 4, 6):
        again = load_model(tmp_path / str(epochs))
        assert again.n_iter_ == epochs
        if epochs < 6:
            again.resume(sparse.csr_array(X), Y2)
        else:  # the callback was told before the best weights were shown
            assert again._states[0].curve == model.loss_curve_
            continue
        np.testing.assert_array_equal(weights(again), weights(model))
        assert again.loss_curve_ == model.loss_curve_


def test_models_that_a_callback_keeps_stay_as_they_were():
    recorder = Recorder()
    model = FastMLPClassifier(max_iter=5, **GIVEN).set_callbacks(recorder).fit(X, Y2)
    second = recorder.models[1].set_callbacks()
    assert second.n_iter_ == len(second.loss_curve_) == 2
    np.testing.assert_array_equal(weights(second.resume(X, Y2)), weights(model))


@pytest.mark.parametrize("y", [Y2, Y3, LABELS], ids=["two", "three", "labels"])
def test_scoring_monitor_of_scikit_learn(y):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = FastMLPClassifier(max_iter=4, **GIVEN).set_callbacks(monitor)
    model.fit(X, y)
    scores = [row["accuracy"] for row in monitor.get_logs().data if "accuracy" in row]
    assert len(scores) >= 4
    assert scores[-1] == model.score(X, y)
