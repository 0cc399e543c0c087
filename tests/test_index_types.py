"""Sparse X whose index arrays are of any integer type, byte order and place in memory."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastsgd import FastMLPClassifier, FastSGDClassifier, FastSGDRegressor
from fastsgd.data.sparse import checked

X = sp.random(80, 12, 0.4, format="csr", random_state=0)
SCORES = X @ np.random.RandomState(0).randn(12)
Y = (SCORES > 0).astype(int)


def _strided(array):
    return np.repeat(array, 2)[::2]


def _misaligned(array):
    copy = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype)
    copy[:] = array
    return copy


FORMS = {
    "int16": lambda a: a.astype(np.int16),
    "uint16": lambda a: a.astype(np.uint16),
    "uint32": lambda a: a.astype(np.uint32),
    "uint64": lambda a: a.astype(np.uint64),
    "big-endian int32": lambda a: a.astype(">i4"),
    "big-endian int64": lambda a: a.astype(">i8"),
    "strided": _strided,
    "misaligned": _misaligned,
}
NAMES = {"csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "coo": ("row", "col")}


def _with_indices(form, kind="csr"):
    Z = X.asformat(kind).copy()
    for name in NAMES[kind]:
        setattr(Z, name, FORMS[form](getattr(Z, name)))
    return Z


CALLS = {
    "fit": lambda Z: FastSGDClassifier(random_state=0).fit(Z, Y).coef_,
    "partial_fit": lambda Z: FastSGDClassifier(random_state=0).partial_fit(
        Z, Y, classes=[0, 1]).coef_,
    "eta0 auto": lambda Z: FastSGDClassifier(eta0="auto", random_state=0).fit(Z, Y).coef_,
    "early stopping": lambda Z: FastSGDClassifier(
        early_stopping=True, random_state=0).fit(Z, Y).coef_,
    "minibatches": lambda Z: FastSGDClassifier(
        "log_loss", solver="gd", batch_size=7, max_iter=5, tol=None, random_state=0).fit(
        Z, Y).coef_,
    "regressor": lambda Z: FastSGDRegressor(random_state=0).fit(Z, SCORES).coef_,
    "certify": lambda Z: FastSGDClassifier(random_state=0).fit(X, Y).certify(Z, Y).gap,
    "decision_function": lambda Z: FastSGDClassifier(random_state=0).fit(
        X, Y).decision_function(Z),
    "predict": lambda Z: FastSGDRegressor(random_state=0).fit(X, SCORES).predict(Z),
    "mlp": lambda Z: FastMLPClassifier((3,), max_iter=3, tol=0.0, random_state=0).fit(
        Z, Y).predict_proba(Z),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("call", CALLS)
def test_same_as_with_int32(call):
    expected = CALLS[call](X)
    for form in FORMS:
        np.testing.assert_array_equal(CALLS[call](_with_indices(form)), expected, err_msg=form)


@pytest.mark.parametrize("kind", ["csc", "coo"])
@pytest.mark.parametrize("form", FORMS)
def test_other_formats(kind, form):
    Z = _with_indices(form, kind)
    np.testing.assert_array_equal(CALLS["fit"](Z), CALLS["fit"](X))
    np.testing.assert_array_equal(CALLS["predict"](Z), CALLS["predict"](X))


def test_values_that_are_strided():
    Z = X.copy()
    Z.data = _strided(Z.data)
    np.testing.assert_array_equal(CALLS["fit"](Z), CALLS["fit"](X))


def test_matrix_of_the_user_stays_as_it_is():
    Z = _with_indices("big-endian int32")
    FastSGDClassifier(max_iter=2, tol=None).fit(Z, Y)
    assert Z.indices.dtype == ">i4"


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_native_indices_are_not_copied(index):
    Z = X.copy()
    Z.indices, Z.indptr = Z.indices.astype(index), Z.indptr.astype(index)
    assert checked(Z, "X") is Z


def test_a_column_too_large_for_int32_is_named():
    Z = X.copy()
    Z.indices = Z.indices.astype(np.uint32)
    Z.indices[Z.indptr[7]] = 2**32 - 1
    with pytest.raises(ValueError, match="4294967295 in row 7"):
        FastSGDClassifier(shuffle=False).fit(Z, Y)


@pytest.mark.parametrize("name", ["indices", "indptr"])
def test_indices_that_are_no_integers(name):
    Z = X.copy()
    setattr(Z, name, getattr(Z, name).astype(float))
    with pytest.raises(ValueError, match=rf"X\.{name} must be whole numbers"):
        FastSGDClassifier().fit(Z, Y)
