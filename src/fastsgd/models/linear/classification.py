"""Linear classifiers trained on sparse or dense rows."""

from functools import partial

import numpy as np

from fastsgd._constraints import Among
from fastsgd.losses import LOSSES
from fastsgd.models.kept_plan import plan_of_part
from fastsgd.models.labels import check_first_classes, column_labels, label_weights
from fastsgd.models.linear.base import LinearModel
from fastsgd.models.linear.decision import decision
from fastsgd.models.linear.multilabel import Multilabel
from fastsgd.models.linear.problem import Binary, Indicator, OneAgainstRest
from fastsgd.models.model import trains
from fastsgd.models.pools import union
from fastsgd.models.validation import check_weights
from fastsgd.plan.linear import Plan
from fastsgd.probability import label_probabilities, log_probabilities, probabilities
from fastsgd.weighting import class_weights


def _check_count(classes):
    if len(classes) < 2:
        raise ValueError(
            f"The number of classes has to be greater than one; got {len(classes)} class"
        )
    return len(classes)


class LinearClassifier(Multilabel, LinearModel):
    """Linear classifier; FastSGDClassifier tells of its parameters."""

    model_name = "FastSGDClassifier"
    classifies = True

    @property
    def gives_probability(self):
        """Whether there is `predict_proba`."""
        return self.loss in LOSSES and LOSSES[self.loss].gives_probability

    loss_functions = LOSSES

    _score_name = "accuracy"

    constraints: dict = {
        **LinearModel.constraints,
        "loss": [Among(tuple(LOSSES))],
        "class_weight": [Among(("balanced", "balanced_running")), dict, None],
    }

    def __init__(
        self, loss="hinge", *, penalty="l2", alpha=0.0001, l1_ratio=0.15, fit_intercept=True,
        max_iter=1000, tol=1e-3, shuffle=True, verbose=0, epsilon=0.1, n_jobs=None,
        random_state=None, learning_rate="optimal", eta0=0.01, power_t=0.5, early_stopping=False,
        validation_fraction=0.1, n_iter_no_change=5, class_weight=None, warm_start=False,
        average=False, C=None, sync="auto", merge_every="auto", multi_class="ovr",
        device="cpu", workers=None, max_time=None, solver="sgd",
        batch_size=None, max_step="auto",
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
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.average = average
        self.C = C
        self.sync = sync
        self.merge_every = merge_every
        self.multi_class = multi_class
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
        y : array-like of shape (n_samples,) or {array, sparse matrix} of (n_samples, n_labels)
            Or a list of tuples, the labels of each row, as load_svmlight(multilabel=True) gives.
        coef_init : array-like of shape (n_classes, n_features), default=None
        intercept_init : array-like of shape (n_classes,), default=None
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : FastSGDClassifier

        Raises
        ------
        DivergenceError
            A weight left the range of floating point; the message names the epoch.
        """
        plan = Plan.of(self, "fit")
        X, y = self._check_Xy(X, y, reset=True)
        sample_weight = check_weights(
            self, sample_weight, X, allow_all_zero=self.early_stopping)
        multilabel = y.ndim == 2
        classes = column_labels(y) if multilabel else np.unique(y)
        if plan.own_rows and not multilabel:
            classes = union(self, classes)
        _check_count(classes)
        weights = self._class_weights(y, classes)
        validation = self._split(
            y, sample_weight, stratify=not multilabel) if plan.stop.held_out else None
        self.classes_, self.multilabel_ = classes, multilabel
        problem = self._problem_of(y)
        self._class_counts = problem.counts()
        models = self._start(
            problem.n_models, X.shape[1], X.dtype, coef_init, intercept_init)
        self._train(X, plan, problem, sample_weight, models,
                    class_weights=problem.weight_pairs(weights), validation=validation)
        self._warn_at_end(plan)
        return self

    @trains
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One epoch over these rows, from the weights so far.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or {array, sparse matrix} of (n_samples, n_labels)
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come; needed at the first call unless y is an indicator.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : FastSGDClassifier
        """
        first = not hasattr(self, "classes_")
        plan = plan_of_part(self, partial(Plan.of, self, "partial_fit", first=first), first)
        if first and self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use "
                "'balanced' weights, use compute_class_weight('balanced', classes=classes, "
                "y=y). In place of y you can use a large enough sample of the full training "
                "set target to properly estimate the class frequency distributions. Pass the "
                "resulting weights as the class_weight parameter. Or use "
                "class_weight='balanced_running', which counts the rows seen so far."
            )
        X, y = self._check_Xy(X, self._named(y, classes), reset=first,
                              dtype=None if first else self.coef_.dtype)
        if y.ndim == 2 and first:
            classes = self._check_labels(y, classes)
        check_first_classes(self, classes)
        n_classes = _check_count(self.classes_)
        if first:
            self.multilabel_ = y.ndim == 2
        problem = self._problem_of(y, checked=False)
        sample_weight = check_weights(
            self, sample_weight, X, allow_all_zero=self.early_stopping)
        counts = getattr(self, "_class_counts", np.zeros(n_classes, int))
        self._class_counts = counts + problem.counts()
        if self._running and not self._is_multilabel:
            weights = self._class_counts.sum() / (n_classes * np.maximum(self._class_counts, 1))
        else:
            weights = self._class_weights(y, self.classes_)
        models = (self._resume(X.dtype) if hasattr(self, "coef_") else
                  self._start(problem.n_models, X.shape[1], X.dtype, None, None))
        self._train(X, plan, problem, sample_weight, models,
                    class_weights=problem.weight_pairs(weights))
        return self

    @property
    def _running(self):
        return isinstance(self.class_weight, str) and self.class_weight == "balanced_running"

    def _class_weights(self, y, classes):
        """Weights of the classes; of a multilabel y pairs (without, with the label)."""
        if y.ndim == 2:
            return label_weights(self.class_weight, y)
        if self.class_weight is None:
            return np.ones(len(classes))
        class_weight = "balanced" if self._running else self.class_weight
        return class_weights(class_weight, classes, y)

    def _problem_of(self, y, checked=True):
        """The problem of the rows; labels that are not `checked` may be none of `classes_`."""
        if y.ndim == 2 or (not checked and self._is_multilabel):
            return Indicator.of_model(self, y)
        if len(self.classes_) == 2 and y.dtype.kind == self.classes_.dtype.kind:  # no search
            second = y == self.classes_[1]
            if checked or (second | (y == self.classes_[0])).all():
                return Binary(second.astype(np.intp), self.classes_)
        if not checked and not np.isin(y, self.classes_).all():
            raise ValueError(f"y holds labels that are not among classes {self.classes_}")
        kind = Binary if len(self.classes_) == 2 else OneAgainstRest
        return kind(np.searchsorted(self.classes_, y), self.classes_)

    def _resume_models(self, X, y, plan, sample_weight, models, validation):
        problem = self._problem_of(y, checked=False)
        weights = self._class_weights(y, self.classes_)
        self._train(X, plan, problem, sample_weight, models,
                    class_weights=problem.weight_pairs(weights), validation=validation)

    def _problem_and_weights(self, y):
        problem = self._problem_of(y, checked=False)
        return problem, problem.weight_pairs(self._class_weights(y, self.classes_))

    @staticmethod
    def _shown(models):
        coef = models.weights.T
        return {"coef_": coef, "intercept_": models.intercepts.astype(coef.dtype)}

    def decision_function(self, X):
        """w.x + b of each row and model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or, of more than two classes or labels, (n_samples, n_models)
            A row's are the same bits alone or among others.
        """
        z = decision(self, X)
        return z[:, 0] if z.shape[1] == 1 else z

    def predict_proba(self, X):
        """Probabilities of the classes, for loss='log_loss' and 'modified_huber'.

        More than two classes: the one-against-rest probabilities, normalised to sum 1 (Zadrozny,
        Elkan, KDD 2002); where all are 0, uniform. Multilabel: each label's own. The class that
        `predict` gives has the largest, be it by one unit in the last place.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        scores, loss = self.decision_function(X), LOSSES[self.loss]
        return (label_probabilities if self._is_multilabel else probabilities)(loss, scores)

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`, exact where a probability itself would underflow.

        modified_huber may give probabilities of 0, hence -inf.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        scores, loss = self.decision_function(X), LOSSES[self.loss]
        if not self._is_multilabel:
            return log_probabilities(loss, scores)
        with np.errstate(divide="ignore"):
            return loss.log_probability(scores).astype(scores.dtype, copy=False)
