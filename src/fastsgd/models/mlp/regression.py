"""Multilayer perceptrons that regress on sparse or dense rows."""

from functools import partial

import numpy as np

from fastsgd._constraints import Among
from fastsgd.models.kept_plan import plan_of_part
from fastsgd.models.labels import is_multilabel
from fastsgd.models.mlp.base import MLP
from fastsgd.models.model import trains
from fastsgd.models.validation import check_Xy
from fastsgd.plan.mlp import Plan


class MLPRegressor(MLP):
    """Multilayer perceptron regressor; FastMLPRegressor tells of its parameters."""

    model_name = "FastMLPRegressor"
    classifies = False

    constraints: dict = {
        **MLP.constraints,
        "loss": [Among(("squared_error", "poisson"))],
    }

    def __init__(
        self, loss="squared_error", hidden_layer_sizes=(100,), activation="relu", *,
        solver="adam", alpha=0.0001, batch_size="auto", learning_rate="constant",
        learning_rate_init=0.001, power_t=0.5, max_iter=200, shuffle=True, random_state=None,
        tol=1e-4, verbose=False, warm_start=False, momentum=0.9, nesterovs_momentum=True,
        early_stopping=False, validation_fraction=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8,
        n_iter_no_change=10, max_fun=15000, rho=0.9, init="glorot", dropout=0.0, lazy="auto",
        n_jobs=None, sync="auto", merge_every="auto", workers=None, pipeline=None, device="cpu",
        max_time=None,
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.rho = rho
        self.init = init
        self.dropout = dropout
        self.lazy = lazy
        self.n_jobs = n_jobs
        self.sync = sync
        self.merge_every = merge_every
        self.workers = workers
        self.pipeline = pipeline
        self.device = device
        self.max_time = max_time

    @trains
    def fit(self, X, y, sample_weight=None):
        """Trains from new weights; with `warm_start` from the last ones.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            CSR rows and C-ordered arrays of float32 or float64 are not copied.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : FastMLPRegressor

        Raises
        ------
        DivergenceError
            A weight left the range of floating point; the message names the epoch.
        """
        return self._fit(Plan.of(self, "fit"), X, y, sample_weight)

    @trains
    def partial_fit(self, X, y, sample_weight=None):
        """One epoch over these rows, from the weights and the optimizer's state so far.

        The weights are written in place: `coefs_` keeps its arrays.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : FastMLPRegressor

        Raises
        ------
        DivergenceError
            A loss or gradient is not finite; its step was not taken. The model is as it was, but
            a large one (docs/mlp.md) keeps what earlier minibatches of the call have taught it.
        """
        plan = plan_of_part(self, partial(Plan.of, self, "partial_fit"))
        return self._fit(plan, X, y, sample_weight)

    def _check_Xy(self, X, y, *, reset, dtype=None):
        X, y = check_Xy(self, X, y, reset=reset, dtype=dtype, classifier=False,
                        multi_output=is_multilabel(y))
        try:
            given = (y.toarray() if hasattr(y, "toarray") else y).astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"y must hold numbers, got {y.dtype}: {error}") from error
        with np.errstate(over="ignore"):
            y = given.astype(X.dtype, copy=False)
        if not np.isfinite(y).all():  # given was
            raise ValueError(f"y holds {given.flat[np.argmax(np.abs(given))]:g}, too large for "
                             f"{X.dtype}, X's type; scale y, or give X as float64")
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError(f"loss='poisson' needs y >= 0, got {y.min():g}")
        return X, y

    def _encode(self, plan, y, sample_weight, dtype, **_about):
        """(targets, n_outputs, weights of rows, weights of labels)."""
        self.out_activation_ = "exp" if plan.loss == "poisson" else "identity"
        targets = y[:, None] if y.ndim == 1 else np.ascontiguousarray(y)
        return targets, targets.shape[1], sample_weight, None

    @staticmethod
    def _strata(_targets):
        return None

    @staticmethod
    def _answers(said):
        return said[:, 0] if said.shape[1] == 1 else said

    _score_name = "r2"

    def predict(self, X):
        """The outputs for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._answers(self._outputs(X))
