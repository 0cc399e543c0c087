"""Base of the estimators: models with scikit-learn's parameters, checks, tags and callbacks."""

from functools import lru_cache

import numpy as np
from sklearn import get_config, set_config
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastsgd._compat import CallbackSupportMixin, with_callbacks
from fastsgd._interrupts import whole
from fastsgd.estimators.scores import LabelScore, NumberScore
from fastsgd.models.model import Unchanged


class UnchangedEstimator(Unchanged):
    """Puts an estimator's attributes back after an error, and scikit-learn's settings always.

    scikit-learn checks no parameters while an estimator fits, and an interrupt between two of its
    lines would leave that so, in all estimators.
    """

    def __init__(self, model):
        super().__init__(model)
        self._config = get_config()

    @whole
    def __exit__(self, kind, error, trace):
        if get_config() != self._config:
            set_config(**self._config)
        self.put_back(error)


@lru_cache(64)
def _as_scikit_learn_fits(method):
    """A method that trains, which checks parameters and tells callbacks."""
    return _fit_context(prefer_skip_nested_validation=True)(with_callbacks(method))


class Estimator(CallbackSupportMixin, BaseEstimator):
    """Methods of scikit-learn in place of those of `fastsgd.models.model.Model`.

    It comes before the model among the bases of an estimator, and after ClassifierMixin and
    RegressorMixin.
    """

    _not_converged = ConvergenceWarning
    _unchanged = UnchangedEstimator

    @staticmethod
    def _checked(method):
        """A method that trains; scikit-learn checks the parameters when it is called."""
        return _as_scikit_learn_fits(method)

    def _check_fitted(self, before=None):
        """Raises scikit-learn's NotFittedError unless the estimator was fitted."""
        if before is None:
            check_is_fitted(self)
        else:
            check_is_fitted(self, msg=f"Estimator, %(name)s, must be fitted before {before}.")

    def _validated(self, X, y="no_validation", *, dtype, **how):
        """X, and y if it is given, of whatever form, with types and shapes that kernels take."""
        return validate_data(
            self, X, y, dtype=list(dtype) if isinstance(dtype, tuple) else dtype,
            accept_sparse="csr", accept_large_sparse=True, order="C", ensure_all_finite=False,
            **how)

    @staticmethod
    def _validated_weights(sample_weight, X, *, allow_all_zero):
        """Weights of the rows: float64 ndarray of shape (n_rows,)."""
        return _check_sample_weight(
            sample_weight, X, dtype=np.float64, allow_all_zero_weights=allow_all_zero)

    @staticmethod
    def _check_continuous(y):
        """Refuses a y of continuous values, as scikit-learn does."""
        check_classification_targets(y)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class Classifier(LabelScore, ClassifierMixin, Estimator):
    """Base of the classifiers, whose y may be multilabel."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class Regressor(NumberScore, RegressorMixin, Estimator):
    """Base of the regressors."""
