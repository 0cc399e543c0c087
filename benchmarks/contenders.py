"""Who takes part in solvers.py: every solver of fastsgd, LIBLINEAR, Snap ML, scikit-learn."""

from entrants import NEVER, Entrant, road
from libraries import installed
from libraries.fastsgd_solver import FastSolver
from libraries.liblinear import Liblinear
from libraries.sklearn_logistic import SklearnLogistic
from libraries.sklearn_ridge import SklearnRidge
from libraries.sklearn_sgd import SklearnSGD
from libraries.snap_ml import SnapML

LADDER = (*range(1, 16), 17, 20, 25, 30, 40, 50, 65, 80, 100, 130, 170, 220, 300, 400, 550, 750,
          1000, 1500, 2000, 3000, 5000)
EPOCHS = LADDER[:LADDER.index(220) + 1]
"""Of SGD, whose steps get ever shorter."""
SLOPES = tuple(float(f"{m}e-{e}") for e in range(2, 9) for m in (3, 1))
GAPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def contenders(loss, n_jobs, intercept, coarse=False):
    """Everyone who has the loss and can run here; versions of their packages; who is left out."""
    ladder, epochs = (LADDER[::2], EPOCHS[::2]) if coarse else (LADDER, EPOCHS)
    everyone = [*_ours(loss, n_jobs, intercept, ladder, epochs),
                _of("sklearn_sgd", SklearnSGD, intercept, [
                    road("epochs", epochs), road("epochs", epochs, average=True)])]
    forms = (True,) if loss == "hinge" else (True, False)
    everyone.append(_of("liblinear", Liblinear, intercept, [
        road("max_iter", ladder, dual=dual) for dual in forms], tol=NEVER))
    if loss == "log_loss":
        everyone += [_of(f"sklearn_{s}", SklearnLogistic, intercept, [road("max_iter", ladder)],
                         solver=s, tol=NEVER) for s in ("lbfgs", "newton-cg", "sag", "saga")]
    if loss == "squared_error":
        everyone += [_of(f"sklearn_ridge_{s}", SklearnRidge, intercept, [
            road("max_iter", ladder)], solver=s, tol=NEVER) for s in ("sparse_cg", "lsqr", "sag")]
    if loss in SnapML.losses:
        everyone += [_of(f"snap_ml_{threads}", SnapML, intercept, [road("max_iter", ladder)],
                         n_jobs=threads, tol=0.0) for threads in sorted({1, n_jobs})]
    _, versions, missing = installed([e.program(e.roads[0][0]) for e in everyone])
    present = [e for e in everyone if installed([e.program(e.roads[0][0])])[0]]
    return present, versions, missing


def _ours(loss, n_jobs, intercept, ladder, epochs):
    def ours(solver, roads, **fixed):
        return _of(f"fastsgd_{solver}", FastSolver, intercept, roads, solver=solver,
                   n_jobs=n_jobs, **fixed)

    yield ours("sgd", [road("max_iter", epochs), road("max_iter", epochs, average=True)])
    yield ours("sdca", [road("max_iter", ladder)])
    if loss != "hinge":
        yield ours("gd", [road("max_iter", ladder)], learning_rate="backtracking")
        yield ours("lbfgs", [road("max_iter", ladder)])
        newton = road("tol", SLOPES) if loss == "squared_error" else road("max_iter", ladder)
        yield ours("newton-cg", [newton])  # least squares take one iteration
    yield ours("auto", [road("tol", GAPS)])


def _of(name, kind, intercept, roads, **fixed):
    def make(seed, **options):
        return kind(seed, intercept=intercept, **fixed | options)

    return Entrant(name, make, roads)
