"""`resume`: the training of the last fit goes on, as if it had never been interrupted."""

from fastsgd._integers import check_range, is_seed
from fastsgd.errors import ResumeError
from fastsgd.models.model import trains
from fastsgd.models.validation import check_weights
from fastsgd.plan.linear import Plan


class Resumable:
    """The part of the linear models that goes on with a training."""

    @trains
    def resume(self, X, y, *, max_iter=None, sample_weight=None):
        """Goes on with the training of the last fit, up to `max_iter` epochs in total.

        With solver='sgd' (and 'gd' by a schedule) and one thread (sync='serial'), five epochs and
        then resume(X, y, max_iter=10) give the bits of ten epochs at once, also through
        `save_model` and `load_model`; other solvers go on from the weights or dual variables
        alone. Models of classes that had stopped by `tol` stay as they are ('lbfgs' and
        'newton-cg' look at them for an iteration); where all have, or `max_iter` epochs are
        behind, nothing happens.

        After Ctrl-C in `fit`, or where `max_time` ended it within an epoch, that epoch is run
        again whole, in the same order of rows, from the weights so far; the number of steps
        counts on.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows of the last fit, in the same order; not checked.
        y : array-like of shape (n_samples,), or a multilabel indicator
        max_iter : int, default=None
            Epochs in total, those of earlier calls included; None: the parameter `max_iter`.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
            `n_iter_` and `loss_curve_` are those of the whole training.

        Raises
        ------
        ResumeError
            The model holds no state of a training; or with `early_stopping` the rows that were
            held out are not known, because `random_state` is not an int.

        Notes
        -----
        The order of rows depends on the seeds drawn by the first epoch, which the model keeps, and
        not on the present `random_state`. Of the parameters, `max_iter`, `tol`,
        `n_iter_no_change`, `n_jobs`, `sync`, `verbose` and `max_time` may change in between.

        Examples
        --------
        >>> import numpy as np
        >>> from fastsgd import FastSGDRegressor
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> y = 3 * X[:, 0] + 1
        >>> once = FastSGDRegressor(tol=None, max_iter=10, random_state=0).fit(X, y)
        >>> twice = FastSGDRegressor(tol=None, max_iter=5, random_state=0).fit(X, y)
        >>> bool(twice.resume(X, y, max_iter=10).coef_ == once.coef_)
        True
        """
        self._check_fitted()
        max_iter = self._check_resume(max_iter)
        plan = Plan.of(self, "resume", max_iter=max_iter)
        X, y = self._check_Xy(X, y, reset=False, dtype=self.coef_.dtype)
        sample_weight = check_weights(
            self, sample_weight, X, allow_all_zero=self.early_stopping)
        validation = self._split(y, sample_weight, stratify=(
            self.classifies and y.ndim == 1)) if plan.stop.held_out else None
        models = self._resume(X.dtype, anew=False)
        self._resume_models(X, y, plan, sample_weight, models, validation)
        self._warn_at_end(plan)
        return self

    def _check_resume(self, max_iter):
        """Refuses what cannot go on; returns the number of epochs in total."""
        if not getattr(self, "_states", None):
            raise ResumeError(
                "this model holds no state of a training to resume; use fit or partial_fit")
        if self.early_stopping and not is_seed(self.random_state):
            raise ResumeError(
                "resume with early_stopping needs the rows that were held out before: set "
                f"random_state to an int before fit, got {self.random_state!r}")
        max_iter = self.max_iter if max_iter is None else max_iter
        return check_range("max_iter", max_iter, 1)
