"""Objective of an MLP's training, how it is minimised, and the state from which it goes on."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from fastsgd.engine.mlp.activations import Activation
from fastsgd.engine.mlp.optimizer import OPTIMIZERS
from fastsgd.engine.mlp.outputs import Output
from fastsgd.kernels.optimizers import LINEAR
from fastsgd.optimizers import Optimizer
from fastsgd.penalties import make_penalty
from fastsgd.pipeline import LayerPipeline


@dataclass(frozen=True)
class Settings:
    """Arguments as in FastMLPClassifier.

    Attributes
    ----------
    rule : Optimizer
        The solver's, with momentum for solver="sgd".
    schedule : dict
        Of the step size (`schedule_fields`); its t counts rows from 1.
    by_epoch : bool
        The step stays the same within an epoch, as scikit-learn's "invscaling" has it.
    adaptive : bool
        The step is divided by 5 when progress ends.
    dropout : tuple of float
        Rates of the input and of each hidden layer.
    lazy : bool
        On CSR: a minibatch moves only the touched rows of the first matrix.
    settles : bool
        With `lazy`: after each epoch rows are brought up to the last step.
    guards : bool
        No step is taken by a loss or a gradient that is not finite.
    pipeline : LayerPipeline or None
        How layers are cut among threads; then `sync` is "serial".
    local_steps : int or None
        Minibatches between two averages of several workers; None: they share each minibatch.
    batch_per_worker : bool
        `batch_size` is of each worker: see `of_all`.
    warm_up : float
        Epochs in which the steps grow, then.
    growth : int
        How many times as long steps become.
    warm_rows : float
        In so many rows.
    stretch : float
        Steps are so many times as long from the beginning.
    """

    activation: Activation
    output: Output
    alpha: float
    rule: Optimizer
    schedule: dict
    by_epoch: bool
    adaptive: bool
    batch_size: int
    max_iter: int
    tol: float
    n_iter_no_change: float
    shuffle: bool
    dropout: tuple
    lazy: bool
    sync: str = "serial"
    n_threads: int = 1
    merge_every: int = 8
    settles: bool = True
    guards: bool = False
    pipeline: LayerPipeline | None = None
    local_steps: int | None = None
    batch_per_worker: bool = False
    warm_up: float = 1.0
    growth: int = 1
    warm_rows: float = 0.0
    stretch: float = 1.0

    @cached_property
    def penalty(self):
        """The penalty of all weights, before it is divided by the rows of a minibatch."""
        return make_penalty("l2", alpha=self.alpha)

    @property
    def penalty_is_exact(self):
        """Whether the penalty is evaluated at every minibatch, as in scikit-learn.

        Where several threads write it is evaluated at the end of the epoch.
        """
        return self.sync in ("serial", "map_reduce")

    def of_all(self, size, n_rows):
        """Settings of `size` workers together: minibatches of all, steps that grow with them."""
        if size == 1:
            return self
        grown = {}
        if self.batch_per_worker:
            grown = {"batch_size": min(n_rows, size * self.batch_size), "growth": size,
                     "warm_rows": self.warm_up * n_rows}
        if self.local_steps is not None and not OPTIMIZERS[self.rule.name][2] & LINEAR:
            # the mean squares of parts' gradients that a rule divides by are up to `size` times
            # as large (Malladi et al., 2022: square root scaling)
            grown["stretch"] = size ** 0.5
        return replace(self, **grown)

    def of_one(self, size):
        """Settings of one of `size` workers that takes steps by itself.

        Of each minibatch it has a part, and the penalty weighs as much as in the whole.
        """
        if size == 1 or self.local_steps is None:
            return self
        return replace(self, batch_size=-(-self.batch_size // size), alpha=self.alpha / size)


@dataclass
class State:
    """State that a training needs to go on, beside the weights.

    Attributes
    ----------
    momenta : Momenta or None
        The optimizer's state; None before the first step.
    begun : int
        Epochs before the last `fit`.
    step : int
        Minibatches so far.
    samples : int
        Rows so far, counted each time they are met.
    epoch : int
        Epochs begun.
    eta0 : float or None
        The adaptive schedule's present step.
    seed : int or None
        Of the dropout masks.
    stale : int
        Epochs since the best without progress.
    best_loss, best_score : float
    best : Parameters or None
        The weights of the best score, while training.
    iterate : Parameters or None
        After it, where the weights shown are those of the best score: those of the last epoch.
    shown : str
        Then the digest of the weights shown, which tells whether they are still the same.
    loss : float
        Of the last epoch.
    curve, scores : list of float
        The loss, and the validation score, by epoch.
    """

    momenta: object = None
    step: int = 0
    samples: int = 0
    epoch: int = 0
    begun: int = 0
    eta0: float | None = None
    seed: int | None = None
    stale: int = 0
    best_loss: float = np.inf
    best_score: float = -np.inf
    best: object = None
    iterate: object = None
    shown: str = ""
    loss: float = np.inf
    curve: list = field(default_factory=list)
    scores: list = field(default_factory=list)

    def count(self, tally):
        """Counts the minibatches of a Tally."""
        self.step += tally.steps
        self.samples += tally.rows

    def copy(self):
        """A state that may be trained without touching this one."""
        arrays = {name: value.copy() for name, value in vars(self).items()
                  if hasattr(value, "copy")}
        return replace(self, **arrays)

    def begin_scores(self, parameters):
        """Before epochs with early stopping: `parameters` become those of the last epoch."""
        if self.iterate is None:
            return
        if self.shown == parameters.digest():
            parameters.swap(self.iterate)
            self.best = self.iterate
        else:  # the user has set others, which have no score yet
            self.best, self.best_score = None, -np.inf
        self.iterate = None

    def end_scores(self, parameters):
        """After them `parameters` become those of the best score."""
        if self.best is not None:
            parameters.swap(self.best)
            self.best, self.iterate, self.shown = None, self.best, parameters.digest()

    def forget_scores(self):
        """Before epochs without them."""
        self.best = self.iterate = None
