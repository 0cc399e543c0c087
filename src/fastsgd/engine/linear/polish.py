"""Certificates for models of any solver, made tighter by dual coordinate ascent."""

from dataclasses import replace

import numpy as np

from fastsgd.engine.linear.certificate import Certificate, certify
from fastsgd.engine.linear.dual_problem import DualProblem, row_weights
from fastsgd.engine.linear.sdca import train_sdca
from fastsgd.engine.linear.state import LinearState


def certificate(rows, y, sample_weight, w, b, settings, *, dual=None, dual_coef=None, polish=0,
                seed=0):
    """`certify` for a model of any solver.

    Parameters
    ----------
    rows : Rows
    y : float64 ndarray of shape (n_rows,)
        -1 and +1 for classifiers.
    sample_weight : ndarray of shape (n_rows,) or None
    w : ndarray of shape (n_features,)
    b : float
    settings : Settings
        Of engine/linear/sgd.py: loss, penalty, fit_intercept and class weights count.
    dual : ndarray of shape (n_rows,), default=None
        Dual variables to try too.
    dual_coef : ndarray of shape (n_rows,), default=None
        The same, as sdca's states keep them.
    polish : int, default=0
        Epochs of dual coordinate ascent from the best dual point found, where the penalty has a
        part of l2. The model stays as it is, the lower bound rises.
    seed : int, default=0
        Of the visiting order of these epochs.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        There is no penalty, or the loss has no dual.
    """
    problem = DualProblem(rows, y, row_weights(y, sample_weight, settings), settings)
    if dual is None and dual_coef is not None and len(dual_coef) == len(y):
        dual = problem.dual_of(dual_coef)
    found = certify(problem, w, b, dual)
    if polish == 0 or problem.l2 == 0:
        return found
    polished = train_sdca(
        rows, y, sample_weight, LinearState(
            np.zeros(rows.shape[1]), dual_coef=problem.c * found.dual),
        replace(settings, max_iter=polish, tol=None), seed)
    lower = max(found.lower, polished.objective - polished.dual_gap)
    best = found.dual if lower == found.lower else polished.best_dual
    return Certificate(max(0.0, found.objective - lower), found.objective, lower, best)
