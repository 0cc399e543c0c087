"""scikit-learn's own checks of what an estimator must do."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.solvers import Gap

ESTIMATORS = [
    FastSGDClassifier(max_iter=100),
    FastSGDClassifier(loss="log_loss", max_iter=100, average=True),
    FastSGDClassifier(C=1.0, max_iter=100),
    FastSGDClassifier(max_iter=100, n_jobs=2, sync="hogwild"),
    FastSGDClassifier(max_iter=100, n_jobs=2, sync="merge", merge_every=32),
    FastSGDClassifier(max_iter=100, n_jobs=2, sync="classes"),
    FastSGDRegressor(max_iter=100),
    FastSGDRegressor(max_iter=100, penalty="l1", n_jobs=2, sync="hogwild"),
    FastSGDClassifier("log_loss", solver="lbfgs", tol=1e-6),
    FastSGDClassifier("squared_hinge", solver="newton-cg", n_jobs=2, tol=1e-6),
    FastSGDClassifier("log_loss", solver="gd", learning_rate="backtracking"),
    FastSGDClassifier(solver="gd", max_iter=100, batch_size=16),
    FastSGDRegressor(solver="newton-cg", tol=1e-6),
    FastSGDClassifier(solver="sdca", n_jobs=2, max_iter=3000),
    FastSGDRegressor("epsilon_insensitive", solver="sdca", max_iter=3000),
    FastSGDClassifier(solver="interior-point", n_jobs=2),
    FastSGDRegressor("epsilon_insensitive", solver="interior-point"),
    FastSGDClassifier("log_loss", solver="auto", tol=Gap(1e-4)),
    FastSGDRegressor("huber", solver="gd", learning_rate="exact"),
]


REPEATED = (
    "a row of weight 2 is one long step, the same row twice two short ones: the iterates of SGD "
    "differ; scikit-learn expects the same of its SGD estimators"
)
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": REPEATED,
    "check_sample_weight_equivalence_on_sparse_data": REPEATED,
}
BY_THE_MEAN = (
    "alpha stands beside a mean over the rows, and a row that is there twice counts twice in it; "
    "with C the two are the same (test_solvers.py)"
)
EXPECTED_OF_SUMS = dict.fromkeys(EXPECTED_FAILURES, BY_THE_MEAN)
NOT_TWICE = "lock-free threads do not give the same bits twice, nor always this check's 1 %"
EXPECTED_OF_THREADS = {
    "check_regressor_data_not_an_array": NOT_TWICE,
    "check_classifier_data_not_an_array": NOT_TWICE,
    "check_fit_idempotent": NOT_TWICE,
    "check_sample_weights_invariance": NOT_TWICE,
}


def expected_failures(estimator):
    threads = EXPECTED_OF_THREADS if estimator.sync == "hogwild" else {}
    repeated = EXPECTED_FAILURES if estimator.solver == "sgd" else EXPECTED_OF_SUMS
    return {**repeated, **threads}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_estimator_check(estimator, check):
    check(estimator)
