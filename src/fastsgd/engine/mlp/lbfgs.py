"""``solver="lbfgs"``: scipy's L-BFGS-B on the loss of all rows, as scikit-learn calls it."""

from contextlib import suppress
from typing import NamedTuple

import numpy as np

from fastsgd._integers import INT32_MAX
from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.exchange import Exchange
from fastsgd.engine.mlp.loop import Halt
from fastsgd.engine.mlp.minibatch import PassFactory
from fastsgd.engine.mlp.optimizer import share
from fastsgd.engine.mlp.progress import check_finite
from fastsgd.engine.mlp.shares import Shares
from fastsgd.engine.peers import ALONE
from fastsgd.engine.run import Run
from fastsgd.engine.team import Team
from fastsgd.optimizers import make_optimizer

PARTS = 4
"""The rows are cut into so many, by their number alone; sums are added in this order."""

BLOCK = 512
"""Rows that go through the network at a time."""


SUM = make_optimizer("sgd")


class Halted(Exception):
    """An evaluation was cut short: by the deadline, or by Ctrl-C in another thread."""


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
    halt : Halt
        Asked when the evaluation is to be given up, after a block; it then raises Halted, on all
        ranks.
    peers : Peers
        Each rank sums over rows of its own; see `follow`.
    """

    def __init__(self, examples, parameters, settings, team, halt, peers=ALONE):
        bench = PassFactory(examples, parameters.units, settings)
        self._examples, self._settings, self._team, self._halt = examples, settings, team, halt
        self.parameters = parameters
        self._rows = examples.order(False, None)()
        lazy = not bench.dense  # a block of CSR rows adds to the features that occur in it
        self._parts = [_Part(bench.make_pass(BLOCK, lazy=lazy), bench.make_gradient(lazy=lazy),
                             bench.make_gradient(lazy=False)) for _ in range(PARTS)]
        shares = Shares(peers, examples)
        self._weight, self.n_rows = shares.total(), shares.n_rows
        self._rows, self._peers = self._rows[peers.share(len(self._rows))], peers
        self._exchange = Exchange(peers)
        self._order = peers.allocate(parameters.size + 1)  # with whether to go on

    def lead(self, vector):
        """The value at `vector` with all others, who `follow`."""
        if not self._peers.alone:
            self._order[:-1], self._order[-1] = vector, 1.0
            self._peers.follow(self._order)
        return self(vector)

    def end(self):
        """Nothing more will be asked of the others."""
        self._order[-1] = 0.0
        self._peers.follow(self._order)

    def follow(self):
        """Evaluates where rank 0 says, until it ends."""
        while self._peers.follow(self._order)[-1]:
            with suppress(Halted):  # rank 0 hears of it too
                self(self._order[:-1])

    def __call__(self, vector):
        """(value, gradient) at the weights packed in `vector`."""
        self.parameters.unpack(vector)
        losses, n_threads, penalty = [0.0] * PARTS, max(1, self._team.size), self._settings.penalty

        def task(rank):
            for p in range(rank, PARTS, n_threads):
                losses[p] = self._sum(self._parts[p], self._rows[share(len(self._rows), p, PARTS)])

        if self._team.size:
            self._team.run(task)
        else:
            task(0)
        total, loss, halted = self._exchange.sum(
            [sum(part.total.pack() for part in self._parts), sum(losses), self._halt.asked])
        if halted:
            raise Halted
        gradient = total.copy()
        value = loss + penalty.value_of_square(self.parameters.square())
        n_coefs = self.parameters.first.size + self.parameters.matrices.size
        gradient[:n_coefs] += penalty.l2 / self._weight * vector[:n_coefs]
        return value / self._weight, gradient

    def _sum(self, part, rows):
        """Adds up the gradients of a part's rows; returns their loss."""
        loss = 0.0
        part.total.first.fill(0)
        part.total.rest.fill(0)
        for begin in range(0, len(rows), BLOCK):
            if self._halt.asked or (not self._team.size and self._team.expired()):
                break
            visits = rows[begin:begin + BLOCK]
            target, weight, _ = self._examples.of(visits)
            part.one.inputs.begin(visits)
            loss += part.one.gradient(
                self.parameters, target, weight, self._weight, part.gradient)
            part.total.rest += part.gradient.rest
            _add_first(part)
        return loss


def _add_first(part):
    """Adds the gradient of the first matrix to the part's total."""
    inputs = part.one.inputs
    if not inputs.lazy:
        part.total.first += part.gradient.first
    else:  # the sum of the touched rows' gradients is SGD with a step of -1
        inputs.layer.descend(inputs.delta, SUM.number, part.total.first, [],
                             SUM.constants(eta=-1.0))


def lbfgs(examples, parameters, state, settings, *, max_fun, on_epoch, deadline, peers=ALONE):
    """Minimises until the largest slope is at most `tol`; see loop.train.

    `stopped_by` may be "max_fun" too. Of several ranks the first decides, on whatever machine the
    others are: only it has in the end the weights and the state, and raises DivergenceError.
    """
    from scipy.optimize import minimize  # here: workers of other solvers start without it

    halt, evaluations, x = Halt(), 0, parameters.pack()
    # x: of the last iterate; a line search that is cut short may stand anywhere
    run = Run(state, np.inf, on_epoch=on_epoch,  # scipy counts, and knows the slopes
              progress=lambda epoch, rate: False, check=lambda n_iter: None)

    def after(intermediate_result):
        x[:] = intermediate_result.x
        state.loss = float(intermediate_result.fun)
        if run.after(state.loss, state.loss, lambda: False):
            raise StopIteration

    with (np.errstate(over="ignore", invalid="ignore", divide="ignore"), one_thread_of_blas(),
          Team(settings.n_threads if settings.n_threads > 1 else 0, on_interrupt=halt.ask,
               deadline=deadline) as team):
        f = Whole(examples, parameters, settings, team, halt, peers)
        if peers.rank:
            f.follow()
            return None

        def evaluate(vector):
            nonlocal evaluations
            value = f.lead(vector)
            evaluations += 1
            if np.isinf(state.loss):  # before the first step
                state.loss = float(value[0])
            return value

        try:
            found = minimize(evaluate, x.copy(), jac=True, method="L-BFGS-B", callback=after,
                             options={"maxfun": min(max_fun, INT32_MAX),
                                      "maxiter": min(settings.max_iter, INT32_MAX),
                                      "gtol": settings.tol})
            x[:], state.loss = found.x, float(found.fun)
            if found.status == 1:
                run.exhausted(settings.max_iter)
            else:
                run.converged()
        except Halted:
            run.cut_short()
        finally:
            parameters.unpack(x)
            state.samples += evaluations * f.n_rows
            state.best_loss = state.loss
        f.end()  # after an error the others have heard of that
    if evaluations:
        check_finite(state.loss, parameters, run.n_iter, settings)
    run.steps = evaluations * f.n_rows
    return run.end()
