"""Linear regression trained on sparse or dense rows."""

from functools import partial

from fastsgd._constraints import Among
from fastsgd.losses import LOSSES, REGRESSION_LOSSES
from fastsgd.models.kept_plan import plan_of_part
from fastsgd.models.linear.base import LinearModel
from fastsgd.models.linear.decision import decision
from fastsgd.models.linear.problem import Numbers
from fastsgd.models.model import trains
from fastsgd.models.validation import check_weights, check_Xy
from fastsgd.plan.linear import Plan


class LinearRegressor(LinearModel):
    """Linear regression; FastSGDRegressor tells of its parameters."""

    model_name = "FastSGDRegressor"
    classifies = False

    loss_functions = {name: LOSSES[name] for name in REGRESSION_LOSSES}

    _score_name = "r2"

    constraints: dict = {
        **LinearModel.constraints,
        "loss": [Among(tuple(REGRESSION_LOSSES))],
    }

    def __init__(
        self, loss="squared_error", *, penalty="l2", alpha=0.0001, l1_ratio=0.15,
        fit_intercept=True, max_iter=1000, tol=1e-3, shuffle=True, verbose=0, epsilon=0.1,
        random_state=None, learning_rate="invscaling", eta0=0.01, power_t=0.25,
        early_stopping=False, validation_fraction=0.1, n_iter_no_change=5, warm_start=False,
        average=False, C=None, n_jobs=None, sync="auto", merge_every="auto",
        device="cpu", workers=None, max_time=None, solver="sgd", batch_size=None, max_step="auto",
    ):
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.average = average
        self.C = C
        self.n_jobs = n_jobs
        self.sync = sync
        self.merge_every = merge_every
        self.device = device
        self.workers = workers
        self.max_time = max_time
        self.solver = solver
        self.batch_size = batch_size
        self.max_step = max_step

    @trains
    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        """Trains from `coef_init` (zeros; with `warm_start` the last weights).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            CSR rows and C-ordered arrays of float32 or float64 are not copied.
        y : array-like of shape (n_samples,)
        coef_init : array-like of shape (n_features,), default=None
        intercept_init : array-like of shape (1,), default=None
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : FastSGDRegressor

        Raises
        ------
        DivergenceError
            A weight left the range of floating point; the message names the epoch.
        """
        plan = Plan.of(self, "fit")
        X, y = check_Xy(self, X, y, reset=True, classifier=False)
        sample_weight = check_weights(
            self, sample_weight, X, allow_all_zero=self.early_stopping)
        validation = self._split(
            y, sample_weight, stratify=False) if plan.stop.held_out else None
        models = self._start(1, X.shape[1], X.dtype, coef_init, intercept_init)
        self._fit_model(X, y, plan, sample_weight, models, validation)
        self._warn_at_end(plan)
        return self

    @trains
    def partial_fit(self, X, y, sample_weight=None):
        """One epoch over these rows, from the weights so far.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : FastSGDRegressor
        """
        first = getattr(self, "coef_", None) is None
        plan = plan_of_part(self, partial(Plan.of, self, "partial_fit", first=first), first)
        X, y = check_Xy(self, X, y, reset=first, dtype=None if first else self.coef_.dtype,
                        classifier=False)
        sample_weight = check_weights(
            self, sample_weight, X, allow_all_zero=self.early_stopping)
        models = (self._start(1, X.shape[1], X.dtype, None, None) if first
                  else self._resume(X.dtype))
        self._fit_model(X, y, plan, sample_weight, models, None)
        return self

    def _fit_model(self, X, y, plan, sample_weight, models, validation):
        self._train(X, plan, Numbers(y), sample_weight, models, validation=validation)

    _resume_models = _fit_model

    def _problem_and_weights(self, y):
        return Numbers(y), None

    @staticmethod
    def _shown(models):
        coef = models.weights[:, 0]
        return {"coef_": coef, "intercept_": models.intercepts.astype(coef.dtype)}

    def predict(self, X):
        """w.x + b of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return decision(self, X)[:, 0]
