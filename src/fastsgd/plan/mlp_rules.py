"""Which combinations of an MLP's parameters have no meaning, and what is told of each.

Rules are asked in their order; the first that fires is told.
"""

from functools import cached_property
from numbers import Integral, Real

from fastsgd._integers import MOST_UNITS, wrong_integer
from fastsgd.kernels import tables
from fastsgd.pipeline import LayerPipeline
from fastsgd.plan.rules import DEVICES, Group, Rule, all_rows, not_built, wrong_workers
from fastsgd.schedules import SCHEDULES, has_flag
from fastsgd.workers import as_workers, counts_rows, needs_a_seed

SOLVERS = ("sgd", "adam", "lbfgs", "adagrad", "rmsprop", "adadelta")
RATES = tuple(name for name in SCHEDULES if not has_flag(name, tables.PASSIVE_AGGRESSIVE))
"""A passive-aggressive step is made for one linear model's loss."""


def sums_all_rows(solver):
    """Whether each step of a solver takes the sum over all rows; the others take minibatches."""
    return solver == "lbfgs"


class Asked:
    """Request of a call: parameters, and what follows from them alone.

    Parameters
    ----------
    params : object
        Has the parameters as attributes: an estimator or a namespace. A classifier's have
        `class_weight`.
    call : {'fit', 'partial_fit', 'resume'}

    Attributes
    ----------
    by_sums : bool
        Whether the solver takes all rows.
    """

    def __init__(self, params, call="fit"):
        self.params, self.call = params, call
        self.by_sums = sums_all_rows(params.solver)

    @cached_property
    def workers(self):
        """The `Workers`, or None: this process alone."""
        return as_workers(self.params.workers)

    @cached_property
    def sizes(self):
        """Units of the hidden layers, as they were given."""
        sizes = self.params.hidden_layer_sizes
        return list(sizes) if hasattr(sizes, "__iter__") else [sizes]

    @cached_property
    def rates(self):
        """Rates of dropout of the input and of the hidden layers, as they were given."""
        dropout = self.params.dropout
        return (0.0, *[dropout] * len(self.sizes)) if isinstance(dropout, Real) else tuple(dropout)


def too_many_micro_batches(pipeline, batch_size):
    """Refusal of more micro-batches than a minibatch has rows, or None."""
    if pipeline.micro_batches <= batch_size:
        return None
    return (f"pipeline cuts a minibatch into {pipeline.micro_batches} micro-batches, and it has "
            f"{batch_size} rows (batch_size, and at most the rows of X); take fewer micro_batches "
            "or a larger batch_size")


def _stochastic():
    """The solvers that take minibatches, in words."""
    return ", ".join(repr(name) for name in SOLVERS if not sums_all_rows(name))


def _is_unit_count(size):
    return isinstance(size, Integral) and not isinstance(size, bool)


def _wrong_rates(a):
    return [rate for rate in a.rates if not isinstance(rate, Real) or not 0 <= rate < 1]


OF_WORKERS = [
    Rule(lambda a: a.by_sums and a.workers.policy == "local",
         lambda a: ("Workers(policy='local') averages weights after minibatches, and "
                    "solver='lbfgs' takes all rows; use Workers(policy='sync'), or a solver that "
                    "takes minibatches")),
    Rule(lambda a: a.by_sums and a.workers.batch == "per_worker",
         lambda a: ("Workers(batch='per_worker') counts rows of minibatches, and solver='lbfgs' "
                    "takes all rows; use batch='global'")),
    Rule(lambda a: a.workers.policy == "sync" and a.workers.local_steps is not None,
         lambda a: (f"Workers(local_steps={a.workers.local_steps!r}) has no meaning with "
                    "policy='sync', which adds up before each step; use local_steps=None, or "
                    "Workers(policy='local')")),
    Rule(lambda a: (a.workers.policy == "sync" and not a.by_sums
                    and a.params.sync not in ("auto", "serial")),
         lambda a: ("each of Workers(policy='sync') finds its part of a gradient by one thread, "
                    f"and sync={a.params.sync!r} shares weights among threads; use sync='auto' "
                    "and more workers, or Workers(policy='local')")),
    Rule(lambda a: needs_a_seed(a.workers, a.params)[0],
         lambda a: needs_a_seed(a.workers, a.params)[1]),
    all_rows(lambda a: a.params.early_stopping and not a.by_sums,
             lambda a: "early_stopping=True"),
    all_rows(lambda a: counts_rows(a.params)[0], lambda a: counts_rows(a.params)[1]),
]
"""Rules about what workers can do."""

OF_LAYERS = [
    Rule(lambda a: not all(map(_is_unit_count, a.sizes)),
         lambda a: f"hidden_layer_sizes must be whole numbers, got {a.sizes}"),
    Rule(lambda a: any(size <= 0 for size in a.sizes),
         lambda a: f"hidden_layer_sizes must be > 0, got {a.sizes}."),
    Rule(lambda a: any(size > MOST_UNITS for size in a.sizes),
         lambda a: f"hidden_layer_sizes must be <= {MOST_UNITS}, got {a.sizes}."),
]
"""Rules about the hidden layers."""

OF_DROPOUT = [
    Rule(lambda a: len(a.rates) != len(a.sizes) + 1,
         lambda a: ("dropout must be a number, or one for the input and one for each of the "
                    f"{len(a.sizes)} hidden layers; got {len(a.rates)}: {a.params.dropout!r}")),
    Rule(_wrong_rates,
         lambda a: f"dropout must be >= 0 and < 1, got {_wrong_rates(a)[0]!r}"),
]
"""Rules about dropout with a rate for each layer."""

OF_PIPELINES = [
    Rule(lambda a: not isinstance(a.params.pipeline, LayerPipeline),
         lambda a: ("pipeline must be None or a fastsgd.LayerPipeline, as LayerPipeline(stages=2, "
                    f"micro_batches=8); got {a.params.pipeline!r}")),
    Rule(lambda a: a.params.pipeline.stages > len(a.sizes) + 1,
         lambda a: (f"pipeline has {a.params.pipeline.stages} stages and the network "
                    f"{len(a.sizes) + 1} layers ({len(a.sizes)} hidden, and the output); each "
                    "stage needs at least one layer: take fewer stages, or more "
                    "hidden_layer_sizes")),
    Rule(lambda a: a.by_sums,
         lambda a: ("pipeline cuts minibatches, and solver='lbfgs' takes all rows; use one of "
                    f"{_stochastic()}, or pipeline=None")),
    Rule(lambda a: a.params.sync not in ("auto", "serial"),
         lambda a: (f"a pipeline's threads own layers, and those of sync={a.params.sync!r} share "
                    "them; use sync='auto' or 'serial', or pipeline=None")),
    Rule(lambda a: (not isinstance(a.params.batch_size, str) and too_many_micro_batches(
            a.params.pipeline, a.params.batch_size) is not None),
         lambda a: too_many_micro_batches(a.params.pipeline, a.params.batch_size)),
]
"""Rules about layers cut among threads."""

OF_SUMS = [
    Rule(lambda a: any(a.rates),
         lambda a: (f"dropout={a.params.dropout!r} needs a solver that takes minibatches, and "
                    f"solver='lbfgs' takes all rows; use one of {_stochastic()}")),
    Rule(lambda a: a.params.sync in ("hogwild", "merge"),
         lambda a: (f"sync={a.params.sync!r} shares minibatches among threads, and "
                    "solver='lbfgs' has none; use sync='auto', 'map_reduce' or 'serial'")),
]
"""Rules about solvers that take all rows."""

RULES = [
    Rule(lambda a: a.params.pipeline is not None and a.params.workers is not None,
         lambda a: (f"pipeline cuts the layers and workers={a.params.workers!r} the rows; one "
                    "model takes one of them; set the other to None")),
    not_built("device", lambda: DEVICES),
    Rule(lambda a: wrong_workers(a) is not None, wrong_workers),
    Group(lambda a: a.workers is not None, OF_WORKERS),
    Rule(lambda a: wrong_integer(a.params) is not None, lambda a: wrong_integer(a.params)),
    Rule(lambda a: a.params.early_stopping and a.call == "partial_fit",
         lambda a: "partial_fit does not support early_stopping=True"),
    Rule(lambda a: a.params.learning_rate == "optimal" and a.params.alpha == 0,
         lambda a: ("learning_rate='optimal' falls as 1 / (alpha * t) and needs alpha > 0, got "
                    "0; use another alpha, or learning_rate='invscaling'")),
    *OF_LAYERS,
    Group(lambda a: not isinstance(a.params.dropout, Real), OF_DROPOUT),
    Group(lambda a: a.params.pipeline is not None, OF_PIPELINES),
    Group(lambda a: a.by_sums, OF_SUMS),
]
"""All of them, in the order in which they are asked."""
