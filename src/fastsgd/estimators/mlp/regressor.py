"""FastMLPRegressor: multilayer perceptrons that regress on sparse or dense rows."""

from sklearn.utils.metaestimators import available_if

from fastsgd.estimators.base import Regressor
from fastsgd.estimators.constraints import as_sklearn
from fastsgd.estimators.mlp.docs import with_parameters
from fastsgd.models.mlp.base import takes_minibatches
from fastsgd.models.mlp.regression import MLPRegressor
from fastsgd.models.registry import registered


@registered
@with_parameters
class FastMLPRegressor(Regressor, MLPRegressor):
    """Multilayer perceptron regressor, trained by minibatches at the cost of their non-zeros.

    A replacement of :class:`sklearn.neural_network.MLPRegressor`: same parameters, same
    attributes, and with the same `random_state` on dense X the same weights. On CSR rows a
    minibatch moves only the first layer's weights of features that occur in it (`lazy`).

    Parameters
    ----------
    loss : {'squared_error', 'poisson'}, default='squared_error'
        Half the squared error, summed over the outputs (`loss_curve_` of scikit-learn, whose
        gradient is the same, is their mean); or half the Poisson deviance of exp(z), for y >= 0.
    {network}
    {parameters}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from fastsgd import FastMLPRegressor
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> reg = FastMLPRegressor(hidden_layer_sizes=20, activation="tanh", solver="lbfgs",
    ...                        random_state=0)
    >>> bool(reg.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99)
    True
    """

    _parameter_constraints = as_sklearn(MLPRegressor.constraints)

    partial_fit = available_if(takes_minibatches)(MLPRegressor.partial_fit)
