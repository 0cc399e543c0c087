"""How far a linear model is from the optimum at most, and the dual variables that prove it."""

from dataclasses import replace

import numpy as np

from fastsgd._integers import check_range
from fastsgd._random import draw_seeds
from fastsgd.engine.linear.polish import certificate
from fastsgd.kernels.rows import Rows
from fastsgd.models.linear.sparse_coef import dense
from fastsgd.models.validation import check_weights
from fastsgd.plan.linear import Plan


class Certified:
    """The part of the linear models that knows the dual (docs/duality.md)."""

    def certify(self, X, y, sample_weight=None, *, polish=0):
        """An upper bound of f(w, b) - f*, of this model on these rows; sets `gap_`.

        Any f* is at least the dual objective of any dual point. The point is made of the slopes of
        the losses at (w, b); the bound goes to 0 at the optimum of a smooth loss. Hinge and
        epsilon_insensitive have kinks where the slope is not known: their bound stays loose, by
        some parts in 100,000 on large data and a tenth of f on small, without `polish`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows of the fit.
        y : array-like of shape (n_samples,), or a multilabel indicator
        sample_weight : array-like of shape (n_samples,), default=None
        polish : int, default=0
            Epochs of dual coordinate ascent that make the bound tighter, where the penalty has a
            part of l2. The model stays as it is.

        Returns
        -------
        Certificate or list of Certificate
            gap, objective f(w, b), lower <= f*, and the dual point; one for each model where there
            are several (classes, labels).

        Raises
        ------
        ValueError
            There is no penalty, the loss has no dual, or processes have rows of their own.

        Examples
        --------
        >>> import numpy as np
        >>> from fastsgd import FastSGDClassifier
        >>> X = np.array([[-1.0, -1], [-2, -1], [1, 1], [2, 1]])
        >>> y = np.array([0, 0, 1, 1])
        >>> clf = FastSGDClassifier("log_loss", alpha=0.1, solver="lbfgs", tol=1e-8).fit(X, y)
        >>> clf.certify(X, y).gap < 1e-9
        True
        """
        self._check_fitted()
        polish = check_range("polish", polish, 0)
        plan = Plan.of(self, "certify")
        if plan.own_rows:
            raise ValueError(
                "certify looks at all rows, of which Workers(rows='own') gives each process its "
                "own; give it all, after set_params(workers=None), or train with solver='sdca', "
                "which sets gap_")
        X, y = self._check_Xy(X, y, reset=False, dtype=self.coef_.dtype)
        sample_weight = check_weights(
            self, sample_weight, X, allow_all_zero=self.early_stopping)
        problem, pairs = self._problem_and_weights(y)
        coef, rows = dense(self.coef_), Rows(X)
        settings = plan.settle(rows, X.shape[0], len(coef))
        states = getattr(self, "_states", None)
        seed, = draw_seeds(0, 1)
        found = []
        for k, w in enumerate(coef):
            mine = settings if pairs is None else replace(
                settings, weight_neg=pairs[k][0], weight_pos=pairs[k][1])
            found.append(certificate(
                rows, problem.target(k), sample_weight, w.astype(np.float64),
                float(self.intercept_[k]), mine,
                dual_coef=states[k].dual_coef if states else None, polish=int(polish), seed=seed))
        for state, told in zip(states or (), found, strict=bool(states)):
            state.gap = told.gap
        return found[0] if len(found) == 1 else found

    @property
    def gap_(self):
        """f(w, b) - f* at most: float, of several models ndarray of shape (n_models,)."""
        gaps = self._kept("gap", "tol=Gap(...), solver='sdca' or the method certify")
        return gaps[0] if len(gaps) == 1 else np.array(gaps)

    @property
    def dual_gap_(self):
        """`gap_` of solver='sdca', by the dual variables that it found."""
        self._kept("dual_coef", "solver='sdca'")
        return self.gap_

    @property
    def support_(self):
        """Rows whose dual variable is not 0, of any model: int ndarray, rising.

        With Workers(rows='own') of this process's rows, as in `dual_coef_`.
        """
        duals = self._kept("dual_coef", "solver='sdca'")
        return np.flatnonzero(np.any([dual != 0 for dual in duals], axis=0))

    @property
    def dual_coef_(self):
        """Dual variables of solver='sdca': float64 of shape (n_models, rows of `support_`).

        With penalty='l2' ``coef_`` is ``dual_coef_ @ X[support_]``, up to rounding; with
        Workers(rows='own') the sum of that over all processes.
        """
        duals = self._kept("dual_coef", "solver='sdca'")
        return np.array([dual[self.support_] for dual in duals])

    def _kept(self, name, by):
        """Values that each model's state holds, or AttributeError where it does not."""
        self._check_fitted()
        values = [getattr(state, name) for state in getattr(self, "_states", None) or ()]
        if not values or any(value is None for value in values):
            raise AttributeError(f"not known of this model; {by} finds it")
        return values
