"""A plain NumPy epoch of SGD, and small problems to run it and the kernel on."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy import sparse

from fastsgd.kernels import tables
from fastsgd.kernels.rows import Rows
from fastsgd.kernels.sgd import Trainer
from fastsgd.losses import LOSSES
from fastsgd.schedules import SCHEDULES

SCHEDULE = {"eta0": 0.05, "alpha": 0.01, "t0": 20.0, "power_t": 0.5, "T_0": 40.0, "T_mult": 2.0,
            "eta_min": 1e-3, "eta_max": np.inf}


@dataclass
class Problem:
    """One linear model to train: the kernel by `trainer`, the reference by `reference`."""

    X: object
    y: np.ndarray
    loss: str = "hinge"
    constant: float = 0.1
    l1: float = 0.0
    l2: float = 0.0
    schedule: str = "invscaling"
    constants: dict = field(default_factory=dict)
    decay: float = 0.5
    sample_weight: np.ndarray | None = None
    weight_pos: float = 1.0
    weight_neg: float = 1.0
    average_from: int = 0

    @property
    def fields(self):
        """The schedule as the kernels take it."""
        return {"kind": SCHEDULES[self.schedule][0], **SCHEDULE, **self.constants}

    def trainer(self, t=1, intercept=0.0, vector=0):
        """(Trainer, weights, average); weights are (weight, paid) pairs with L1."""
        n_features = self.X.shape[1]
        weights = np.zeros((n_features, 2) if self.l1 else n_features, self.X.dtype)
        average = np.zeros(n_features) if self.average_from else None
        trainer = Trainer(
            Rows(self.X), self.y, self.sample_weight, weights, average,
            loss=LOSSES[self.loss].number, loss_constant=self.constant, l1=self.l1, l2=self.l2,
            schedule=self.fields, intercept=intercept, intercept_decay=self.decay,
            weight_pos=self.weight_pos, weight_neg=self.weight_neg,
            average_from=self.average_from, t=t, vector=vector)
        return trainer, weights, average

    def row(self, i):
        """(columns, values) of row i, in float64."""
        if not sparse.issparse(self.X):
            return np.arange(self.X.shape[1]), self.X[i].astype(np.float64)
        at = slice(self.X.indptr[i], self.X.indptr[i + 1])
        return self.X.indices[at], self.X.data[at].astype(np.float64)

    def tau(self, x, loss):
        """The passive-aggressive step of Crammer et al. 2006 (PA-I or PA-II)."""
        square, C = x @ x, self.fields["eta0"]
        if self.schedule == "pa2":
            return loss / (square + 0.5 / C)
        return min(C, loss / square) if square else 0.0

    def reference(self, visits):
        """One epoch, a step at a time: dict of what the kernel leaves."""
        loss, w, b = LOSSES[self.loss], np.zeros(self.X.shape[1]), 0.0
        u, paid, losses, sum_w, sum_b = 0.0, np.zeros_like(w), 0.0, np.zeros_like(w), 0.0
        etas = tables.etas(self.fields, 1, len(visits))
        for t, (i, eta) in enumerate(zip(visits, etas, strict=True), start=1):
            columns, x = self.row(i)
            z, y = np.array([x @ w[columns] + b]), self.y[i:i + 1]
            value = loss.value(z, y, self.constant)[0]
            slope = np.clip(loss.derivative(z, y, self.constant)[0], -1e12, 1e12)
            weight = self.weight_pos if y[0] > 0 else self.weight_neg
            weight *= 1.0 if self.sample_weight is None else self.sample_weight[i]
            losses += weight * value
            step = -slope * weight * (self.tau(x, value) if "pa" in self.schedule else eta)
            w *= max(0.0, 1 - eta * self.l2)
            np.add.at(w, columns, step * x)
            b += self.decay * step
            u += eta * self.l1
            clip(w, paid, u, np.unique(columns))
            if self.average_from and t >= self.average_from:
                sum_w, sum_b = sum_w + w, sum_b + b
        clip(w, paid, u, np.arange(len(w)))
        return {"w": w, "b": b, "loss": losses, "sum_w": sum_w, "sum_b": sum_b, "l1_total": u}


def clip(w, paid, u, columns):
    """Cumulative clipping (Tsuruoka et al. 2009, figure 2) of some weights."""
    for j in columns:
        before = w[j]
        if before > 0:
            w[j] = max(0.0, before - (u + paid[j]))
        elif before < 0:
            w[j] = min(0.0, before + (u - paid[j]))
        paid[j] += w[j] - before


def left_by(trainer, weights, average):
    """What the kernel leaves, in the terms of `Problem.reference`."""
    trainer.finish()
    w = weights[:, 0] if weights.ndim == 2 else weights
    return {"w": w.astype(np.float64), "b": trainer.intercept, "loss": trainer.loss_sum,
            "sum_w": np.zeros(len(w)) if average is None else average,
            "sum_b": trainer.intercept_sum, "l1_total": trainer.l1_total}


def same(ours, exact, rtol):
    """Both within `rtol` of each other, measured by the largest entry."""
    for name, value in exact.items():
        size = np.max(np.abs(value), initial=0.0)
        np.testing.assert_allclose(
            ours[name], value, rtol=rtol, atol=rtol * size, err_msg=name)


def small_matrix(n=150, n_features=23, dtype=np.float64, index=np.int32, seed=0, density=0.25):
    """Random CSR rows; row 3 and column 5 are empty, row 7 stores a column twice, 9 a zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)) * (rng.random((n, n_features)) < density)
    X[3], X[:, 5] = 0, 0
    X = sparse.csr_array(X)
    rows = [(X.indices[a:b], X.data[a:b]) for a, b in pairwise(X.indptr)]
    rows[7] = (np.array([2, 4, 2]), np.array([0.5, -1.0, 0.25]))
    rows[9] = (np.array([1, 6]), np.array([0.0, 0.75]))
    indptr = np.concatenate([[0], np.cumsum([len(c) for c, _ in rows])])
    X = sparse.csr_array((n, n_features), dtype=dtype)
    X.data = np.concatenate([v for _, v in rows]).astype(dtype)
    X.indices = np.concatenate([c for c, _ in rows]).astype(index)
    X.indptr = indptr.astype(index)
    return X


def small_problem(n=150, dtype=np.float64, index=np.int32, dense=False, seed=0, **options):
    """A `Problem` on `small_matrix`, with labels for classifiers and numbers for others."""
    X = small_matrix(n, dtype=dtype, index=index, seed=seed)
    rng = np.random.default_rng(seed + 1)
    y = X @ rng.normal(size=X.shape[1]) + 0.3 * rng.normal(size=n)
    if LOSSES[options.get("loss", "hinge")].is_classifier:
        y = np.where(y > 0, 1.0, -1.0)
    return Problem(X.toarray() if dense else X, y.astype(np.float64), **options)
