"""What MLPs must be able to learn: XOR, spirals, a sine, pieces of lines, a way off a saddle."""

import warnings

import numpy as np
import pytest
from realdata import real
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastMLPClassifier, FastMLPRegressor


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.mark.parametrize("given", [
    {"solver": "lbfgs"},
    {"solver": "sgd", "learning_rate_init": 0.5, "max_iter": 2000, "tol": 0},
    {"solver": "adam", "learning_rate_init": 0.05, "max_iter": 500, "tol": 0},
    {"solver": "lbfgs", "loss": "squared_error", "tol": 1e-9},
], ids=lambda given: f"{given['solver']}-{given.get('loss', 'log_loss')}")
@pytest.mark.parametrize("csr", [False, True], ids=["dense", "csr"])
def test_xor(csr, given):
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    X = sparse.csr_array(X) if csr else X
    model = FastMLPClassifier((4,), "tanh", alpha=0, random_state=1, **given).fit(X, y)
    assert model.predict(X).tolist() == [0, 1, 1, 0]
    assert np.abs(model.predict_proba(X)[:, 1] - y).max() < 0.1


def spirals(n, seed):
    draw = np.random.default_rng(seed)
    t = 3 * np.pi * np.sqrt(draw.random(n)) + 0.5
    y = draw.integers(0, 2, n)
    angle = t + np.pi * y
    return np.column_stack([t * np.cos(angle), t * np.sin(angle)]) / 10, y


def test_two_spirals():
    X, y = spirals(1000, 0)
    model = FastMLPClassifier((32, 32), "tanh", max_iter=300, learning_rate_init=0.01,
                              random_state=0, batch_size=50, n_iter_no_change=50).fit(X, y)
    assert model.score(X, y) >= 0.99
    assert model.score(*spirals(1000, 1)) >= 0.99


def test_sine():
    X = np.linspace(-np.pi, np.pi, 400)[:, None]
    y = np.sin(2 * X[:, 0])
    model = FastMLPRegressor(hidden_layer_sizes=(30, 30), activation="tanh", random_state=0,
                             learning_rate_init=0.01, max_iter=400, batch_size=50,
                             n_iter_no_change=50)
    assert model.fit(X, y).score(X, y) >= 0.99


def test_pieces_of_lines():
    """Four hidden layers of ReLU, He initialisation, come within 0.05 of a piecewise function."""
    X = np.linspace(-1, 1, 500)[:, None]
    y = np.interp(X[:, 0], [-1, -0.6, -0.2, 0.3, 0.5, 1], [0, 1, -0.5, 0.5, 0, 0.8])
    model = FastMLPRegressor(hidden_layer_sizes=(20, 20, 20, 20), init="he", random_state=0,
                             learning_rate_init=0.005, learning_rate="cosine", max_iter=310,
                             batch_size=25, alpha=0, n_iter_no_change=np.inf)
    assert np.abs(model.fit(X, y).predict(X) - y).max() < 0.05


def test_noise_escapes_a_saddle():
    """f = (w1 w2 x - y)^2 / 2 has a saddle at w = 0, with y = x its minima at w1 w2 = 1.

    From w1 = -w2 the gradient of all rows leads into the saddle along its stable direction, where
    both move alike and the sum stays 0; minibatches of noisy rows push it off.
    """
    draw = np.random.default_rng(0)
    X = draw.normal(size=(200, 1))
    y = X[:, 0] + 0.5 * draw.normal(size=200)
    symmetric = np.concatenate([X, -X]), np.concatenate([y, -y])  # no gradient of intercepts

    def final_loss(batch_size):
        model = FastMLPRegressor(hidden_layer_sizes=(1,), activation="identity", solver="sgd",
                                 momentum=0, alpha=0, learning_rate_init=0.05, random_state=0,
                                 batch_size=batch_size, max_iter=1, warm_start=True)
        model.fit(*symmetric)
        model.coefs_ = [np.array([[0.5]]), np.array([[-0.5]])]
        model.intercepts_ = [np.zeros(1), np.zeros(1)]
        model.set_params(max_iter=150, n_iter_no_change=np.inf).fit(*symmetric)
        return model.loss_, model.coefs_

    stuck, weights = final_loss(400)
    assert abs(weights[0][0, 0]) < 0.05
    assert abs(weights[0][0, 0] + weights[1][0, 0]) < 1e-6
    assert stuck > 0.5 * np.mean(y ** 2) - 0.01  # the saddle's
    free, weights = final_loss(1)
    assert weights[0][0, 0] * weights[1][0, 0] > 0.8
    assert free < 0.2


def test_class_weight():
    draw = np.random.default_rng(0)
    X = np.concatenate([draw.normal(0, 1, (480, 2)), draw.normal(1.5, 1, (20, 2))])
    y = np.repeat(["many", "few"], [480, 20])
    plain, balanced = [FastMLPClassifier((8,), class_weight=w, random_state=0, max_iter=60,
                                         learning_rate_init=0.01).fit(X, y)
                       for w in (None, "balanced")]
    found = [np.mean(model.predict(X[480:]) == "few") for model in (plain, balanced)]
    assert found[1] > found[0] + 0.3
    by_row = FastMLPClassifier((8,), random_state=0, max_iter=60, learning_rate_init=0.01)
    by_row.fit(X, y, sample_weight=np.where(y == "few", 500 / 40, 500 / 960))
    np.testing.assert_array_equal(by_row.coefs_[0], balanced.coefs_[0])


def test_class_weight_of_labels():
    draw = np.random.default_rng(0)
    X = draw.normal(size=(600, 3))
    Y = (X + draw.normal(size=X.shape) > [0, 1.5, 2]).astype(int)
    plain, balanced = [FastMLPClassifier((8,), class_weight=w, random_state=0, max_iter=60,
                                         learning_rate_init=0.01).fit(X, Y)
                       for w in (None, "balanced")]
    recall = [(model.predict(X) * Y).sum(axis=0) / Y.sum(axis=0) for model in (plain, balanced)]
    assert (recall[1][1:] > recall[0][1:] + 0.2).all()
    assert balanced.multilabel_


@pytest.mark.parametrize("csr", [False, True], ids=["dense", "csr"])
def test_some_mnist(csr):
    """6,000 digits, 4 epochs of 784-64-10 in float32, dense and as CSR rows: above 88 %
    of the first 2,000 test digits, the harder ones."""
    data = np.load(real("mnist/mnist.npz"))
    X, X_test = [data[name].reshape(len(data[name]), -1)[:n].astype(np.float32) / 255
                 for name, n in (("X_train", 6000), ("X_test", 2000))]
    if csr:
        X, X_test = sparse.csr_array(X), sparse.csr_array(X_test)
    model = FastMLPClassifier((64,), max_iter=4, random_state=0, batch_size=64,
                              learning_rate_init=0.003).fit(X, data["y_train"][:6000])
    assert model.score(X_test, data["y_test"][:2000]) > 0.88
