"""FastSGDRegressor: linear regression trained by SGD on sparse or dense rows."""

from fastsgd.estimators.base import Regressor
from fastsgd.estimators.constraints import as_sklearn
from fastsgd.estimators.linear.docs import with_parameters
from fastsgd.estimators.linear.one_by_one import OneByOneOnly
from fastsgd.estimators.linear.to_sklearn import ToSklearn
from fastsgd.models.linear.regression import LinearRegressor
from fastsgd.models.registry import registered


@registered
@with_parameters
class FastSGDRegressor(ToSklearn, Regressor, LinearRegressor):
    """Linear regression (ridge, lasso, SVR, Huber) by stochastic gradient descent.

    A replacement of :class:`sklearn.linear_model.SGDRegressor`: same parameters, same attributes,
    same objective. Scale the features; on raw ones the default step may diverge.

    Parameters
    ----------
    loss : {'squared_error', 'huber', 'epsilon_insensitive', 'squared_epsilon_insensitive'}, \
            default='squared_error'
        The formulas are in include/losses.h; `epsilon` is the constant of the last three.
    {parameters}

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : ndarray of shape (1,)
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from fastsgd import FastSGDRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> reg = FastSGDRegressor(alpha=0, eta0=0.1, tol=None, max_iter=50, random_state=0)
    >>> print(reg.fit(X, 3 * X[:, 0] + 1).coef_.round(2))
    [3.]
    """

    _parameter_constraints = as_sklearn(LinearRegressor.constraints)

    partial_fit = OneByOneOnly(LinearRegressor.partial_fit)
