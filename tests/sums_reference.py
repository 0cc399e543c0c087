"""The sums of kernels/gradient.pyx in plain NumPy, and threads to run the kernel's."""

import threading

import numpy as np
from scipy import sparse

from fastsgd.losses import LOSSES


def reference(problem, w, b, v=None, v_b=0.0, eta=0.0, visits=None):
    """Every sum at (w, b), and along (v, v_b): a dict by name, in float64."""
    X = problem.X
    if sparse.issparse(X):  # what is stored twice is squared twice; `astype` would add it up
        square = np.square(X.data, dtype=np.float64)
        squares = sparse.csr_array((square, X.indices, X.indptr), X.shape).toarray()
        X = X.astype(np.float64).toarray()
    else:
        X = X.astype(np.float64)
        squares = X**2
    y, s = problem.y, np.where(problem.y > 0, problem.weight_pos, problem.weight_neg)
    if problem.sample_weight is not None:
        s = s * problem.sample_weight
    if visits is not None:
        X, squares, y, s = X[visits], squares[visits], y[visits], s[visits]
    loss, p = LOSSES[problem.loss], problem.constant
    v = np.zeros_like(w) if v is None else v
    z, dz = X @ w + b, X @ v + v_b
    at = z + eta * dz
    curve, slope = s * loss.second_derivative(z, y, p), s * loss.derivative(at, y, p)
    return {
        "z": at, "value": np.sum(s * loss.value(at, y, p)), "gradient": X.T @ slope,
        "gradient_b": np.sum(slope), "product": X.T @ (curve * dz), "product_b": curve @ dz,
        "squares": s @ squares,
        "dphi": slope @ dz, "ddphi": s * loss.second_derivative(at, y, p) @ dz**2,
    }


def run(sums, task, n_threads=0, most=10**9, **more):
    """One task of a Sums, serially in pieces of `most` values or by threads; returns it."""
    sums.begin(task, **more)
    if not n_threads:
        while not sums.run_serial(most):
            pass
    threads = [threading.Thread(target=sums.run, args=(k, n_threads)) for k in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sums.finish()
    return sums
