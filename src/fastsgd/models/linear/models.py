"""The weights of K linear models as `coef_` shows them, beside the states that train them."""

import numpy as np
from scipy import sparse

from fastsgd.data.sparse import checked
from fastsgd.engine.linear.state import LinearState
from fastsgd.models.linear.sparse_coef import dense


class LinearModels:
    """K linear models in training.

    The weights are one C-ordered array of shape (n_features, K), whose transpose is `coef_`:
    predictions read it row by row, and all classes can be learnt at once. A state's weights are
    its column of that array; a copy until `collect` with averaging, and after `detach`.

    Attributes
    ----------
    weights : ndarray of shape (n_features, K)
    intercepts : float64 ndarray of shape (K,)
    states : list of LinearState
    average_from : int
        First step that counts in the average; 0 without averaging.
    fresh : bool
        Whether they begin at zero, as nobody gave another start.
    """

    fresh = False

    def __init__(self, weights, intercepts, average_from):
        self.weights = weights
        self.intercepts = intercepts
        self.average_from = average_from
        self.states = [self._state(k) for k in range(weights.shape[1])]

    def _state(self, k):
        weights = self.weights[:, k]
        if self.average_from:
            weights = weights.copy()
        return LinearState(weights=weights, intercept=float(self.intercepts[k]))

    @classmethod
    def start(cls, n_models, n_features, dtype, coef_init, intercept_init, average_from):
        """Models at the start that the user gives, or at zero."""
        intercepts = np.zeros(n_models) if intercept_init is None else check_init(
            intercept_init, (n_models,), "intercept_init", np.float64)
        if coef_init is None:
            models = cls(np.zeros((n_features, n_models), dtype), intercepts, average_from)
            models.fresh = intercept_init is None
            return models
        coef = check_init(coef_init, (n_models, n_features), "coef_init", dtype)
        return cls(np.ascontiguousarray(coef.T), intercepts, average_from)

    @classmethod
    def resume(cls, coef, intercept, t, old_states, dtype, average_from, *, anew):
        """The models of an earlier call, with the weights that the user sees now.

        `anew` forgets the progress of the training, but not its steps. Nothing of the arguments
        is written to, so an error leaves the estimator as it was.
        """
        coef = dense(coef)
        models = cls(np.array(coef.T, dtype=dtype, order="C"),
                     np.array(np.atleast_1d(intercept), dtype=np.float64), average_from)
        for k, state in enumerate(models.states):
            state.t = int(t)
            if old_states is None:
                continue
            old = old_states[k].copy()
            if old.average is not None and not average_from:  # averaging was switched off
                old.weights, old.average, old.intercept = None, None, state.intercept
            if old.weights is None:
                old.weights = state.weights
                shown = coef.dtype.type(old.intercept)
                if shown != state.intercept:  # the user has set another
                    old.intercept = state.intercept
            if anew:
                old.stale, old.best, old.curve = 0, np.inf, []
            models.states[k] = old
        return models

    def detach(self, k):
        """Gives model k contiguous weights to be trained alone."""
        state = self.states[k]
        if not state.weights.flags.c_contiguous:
            state.weights = state.weights.copy()

    def collect(self, k):
        """Takes model k's weights and intercept, or their averages, from its state."""
        self.intercepts[k] = self.states[k].show(self.weights[:, k])

    def settle(self):
        """Collects all models; returns the states to keep, without what `coef_` shows."""
        for k in range(len(self.states)):
            self.collect(k)
        if not self.average_from:
            for state in self.states:
                state.weights = None
        return self.states


def check_init(init, shape, name, dtype):
    """A start given by the user, as a new array of `shape`."""
    if sparse.issparse(init):  # warm start after sparsify()
        init = checked(init, name).toarray()
    init = np.array(init, dtype=dtype)
    size = int(np.prod(shape))
    if init.size != size or (len(shape) == 2 and shape[0] > 1 and init.shape != shape):
        raise ValueError(
            f"Provided {name} does not match dataset. It has shape {init.shape}; "
            f"expected {shape}."
        )
    if not np.isfinite(init).all():
        raise ValueError(f"{name} holds NaN or infinity; weights to start from must be finite")
    return init.reshape(shape)
