"""scikit-learn's own checks of what an estimator must do, on the MLPs."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastsgd import FastMLPClassifier, FastMLPRegressor

ESTIMATORS = [
    FastMLPClassifier(max_iter=100),
    # alpha: without it scores reach 3000, and log(predict_proba) is -inf, which a check expects
    FastMLPClassifier(solver="lbfgs", hidden_layer_sizes=(10,), alpha=0.1),
    FastMLPClassifier((10,), solver="rmsprop", learning_rate_init=0.01, max_iter=100,
                      sync="map_reduce", n_jobs=2, loss="squared_error"),
    FastMLPRegressor(max_iter=100),
    FastMLPRegressor(hidden_layer_sizes=(10,), solver="adagrad", learning_rate_init=0.05,
                     max_iter=100, sync="merge", n_jobs=2),
    FastMLPRegressor(hidden_layer_sizes=(10,), solver="lbfgs"),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_estimator_check(estimator, check):
    check(estimator)
