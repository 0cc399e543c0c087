"""Plans: what the parameters of one call stand for, decided once, before X is looked at."""

import copy
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone

from fastsgd import FastSGDClassifier, FastSGDRegressor, Workers
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.models import kept_plan
from fastsgd.plan import linear_rules
from fastsgd.plan.linear import Plan
from fastsgd.plan.linear_check import Asked, choices_of, solver_of
from fastsgd.plan.linear_rules import AFTER, BEFORE, OF_SOLVER
from fastsgd.plan.rules import Group, Rule, fired
from fastsgd.solvers import AUTO, BY_DATA, SOLVERS, Gap

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 5))
Y = (X[:, 0] > 0).astype(int)


def namespace(**params):
    """The parameters of a classifier, without one."""
    return SimpleNamespace(**FastSGDClassifier(**params).get_params())


def rules_of(entries):
    """All rules of a list, those of its groups included."""
    for entry in entries:
        if isinstance(entry, Group):
            yield from rules_of(entry.rules)
        else:
            yield entry


def test_a_namespace_has_the_plan_of_an_estimator():
    model = FastSGDClassifier("log_loss", tol=Gap(1e-2), eta0="auto", workers=2, average=10)
    params = SimpleNamespace(**model.get_params())
    assert Plan.of(params) == Plan.of(model)
    plan = Plan.of(params)
    assert plan.workers == Workers(2, sync="local")
    assert (plan.solver, plan.loss) == (SOLVERS["sgd"], LOSSES["log_loss"])
    assert (plan.stop.tol, plan.stop.within, plan.stop.by_gap) == (None, 1e-2, True)
    assert plan.rate.auto
    assert plan.average_from == 10
    with pytest.raises(FrozenInstanceError):
        plan.C = 1.0


@pytest.mark.parametrize(("call", "more", "epochs"), [
    ("fit", {}, 7), ("partial_fit", {}, 1), ("certify", {}, 1), ("resume", {"max_iter": 9}, 9)])
def test_epochs_of_a_call(call, more, epochs):
    plan = Plan.of(namespace(max_iter=7), call, **more)
    assert plan.settle(Rows(X), 60, 1).max_iter == plan.stop.max_iter == epochs


def test_plans_need_neither_scikit_learn_nor_pandas():
    code = ("import sys, fastsgd.plan.linear; "
            "print(*[m for m in ('sklearn', 'pandas', 'joblib') if m in sys.modules])")
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.split() == []


def test_only_the_settings_see_data():
    """C counts the rows; the plan does not know them."""
    plan = Plan.of(namespace(C=2.0))
    assert [plan.settle(Rows(X), n, 1).penalty.alpha for n in (60, 600)] == [1 / 120, 1 / 1200]


@pytest.mark.parametrize(("loss", "options", "wanted"), [
    ("hinge", {}, 0), ("log_loss", {}, 0),
    ("hinge", {"sync": "map_reduce"}, 0),  # sdca and newton-cg are stopped, silently
    ("perceptron", {"batch_size": 8, "sync": "merge"}, 1),  # all are; that of sgd is told
])
def test_texts_are_written_only_to_be_told(monkeypatch, loss, options, wanted):
    """solver='auto' asks rules of several solvers, and tells nobody of those that it passes by."""
    told = []

    def heard(entries):
        return [Group(e.when, heard(e.rules)) if isinstance(e, Group)
                else Rule(e.when, lambda a, e=e: told.append(e) or e.say(a), e.error)
                for e in entries]

    for name, rules in (("BEFORE", BEFORE), ("OF_SOLVER", OF_SOLVER), ("AFTER", AFTER)):
        monkeypatch.setattr(f"fastsgd.plan.linear_check.{name}", heard(rules))
    params = namespace(loss=loss, solver="auto", **options)
    if wanted:
        with pytest.raises(ValueError, match="finds none that takes all"):
            Plan.of(params)
    else:
        Plan.of(params)
    assert len(told) == wanted


def test_auto_is_the_first_solver_that_no_rule_stops():
    for options in ({}, {"loss": "log_loss", "alpha": 0.0}, {"penalty": "l1"},
                    {"sync": "map_reduce"}, {"loss": "perceptron"}):
        params = namespace(solver="auto", **options)
        free = []
        for name in linear_rules.SOLVERS:
            asked = Asked(params)
            asked.use(SOLVERS[name])
            if fired(asked, OF_SOLVER) is None:
                free.append(name)
        assert solver_of(params).name == next(name for name in AUTO if name in free)
        assert set(choices_of(params)) <= {*free}
        assert set(choices_of(params)) >= {*free} & {*BY_DATA}


def test_a_rule_that_fires_first_is_told_first():
    """Of several mistakes, that about one parameter; then what the solver says; then the rest."""
    both = {"sync": "none", "batch_size": 8, "penalty": "elasticnet", "l1_ratio": None}
    for gone, told in (((), "unknown sync 'none'"), (("sync",), "batch_size=8 is not available"),
                       (("sync", "batch_size"), "l1_ratio must be set")):
        params = namespace(**{name: v for name, v in both.items() if name not in gone})
        with pytest.raises(ValueError, match=told):
            Plan.of(params)


def test_rules_of_single_parameters_come_first():
    assert [*BEFORE, *OF_SOLVER, *AFTER] == linear_rules.RULES
    assert len(list(rules_of(linear_rules.RULES))) == len(set(rules_of(linear_rules.RULES))) > 40


@pytest.fixture
def counted(monkeypatch):
    """How many plans were made."""
    made = []
    of = Plan.of.__func__
    monkeypatch.setattr(Plan, "of", classmethod(
        lambda cls, *args, **kwargs: made.append(args) or of(cls, *args, **kwargs)))
    return made


@pytest.mark.parametrize("kind", [FastSGDClassifier, FastSGDRegressor])
def test_partial_fit_keeps_its_plan(counted, kind):
    given = {"classes": [0, 1]} if kind is FastSGDClassifier else {}
    model = kind(random_state=0).partial_fit(X, Y, **given)
    for _ in range(3):
        model.partial_fit(X, Y)
    assert len(counted) == 2  # the first call may be told other things


@pytest.mark.parametrize("change", [
    lambda model: model.set_params(eta0=0.5, learning_rate="constant"),
    lambda model: vars(model).update(eta0=0.5, learning_rate="constant"),
    lambda model: (setattr(model, "eta0", 0.5), setattr(model, "learning_rate", "constant")),
])
def test_a_kept_plan_sees_changes(counted, change):
    model, other = (FastSGDClassifier(random_state=0).partial_fit(X, Y, [0, 1]).partial_fit(X, Y)
                    for _ in range(2))
    change(model)
    model.partial_fit(X, Y)
    assert model.fit_stats_["eta0"] == 0.5
    assert other.partial_fit(X, Y).fit_stats_["eta0"] != 0.5
    with pytest.raises(ValueError, match="unknown sync 'none'"):
        model.set_params(sync="none").partial_fit(X, Y)


def test_a_kept_plan_is_neither_cloned_copied_nor_pickled():
    model = FastSGDClassifier(random_state=0).partial_fit(X, Y, [0, 1]).partial_fit(X, Y)
    assert model in kept_plan._KEPT
    for other in (clone(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other not in kept_plan._KEPT
    kept = copy.copy(model).set_params(alpha=1.0).partial_fit(X, Y)
    assert (kept.fit_stats_["alpha"], model.partial_fit(X, Y).fit_stats_["alpha"]) == (1.0, 1e-4)


def test_a_plan_with_an_array_is_not_kept():
    """Its value may change in place."""
    model = FastSGDClassifier(random_state=0).partial_fit(X, Y, [0, 1])
    model.alpha = np.array(1e-3)
    assert model.partial_fit(X, Y).fit_stats_["alpha"] == 1e-3
    model.alpha[...] = 1e-2
    assert model.partial_fit(X, Y).fit_stats_["alpha"] == 1e-2
