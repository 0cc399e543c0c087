"""solver="sdca" and tol=Gap(...) through the estimators: attributes, starts, files."""

import numpy as np
import pytest
from kernel_reference import small_matrix, small_problem
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from test_solvers import ALPHA, SMOOTH, model_for, objective, optimum

from fastsgd import FastSGDClassifier, FastSGDRegressor, load_model, save_model
from fastsgd.duals import DUALS
from fastsgd.engine.linear import ascent
from fastsgd.plan import threads
from fastsgd.solvers import Gap

TOL = 1e-7


@pytest.mark.parametrize("loss", DUALS)
def test_gap_is_kept(loss):
    """dual_gap_ bounds what is left, and the dual variables make the weights."""
    problem = small_problem(loss=loss)
    model = model_for(loss, solver="sdca", tol=TOL, max_iter=20_000).fit(problem.X, problem.y)
    f = objective(model, problem)
    assert 0 <= model.dual_gap_ <= TOL * f
    assert model.gap_ == model.dual_gap_
    if loss in SMOOTH:
        assert f - optimum(problem, loss) <= model.gap_ + 1e-12
    assert model.loss_curve_[-1] == pytest.approx(f, rel=1e-12)
    assert model.dual_coef_.shape == (1, len(model.support_))
    np.testing.assert_allclose(
        np.ravel(model.dual_coef_ @ problem.X[model.support_]), np.ravel(model.coef_), atol=1e-10)
    stats = model.fit_stats_
    assert (stats["solver"], stats["sync"], stats["stopped_by"]) == ("sdca", "serial", "tol")
    assert stats["eta0"] is None


def test_support_vectors_are_the_rows_within_the_margin():
    problem = small_problem(loss="hinge")
    model = model_for("hinge", solver="sdca", tol=1e-9, max_iter=100_000).fit(
        problem.X, problem.y)
    margin = (2 * problem.y - 1 if set(problem.y) == {0, 1} else problem.y) * (
        model.decision_function(problem.X))
    assert set(np.flatnonzero(margin < 1 - 1e-3)) <= set(model.support_)
    assert not set(np.flatnonzero(margin > 1 + 1e-3)) & set(model.support_)
    assert 0 < len(model.support_) < len(problem.y)


def test_hard_margin():
    """C -> infinity: the largest margin between the classes, decided by its support alone."""
    X = np.array([[0.0, 0], [-1, 0], [-3, 2], [2, 0], [4, 1], [5, -3]])
    y = np.array([0, 0, 0, 1, 1, 1])
    model = FastSGDClassifier(C=1e6, solver="sdca", tol=1e-6, max_iter=100_000).fit(X, y)
    np.testing.assert_allclose(model.coef_, [[1, 0]], atol=1e-3)
    np.testing.assert_allclose(model.intercept_, [-1], atol=1e-3)
    assert set(model.support_) == {0, 3}


@pytest.mark.parametrize("kind", ["three", "labels"])
def test_several_models(kind):
    problem = small_problem(loss="log_loss")
    y = np.digitize(small_problem(loss="squared_error").y, [-0.7, 0.7])
    Y = y if kind == "three" else np.column_stack([y == 0, y > 0, y == 2]) * 1
    model = model_for("log_loss", solver="sdca", tol=TOL).fit(problem.X, Y)
    assert model.gap_.shape == (3,)
    assert model.dual_coef_.shape == (3, len(model.support_))
    np.testing.assert_allclose(model.dual_coef_ @ problem.X[model.support_], model.coef_,
                               atol=1e-10)
    for k in range(3):
        alone = model_for("log_loss", solver="newton-cg").fit(
            problem.X, k == Y if kind == "three" else Y[:, k])
        np.testing.assert_allclose(model.coef_[k], alone.coef_[0], atol=2e-3)
    told = model.certify(problem.X, Y)
    assert [c.gap for c in told] == model.gap_.tolist()


@pytest.mark.parametrize("loss", ["hinge", "log_loss", "epsilon_insensitive"])
def test_starts(loss):
    """warm_start goes on from the dual variables, coef_init from those of its slopes."""
    problem = small_problem(loss=loss)
    X, y = problem.X, problem.y
    model = model_for(loss, solver="sdca", tol=1e-5, max_iter=20_000).fit(X, y)
    cold, f = model.n_iter_, objective(model, problem)
    model.set_params(warm_start=True).fit(X, y)
    assert model.n_iter_ <= 2
    assert objective(model, problem) <= f * (1 + 2e-5)
    other = clone(model).fit(X, y, coef_init=model.coef_, intercept_init=model.intercept_)
    assert other.n_iter_ <= 2 * cold  # where slopes jump, weights tell little of the dual
    assert objective(other, problem) <= f * (1 + 2e-5)
    model.set_params(alpha=2 * ALPHA).fit(X, y)  # a path of penalties
    assert model.gap_ <= 1e-5 * model.loss_curve_[-1]
    model.set_params(alpha=ALPHA).fit(X[:100], y[:100])  # other rows: from the weights
    assert model.dual_coef_.shape[1] == len(model.support_) <= 100


def test_resume_goes_on():
    problem = small_problem(loss="hinge")
    model = model_for("hinge", solver="sdca", tol=1e-6, max_iter=5)
    with pytest.warns(ConvergenceWarning, match="Maximum number of iteration"):
        model.fit(problem.X, problem.y)
    before = model.gap_
    assert before > 1e-6
    model.resume(problem.X, problem.y, max_iter=20_000)
    assert model.gap_ <= 1e-6 * model.loss_curve_[-1] < before
    assert model.n_iter_ == len(model.loss_curve_) > 5


def test_file_keeps_the_dual(tmp_path):
    problem = small_problem(loss="hinge")
    model = model_for("hinge", solver="sdca", tol=Gap(1e-4)).fit(problem.X, problem.y)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.tol == Gap(1e-4)
    for name in ("gap_", "dual_gap_", "dual_coef_", "support_", "coef_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
    again.set_params(warm_start=True).fit(problem.X, problem.y)
    assert again.n_iter_ <= 2
    theirs = model.to_sklearn()
    np.testing.assert_array_equal(theirs.predict(problem.X), model.predict(problem.X))
    theirs._validate_params()


def test_attributes_are_there_only_where_they_are_known():
    problem = small_problem(loss="log_loss")
    model = model_for("log_loss", solver="sdca").fit(problem.X, problem.y)
    assert hasattr(model, "dual_coef_")
    model.set_params(solver="newton-cg").fit(problem.X, problem.y)
    assert hasattr(model, "gap_")
    for name in ("dual_gap_", "dual_coef_", "support_"):
        assert not hasattr(model, name)
    assert not hasattr(model.set_params(solver="sgd").fit(problem.X, problem.y), "gap_")
    with pytest.raises(AttributeError, match="solver='sdca' finds it"):
        model.support_  # noqa: B018
    found = model.certify(problem.X, problem.y)
    assert model.gap_ == found.gap
    assert not hasattr(model, "dual_gap_")


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("options", [
    {"solver": "sgd"}, {"solver": "sgd", "average": True}, {"solver": "lbfgs"},
    {"solver": "newton-cg"}, {"solver": "gd", "learning_rate": "backtracking"}], ids=str)
def test_gap_ends_any_solver_of_smooth_losses(loss, options):
    """tol=Gap: f is within it of the optimum, when the training says so."""
    problem = small_problem(loss=loss)
    options = {"learning_rate": "optimal"} | options
    model = model_for(loss, tol=Gap(0.05), **options).fit(problem.X, problem.y)
    assert model.fit_stats_["stopped_by"] == "tol"
    f, best = objective(model, problem), optimum(problem, loss)
    assert f - best <= model.gap_ + 1e-12
    assert model.gap_ <= 0.05 * f
    assert model.n_iter_ < 3000


@pytest.mark.parametrize("solver", ["sgd", "gd"])
def test_hinge_is_certified_by_polish(solver):
    """From slopes alone the bound of hinge is loose; dual ascent makes it tight."""
    problem = small_problem(loss="hinge")
    with pytest.warns(ConvergenceWarning):
        model = model_for("hinge", solver=solver, tol=Gap(1e-3), max_iter=300).fit(
            problem.X, problem.y)
    assert model.gap_ > 1e-3 * objective(model, problem)
    loose = model.certify(problem.X, problem.y)
    tight = model.certify(problem.X, problem.y, polish=300)
    assert loose.gap == pytest.approx(model.certify(problem.X, problem.y).gap)
    assert tight.gap < 0.3 * loose.gap
    assert tight.lower <= tight.objective == loose.objective
    with pytest.raises(ValueError, match="polish must be an int >= 0"):
        model.certify(problem.X, problem.y, polish=-1)


def test_lasso_is_certified():
    problem = small_problem(loss="squared_error")
    model = FastSGDRegressor(penalty="l1", alpha=ALPHA, solver="gd", tol=Gap(1e-6),
                             learning_rate="backtracking", max_iter=5000)
    model.fit(problem.X, problem.y)
    assert model.fit_stats_["stopped_by"] == "tol"
    assert 0 <= model.gap_ <= 1e-6 * objective(model, problem)


def test_several_classes_by_gap():
    """One pass over all classes gives way to one after the other."""
    problem = small_problem(loss="log_loss")
    y = np.digitize(small_problem(loss="squared_error").y, [-0.7, 0.7])
    model = model_for("log_loss", tol=Gap(0.05), n_jobs=2).fit(problem.X, y)
    assert model.fit_stats_["sync"] == "serial"
    assert model.gap_.shape == (3,)
    with pytest.raises(ValueError, match="is proven class by class; use sync='auto'"):
        clone(model).set_params(sync="classes").fit(problem.X, y)


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
@pytest.mark.parametrize("sync", ["auto", "merge", "hogwild"])
def test_threads(sync, n_jobs, monkeypatch):
    monkeypatch.setattr(ascent, "SHORTEST", 16)
    monkeypatch.setattr(ascent, "SELDOM", 0)
    monkeypatch.setattr(threads, "MIN_NONZEROS_FOR_THREADS", 0)
    monkeypatch.setattr(threads, "MIN_NONZEROS_FOR_ASCENT", 0)
    monkeypatch.setattr(threads, "MIN_NONZEROS_WHERE_ROWS_REST", 0)
    X = small_matrix(2000)
    rng = np.random.default_rng(0)
    y = X @ rng.normal(size=X.shape[1]) + rng.normal(size=2000) > 0
    made = {"alpha": ALPHA, "solver": "sdca", "tol": 1e-5, "max_iter": 5000, "random_state": 0}
    model = FastSGDClassifier(sync=sync, n_jobs=n_jobs, **made).fit(X, y)
    stats = model.fit_stats_
    assert stats["threads"] == n_jobs
    assert stats["sync"] == ("serial" if n_jobs == 1 else "merge" if sync == "auto" else sync)
    serial = FastSGDClassifier(sync="serial", **made).fit(X, y)
    assert abs(model.loss_curve_[-1] - serial.loss_curve_[-1]) <= 1e-5 * serial.loss_curve_[-1]
    if sync != "hogwild":
        again = FastSGDClassifier(sync=sync, n_jobs=n_jobs, **made).fit(X, y)
        assert again.coef_.tobytes() == model.coef_.tobytes()
        assert again.n_iter_ == model.n_iter_


def test_small_data_take_one_thread():
    problem = small_problem(loss="hinge")
    for options in ({}, {"n_jobs": 4}, {"n_jobs": 4, "sync": "merge"}):
        model = model_for("hinge", solver="sdca", **options | {"tol": 1e-2})
        assert model.fit(problem.X, problem.y).fit_stats_["threads"] == 1


@pytest.mark.parametrize("solver", ["sdca", "sgd"])
def test_rows_that_cannot_be_used_are_named(solver):
    X = sparse.csr_matrix(np.eye(4))
    X.data[2] = np.nan
    with pytest.raises(ValueError, match="row 2, column 2"):
        FastSGDClassifier(solver=solver).fit(X, [0, 1, 0, 1])


def test_negative_weights_are_refused():
    problem = small_problem(loss="hinge")
    weight = np.ones(len(problem.y))
    weight[3] = -1
    with pytest.raises(ValueError, match=r"sample_weight must be >= 0, got -1 in row 3"):
        FastSGDClassifier(solver="sdca").fit(problem.X, problem.y, sample_weight=weight)


def test_max_time_keeps_a_certified_model():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 50))
    y = X[:, 0] + rng.standard_normal(20_000) > 0
    model = FastSGDClassifier(solver="sdca", tol=None, max_time=0.1).fit(X, y)
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert model.gap_ < 1


@pytest.mark.parametrize("options", [
    {"solver": "sdca", "tol": 1e-4}, {"solver": "sdca", "tol": Gap(1e-4)},
    {"solver": "gd", "learning_rate": "backtracking", "tol": Gap(1e-4)},
    {"solver": "sgd", "tol": Gap(0.05)}], ids=str)
def test_resume_leaves_what_had_ended(options):
    """A proven model stays, until another tol asks for more."""
    problem = small_problem(loss="log_loss")
    model = model_for("log_loss", max_iter=5000, **options).fit(problem.X, problem.y)
    before, n_iter = model.coef_.copy(), model.n_iter_
    model.resume(problem.X, problem.y)
    model.resume(problem.X, problem.y, max_iter=max(1, n_iter // 2))
    assert model.coef_.tobytes() == before.tobytes()
    assert (model.n_iter_, model.fit_stats_["stopped_by"]) == (n_iter, "tol")
    if options["solver"] == "sdca":
        model.set_params(tol=1e-6).resume(problem.X, problem.y)
        assert model.n_iter_ > n_iter
        assert model.gap_ <= 1e-6 * model.loss_curve_[-1]


def test_dual_variables_go_with_their_weights():
    """What another solver has moved has none."""
    problem = small_problem(loss="hinge")
    for method in ("partial_fit", "fit", "resume"):
        model = model_for("hinge", solver="sdca", tol=1e-3, warm_start=True)
        model.fit(problem.X, problem.y).set_params(solver="sgd", tol=None, max_iter=2)
        getattr(model, method)(problem.X, problem.y, **(
            {"max_iter": 1 + model.n_iter_} if method == "resume" else {}))
        for name in ("support_", "dual_coef_", "dual_gap_"):
            assert not hasattr(model, name)
