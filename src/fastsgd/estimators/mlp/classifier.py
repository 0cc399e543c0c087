"""FastMLPClassifier: multilayer perceptrons that classify sparse or dense rows."""

from sklearn.utils.metaestimators import available_if

from fastsgd.estimators.base import Classifier
from fastsgd.estimators.constraints import as_sklearn
from fastsgd.estimators.mlp.docs import with_parameters
from fastsgd.models.mlp.base import takes_minibatches
from fastsgd.models.mlp.classification import MLPClassifier
from fastsgd.models.registry import registered


@registered
@with_parameters
class FastMLPClassifier(Classifier, MLPClassifier):
    """Multilayer perceptron classifier, trained by minibatches at the cost of their non-zeros.

    A replacement of :class:`sklearn.neural_network.MLPClassifier`: same parameters, same
    attributes, and with the same `random_state` on dense X the same weights. On CSR rows a
    minibatch moves only the first layer's weights of features that occur in it (`lazy`).

    Parameters
    ----------
    {network}
    loss : {'log_loss', 'squared_error'}, default='log_loss'
        Cross-entropy, or half the squared distance of the output probabilities from 0 and 1.
        More than two classes are behind a softmax, two behind one sigmoid, the labels of a
        multilabel y behind a sigmoid each.
    {parameters}
    class_weight : dict, 'balanced' or None, default=None
        Weights of the classes, >= 0; classes that a dict lacks weigh 1. A row's loss is multiplied
        by its `sample_weight` and the weight of its class. 'balanced' is n_samples /
        (n_classes * rows of the class); with multilabel y, which takes no dict, the same label by
        label. `partial_fit` takes no 'balanced'.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Where y is multilabel what its columns stand for: their numbers, or the labels of sets.
    multilabel_ : bool
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from fastsgd import FastMLPClassifier
    >>> X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array(["same", "other", "other", "same"])
    >>> clf = FastMLPClassifier((8,), "tanh", solver="lbfgs", random_state=1).fit(X, y)
    >>> print(clf.predict(X))
    ['same' 'other' 'other' 'same']
    """

    _parameter_constraints = as_sklearn(MLPClassifier.constraints)

    partial_fit = available_if(takes_minibatches)(MLPClassifier.partial_fit)
