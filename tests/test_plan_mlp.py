"""Plans of multilayer perceptrons: each rule is told, once and in its order; data come last."""

import subprocess
import sys
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from fastsgd import FastMLPClassifier, FastMLPRegressor, LayerPipeline, Workers
from fastsgd.engine.mlp.examples import Examples
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.errors import NotBuiltYetError
from fastsgd.kernels.rows import Rows
from fastsgd.optimizers import OPTIMIZERS
from fastsgd.plan.mlp import Plan
from fastsgd.plan.mlp_rules import RULES
from fastsgd.plan.rules import Group, Rule

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 5))
Y = (X[:, 0] > 0).astype(int)
LOCAL = Workers(2, comm="thread", policy="local")
OWN = {"workers": Workers(comm="mpi", rows="own"), "random_state": 0}


def namespace(**params):
    """The parameters of a classifier, without one."""
    return SimpleNamespace(**FastMLPClassifier(**params).get_params())


def settled(plan, X=X, *, hidden=(100,), n_rows=60, lazy=False, **others):
    """The settings of a plan for a network with one output."""
    rows = Rows(X)
    rows.check()
    examples = Examples(X, rows, np.zeros((X.shape[0], 1)))
    return plan.settle(examples, (X.shape[1], *hidden, 1), OUTPUTS["logistic", "log_loss"],
                       n_rows=n_rows, lazy=lazy, **others)


def rules_of(entries):
    """All rules of a list, those of its groups included."""
    for entry in entries:
        if isinstance(entry, Group):
            yield from rules_of(entry.rules)
        else:
            yield entry


def test_a_namespace_has_the_plan_of_an_estimator():
    model = FastMLPClassifier((3, 2), solver="sgd", dropout=0.5, workers=2, warm_start=True,
                              early_stopping=True, learning_rate="adaptive")
    plan = Plan.of(model)
    assert Plan.of(SimpleNamespace(**model.get_params())) == plan
    assert (plan.hidden, plan.dropout) == ((3, 2), (0.0, 0.5, 0.5))
    assert (plan.rule.name, plan.rate.adaptive, plan.by_sums) == ("nesterov", True, False)
    assert plan.workers == Workers(2)
    assert plan.continues
    assert (plan.holds_out, plan.stop.held_out, plan.stop.max_fun) == (True, 0.1, None)
    with pytest.raises(FrozenInstanceError):
        plan.alpha = 1.0


def test_a_solver_by_sums_holds_no_rows_out():
    plan = Plan.of(namespace(solver="lbfgs", early_stopping=True, max_fun=np.int64(7)))
    assert (plan.by_sums, plan.holds_out, plan.stop.max_fun) == (True, False, 7)
    assert settled(plan).sync == "map_reduce"


@pytest.mark.parametrize(("call", "more", "epochs"), [
    ("fit", {}, 7), ("partial_fit", {}, 1), ("resume", {"max_iter": 9}, 9)])
def test_epochs_of_a_call(call, more, epochs):
    plan = Plan.of(namespace(max_iter=7), call, **more)
    assert plan.stop.max_iter == epochs
    assert settled(plan, behind=1).max_iter == epochs - 1
    settings = settled(plan)
    assert (settings.guards, settings.settles) == (
        (True, False) if call == "partial_fit" else (False, True))


def test_plans_need_neither_scikit_learn_nor_pandas():
    code = ("import sys, fastsgd.plan.mlp; "
            "print(*[m for m in ('sklearn', 'pandas', 'joblib') if m in sys.modules])")
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.split() == []


def test_only_the_settings_see_data():
    """batch_size="auto" is 200, or all rows where there are fewer; more are clipped, told once."""
    few, many = np.zeros((60, 5)), np.zeros((300, 5))
    plan = Plan.of(namespace())
    assert [settled(plan, some).batch_size for some in (few, many)] == [60, 200]
    plan = Plan.of(namespace(batch_size=250))
    assert settled(plan, many).batch_size == 250
    with pytest.warns(UserWarning, match="going to be clipped") as told:
        assert settled(plan, few).batch_size == 60
    assert len(told) == 1


def test_micro_batches_are_compared_with_minibatches_before_and_after_the_rows_are_seen():
    pipeline = LayerPipeline(stages=2, micro_batches=80)
    with pytest.raises(ValueError, match="80 micro-batches, and it has 70 rows"):
        Plan.of(namespace(pipeline=pipeline, batch_size=70))
    plan = Plan.of(namespace(pipeline=pipeline))
    assert settled(plan, np.zeros((90, 5))).n_threads == 2
    with pytest.raises(ValueError, match="80 micro-batches, and it has 60 rows"):
        settled(plan)


@pytest.mark.parametrize(("workers", "wanted"), [
    (None, (None, False)), (2, (None, False)), (LOCAL, (8, False)),
    (Workers(2, comm="thread", policy="local", local_steps=3, batch="per_worker"), (3, True))])
def test_what_workers_are_told(workers, wanted):
    settings = settled(Plan.of(namespace(workers=workers)))
    assert (settings.local_steps, settings.batch_per_worker) == wanted


def test_all_processes_of_a_job_take_the_first_ones_sync():
    """Own rows may suit another way of sharing than those of the others do."""
    workers = Workers(comm="mpi", rows="own", policy="local")
    plan = Plan.of(namespace(workers=workers, random_state=0, sync="auto"))
    heard = []

    def everyone(said):
        heard.append(said)
        return ["merge", said]

    settings = settled(plan, n_rows=500, everyone=everyone)
    assert (heard, settings.sync, settings.batch_size) == (["serial"], "merge", 200)
    assert not settled(Plan.of(namespace()), n_rows=500).batch_size > 60  # all are of this process


@pytest.mark.parametrize(("options", "name"), [
    ({"solver": "sgd"}, "nesterov"), ({"solver": "sgd", "nesterovs_momentum": False}, "momentum"),
    ({"solver": "sgd", "momentum": 0}, "sgd"), ({"solver": "lbfgs", "momentum": 0}, "sgd"),
    ({"solver": "adam", "beta_1": 0.5}, "adam"), ({"solver": "rmsprop"}, "rmsprop")])
def test_rules_of_steps_have_the_constants_that_are_parameters(options, name):
    rule = Plan.of(namespace(**options)).rule
    assert rule.name == name
    if name == "adam":
        assert rule == type(rule)(beta_1=0.5)
    assert type(rule) is type(OPTIMIZERS[name])


REFUSALS = [
    ({"pipeline": LayerPipeline(), "workers": 2}, "pipeline cuts the layers and workers=2 the"),
    ({"device": "cuda"}, "device='cuda' is not built yet; this release has device='cpu' only"),
    ({"workers": "two"}, "workers must be None, an int or fastsgd.Workers"),
    ({"solver": "lbfgs", "workers": LOCAL}, "averages weights after minibatches"),
    ({"solver": "lbfgs", "workers": Workers(2, batch="per_worker")}, "counts rows of minibatches"),
    ({"workers": Workers(2, local_steps=4)}, "has no meaning with policy='sync'"),
    ({"workers": 2, "sync": "merge"}, "finds its part of a gradient by one thread"),
    ({"workers": Workers(comm="mpi")}, "needs random_state to be an int"),
    ({**OWN, "early_stopping": True}, "as early_stopping=True needs; use rows='all'"),
    ({**OWN, "class_weight": "balanced"}, "class_weight='balanced', which counts them"),
    ({"n_jobs": 0}, "n_jobs must be a positive number of threads"),
    ({"early_stopping": True, "call": "partial_fit"}, "partial_fit does not support early_stopp"),
    ({"learning_rate": "optimal", "alpha": 0}, "and needs alpha > 0, got 0"),
    ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes must be whole numbers, got [2.5]"),
    ({"hidden_layer_sizes": (3, -1)}, "hidden_layer_sizes must be > 0, got [3, -1]."),
    ({"hidden_layer_sizes": 2**24 + 1}, "hidden_layer_sizes must be <= 16777216"),
    ({"dropout": (0.5,)}, "one for the input and one for each of the 1 hidden layers; got 1"),
    ({"dropout": (0.1, 1.0)}, "dropout must be >= 0 and < 1, got 1.0"),
    ({"pipeline": 2}, "pipeline must be None or a fastsgd.LayerPipeline"),
    ({"pipeline": LayerPipeline(stages=3)}, "pipeline has 3 stages and the network 2 layers"),
    ({"pipeline": LayerPipeline(), "solver": "lbfgs"}, "pipeline cuts minibatches, and solver="),
    ({"pipeline": LayerPipeline(), "sync": "merge"}, "a pipeline's threads own layers"),
    ({"pipeline": LayerPipeline(), "batch_size": 1}, "micro-batches, and it has 1 rows"),
    ({"solver": "lbfgs", "dropout": 0.5}, "dropout=0.5 needs a solver that takes minibatches"),
    ({"solver": "lbfgs", "sync": "merge"}, "solver='lbfgs' has none; use sync='auto'"),
]
"""What each rule stops, in the order of the rules."""


def heard(entries, told):
    """The same rules, which note those that are told."""
    return [Group(e.when, heard(e.rules, told)) if isinstance(e, Group)
            else Rule(e.when, lambda a, e=e: told.append(e) or e.say(a), e.error)
            for e in entries]


def test_every_rule_is_told_and_no_other_text_is_written(monkeypatch):
    told = []
    monkeypatch.setattr("fastsgd.plan.mlp.RULES", heard(RULES, told))
    for options, text in REFUSALS:
        params = dict(options)
        call = params.pop("call", "fit")
        with pytest.raises(NotBuiltYetError if "device" in params else ValueError) as error:
            Plan.of(namespace(**params), call)
        assert text in str(error.value)
    assert told == list(rules_of(RULES))
    Plan.of(namespace())
    assert len(told) == len(REFUSALS)


def test_a_rule_that_fires_first_is_told_first():
    """Of several mistakes, the one of the earliest rule."""
    mistakes = [{"device": "cuda"}, {"workers": Workers(2, local_steps=4)}, {"n_jobs": 0},
                {"learning_rate": "optimal", "alpha": 0}, {"hidden_layer_sizes": 0},
                {"dropout": (0.5,)}]
    texts = ["not built yet", "no meaning with policy", "n_jobs must be", "needs alpha > 0",
             "hidden_layer_sizes must be > 0", "dropout must be a number"]
    for k, text in enumerate(texts):
        params = namespace(**{name: v for some in mistakes[k:] for name, v in some.items()})
        with pytest.raises((NotBuiltYetError, ValueError), match=text):
            Plan.of(params)


@pytest.fixture
def counted(monkeypatch):
    """The calls for which plans were made."""
    made = []
    of = Plan.of.__func__

    def counting(cls, params, call="fit", **more):
        made.append(call)
        return of(cls, params, call, **more)

    monkeypatch.setattr(Plan, "of", classmethod(counting))
    return made


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", [FastMLPClassifier, FastMLPRegressor])
@pytest.mark.parametrize("data", [X, sparse.csr_array(X)], ids=["dense", "csr"])
def test_each_call_has_one_plan(counted, kind, data):
    given = {"classes": [0, 1]} if kind is FastMLPClassifier else {}
    model = kind(hidden_layer_sizes=(3,), max_iter=1, random_state=0).fit(data, Y)
    model.resume(data, Y, max_iter=2)
    kind(hidden_layer_sizes=(3,), random_state=0).partial_fit(data, Y, **given).predict(data)
    model.predict(data)
    assert counted == ["fit", "resume", "partial_fit"]


@pytest.mark.parametrize("kind", [FastMLPClassifier, FastMLPRegressor])
def test_partial_fit_keeps_its_plan_while_no_parameter_is_set(counted, kind):
    given = {"classes": [0, 1]} if kind is FastMLPClassifier else {}
    model = kind(hidden_layer_sizes=(3,), random_state=0).partial_fit(X, Y, **given)
    for _ in range(3):
        model.partial_fit(X, Y)
    assert len(counted) == 1
    before = [coef.copy() for coef in model.coefs_]
    model.set_params(learning_rate_init=0.5).partial_fit(X, Y)
    assert len(counted) == 2
    assert np.abs(model.coefs_[0] - before[0]).max() > 0.4  # a step of adam
    with pytest.raises(ValueError, match="does not support early_stopping"):
        model.set_params(early_stopping=True).partial_fit(X, Y)


def test_a_plan_of_a_list_is_not_kept(counted):
    """It may change in place."""
    model = FastMLPRegressor(hidden_layer_sizes=[3], random_state=0).partial_fit(X, Y)
    model.hidden_layer_sizes.append(2)
    with pytest.raises(ValueError, match="go on with layers"):
        model.partial_fit(X, Y)
    assert len(counted) == 2


def test_a_plan_that_is_refused_leaves_X_alone(counted):
    class Unread:
        def __array__(self, *_):
            raise AssertionError

        shape = __len__ = property(__array__)

    with pytest.raises(ValueError, match="dropout must be"):
        FastMLPClassifier((3,), dropout=(0.1, 0.2, 0.3)).fit(Unread(), Unread())
    assert counted == ["fit"]
