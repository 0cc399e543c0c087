"""A training by stages has the weights of one without, to rounding."""

import json
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from mlp_problem import N, Problem, rows_of, settings, targets_of
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from test_mlp_threads import RULES, distance, same

from fastsgd import FastMLPClassifier, FastMLPRegressor, LayerPipeline
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.loop import Halt
from fastsgd.engine.mlp.optimizer import Momenta
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.pipeline.epoch import Pipelined
from fastsgd.engine.team import Team

DRAW = np.random.default_rng(0)
DENSE = DRAW.normal(size=(420, 20))
SPARSE = sparse.random_array((420, 200), density=0.05, format="csr", rng=np.random.default_rng(1),
                             data_sampler=lambda size: np.random.default_rng(2).normal(size=size))
DATA = {"dense": DENSE, "csr": SPARSE}
Y = {kind: np.digitize(X @ DRAW.normal(size=X.shape[1]), [-1, 1]) for kind, X in DATA.items()}
WEIGHT = DRAW.random(420) * (DRAW.random(420) > 0.2)
CUTS = [LayerPipeline(*cut) for cut in ((1, 3), (2, 1), (2, 4), (3, 7), (4, 64))]
TOLERANCE = 1e-9


def fit(kind, pipeline=None, Estimator=FastMLPClassifier, y=None, sample_weight=None, **given):
    """420 rows: six minibatches of 64 rows and one of 36."""
    given = {"hidden_layer_sizes": (12, 9, 7), "max_iter": 4, "random_state": 0, "batch_size": 64,
             "tol": 0, "alpha": 0.05, "activation": "tanh", **given}
    model = Estimator(pipeline=pipeline, **given)
    y = Y[kind] if y is None else y
    more = {} if sample_weight is None else {"sample_weight": sample_weight}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(DATA[kind], y, **more)


def agree(a, b):
    assert distance(a, b) < TOLERANCE
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=TOLERANCE)
    assert (a.t_, a.n_iter_) == (b.t_, b.n_iter_)


@pytest.mark.parametrize("pipeline", CUTS, ids=str)
@pytest.mark.parametrize("lazy", ["dense", "csr", "csr, lazy=False"])
@pytest.mark.parametrize("rule", RULES)
def test_every_solver(rule, lazy, pipeline):
    kind, *not_lazy = lazy.split(", ")
    given = {**RULES[rule], "lazy": False if not_lazy else "auto"}
    whole, cut = fit(kind, **given), fit(kind, pipeline, **given)
    agree(whole, cut)
    assert cut.loss_curve_[-1] < cut.loss_curve_[0]
    assert cut.fit_stats_["lazy"] == (lazy == "csr")


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("given", [
    {"alpha": 0.0}, {"alpha": 5.0}, {"class_weight": "balanced"}, {"class_weight": {1: 3.0}},
    {"activation": "relu", "init": "he"}, {"activation": "logistic"}, {"activation": "identity"},
    {"shuffle": False}, {"batch_size": 419}, {"batch_size": 5}, {"loss": "squared_error"},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.3},
    {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.5, "tol": 0.05,
     "n_iter_no_change": 1, "max_iter": 12}, {"learning_rate": "cosine"},
    {"learning_rate": "optimal", "learning_rate_init": 0.01},
    {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 20, "tol": 1e-3},
    {"n_iter_no_change": 1, "tol": 0.05, "max_iter": 50, "learning_rate_init": 0.01},
], ids=str)
def test_every_option(given, kind):
    """An odd number of micro-batches: the last minibatch of 5 rows has fewer rows than others."""
    pipeline = LayerPipeline(3, 5)
    weight = None if "class_weight" in given else WEIGHT
    whole, cut = [fit(kind, p, sample_weight=weight, **given) for p in (None, pipeline)]
    agree(whole, cut)
    if "early_stopping" in given:
        assert whole.validation_scores_ == cut.validation_scores_
    if given.get("learning_rate") == "adaptive":
        assert whole._states[0].eta0 == cut._states[0].eta0 < 0.5


@pytest.mark.parametrize("dropout", [0.3, (0.2, 0.0, 0.0, 0.0), (0.2, 0.3, 0.0, 0.4)], ids=str)
@pytest.mark.parametrize("kind", DATA)
def test_dropout_has_the_same_masks(kind, dropout):
    """Masks are cut from those of the whole minibatch."""
    pair = [fit(kind, p, dropout=dropout) for p in (None, LayerPipeline(3, 5))]
    agree(*pair)
    assert not same(pair[0], fit(kind))


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("output", OUTPUTS, ids="-".join)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_step_of_every_output(activation, output, kind):
    """With weights of rows and of labels, one of the rows without weight, and fixed masks."""
    by_label = np.array([[0.5, 2.0], [1.0, 3.0], [0.0, 1.0]]) if output[0] == "logistic" else None
    given = {"batch_size": N, "dropout": (0.3, 0.5, 0.25), "pipeline": LayerPipeline(3, 3)}
    problem = Problem(settings(activation, output, **given), rows_of(csr=kind == "csr"),
                      targets_of(output), np.linspace(0.0, 2.0, N), by_label)
    value, gradient, total = problem(problem.start)
    expected = gradient.copy()
    expected.first += 0.3 / total * problem.parameters.first
    expected.matrices += 0.3 / total * problem.parameters.matrices
    before, halt, bench = problem.parameters.copy(), Halt(), problem._bench
    with Team(3, on_interrupt=halt.ask) as team:
        stages = Pipelined(bench, problem.parameters, Momenta([]), team, halt)
        bench.begin(0)
        tally = stages.run(np.arange(N), SimpleNamespace(at=lambda number, begin: (0.5, 1)))
    assert tally.loss / tally.rows == pytest.approx(value, rel=1e-12)
    assert (tally.rows, tally.steps) == (N, 1)
    step = (before.pack() - problem.parameters.pack()) / 0.5
    np.testing.assert_allclose(step, expected.pack(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", DATA)
def test_several_outputs(kind):
    y = np.tanh(DATA[kind][:, :3] @ np.ones((3, 2)))
    for given in ({"y": y}, {"y": np.abs(y), "loss": "poisson"}, {"y": y[:, 0]}):
        agree(*[fit(kind, p, FastMLPRegressor, **given) for p in (None, LayerPipeline(2, 6))])
    labels = (y > 0).astype(int)
    for given in ({"y": labels}, {"y": labels, "class_weight": "balanced"}, {"y": labels[:, 0]}):
        agree(*[fit(kind, p, **given) for p in (None, LayerPipeline(4, 6))])


@pytest.mark.parametrize("kind", DATA)
def test_minibatches_without_weight(kind):
    """A minibatch whose rows all weigh 0 is passed over by all stages; so are micro-batches."""
    weight = np.repeat([1.0, 0.0, 2.0], 140)
    for batch_size in (70, 210):
        agree(*[fit(kind, p, sample_weight=weight, batch_size=batch_size, shuffle=False,
                    dropout=0.2) for p in (None, LayerPipeline(3, 14))])


@pytest.mark.parametrize("rule", ["adam", "nesterov"])
@pytest.mark.parametrize("kind", DATA)
def test_partial_fit_and_warm_start(kind, rule):
    """The optimizer's state goes on; with and without stages may follow each other."""
    X, y, models = DATA[kind], Y[kind], []
    for pipelines in ([None] * 5, [LayerPipeline(3, 4)] * 5, [None, LayerPipeline(2, 3)] * 3):
        model = FastMLPClassifier((9, 8), random_state=0, batch_size=50, dropout=0.1,
                                  **RULES[rule])
        for begin, pipeline in zip(range(0, 420, 84), pipelines, strict=False):
            model.set_params(pipeline=pipeline)
            model.partial_fit(X[begin:begin + 84], y[begin:begin + 84], classes=[0, 1, 2])
        model.set_params(warm_start=True, max_iter=2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            models.append(model.fit(X, y))
    agree(models[0], models[1])
    agree(models[0], models[2])
    assert models[1].predict_proba(X) == pytest.approx(models[0].predict_proba(X), abs=1e-8)


@pytest.mark.parametrize("kind", DATA)
def test_the_same_bits_again(kind):
    """Micro-batches are added up in a fixed order, whichever thread is faster."""
    assert same(*[fit(kind, LayerPipeline(3, 8), dropout=0.2) for _ in range(2)])


@pytest.mark.parametrize("kind", DATA)
def test_float32(kind, monkeypatch):
    monkeypatch.setitem(DATA, kind, DATA[kind].astype(np.float32))
    whole, cut = fit(kind), fit(kind, LayerPipeline(2, 4))
    assert cut.coefs_[0].dtype == np.float32
    assert distance(whole, cut) < 1e-3


def test_a_linear_model_is_one_stage():
    for kind in DATA:
        agree(*[fit(kind, p, hidden_layer_sizes=()) for p in (None, LayerPipeline(1, 4))])


@pytest.mark.parametrize("kind", DATA)
def test_what_is_told(kind):
    stats = fit(kind, LayerPipeline(3, 4), hidden_layer_sizes=(64, 8, 64)).fit_stats_
    assert (stats["threads"], stats["sync"]) == (3, "serial")
    told = json.loads(json.dumps(stats))["pipeline"]
    idle = told.pop("idle_share")
    assert len(idle) == 3
    assert all(0 < share < 1 for share in idle)
    first = DATA[kind].size / 420 * 64
    costs = [2 * first, 3 * 64 * 8, 3 * 8 * 64 + 3 * 64 * 3]
    assert told.pop("cost_share") == pytest.approx([c / sum(costs) for c in costs])
    assert told == {"stages": 3, "micro_batches": 4, "layers": [[0], [1], [2, 3]],
                    "idle_expected": pytest.approx(2 / 6)}
    assert fit(kind).fit_stats_["pipeline"] is None
