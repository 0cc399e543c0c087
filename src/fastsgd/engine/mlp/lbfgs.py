"""``solver="lbfgs"``: scipy's L-BFGS-B on the loss of all rows, as scikit-learn calls it."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.mlp.loop import Ended, Epoch, Halt, check_finite
from fastsgd.engine.mlp.optimizer import share
from fastsgd.engine.mlp.worker import Bench
from fastsgd.engine.threads import Team

PARTS = 4
"""The rows are cut into so many, by their number alone; sums are added in this order."""

BLOCK = 512
"""Rows that go through the network at a time."""


class _Part(NamedTuple):
    one: object
    gradient: object
    total: object


class Whole:
    """The mean loss of all rows with the penalty, and its gradient: the same bits by any threads.

    Parameters
    ----------
    examples : Examples
    parameters : Parameters
        INOUT: where the last evaluation was.
    settings : Settings
    team : Team
    """

    def __init__(self, examples, parameters, settings, team):
        bench = Bench(examples, parameters.units, settings)
        self._examples, self._settings, self._team = examples, settings, team
        self.parameters = parameters
        self._rows = examples.order(False, None)()
        self._parts = [_Part(bench.make_pass(BLOCK, lazy=False), bench.make_gradient(lazy=False),
                             bench.make_gradient(lazy=False)) for _ in range(PARTS)]
        self._weight = float(examples.n_rows)
        if examples.sample_weight is not None:
            self._weight = float(examples.sample_weight[self._rows].sum(dtype=np.float64))

    def __call__(self, vector):
        """(value, gradient) at the weights packed in `vector`."""
        self.parameters.unpack(vector)
        losses, alpha, n_threads = [0.0] * PARTS, self._settings.alpha, max(1, self._team.size)

        def task(rank):
            for p in range(rank, PARTS, n_threads):
                losses[p] = self._sum(self._parts[p], self._rows[share(len(self._rows), p, PARTS)])

        if self._team.size:
            self._team.run(task)
        else:
            task(0)
        value = sum(losses) + 0.5 * alpha * self.parameters.square()
        gradient = sum(part.total.pack() for part in self._parts)
        n_coefs = self.parameters.first.size + self.parameters.matrices.size
        gradient[:n_coefs] += alpha / self._weight * vector[:n_coefs]
        return value / self._weight, gradient

    def _sum(self, part, rows):
        """Adds up the gradients of a part's rows; returns their loss."""
        loss = 0.0
        part.total.first.fill(0)
        part.total.rest.fill(0)
        for begin in range(0, len(rows), BLOCK):
            visits = rows[begin:begin + BLOCK]
            target, weight, _ = self._examples.of(visits)
            part.one.inputs.begin(visits)
            loss += part.one.gradient(
                self.parameters, target, weight, self._weight, part.gradient)
            part.total.first += part.gradient.first
            part.total.rest += part.gradient.rest
        return loss


def lbfgs(examples, parameters, state, settings, *, max_fun, on_epoch, deadline):
    """Minimises until the largest slope is at most `tol`; see loop.train.

    `stopped_by` may be "max_fun" too.
    """
    halt = Halt()
    with (np.errstate(over="ignore", invalid="ignore", divide="ignore"), one_thread_of_blas(),
          Team(settings.n_threads if settings.n_threads > 1 else 0, on_interrupt=halt.ask,
               deadline=deadline) as team):
        f, reasons = Whole(examples, parameters, settings, team), []

        def after(intermediate_result):
            parameters.unpack(intermediate_result.x)
            state.epoch += 1
            state.loss = state.best_loss = float(intermediate_result.fun)
            state.curve.append(state.loss)
            if on_epoch(Epoch(len(state.curve), state.curve[-1], 0.0)):
                reasons.append("callback")
            elif team.expired():
                reasons.append("max_time")
            if reasons:
                raise StopIteration

        found = minimize(f, parameters.pack(), jac=True, method="L-BFGS-B", callback=after,
                         options={"maxfun": max_fun, "maxiter": settings.max_iter,
                                  "gtol": settings.tol})
    parameters.unpack(found.x)
    state.samples += int(found.nfev) * examples.n_rows
    state.loss = state.best_loss = float(found.fun)
    check_finite(state.loss, parameters, found.nit, settings)
    over = "max_iter" if found.nit >= settings.max_iter else "max_fun"
    stopped_by = reasons[0] if reasons else over if found.status == 1 else "tol"
    return Ended(int(found.nit), stopped_by, int(found.nfev) * examples.n_rows)
