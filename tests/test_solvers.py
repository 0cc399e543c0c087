"""gd, lbfgs and newton-cg: the optima of others, the same bits by any threads, what is told."""


import numpy as np
import pytest
from kernel_reference import small_matrix, small_problem
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC, LinearSVR

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.engine.linear.solvers import TRAIN, TRAIN_TOGETHER
from fastsgd.losses import LOSSES
from fastsgd.penalties import make_penalty
from fastsgd.schedules import SCHEDULES, Backtracking, Cosine
from fastsgd.solvers import SOLVERS

SMOOTH = [name for name, loss in LOSSES.items() if loss.smooth]
SMOOTH_SOLVERS = [name for name, solver in SOLVERS.items() if solver.smooth_only]
OF_SUMS = [name for name, solver in SOLVERS.items()
           if "map_reduce" in solver.syncs and not solver.kinked_only]
ALPHA = 0.01
rng = np.random.default_rng(0)
WEIGHT = rng.random(150) + 0.1


def model_for(loss, **options):
    """The regressor for its losses, else the classifier."""
    kind = FastSGDClassifier if LOSSES[loss].is_classifier else FastSGDRegressor
    made = {"alpha": ALPHA, "max_iter": 3000, "tol": 1e-9, "random_state": 0}
    return kind(loss, **made | options)


def objective(model, problem, weight=None):
    """f of a fitted model of two classes or numbers, in float64."""
    loss, w = LOSSES[model.loss], np.ravel(model.coef_).astype(float)
    z = problem.X.astype(float) @ w + float(model.intercept_[0])
    losses = loss.value(z, problem.y, model.epsilon)
    penalty = make_penalty(model.penalty, model.l1_ratio)
    return np.mean(losses * (1 if weight is None else weight)) + model.alpha * penalty.value(w)


def optimum(problem, loss, weight=None):
    """The least f with l2, by scipy on plain NumPy."""
    X, y = problem.X.toarray(), problem.y
    s = np.ones(len(y)) if weight is None else weight

    def f(x):
        z = X @ x[:-1] + x[-1]
        g = s * LOSSES[loss].derivative(z, y, 0.1) / len(y)
        value = np.mean(s * LOSSES[loss].value(z, y, 0.1)) + ALPHA / 2 * x[:-1] @ x[:-1]
        return value, np.r_[X.T @ g + ALPHA * x[:-1], g.sum()]

    found = minimize(f, np.zeros(X.shape[1] + 1), jac=True, method="L-BFGS-B",
                     options={"maxiter": 10_000, "maxfun": 10**6, "ftol": 0, "gtol": 1e-10})
    assert np.max(np.abs(f(found.x)[1])) < 1e-7
    return found.fun


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("solver", SMOOTH_SOLVERS)
def test_the_optimum_of_every_smooth_loss(solver, loss, weighted):
    problem = small_problem(loss=loss)
    weight = WEIGHT if weighted else None
    model = model_for(loss, solver=solver).fit(problem.X, problem.y, sample_weight=weight)
    found, best = objective(model, problem, weight), optimum(problem, loss, weight)
    assert found / best - 1 < 1e-9
    assert model.loss_curve_[-1] == pytest.approx(found, rel=1e-12)
    assert len(model.loss_curve_) == model.n_iter_ < 100
    assert model.fit_stats_["stopped_by"] == "tol"
    assert model.t_ == 1 + model.n_iter_
    assert (np.diff(model.loss_curve_) <= 1e-15).all()


@pytest.mark.parametrize("rate", ["exact", "backtracking", Backtracking(gamma=0.3, delta=0.7)],
                         ids=str)
@pytest.mark.parametrize("loss", SMOOTH)
def test_line_searches_reach_the_optimum(loss, rate):
    problem = small_problem(loss=loss)
    model = model_for(loss, solver="gd", learning_rate=rate, tol=1e-12).fit(problem.X, problem.y)
    assert objective(model, problem) / optimum(problem, loss) - 1 < 1e-6
    assert (np.diff(model.loss_curve_) < 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("solver", SMOOTH_SOLVERS)
def test_every_kind_of_rows(solver, dtype, dense):
    """float32 rows have an optimum as good: only the weights shown are rounded."""
    problem = small_problem(loss="log_loss", dtype=dtype, dense=dense)
    model = model_for("log_loss", solver=solver).fit(problem.X, problem.y)
    assert model.coef_.dtype == dtype
    exact = small_problem(loss="log_loss")
    assert objective(model, problem) / optimum(exact, "log_loss") - 1 < 1e-6


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS)
def test_objectives_of_scikit_learn_and_liblinear(solver):
    """No worse than theirs, by more than 1e-6, on their own objectives."""
    problem, n = small_problem(loss="log_loss"), 150
    C = 1 / (ALPHA * n)
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(problem.X, problem.y)
    ours = model_for("log_loss", solver=solver, tol=1e-12).fit(problem.X, problem.y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=5e-5)
    both = []
    for loss, kind, more in (
            ("squared_hinge", LinearSVC, {}),
            ("squared_epsilon_insensitive", LinearSVR,
             {"loss": "squared_epsilon_insensitive", "epsilon": 0.1})):
        problem = small_problem(loss=loss)
        theirs = kind(C=C, dual=False, fit_intercept=False, tol=1e-10, max_iter=10**5,
                      **more).fit(problem.X, problem.y)
        ours = model_for(loss, solver=solver, fit_intercept=False).fit(problem.X, problem.y)
        assert ours.intercept_[0] == 0
        theirs_f = clone(ours).set_params(solver=solver).fit(problem.X, problem.y)
        theirs_f.coef_, theirs_f.intercept_ = theirs.coef_, np.zeros(1)
        both.append((objective(ours, problem), objective(theirs_f, problem)))
    for ours_f, theirs_f in both:
        assert ours_f / theirs_f - 1 < 1e-6
    problem = small_problem(loss="squared_error")
    theirs = Ridge(alpha=ALPHA * n, solver="cholesky").fit(problem.X.toarray(), problem.y)
    ours = model_for("squared_error", solver=solver, tol=0).fit(problem.X, problem.y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)


def test_ridge_is_one_newton_step():
    problem = small_problem(loss="squared_error")
    model = model_for("squared_error", solver="newton-cg").fit(problem.X, problem.y)
    assert model.n_iter_ == 1


@pytest.mark.parametrize("alpha", [0.003, 0.03])
@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
@pytest.mark.parametrize("rate", ["backtracking", "constant"])
def test_proximal_steps_satisfy_the_conditions_of_the_optimum(rate, penalty, alpha):
    """|slope of the smooth part| <= l1 where a weight is 0, else -l1 sign(w); exact zeros."""
    problem = small_problem(loss="log_loss")
    model = model_for("log_loss", solver="gd", penalty=penalty, l1_ratio=0.6, alpha=alpha,
                      learning_rate=rate, eta0=1.0, tol=1e-14, max_iter=20_000)
    model.fit(problem.X, problem.y)
    w, X = model.coef_[0], problem.X.toarray()
    l1 = alpha * (1 if penalty == "l1" else 0.6)
    z = X @ w + model.intercept_[0]
    slope = X.T @ LOSSES["log_loss"].derivative(z, problem.y, 0) / 150 + (alpha - l1) * w
    assert 0 < np.count_nonzero(w) < 23
    np.testing.assert_allclose(slope[w != 0], -l1 * np.sign(w[w != 0]), atol=1e-6)
    assert np.all(np.abs(slope[w == 0]) <= l1 + 1e-9)


@pytest.mark.parametrize("batch_size", [None, 1, 16, 1000])
@pytest.mark.parametrize(
    "rate", [*(n for n in SCHEDULES if "pa" not in n), Cosine(T_0=4)], ids=str)
@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_every_schedule_goes_down(loss, rate, batch_size):
    problem = small_problem(loss=loss)
    model = model_for(loss, solver="gd", learning_rate=rate, eta0=0.1, batch_size=batch_size,
                      max_iter=30, tol=None).fit(problem.X, problem.y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.n_iter_ == len(model.loss_curve_)
    if (loss, rate, batch_size) == ("log_loss", "optimal", None):  # accelerated: at the optimum
        assert model.fit_stats_["stopped_by"] in ("stalled", "max_iter")
        return
    assert model.n_iter_ == 30
    steps = 1 if batch_size is None else -(-150 // batch_size)
    assert model.t_ == 1 + 30 * steps


def test_two_steps_of_gd_by_hand():
    """w <- w - eta_t (gradient + alpha w), with eta_t = eta0 / t^p."""
    problem = small_problem(loss="squared_error", dense=True)
    X, y = problem.X, problem.y
    w, b = np.zeros(23), 0.0
    for t in (1, 2, 3):
        r = X @ w + b - y
        eta = 0.02 / t**0.25
        w, b = w - eta * (X.T @ r / 150 + ALPHA * w), b - eta * r.mean()
    model = model_for("squared_error", solver="gd", eta0=0.02, max_iter=3, tol=None).fit(X, y)
    np.testing.assert_allclose(model.coef_, w, rtol=1e-12)
    np.testing.assert_allclose(model.intercept_, b, rtol=1e-12)


def test_minibatches_visit_the_rows_of_the_order():
    """A batch of one row without shuffle: the same steps as scikit-learn's SGD would make."""
    problem = small_problem(loss="squared_error", dense=True)
    both = [FastSGDRegressor(
        alpha=ALPHA, eta0=0.01, learning_rate="constant", shuffle=False, max_iter=2, tol=None,
        solver=solver, batch_size=1 if solver == "gd" else None).fit(problem.X, problem.y)
        for solver in ("gd", "sgd")]
    np.testing.assert_allclose(both[0].coef_, both[1].coef_, rtol=1e-3)
    seeds = [model_for("squared_error", solver="gd", batch_size=8, eta0=0.01, max_iter=2, tol=None,
                       random_state=seed).fit(problem.X, problem.y).coef_ for seed in (0, 0, 1)]
    assert np.array_equal(seeds[0], seeds[1])
    assert not np.array_equal(seeds[0], seeds[2])


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS)
def test_class_weights_are_sample_weights(solver):
    problem = small_problem(loss="log_loss")
    weight = np.where(problem.y > 0, 3.0, 0.5)
    by_class = model_for("log_loss", solver=solver, class_weight={-1: 0.5, 1: 3.0}).fit(
        problem.X, problem.y)
    by_row = model_for("log_loss", solver=solver).fit(problem.X, problem.y, sample_weight=weight)
    np.testing.assert_allclose(by_class.coef_, by_row.coef_, rtol=1e-6, atol=1e-9)
    assert objective(by_class, problem, weight) / optimum(problem, "log_loss", weight) - 1 < 1e-9


@pytest.mark.parametrize("batch_size", [None, 10])
def test_steps_of_squared_losses_are_bounded(batch_size):
    """Features 100 times as large ask for steps of 1e-4 times the length."""
    problem = small_problem(loss="squared_error")
    model = FastSGDRegressor(solver="gd", batch_size=batch_size, max_iter=100, tol=None,
                             random_state=0).fit(100 * problem.X, problem.y)
    assert model.loss_curve_[-1] < 0.5 * np.mean(problem.y**2) / 2


def test_adaptive_steps_get_shorter():
    problem = small_problem(loss="squared_error")
    model = model_for("squared_error", solver="gd", learning_rate="adaptive", eta0=0.5, tol=1e-6,
                      max_iter=5000).fit(problem.X, problem.y)
    assert model._states[0].eta0 < 1e-6
    assert objective(model, problem) / optimum(problem, "squared_error") - 1 < 1e-3


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS)
@pytest.mark.parametrize("loss", SMOOTH)
def test_with_C_a_row_of_weight_2_is_two_rows(loss, solver):
    problem = small_problem(loss=loss, dense=True)
    times = np.arange(150) % 4
    once = model_for(loss, solver=solver, alpha=1e-4, C=0.7).fit(
        problem.X, problem.y, sample_weight=times)
    often = model_for(loss, solver=solver, alpha=1e-4, C=0.7).fit(
        np.repeat(problem.X, times, axis=0), np.repeat(problem.y, times))
    np.testing.assert_allclose(once.coef_, often.coef_, atol=1e-5)
    np.testing.assert_allclose(once.intercept_, often.intercept_, atol=1e-5)


@pytest.mark.parametrize("solver", SMOOTH_SOLVERS)
def test_separable_rows_without_a_penalty_end(solver):
    """No optimum exists: the slopes fall below tol all the same."""
    X = rng.normal(size=(60, 4))
    y = X[:, 0] > 0
    model = FastSGDClassifier("log_loss", penalty=None, solver=solver, tol=1e-4).fit(X, y)
    assert model.score(X, y) == 1
    assert model.fit_stats_["stopped_by"] == "tol"


def test_the_tables_agree():
    assert list(TRAIN) == [*SOLVERS, "auto"] == list(TRAIN_TOGETHER)


@pytest.mark.parametrize("options", [{"solver": name} for name in OF_SUMS], ids=str)
def test_rows_that_cannot_be_used_are_named(options):
    X = small_matrix()
    X.data[40] = np.nan
    row = int(np.searchsorted(X.indptr, 40, side="right")) - 1
    with pytest.raises(ValueError, match=f"NaN: nan in row {row}, column {X.indices[40]}"):
        FastSGDRegressor(**options).fit(X, np.ones(150))
