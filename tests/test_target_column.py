"""y of shape (n_samples, 1), in every form that holds one."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.exceptions import DataConversionWarning

from fastsgd import FastMLPClassifier, FastMLPRegressor, FastSGDClassifier, FastSGDRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.DataConversionWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning")

X = sp.random(80, 12, 0.4, format="csr", random_state=0)
SCORES = X @ np.random.RandomState(0).randn(12)
LABELS = (SCORES > 0).astype(int)
FORMS = {
    "array": lambda y: y[:, None],
    "list": lambda y: y[:, None].tolist(),
    "frame": lambda y: pd.DataFrame({"target": y}),
    "sparse frame": lambda y: pd.DataFrame({"target": y}).astype(pd.SparseDtype(y.dtype, 0)),
    "csr_matrix": lambda y: sp.csr_matrix(y[:, None]),
    "csr_array": lambda y: sp.csr_array(y[:, None]),
    "csc_array": lambda y: sp.csc_array(y[:, None]),
    "coo_array": lambda y: sp.coo_array(y[:, None]),
    "lil_array": lambda y: sp.lil_array(y[:, None]),
    "sparse vector": lambda y: sp.coo_array(y),
}
MODELS = {
    "classifier": (FastSGDClassifier(random_state=0, max_iter=9), LABELS),
    "regressor": (FastSGDRegressor(random_state=0, max_iter=9), SCORES),
    "mlp classifier": (FastMLPClassifier((3,), max_iter=3, random_state=0), LABELS),
    "mlp regressor": (FastMLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0),
                      SCORES),
}


def _again(model):
    return type(model)(**model.get_params(deep=False))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MODELS)
def test_taken_as_a_vector(name, form):
    model, y = MODELS[name]
    expected, column = _again(model).fit(X, y), FORMS[form](y)
    fitted = _again(model).fit(X, column)
    np.testing.assert_array_equal(fitted.predict(X), expected.predict(X))
    assert fitted.score(X, column) == expected.score(X, y)
    by_parts = [_again(model).partial_fit(
        X, target, **({"classes": [0, 1]} if y is LABELS else {})) for target in (column, y)]
    np.testing.assert_array_equal(by_parts[0].predict(X), by_parts[1].predict(X))


@pytest.mark.parametrize("form", FORMS)
def test_certify(form):
    model = FastSGDClassifier(random_state=0).fit(X, LABELS)
    assert model.certify(X, FORMS[form](LABELS)).gap == model.certify(X, LABELS).gap


def test_dense_columns_are_told_of_as_scikit_learn_tells():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        FastSGDClassifier(random_state=0).fit(X, FORMS["csr_array"](LABELS))

