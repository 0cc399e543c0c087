"""FastSGDClassifier: linear classifiers trained by SGD on sparse or dense rows."""

from sklearn.utils.metaestimators import available_if

from fastsgd.estimators.base import Classifier
from fastsgd.estimators.constraints import as_sklearn
from fastsgd.estimators.linear.docs import with_parameters
from fastsgd.estimators.linear.one_by_one import OneByOneOnly
from fastsgd.estimators.linear.to_sklearn import ToSklearn
from fastsgd.models.linear.classification import LinearClassifier
from fastsgd.models.registry import registered


def _gives_probability(estimator):
    if not estimator.gives_probability:
        raise AttributeError(
            f"probability estimates are not available for loss={estimator.loss!r}")
    return True


@registered
@with_parameters
class FastSGDClassifier(ToSklearn, Classifier, LinearClassifier):
    """Linear classifiers (SVM, logistic regression, ...) by stochastic gradient descent.

    A replacement of :class:`sklearn.linear_model.SGDClassifier`: same parameters, same attributes,
    same objective. More than two classes are learnt one against the rest. A y with columns of 0
    and 1 is a multilabel indicator, one of tuples has a set of labels for each row: one model for
    each label.

    Parameters
    ----------
    loss : {'hinge', 'squared_hinge', 'log_loss', 'modified_huber', 'perceptron', \
            'squared_error', 'huber', 'epsilon_insensitive', 'squared_epsilon_insensitive'}, \
            default='hinge'
        hinge is the linear SVM, log_loss logistic regression; log_loss and modified_huber give
        probabilities. The formulas are in include/losses.h.
    {parameters}
    class_weight : dict, 'balanced', 'balanced_running' or None, default=None
        Weights of the classes, >= 0; classes that a dict lacks weigh 1. With two classes a row's
        loss is multiplied by its `sample_weight` and the weight of its class. With more, one
        against the rest, the weight of a class counts in its own model alone, for its own rows:
        as rows of the rest they weigh their `sample_weight`, as in scikit-learn. 'balanced' is
        n_samples / (n_classes * rows of the class). 'balanced_running' is the same from the rows
        seen so far, which `partial_fit` can do. With multilabel y 'balanced' is n_samples /
        (2 * rows with the label) and the same for those without, label by label; the others are
        refused.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Where y is multilabel what its columns stand for: their numbers, or the labels of sets.
    multilabel_ : bool
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from fastsgd import FastSGDClassifier
    >>> X = np.array([[-1.0, -1], [-2, -1], [1, 1], [2, 1]])
    >>> y = np.array(["left", "left", "right", "right"])
    >>> clf = FastSGDClassifier(random_state=0).fit(X, y)
    >>> print(clf.predict([[-0.8, -1]]))
    ['left']
    """

    _parameter_constraints = as_sklearn(LinearClassifier.constraints)

    partial_fit = OneByOneOnly(LinearClassifier.partial_fit)
    predict_proba = available_if(_gives_probability)(LinearClassifier.predict_proba)
    predict_log_proba = available_if(_gives_probability)(LinearClassifier.predict_log_proba)
