"""Who takes part in the race, and by which settings each may try to win it.

A road is a list of settings of one program, each dearer and nearer to the optimum than the one
before; a program with two ways to go (averaging or not, primal or dual) has two roads.
"""

from collections.abc import Callable
from typing import NamedTuple

from libraries import installed
from libraries.fastsgd_linear import FastSGD, built
from libraries.liblinear import Liblinear
from libraries.liblinear_multicore import LiblinearMulticore
from libraries.sklearn_logistic import SklearnLogistic
from libraries.sklearn_sgd import SklearnSGD
from libraries.snap_ml import SnapML

EPOCHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 65, 80, 100, 130, 160, 200)
PASSES = (*EPOCHS, 300, 500, 1000)
TOLERANCES = tuple(float(f"{m}e-{e}") for e in range(6) for m in (5, 3, 2, 1))  # 5 to 1e-5
NEVER = 1e-12  # a tolerance that is not met: `max_iter` alone decides


class Entrant(NamedTuple):
    """One line of the table.

    Attributes
    ----------
    name : str
        Unique; key in the result file.
    make : callable
        ``make(seed=…, **options)`` gives the Library; of a setting, all but "epochs" are options.
    roads : list of list of dict
    """

    name: str
    make: Callable
    roads: list

    def program(self, setting, seed=0):
        """The Library with that setting."""
        return self.make(seed=seed, **{k: v for k, v in setting.items() if k != "epochs"})


def road(key, values, **fixed):
    """Settings that differ in one value."""
    return [{key: value, **fixed} for value in values]


def entrants(loss, n_jobs, syncs):
    """Everyone who has the loss and can run here; versions of their packages; who is left out."""
    syncs, left_out = built(syncs)
    everyone = [_fastsgd(sync, n_jobs) for sync in syncs]
    everyone.append(Entrant("sklearn_sgd", SklearnSGD, [
        road("epochs", EPOCHS), road("epochs", EPOCHS, average=True)]))
    everyone += _liblinear(loss)
    if loss == "log_loss":
        everyone += [_logistic("lbfgs"), _logistic("sag")]
    for threads in sorted({1, n_jobs}, reverse=True):
        everyone += [_multicore(loss, threads), _snap(threads)]
    _, versions, missing = installed([e.program(e.roads[0][0]) for e in everyone])
    present = [e for e in everyone if installed([e.program(e.roads[0][0])])[0]]
    return present, versions, left_out + missing


def _fastsgd(sync, n_jobs):
    def make(seed, **options):
        # Without a seed `auto` may choose freely: the runs differ by themselves.
        return FastSGD(sync, n_jobs, None if sync == "auto" else seed, **options)

    roads = [road("epochs", EPOCHS)]
    if sync in ("serial", "auto"):  # averages are kept by one thread
        roads += [road("epochs", EPOCHS, average=True), road("epochs", EPOCHS, shuffle="rows")]
    return Entrant(f"fastsgd_{sync}", make, roads)


def _liblinear(loss):
    """`max_iter` decides: it is the finer measure of effort, with the same work in each pass."""
    def make(seed, **options):
        return Liblinear(seed, tol=NEVER, **options)

    if loss == "hinge":
        return [Entrant("liblinear", make, [
            road("max_iter", PASSES), road("max_iter", PASSES, intercept_scaling=10.0)])]
    return [Entrant("liblinear", make, [
        road("max_iter", PASSES, dual=dual, intercept_scaling=scaling)
        for dual in (True, False) for scaling in (1.0, 10.0)])]


def _logistic(solver):
    def make(seed, **options):
        return SklearnLogistic(seed, solver, tol=NEVER, **options)

    return Entrant(f"sklearn_{solver}", make, [road("max_iter", PASSES)])


def _multicore(loss, threads):
    """It has no option for the number of passes: the tolerance decides."""
    def make(seed, **options):
        return LiblinearMulticore(seed, threads, **options)

    solvers = (3,) if loss == "hinge" else (0, 7) if threads == 1 else (0,)
    return Entrant(f"liblinear_multicore_{threads}", make, [
        road("tol", TOLERANCES, solver=solver) for solver in solvers])


def _snap(threads):
    def make(seed, **options):
        return SnapML(seed, threads, tol=0.0, **options)

    return Entrant(f"snap_ml_{threads}", make, [
        road("max_iter", PASSES), road("max_iter", PASSES, intercept_scaling=10.0)])
