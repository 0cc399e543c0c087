"""Every cell solver x loss x penalty x sync x multi_class: the optimum, or a refusal by name.

The cells and what is allowed are those of docs/support.md (docs/support_cells.py). A cell that is
allowed is fitted, by two threads, and its objective compared with the least one, which a slow
method that shares no code with the solvers finds (sdca_problem.py): rows of three classes where
`sync` is "auto" or "classes", of two with the others. A cell that is refused is fitted to an X and
a y that cannot be touched.

The perceptron's loss is least, 0, at weights of 0, where fits begin. So its fits begin at weights
of 1 and -1 in turn, and what is left of the objective there is what counts.
"""

import re
import warnings
from functools import cache

import numpy as np
import pytest
from scipy import sparse
from sdca_problem import optimum, settings
from threadpoolctl import threadpool_limits

from fastsgd.engine.linear.solvers import TRAIN
from fastsgd.errors import NotBuiltYetError
from fastsgd.losses import LOSSES
from fastsgd.penalties import make_penalty
from support_cells import KINDS, OPTIONS, SOLVER_NAMES, cells, make, may_take, refusal, taken

EXACT, STEPPING = 1e-6, 0.015
"""What the objective may be above the optimum, as a part of it: of solvers that go to the optimum,
and of those whose steps follow a schedule."""

ALPHA, L1_RATIO, EPSILON = 0.01, 0.5, 0.5
AWAY = (-1.0) ** np.arange(12)
THREADED = ("merge", "hogwild", "round_robin")

rng = np.random.default_rng(0)
X = rng.normal(size=(320, 12)) * (rng.random((320, 12)) < 0.4)
NUMBERS = X @ rng.normal(size=(12, 3)) + 0.8 * rng.normal(size=(320, 3))
CLASSES = np.argmax(NUMBERS, axis=1)
CLASSES = np.where(rng.random(320) < 0.2, rng.integers(0, 3, 320), CLASSES)  # no labels to be sure
NUMBERS, X = NUMBERS[:, 0], sparse.csr_array(X)
ROWS = [(kind, solver, loss) for kind, model in KINDS.items() for solver in SOLVER_NAMES
        for loss in model.loss_functions]


def how(solver, loss):
    """(parameters, tolerance) with which a solver gets to the optimum of this problem.

    Steps of SGD are long where the loss bends little, which leaves two threads that interleave as
    the machine lets them (hogwild) a quarter of the tolerance at most.
    """
    if solver == "sgd":
        eta0 = 3.0 if loss == "log_loss" else 1.0
        return {"learning_rate": "invscaling", "eta0": eta0, "power_t": 0.5, "tol": None,
                "max_iter": 600}, STEPPING
    if solver == "gd" and not LOSSES[loss].smooth:
        return {"learning_rate": "optimal", "tol": None, "max_iter": 2000}, STEPPING
    rate = {"learning_rate": "backtracking"} if solver == "gd" else {}
    return {"tol": EXACT if solver == "gd" else 1e-7, "max_iter": 50_000, **rate}, EXACT


def data(kind, cell):
    """(y, [float64 targets of each model])."""
    if kind == "regressor":
        return NUMBERS, [NUMBERS]
    apart = [np.where(k == CLASSES, 1.0, -1.0) for k in range(3)]
    return (CLASSES, apart) if cell.sync in ("auto", "classes") else (CLASSES == 0, apart[:1])


@cache
def least(loss, penalty, model, numbers):
    """f* of the targets of `data`."""
    if loss == "perceptron":
        return 0.0
    y = NUMBERS if numbers else np.where(model == CLASSES, 1.0, -1.0)
    with threadpool_limits(1):  # threads of BLAS would spin beside the others
        return optimum(X, y, settings(loss, constant=EPSILON, penalty=penalty, l1_ratio=L1_RATIO,
                                      alpha=ALPHA))


def cells_of(kind, solver, loss, refused):
    """[(cell, refusal)] of those that are refused, or of the others."""
    told = [(c, refusal(kind, c)) for c in cells(kind) if (c.solver, c.loss) == (solver, loss)]
    return [(cell, text) for cell, text in told if (text is not None) == refused]


def shortcomings(kind, cell):
    """What a fit of an allowed cell lacks: texts."""
    assert cell.multi_class in ("ovr", None), "give this value's optimum"
    solver, (y, targets) = taken(kind, cell), data(kind, cell)
    options, tolerance = how(solver, cell.loss)
    model = make(kind, cell, alpha=ALPHA, l1_ratio=L1_RATIO, epsilon=EPSILON, n_jobs=2,
                 merge_every=16, random_state=0, **options)
    if cell.loss == "perceptron":
        model.fit(X, y, coef_init=np.tile(AWAY, (len(targets), 1)))
    else:
        model.fit(X, y)
    stats, coef = model.fit_stats_, np.atleast_2d(model.coef_)
    if not set(re.split("[,;] ", stats["solver"])) <= set(may_take(kind, cell)):
        yield f"{cell} ran {stats['solver']}"
    if cell.sync in (*THREADED, "classes", "map_reduce") and stats["sync"] != cell.sync:
        yield f"{cell} ran {stats['sync']}"
    if cell.sync in (*THREADED, "serial") and stats["threads"] != 1 + (cell.sync in THREADED):
        yield f"{cell} ran by {stats['threads']} threads"
    for k, target in enumerate(targets):
        f = objective(cell, coef[k], model.intercept_[k], target)
        f0 = least(cell.loss, cell.penalty, k, kind == "regressor")
        over = (f - f0) / (f0 or objective(cell, AWAY, 0.0, target))
        if not -EXACT <= over <= tolerance:
            yield f"{cell}, model {k}: {over:.1e} above the optimum, {tolerance} allowed"


def objective(cell, w, b, target):
    """f(w, b), by NumPy alone."""
    losses = LOSSES[cell.loss].value(X @ w + b, target, EPSILON)
    return np.mean(losses) + ALPHA * make_penalty(cell.penalty, L1_RATIO).value(w)


@pytest.mark.parametrize(("kind", "solver", "loss"), ROWS)
def test_an_allowed_cell_reaches_the_optimum(kind, solver, loss):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # each ends by its own rule
        found = [text for cell, _ in cells_of(kind, solver, loss, refused=False)
                 for text in shortcomings(kind, cell)]
    assert not found, "\n".join(found)


class Untouchable:
    """Stands for X and y: whoever looks at it has begun to work."""

    def __getattribute__(self, name):
        raise AssertionError(f"{name} of X or y was looked at")

    __len__ = __iter__ = __getitem__ = __array__ = None


def fit_nothing(model):
    """The error of a fit to nothing that leaves the estimator as it was."""
    before = dict(vars(model))
    with pytest.raises(ValueError, match=r"\w") as raised:
        model.fit(Untouchable(), Untouchable())
    assert vars(model) == before
    return raised


@pytest.mark.parametrize(("kind", "solver", "loss"), ROWS)
def test_a_refused_cell_is_refused_before_X_is_looked_at(kind, solver, loss, monkeypatch):
    for name in TRAIN:
        monkeypatch.setitem(TRAIN, name, None)
    for cell, text in cells_of(kind, solver, loss, refused=True):
        assert str(fit_nothing(make(kind, cell)).value) == text
        assert any(f"{name}={value!r}" in text for name, value in cell._asdict().items())
        assert follow(kind, cell, text), f"{cell}: no advice in {text!r} leads to an allowed cell"


def advice(text):
    """[(parameter, value)] that a refusal's last part offers."""
    offers = re.split(r"; use |valid names are ", text)[1]
    if "valid names" in text:
        return [("sync", name) for name in re.findall(r"'([\w-]+)'", offers)]
    pairs = []
    for name, value in re.findall(r"(?:(\w+)=|these losses: )?'([\w-]+)'", offers):
        before = pairs[-1][0] if pairs else None
        pairs.append((name or ("loss" if "these losses" in offers else before), value))
    return pairs


def follow(kind, cell, text, changes=3):
    """Whether each piece of advice ends this refusal, and one leads on to an allowed cell."""
    reached = False
    for name, value in advice(text):
        other = cell._replace(**{name: value})
        then = refusal(kind, other)
        assert then != text, f"{name}={value!r} is advised by {text!r} and refused by it"
        reached |= then is None or (changes > 1 and follow(kind, other, then, changes - 1))
    return reached


@pytest.mark.parametrize("solver", SOLVER_NAMES)
@pytest.mark.parametrize("value", ["multinomial", "crammer_singer", 3])
def test_reserved_values_of_multi_class_are_refused_in_every_cell(solver, value):
    for cell in cells("classifier"):
        if cell.solver == solver:
            raised = fit_nothing(make("classifier", cell._replace(multi_class=value)))
            assert raised.type is NotBuiltYetError
            assert str(raised.value) == (f"multi_class={value!r} is not built yet; this release "
                                         "has multi_class='ovr' only")


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_other_parameters_run_or_are_refused(kind, options):
    """The second table of docs/support.md, where `sync` is "auto"."""
    y = NUMBERS if kind == "regressor" else CLASSES
    for cell in (c for c in cells(kind) if c.sync == "auto"):
        text = refusal(kind, cell, **options)
        model = make(kind, cell, **options)
        if text is not None:
            assert str(fit_nothing(model).value) == text
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.set_params(max_iter=2, random_state=0).fit(X, y)
        names = set(re.split("[,;] ", model.fit_stats_["solver"]))
        assert names <= set(may_take(kind, cell, **options))
