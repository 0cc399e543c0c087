"""`resume` of the MLPs: a training goes on as if it had not been interrupted."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from fastsgd._integers import check_range
from fastsgd.engine.mlp.progress import has_ended
from fastsgd.engine.run import reason_before
from fastsgd.errors import ResumeError
from fastsgd.models.model import trains
from fastsgd.plan.mlp import Plan


@dataclass
class Stream:
    """The random numbers from which a training takes its rows to hold out and their orders.

    Each epoch shuffles the order of the one before, so the order of any epoch follows from where
    the numbers stood before the first one.

    Attributes
    ----------
    rng : RandomState
        As it stood then; never drawn from.
    epoch : int
        `State.epoch` then.
    n_rows : int
        Of X, of all processes.
    held_out : bool
        Whether rows were held out.
    """

    rng: np.random.RandomState
    epoch: int
    n_rows: int
    held_out: bool

    def begin(self):
        """The numbers from there on."""
        return deepcopy(self.rng)


class ResumableMLP:
    """The part of the multilayer perceptrons that goes on with a training."""

    @trains
    def resume(self, X, y, *, max_iter=None, sample_weight=None):
        """Goes on with the training of the last fit, up to `max_iter` epochs in total.

        With sync='serial' and 'map_reduce', and with the same `n_jobs` 'merge', five epochs and
        then resume(X, y, max_iter=10) give the bits of ten epochs at once, also through
        `save_model` and `load_model`, whatever `random_state` was; 'lbfgs' goes on from the
        weights alone. Where `tol` has ended the training, or `max_iter` epochs are behind,
        nothing happens ('lbfgs' looks at `tol` anew).

        After Ctrl-C in `fit`, or where `max_time` ended it within an epoch, that epoch is run
        again whole, in the same order of rows and with the same dropout, from the weights so far.
        After `partial_fit`, whose calls count as epochs, the orders follow from the random numbers
        as they stand, and progress is judged anew. `coefs_` and `intercepts_` may have been
        replaced: the training goes on from those, with the optimizer's state as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows of the last fit, in the same order; only their number is checked.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        max_iter : int, default=None
            Epochs in total, or iterations of 'lbfgs', since the last call of `fit` began; None:
            the parameter `max_iter`.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
            `n_iter_` and `loss_curve_` are those of the whole training.

        Raises
        ------
        ResumeError
            The model holds no state of a training, or that of another number of rows, solver,
            or `early_stopping`.
        DivergenceError
            The model is then as it was before.

        Notes
        -----
        Of the parameters, `max_iter`, `tol`, `n_iter_no_change`, `max_fun`, `n_jobs`, `sync`,
        `verbose`, `max_time` and `random_state` (only sync='auto' looks at it) may change in
        between.

        Examples
        --------
        >>> import numpy as np
        >>> from fastsgd import FastMLPRegressor
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> given = {"hidden_layer_sizes": 5, "tol": 0, "random_state": 0}
        >>> once = FastMLPRegressor(max_iter=10, **given).fit(X, X[:, 0])
        >>> twice = FastMLPRegressor(max_iter=5, **given).fit(X, X[:, 0])
        >>> twice = twice.resume(X, X[:, 0], max_iter=10)
        >>> bool(np.all(twice.coefs_[0] == once.coefs_[0]))
        True
        """
        self._check_fitted()
        if not getattr(self, "_states", None):
            raise ResumeError(
                "this model holds no state of a training to resume; use fit or partial_fit")
        max_iter = check_range("max_iter", self.max_iter if max_iter is None else max_iter, 1)
        plan = Plan.of(self, "resume", max_iter=max_iter)
        task = self._task(plan, X, y, sample_weight)
        state, stream = self._states[0].copy(), self._stream
        if stream is None:  # after partial_fit
            stream = Stream(deepcopy(self._rng), state.epoch, task.n_rows, False)
            state.stale, state.best_loss = 0, np.inf
        _check_stream(plan, stream, task.n_rows)
        _check_rule(plan, state)
        self._train_network(
            plan, task, self._own_parameters().copy(), state, stream.begin(), stream)
        return self


def _check_stream(plan, stream, n_rows):
    """Refuses what cannot go on with the rows that were learnt from."""
    if stream.held_out != plan.holds_out:
        had, has = ("held rows out", "early_stopping=True") if stream.held_out else (
            "learnt from all rows", "early_stopping=False")
        raise ResumeError(
            f"the last training {had}, so resume goes on with {has}; for another use fit, "
            "with warm_start=True from these weights")
    if stream.n_rows != n_rows and not plan.by_sums:
        raise ResumeError(
            f"resume goes on with the {stream.n_rows} rows of the last fit, got {n_rows}; "
            "to learn from others use partial_fit, or fit with warm_start=True")


def _check_rule(plan, state):
    """Refuses the optimizer's state of another solver."""
    rule, had = plan.rule, state.momenta and state.momenta.rule
    if not plan.by_sums and had is not None and had != rule.name:
        raise ResumeError(
            f"the last training was by {had!r}, whose state is of no use to {rule.name!r}, "
            f"which solver={plan.solver!r} and the momentum now ask for; set them back, or "
            "use fit with warm_start=True")


def why_ended(plan, state, settings):
    """Reason for which a training has ended already: one of `Ended.stopped_by`, or None."""
    diverged = state.iterate is not None and not state.iterate.are_finite()
    converged = not plan.by_sums and has_ended(state, settings)
    if diverged or converged or settings.max_iter < 1:
        return reason_before(converged=converged, diverged=diverged)
    return None
