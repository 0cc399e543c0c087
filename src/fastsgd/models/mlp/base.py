"""Base of the multilayer perceptrons: from checked arrays to trained weights."""

import time
from contextlib import nullcontext
from copy import deepcopy
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from fastsgd._random import MAX_INT, hold_out, random_numbers
from fastsgd._warn import warn
from fastsgd.data.sparse import without_repeats
from fastsgd.engine.deadline import Deadline
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.examples import Examples
from fastsgd.engine.mlp.initialisation import initialise
from fastsgd.engine.mlp.lbfgs import lbfgs
from fastsgd.engine.mlp.loop import train
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.engine.mlp.prediction import ShownWeights, predict
from fastsgd.engine.mlp.scores import SCORES
from fastsgd.engine.mlp.settings import State
from fastsgd.engine.mlp.undo import Undo, undone_on_error
from fastsgd.engine.run import Ended
from fastsgd.kernels.rows import Rows
from fastsgd.models.mlp.checks import (
    cast_weights,
    check_lazy,
    check_mlp,
)
from fastsgd.models.mlp.report import NetworkReport
from fastsgd.models.mlp.resume import ResumableMLP, Stream
from fastsgd.models.mlp.settings import make_settings
from fastsgd.models.mlp.training import WorkerTraining
from fastsgd.models.model import Model
from fastsgd.models.pools import check_any_weight, count_rows
from fastsgd.models.validation import check_weights, check_X


def takes_minibatches(estimator):
    """Whether `partial_fit` is there: lbfgs sums over all rows."""
    if estimator.solver == "lbfgs":
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
    dropout: tuple
    lazy: bool
    deadline: Deadline
    began: float


class MLP(ResumableMLP, Model):
    """Base of the classifier and the regressor."""

    family = "mlp"

    def _fit(self, X, y, sample_weight, *, incremental, **about_y):
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        task = self._task(X, y, sample_weight, incremental=incremental, first=first, **about_y)
        rng = self._rng if incremental and hasattr(self, "_rng") else random_numbers(
            self.random_state)
        parameters, state = self._start(task.units, task.X.dtype, rng, first, incremental)
        if any(task.dropout) and state.seed is None:
            state.seed = int(rng.randint(MAX_INT))
        stream = None
        if not incremental:
            stream = Stream(deepcopy(rng), state.epoch, task.n_rows, self._holds_out)
        self._train(task, parameters, state, rng, stream, max_iter=self.max_iter)
        return self

    def _task(self, X, y, sample_weight, *, incremental=False, first=False, goes_on=False,
              **about_y):
        """Check X, y and the parameters, before anything of the model is touched."""
        deadline, began = Deadline(self.max_time), time.perf_counter()
        hidden, dropout = check_mlp(self, for_partial_fit=incremental)
        X, y = self._check_Xy(X, y, reset=first, dtype=None if first else self._dtype)
        rows = Rows(X)
        rows.check()
        if dropout[0] and not rows.rising:  # an input is dropped with all its entries
            X = without_repeats(X)
            rows = Rows(X)
            rows.check()
        n_rows = count_rows(self, X, y.shape[1:])
        with_others = n_rows > X.shape[0]
        sample_weight = check_weights(self, sample_weight, X, allow_all_zero=with_others)
        targets, n_outputs, sample_weight, label_weights = self._targets(
            y, sample_weight, X.dtype, first=first, incremental=incremental, goes_on=goes_on,
            **about_y)
        sample_weight = cast_weights(
            sample_weight, X.dtype, allow_all_zero=incremental or with_others)
        if with_others and not incremental:
            check_any_weight(self, sample_weight)
        lazy = check_lazy(self.lazy, rows.is_dense) and self.solver != "lbfgs"
        units = (X.shape[1], *hidden, n_outputs)
        if not first and [c.shape for c in self.coefs_] != list(pairwise(units)):
            raise ValueError(
                f"warm_start, resume and partial_fit go on with layers of {self._units()} units; "
                f"hidden_layer_sizes and y now ask for {list(units)}")
        return Task(X, rows, y, n_rows, targets, sample_weight, label_weights, units, dropout,
                    lazy, deadline, began)

    def _train(self, task, parameters, state, rng, stream, *, max_iter, resumed=False):
        """Trains and sets the fitted attributes; without `stream` for one epoch."""
        train_rows, held_out, score = self._split(task, parameters, rng)
        examples = Examples(task.X, task.rows, task.targets, task.sample_weight,
                            task.label_weights, train_rows)
        max_iter, behind = int(max_iter), state.epoch - state.begun if resumed else 0
        settings = make_settings(self, examples, task, max_iter - behind if stream else 1,
                                 incremental=stream is None)
        drawn = 0 if stream is None or self.solver == "lbfgs" else state.epoch - stream.epoch
        next_order, crew = examples.order(self.shuffle, rng), None
        if self.workers is not None:
            crew = WorkerTraining(self, examples, rng, held_out, self._score_name, drawn)
        elif self.shuffle:
            for _ in range(drawn):
                next_order()
        self._rng, self._states, self._parameters = rng, [state], parameters
        self._stream = stream
        self.coefs_, self.intercepts_ = parameters.coefs, parameters.intercepts
        self.n_layers_, self.n_outputs_ = len(task.units), task.units[-1]
        report = NetworkReport(self, task, settings.max_iter, parameters, state)
        try:
            if resumed and (why := self._why_ended(state, settings)):
                ended = Ended(0, why, 0)
            else:
                report.begin_epoch()
                about = {"on_epoch": report.epoch, "deadline": task.deadline}
                if crew is not None:
                    with self._guard(parameters, state, settings, examples):
                        ended = crew.train(parameters, state, settings, report, task.deadline)
                elif self.solver == "lbfgs":
                    ended = lbfgs(examples, parameters, state, settings, max_fun=self.max_fun,
                                  **about)
                else:
                    with self._guard(parameters, state, settings, examples):
                        ended = train(examples, parameters, state, settings, next_order,
                                      score=score, **about)
        finally:
            vars(self).update(self._shown(state))
        if stream is None:
            self.n_iter_ = ended.n_iter
        report.end_epochs()
        report.close()
        seconds = time.perf_counter() - task.began
        self.fit_stats_ = {
            "seconds": seconds, "rows_per_second": ended.steps / seconds,
            "threads": settings.n_threads, "sync": settings.sync, "solver": self.solver,
            "lazy": settings.lazy, "stopped_by": ended.stopped_by, "pipeline": ended.pipeline,
            **({} if crew is None else crew.told)}
        if stream is not None:
            self._warn_at_end(max_iter)

    def _guard(self, parameters, state, settings, examples):
        """The weights of `fit` and `resume` are copies that an error may leave anyhow."""
        if not settings.guards:
            return nullcontext()
        self._undo = getattr(self, "_undo", None) or Undo()
        several = examples.n_rows > settings.batch_size or settings.pipeline is not None
        return undone_on_error(self._undo, parameters, state, several=several)

    def _start(self, units, dtype, rng, first, incremental):
        """The weights and state that the training begins with."""
        if first:
            parameters = Parameters(units, dtype)
            initialise(parameters, self.init, self.activation, rng)
            return parameters, State()
        state = self._states[0]
        if incremental:
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

    def _split(self, task, parameters, rng):
        """(rows to learn from, others, score on those) of early_stopping; split as scikit-learn.
        """
        if not self._holds_out:
            return None, None, None
        train_rows, held_out = hold_out(
            task.X.shape[0], self.validation_fraction, rng, self._strata(task.targets))
        if len(held_out) < 2:
            raise ValueError("The validation set is too small. Increase 'validation_fraction' "
                             "or the size of your dataset.")
        weight = None if task.sample_weight is None else task.sample_weight[held_out]
        if weight is not None and not weight.any():
            raise ValueError("The sample weights for validation set are all zero, consider using "
                             "a different random state.")
        output = OUTPUTS[self.out_activation_, self.loss]

        def score():
            said = predict(task.X, task.rows, parameters, ACTIVATIONS[self.activation], output,
                           held_out)
            if not np.isfinite(said).all():
                return float("nan")
            return SCORES[self._score_name](said, task.targets[held_out], weight)

        return train_rows, held_out, score

    def _shown(self, state):
        """The fitted attributes beside the weights, also of a training that was interrupted."""
        scored = self._holds_out
        return {
            "loss_": float(state.loss), "loss_curve_": state.curve, "t_": state.samples,
            "best_loss_": None if scored else float(state.best_loss),
            "validation_scores_": state.scores if scored else None,
            "best_validation_score_": state.best_score if scored else None,
            "n_iter_": state.epoch - state.begun,
        }

    def _warn_at_end(self, max_iter):
        stopped_by = self.fit_stats_["stopped_by"]
        if stopped_by in ("max_iter", "max_fun"):
            warn(
                f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the "
                "optimization hasn't converged yet." if self.solver != "lbfgs" else
                f"lbfgs failed to converge after {self.n_iter_} iterations (max_iter="
                f"{max_iter}, max_fun={self.max_fun}). Scaling the data might help.",
                self._not_converged)
        elif stopped_by == "max_time":
            warn(
                f"max_time={self.max_time:g} seconds ended the training before convergence, with "
                f"n_iter_={self.n_iter_}.", self._not_converged)
        elif stopped_by == "divergence":
            warn(
                f"The training diverged in epoch {self.n_iter_}; the weights of the best "
                "validation score are kept. Take a smaller learning_rate_init than "
                f"{self.learning_rate_init:g}, or scale the data.", self._not_converged)
        elif stopped_by == "tol" and self.verbose and self.solver != "lbfgs":
            what = "Validation score" if self.early_stopping else "Training loss"
            print(f"{what} did not improve more than tol={self.tol:f} for "
                  f"{self.n_iter_no_change} consecutive epochs. Stopping.")

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
