"""Multilayer perceptrons that classify sparse or dense rows."""

from functools import partial

import numpy as np

from fastsgd._constraints import Among
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.models.kept_plan import plan_of_part
from fastsgd.models.labels import (
    LabelColumns,
    check_first_classes,
    column_labels,
    label_weights,
)
from fastsgd.models.mlp.base import MLP
from fastsgd.models.model import trains
from fastsgd.models.pools import union
from fastsgd.plan.mlp import Plan
from fastsgd.probability import log_sigmoid, log_softmax, with_highest_at
from fastsgd.weighting import class_weights


class MLPClassifier(LabelColumns, MLP):
    """Multilayer perceptron classifier; FastMLPClassifier tells of its parameters."""

    model_name = "FastMLPClassifier"
    classifies = True
    gives_probability = True

    constraints: dict = {
        **MLP.constraints,
        "loss": [Among(("log_loss", "squared_error"))],
        "class_weight": [Among(("balanced",)), dict, None],
    }

    def __init__(
        self, hidden_layer_sizes=(100,), activation="relu", *, loss="log_loss", solver="adam",
        alpha=0.0001, batch_size="auto", learning_rate="constant", learning_rate_init=0.001,
        power_t=0.5, max_iter=200, shuffle=True, random_state=None, tol=1e-4, verbose=False,
        warm_start=False, momentum=0.9, nesterovs_momentum=True, early_stopping=False,
        validation_fraction=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8, n_iter_no_change=10,
        max_fun=15000, class_weight=None, rho=0.9, init="glorot", dropout=0.0, lazy="auto",
        n_jobs=None, sync="auto", merge_every="auto", workers=None, pipeline=None, device="cpu",
        max_time=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
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
        self.class_weight = class_weight
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
        y : array-like of shape (n_samples,) or {array, sparse matrix} of (n_samples, n_labels)
            Or a list of tuples, the labels of each row, as load_svmlight(multilabel=True) gives.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : FastMLPClassifier

        Raises
        ------
        DivergenceError
            A weight left the range of floating point; the message names the epoch.
        """
        return self._fit(Plan.of(self, "fit"), X, y, sample_weight)

    @trains
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """One epoch over these rows, from the weights and the optimizer's state so far.

        The weights are written in place: `coefs_` keeps its arrays.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or {array, sparse matrix} of (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come; needed at the first call unless y is an indicator.

        Returns
        -------
        self : FastMLPClassifier

        Raises
        ------
        DivergenceError
            A loss or gradient is not finite; its step was not taken. The model is as it was, but
            a large one (docs/mlp.md) keeps what earlier minibatches of the call have taught it.
        """
        y = self._named(y, classes)
        plan = plan_of_part(self, partial(Plan.of, self, "partial_fit"))
        return self._fit(plan, X, y, sample_weight, classes=classes)

    def _encode(self, plan, y, sample_weight, dtype, *, first, classes=None):
        """(targets, n_outputs, weights of rows, weights of labels); sets what y is known by."""
        multilabel, class_weight = y.ndim == 2, plan.class_weight
        if plan.incremental:
            if class_weight == "balanced" and not multilabel:
                raise ValueError(
                    "class_weight 'balanced' is not supported for partial_fit, which does not "
                    "know all rows; give the weights as a dict")
            self._check_classes_so_far(y, classes, first)
        elif plan.call == "resume":
            self._check_classes_so_far(y, None, False)
        elif first:
            self.classes_ = (
                column_labels(y) if multilabel else union(self, np.unique(y)))
            self.multilabel_ = multilabel
        else:
            self._check_same_classes(y)
        if len(self.classes_) < 2:
            raise ValueError("The number of classes has to be greater than one; got "
                             f"{len(self.classes_)} class")
        if multilabel:
            self.out_activation_ = "logistic"
            weights = None if class_weight is None else label_weights(class_weight, y)
            return y.toarray().astype(dtype), y.shape[1], sample_weight, weights
        codes = np.searchsorted(self.classes_, y).astype(np.int64)
        if class_weight is not None:
            by_class = class_weights(class_weight, self.classes_, y)
            sample_weight = by_class[codes] * (1.0 if sample_weight is None else sample_weight)
        if len(self.classes_) == 2:
            self.out_activation_ = "logistic"
            return codes.astype(dtype)[:, None], 1, sample_weight, None
        self.out_activation_ = "softmax"
        return codes, len(self.classes_), sample_weight, None

    def _check_classes_so_far(self, y, classes, first):
        multilabel = y.ndim == 2
        if first and multilabel and classes is None:
            classes = column_labels(y)
        check_first_classes(self, classes)
        if first:
            self.multilabel_ = multilabel
        self._check_kind(y)
        if not multilabel and not np.isin(y, self.classes_).all():
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {np.unique(y)}.")

    def _check_same_classes(self, y):
        self._check_kind(y)
        classes = self.classes_ if y.ndim == 2 else union(self, np.unique(y))
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}")

    def _check_kind(self, y):
        n_labels = len(self.classes_)
        if (y.ndim == 2) != self.multilabel_ or (y.ndim == 2 and y.shape[1] != n_labels):
            kind = f"multilabel with {n_labels} labels" if self.multilabel_ else "not multilabel"
            raise ValueError(f"the model is {kind}; got y of shape {y.shape}")

    @staticmethod
    def _strata(targets):
        """Strata that early_stopping keeps the shares of: two classes, as scikit-learn."""
        return targets > 0 if targets.ndim == 2 and targets.shape[1] == 1 else None

    def _answers(self, said):
        """Classes, or 0 and 1 for each label, from the outputs."""
        if self.multilabel_:
            return (said > 0.5).astype(int)
        return self.classes_[self._columns(said)]

    @staticmethod
    def _columns(said):
        """The place of each row's class in `classes_`."""
        return (said[:, 0] > 0.5).astype(int) if said.shape[1] == 1 else said.argmax(axis=1)

    _score_name = "accuracy"

    def predict(self, X):
        """The class of each row; multilabel: 1 where a label's probability is above 1/2.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or int ndarray of shape (n_samples, n_labels)
        """
        said = self._outputs(X)
        return self._answers(said)

    def predict_proba(self, X):
        """Probabilities of the classes, or of each label by itself.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        said = self._outputs(X)
        return np.hstack([1 - said, said]) if said.shape[1] == 1 else said

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`, exact where a probability itself would underflow.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        z = self._outputs(X, OUTPUTS["identity", "squared_error"])
        if self.out_activation_ == "softmax":
            logs = log_softmax(z)
        else:
            logs = log_sigmoid(z if self.multilabel_ else np.hstack([-z, z]))
        logs = logs.astype(z.dtype, copy=False)
        if self.multilabel_:
            return logs
        said = z.copy()
        OUTPUTS[self.out_activation_, self.loss].apply(said)
        return with_highest_at(self._columns(said), logs)
