"""scikit-learn's callback protocol (1.9): who is called when, and with what."""

import numpy as np
import pytest

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn >= 1.9 has callbacks")

from sklearn.utils.validation import check_is_fitted  # noqa: E402

from fastsgd import FastSGDClassifier, FastSGDRegressor  # noqa: E402

rng = np.random.default_rng(0)
X = rng.standard_normal((90, 4))
Y2, Y3 = np.where(X[:, 0] > 0, "up", "down"), np.arange(90) % 3


class Recorder:
    """Notes every call; asks to stop at the end of the epoch number `stop_at`."""

    def __init__(self, stop_at=None):
        self.calls, self.models, self.stop_at, self.y = [], [], stop_at, None

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.calls.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name))
        if context.task_name == "epoch":
            self.y = y
            self.models.append(fitted_estimator)
            return self.stop_at is not None and context.task_id + 1 >= self.stop_at
        return False


def kinds(recorder, name):
    return [kind for kind, task in recorder.calls if task == name]


@pytest.mark.parametrize("average", [False, True])
def test_every_epoch_begins_and_ends_with_a_usable_model(average):
    recorder = Recorder()
    model = FastSGDClassifier(max_iter=4, tol=None, random_state=0, average=average)
    model.set_callbacks(recorder).fit(X, Y2)
    assert recorder.calls[0][0] == "setup"
    assert recorder.calls[-1][0] == "teardown"
    assert kinds(recorder, "epoch") == ["begin", "end"] * 4
    assert np.array_equal(recorder.y, Y2)
    for epochs, fitted in enumerate(recorder.models, start=1):
        check_is_fitted(fitted)
        alone = FastSGDClassifier(max_iter=epochs, tol=None, random_state=0, average=average)
        assert np.array_equal(fitted.coef_, alone.fit(X, Y2).coef_)
        assert set(fitted.predict(X)) <= {"up", "down"}


@pytest.mark.parametrize("y", [Y2, Y3])
def test_true_stops_the_training(y):
    recorder = Recorder(stop_at=3)
    model = FastSGDClassifier(max_iter=50, tol=None, random_state=0).set_callbacks(recorder)
    model.fit(X, y)
    n_models = 1 if y is Y2 else 3
    assert model.n_iter_ == 3
    assert kinds(recorder, "epoch") == ["begin", "end"] * 3 * n_models
    if n_models == 3:
        assert kinds(recorder, "model") == ["begin", "end"] * 3
    alone = FastSGDClassifier(max_iter=3, tol=None, random_state=0).fit(X, y)
    assert np.array_equal(model.coef_, alone.coef_)


def test_tolerance_ends_every_task_that_began():
    recorder = Recorder()
    model = FastSGDClassifier(max_iter=1000, random_state=0).set_callbacks(recorder).fit(X, Y3)
    assert model.n_iter_ < 1000
    for name in ("epoch", "model", "fit"):
        assert kinds(recorder, name).count("begin") == kinds(recorder, name).count("end")


def test_partial_fit_and_regressor():
    recorder = Recorder()
    model = FastSGDRegressor(random_state=0).set_callbacks(recorder)
    model.partial_fit(X, X[:, 0]).partial_fit(X, X[:, 0])
    assert kinds(recorder, "epoch") == ["begin", "end"] * 2
    assert recorder.models[-1].predict(X).shape == (90,)


@pytest.mark.parametrize("y", [Y2, Y3])
def test_scoring_monitor_of_scikit_learn(y):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = FastSGDClassifier(max_iter=4, tol=None, random_state=0).set_callbacks(monitor)
    model.fit(X, y)
    scores = [row["accuracy"] for row in monitor.get_logs().data if "accuracy" in row]
    assert len(scores) >= 4
    assert scores[-1] == model.score(X, y)
