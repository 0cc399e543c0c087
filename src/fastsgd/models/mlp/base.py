"""Base of the multilayer perceptrons: from checked arrays to trained weights."""

import time
from contextlib import nullcontext
from copy import deepcopy
from functools import partial
from itertools import pairwise
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from fastsgd._constraints import Among, Range
from fastsgd._integers import RANGES
from fastsgd._random import MAX_INT, hold_out, random_numbers
from fastsgd.data.sparse import without_repeats
from fastsgd.engine.deadline import Deadline
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.costs import SYNCS
from fastsgd.engine.mlp.examples import Examples
from fastsgd.engine.mlp.initialisation import INITS, initialise
from fastsgd.engine.mlp.lbfgs import lbfgs
from fastsgd.engine.mlp.loop import train
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.engine.mlp.prediction import ShownWeights, predict
from fastsgd.engine.mlp.scores import score_of
from fastsgd.engine.mlp.settings import State
from fastsgd.engine.mlp.undo import Undo, undone_on_error
from fastsgd.engine.run import Ended
from fastsgd.kernels.rows import Rows
from fastsgd.models.mlp.checks import cast_weights, check_lazy
from fastsgd.models.mlp.report import NetworkReport, course_of, warn_at_end
from fastsgd.models.mlp.resume import ResumableMLP, Stream, why_ended
from fastsgd.models.mlp.training import WorkerTraining
from fastsgd.models.model import Model
from fastsgd.models.pools import check_any_weight, count_rows, of_all
from fastsgd.models.validation import check_weights, check_X
from fastsgd.plan.mlp_rules import RATES, SOLVERS, sums_all_rows
from fastsgd.schedules import Cosine


def takes_minibatches(estimator):
    """Whether `partial_fit` is there: lbfgs sums over all rows."""
    if sums_all_rows(estimator.solver):
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic.")
    return True


class Task(NamedTuple):
    """X and y of one call, checked, and what goes with them; `n_rows` are those of all processes.
    """

    X: object
    rows: Rows
    y: np.ndarray
    n_rows: int
    targets: np.ndarray
    sample_weight: np.ndarray | None
    label_weights: np.ndarray | None
    units: tuple
    lazy: bool
    deadline: Deadline
    began: float


class MLP(ResumableMLP, Model):
    """Base of the classifier and the regressor."""

    family = "mlp"

    constraints: dict = {
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

    def _fit(self, plan, X, y, sample_weight, **about_y):
        first = not (plan.continues and hasattr(self, "coefs_"))
        task = self._task(plan, X, y, sample_weight, first=first, **about_y)
        rng = self._rng if plan.incremental and hasattr(self, "_rng") else random_numbers(
            self.random_state)
        parameters, state = self._begin(plan, task, rng, first)
        if any(plan.dropout) and state.seed is None:
            state.seed = int(rng.randint(MAX_INT))
        stream = None
        if not plan.incremental:
            stream = Stream(deepcopy(rng), state.epoch, task.n_rows, plan.holds_out)
        self._train_network(plan, task, parameters, state, rng, stream)
        return self

    def _task(self, plan, X, y, sample_weight, *, first=False, **about_y):
        """Check X and y, before anything of the model is touched."""
        deadline, began = Deadline(plan.stop.max_time), time.perf_counter()
        X, y = self._check_Xy(X, y, reset=first, dtype=None if first else self._dtype)
        rows = Rows(X)
        rows.check()
        if plan.dropout[0] and not rows.rising:  # an input is dropped with all its entries
            X = without_repeats(X)
            rows = Rows(X)
            rows.check()
        n_rows = count_rows(self, X, y.shape[1:])
        with_others = n_rows > X.shape[0]
        sample_weight = check_weights(self, sample_weight, X, allow_all_zero=with_others)
        targets, n_outputs, sample_weight, label_weights = self._encode(
            plan, y, sample_weight, X.dtype, first=first, **about_y)
        sample_weight = cast_weights(
            sample_weight, X.dtype, allow_all_zero=plan.incremental or with_others)
        if with_others and not plan.incremental:
            check_any_weight(self, sample_weight)
        lazy = check_lazy(plan.lazy, rows.is_dense) and not plan.by_sums
        units = (X.shape[1], *plan.hidden, n_outputs)
        if not first and [c.shape for c in self.coefs_] != list(pairwise(units)):
            raise ValueError(
                f"warm_start, resume and partial_fit go on with layers of {self._units()} units; "
                f"hidden_layer_sizes and y now ask for {list(units)}")
        return Task(X, rows, y, n_rows, targets, sample_weight, label_weights, units, lazy,
                    deadline, began)

    def _train_network(self, plan, task, parameters, state, rng, stream):
        """Trains and sets the fitted attributes; `stream` is None in `partial_fit`."""
        resumed = plan.call == "resume"
        train_rows, held_out = self._split(plan, task, rng)
        examples = Examples(task.X, task.rows, task.targets, task.sample_weight,
                            task.label_weights, train_rows)
        settings = plan.settle(
            examples, task.units, OUTPUTS[self.out_activation_, plan.loss], n_rows=task.n_rows,
            lazy=task.lazy, behind=state.epoch - state.begun if resumed else 0,
            everyone=partial(of_all, self))
        drawn = 0 if stream is None or plan.by_sums else state.epoch - stream.epoch
        next_order, crew = examples.order(plan.shuffle, rng), None
        if plan.workers is not None:
            crew = WorkerTraining(self, plan, examples, rng, held_out, self._score_name, drawn)
        elif plan.shuffle:
            for _ in range(drawn):
                next_order()
        self._rng, self._states, self._parameters = rng, [state], parameters
        self._stream = stream
        self.coefs_, self.intercepts_ = parameters.coefs, parameters.intercepts
        self.n_layers_, self.n_outputs_ = len(task.units), task.units[-1]
        report = NetworkReport(self, task, settings.max_iter, parameters, state, plan.holds_out)
        try:
            if resumed and (why := why_ended(plan, state, settings)):
                ended = Ended(0, why, 0)
            else:
                report.begin_epoch()
                about = {"on_epoch": report.epoch, "deadline": task.deadline}
                if crew is not None:
                    with self._guard(parameters, state, settings, examples):
                        ended = crew.train(parameters, state, settings, report, task.deadline)
                elif plan.by_sums:
                    ended = lbfgs(examples, parameters, state, settings,
                                  max_fun=plan.stop.max_fun, **about)
                else:
                    score = None if held_out is None else score_of(
                        self._score_name, examples, parameters, settings, held_out)
                    with self._guard(parameters, state, settings, examples):
                        ended = train(examples, parameters, state, settings, next_order,
                                      score=score, **about)
        finally:
            vars(self).update(course_of(state, plan.holds_out))
        if plan.incremental:
            self.n_iter_ = ended.n_iter
        report.end_epochs()
        report.close()
        seconds = time.perf_counter() - task.began
        self.fit_stats_ = {
            "seconds": seconds, "rows_per_second": ended.steps / seconds,
            "threads": settings.n_threads, "sync": settings.sync, "solver": plan.solver,
            "lazy": settings.lazy, "stopped_by": ended.stopped_by, "pipeline": ended.pipeline,
            **({} if crew is None else crew.told)}
        if not plan.incremental:
            warn_at_end(self, plan)

    def _guard(self, parameters, state, settings, examples):
        """The weights of `fit` and `resume` are copies that an error may leave anyhow."""
        if not settings.guards:
            return nullcontext()
        self._undo = getattr(self, "_undo", None) or Undo()
        several = examples.n_rows > settings.batch_size or settings.pipeline is not None
        return undone_on_error(self._undo, parameters, state, several=several)

    def _begin(self, plan, task, rng, first):
        """The weights and state that the training begins with."""
        if first:
            parameters = Parameters(task.units, task.X.dtype)
            initialise(parameters, plan.init, plan.activation, rng)
            return parameters, State()
        state = self._states[0]
        if plan.incremental:
            return self._own_parameters(), state
        parameters = self._own_parameters().copy()
        best = state.best if state.iterate is None else parameters.copy()
        return parameters, State(  # `fit` takes new optimizers
            samples=state.samples, epoch=state.epoch, begun=state.epoch, seed=state.seed,
            stale=state.stale, best_loss=state.best_loss, best_score=state.best_score, best=best,
            curve=list(state.curve), scores=list(state.scores))

    @property
    def _dtype(self):
        """Type of the training's weights, whatever the user has put in coefs_."""
        state = getattr(self, "_states", [State()])[0]
        momenta = state.momenta
        return momenta.slots[0].dtype if momenta and momenta.slots else self.coefs_[0].dtype

    def _own_parameters(self):
        """The weights of coefs_ and intercepts_, which may have been replaced since `fit`."""
        mine = getattr(self, "_parameters", None)
        shown = [*self.coefs_, *self.intercepts_]
        if mine is None or any(a is not b for a, b in zip(
                shown, mine.coefs + mine.intercepts, strict=True)):
            mine = Parameters.of(self.coefs_, self.intercepts_, self._dtype)
        return mine

    def _split(self, plan, task, rng):
        """Rows to learn from and rows held out, for early_stopping; split as scikit-learn does."""
        if not plan.holds_out:
            return None, None
        train_rows, held_out = hold_out(
            task.X.shape[0], plan.stop.held_out, rng, self._strata(task.targets))
        if len(held_out) < 2:
            raise ValueError("The validation set is too small. Increase 'validation_fraction' "
                             "or the size of your dataset.")
        if task.sample_weight is not None and not task.sample_weight[held_out].any():
            raise ValueError("The sample weights for validation set are all zero, consider using "
                             "a different random state.")
        return train_rows, held_out

    def _outputs(self, X, output=None):
        """Outputs of the output layer, or of one given, for each row: (n_samples, n_outputs)."""
        self._check_fitted()
        X = check_X(self, X, self._dtype)
        rows = Rows(X)
        rows.check()
        shown = ShownWeights.of(self.coefs_, self.intercepts_, self._dtype)
        return predict(X, rows, shown, ACTIVATIONS[self.activation],
                       output or OUTPUTS[self.out_activation_, self.loss])

    def _units(self):
        return [len(self.coefs_[0]), *(c.shape[1] for c in self.coefs_)]

    def __getstate__(self):
        """Without the one block of memory that coefs_ and intercepts_ are views of."""
        state = super().__getstate__()
        return {name: state[name] for name in state if name not in ("_parameters", "_undo")}
