"""Allowed parameters of the MLPs and their combinations, checked before X is looked at."""

from numbers import Integral, Real

import numpy as np

from fastsgd._constraints import Among, Range
from fastsgd._integers import MOST_UNITS, RANGES, check_integers
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.costs import SYNCS
from fastsgd.engine.mlp.initialisation import INITS
from fastsgd.errors import NotBuiltYetError
from fastsgd.kernels import tables
from fastsgd.models.mlp.training import check_workers
from fastsgd.pipeline import LayerPipeline
from fastsgd.schedules import SCHEDULES, Cosine, has_flag

SOLVERS = ("sgd", "adam", "lbfgs", "adagrad", "rmsprop", "adadelta")
RATES = tuple(name for name in SCHEDULES if not has_flag(name, tables.PASSIVE_AGGRESSIVE))
"""A passive-aggressive step is made for one linear model's loss."""

CONSTRAINTS: dict = {
    "hidden_layer_sizes": ["array-like", Range(Integral, 1, None, "left")],
    "activation": [Among(tuple(ACTIVATIONS))],
    "solver": [Among(tuple(SOLVERS))],
    "alpha": [Range(Real, 0, None, "left")],
    "batch_size": [
        Among(("auto",)), Range(Integral, *RANGES["batch_size"])],
    "learning_rate": [Among(tuple(RATES)), Cosine],
    "learning_rate_init": [Range(Real, 0, None, "neither")],
    "power_t": [Range(Real, 0, None, "left")],
    "max_iter": [Range(Integral, *RANGES["max_iter"])],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Range(Real, 0, None, "left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Range(Real, 0, 1, "left")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Range(Real, 0, 1, "left")],
    "beta_1": [Range(Real, 0, 1, "left")],
    "beta_2": [Range(Real, 0, 1, "left")],
    "epsilon": [Range(Real, 0, None, "neither")],
    "rho": [Range(Real, 0, 1, "left")],
    "n_iter_no_change": [
        Range(Integral, *RANGES["n_iter_no_change"]), Among((np.inf,), Real)],
    "max_fun": [Range(Integral, *RANGES["max_fun"])],
    "init": [Among(tuple(INITS))],
    "dropout": [Range(Real, 0, 1, "left"), "array-like"],
    "lazy": ["boolean", Among(("auto",))],
    "n_jobs": [Range(Integral, *RANGES["n_jobs"]), None],
    "sync": [Among(tuple(SYNCS))],
    "merge_every": [
        Range(Integral, *RANGES["merge_every"]), Among(("auto",))],
    "max_time": [Range(Real, 0, None, "neither"), None],
}


def check_mlp(estimator, *, for_partial_fit):
    """Refuses combinations of parameters that have no meaning.

    Returns
    -------
    hidden : tuple of int
        Units of each hidden layer.
    dropout : tuple of float
        Rates of the input and of each hidden layer.
    """
    if estimator.pipeline is not None and estimator.workers is not None:
        raise ValueError(
            f"pipeline cuts the layers and workers={estimator.workers!r} the rows; one model "
            "takes one of them; set the other to None")
    if estimator.device != "cpu":
        raise NotBuiltYetError(
            f"device={estimator.device!r} is not built yet; this release has device='cpu' only")
    check_workers(estimator)
    check_integers(estimator)
    if estimator.early_stopping and for_partial_fit:
        raise ValueError("partial_fit does not support early_stopping=True")
    if estimator.learning_rate == "optimal" and estimator.alpha == 0:
        raise ValueError(
            "learning_rate='optimal' falls as 1 / (alpha * t) and needs alpha > 0, got 0; "
            "use another alpha, or learning_rate='invscaling'")
    hidden = _layer_sizes(estimator.hidden_layer_sizes)
    dropout = _rates(estimator.dropout, hidden)
    if estimator.pipeline is not None:
        check_pipeline(estimator, hidden)
    if estimator.solver == "lbfgs":
        if any(dropout):
            raise ValueError(
                f"dropout={estimator.dropout!r} needs a solver that takes minibatches, and "
                f"solver='lbfgs' takes all rows; use one of {', '.join(_stochastic())}")
        if estimator.sync in ("hogwild", "merge"):
            raise ValueError(
                f"sync={estimator.sync!r} shares minibatches among threads, and solver='lbfgs' "
                "has none; use sync='auto', 'map_reduce' or 'serial'")
    return hidden, dropout


def check_pipeline(estimator, hidden):
    """Refuses a pipeline that the network, the solver or `sync` does not allow."""
    pipeline, n_layers = estimator.pipeline, len(hidden) + 1
    if not isinstance(pipeline, LayerPipeline):
        raise ValueError(
            "pipeline must be None or a fastsgd.LayerPipeline, as LayerPipeline(stages=2, "
            f"micro_batches=8); got {pipeline!r}")
    if pipeline.stages > n_layers:
        raise ValueError(
            f"pipeline has {pipeline.stages} stages and the network {n_layers} layers "
            f"({n_layers - 1} hidden, and the output); each stage needs at least one layer: take "
            "fewer stages, or more hidden_layer_sizes")
    if estimator.solver == "lbfgs":
        raise ValueError(
            "pipeline cuts minibatches, and solver='lbfgs' takes all rows; use one of "
            f"{', '.join(_stochastic())}, or pipeline=None")
    if estimator.sync not in ("auto", "serial"):
        raise ValueError(
            f"a pipeline's threads own layers, and those of sync={estimator.sync!r} share them; "
            "use sync='auto' or 'serial', or pipeline=None")
    if not isinstance(estimator.batch_size, str):
        check_micro_batches(pipeline, estimator.batch_size)


def check_micro_batches(pipeline, batch_size):
    """Refuses more micro-batches than a minibatch has rows."""
    if pipeline is not None and pipeline.micro_batches > batch_size:
        raise ValueError(
            f"pipeline cuts a minibatch into {pipeline.micro_batches} micro-batches, and it has "
            f"{batch_size} rows (batch_size, and at most the rows of X); take fewer micro_batches "
            "or a larger batch_size")


def _stochastic():
    return [repr(name) for name in SOLVERS if name != "lbfgs"]


def _layer_sizes(sizes):
    hidden = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    for size in hidden:
        if isinstance(size, bool) or not isinstance(size, Integral):
            raise ValueError(f"hidden_layer_sizes must be whole numbers, got {hidden}")
    if not all(0 < size <= MOST_UNITS for size in hidden):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}." if min(hidden) <= 0 else
                         f"hidden_layer_sizes must be <= {MOST_UNITS}, got {hidden}.")
    return tuple(int(size) for size in hidden)


def _rates(dropout, hidden):
    if isinstance(dropout, Real):
        return (0.0, *[float(dropout)] * len(hidden))
    rates = tuple(dropout)
    if len(rates) != len(hidden) + 1:
        raise ValueError(
            f"dropout must be a number, or one for the input and one for each of the "
            f"{len(hidden)} hidden layers; got {len(rates)}: {dropout!r}")
    for rate in rates:
        if not isinstance(rate, Real) or not 0 <= rate < 1:
            raise ValueError(f"dropout must be >= 0 and < 1, got {rate!r}")
    return tuple(float(rate) for rate in rates)


def check_lazy(lazy, is_dense):
    """Whether minibatches move only touched rows of the first matrix."""
    if isinstance(lazy, str):
        return not is_dense
    if lazy and is_dense:  # np.True_ too
        raise ValueError(
            "lazy=True moves the weights of features that occur in a minibatch, and in dense X "
            "all do; give X as CSR, or lazy='auto'")
    return bool(lazy)


def cast_weights(weights, dtype, *, allow_all_zero):
    """Weights of the rows, `class_weight` in them, in X's dtype; None stays None.

    Raises
    ------
    ValueError
        One is negative, all are 0, or a sum of them is not finite: a minibatch is divided by its
        weight.
    """
    if weights is None:
        return None
    if not np.all(weights >= 0):
        row = int(np.argmin(weights >= 0))
        raise ValueError(f"sample_weight times class_weight must be >= 0, got {weights[row]:g} in "
                         f"row {row}")
    with np.errstate(over="ignore", under="ignore"):
        cast = weights.astype(dtype)
        total = cast.sum(dtype=np.float64)
    if not np.isfinite(total):
        raise ValueError(f"sample_weight times class_weight is too large for {dtype}: up to "
                         f"{weights.max():g}; divide all weights by that")
    if not (total > 0 or allow_all_zero):
        raise ValueError("sample_weight times class_weight is 0 in all rows"
                         + (f" as {dtype}; multiply all weights" if weights.any() else ""))
    return cast
