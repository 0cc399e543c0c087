"""The objective of one linear model as Map-Reduce sums over the rows, by threads."""

import numpy as np

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.exchange import Exchange
from fastsgd.engine.linear.cholesky import factor
from fastsgd.engine.linear.columns import Columns
from fastsgd.engine.linear.objective import Objective, Stopped, dot
from fastsgd.engine.peers import ALONE
from fastsgd.engine.team import VALUES_OF_A_CHUNK, Team
from fastsgd.kernels.gradient import Sums

NEARLY_SINGULAR = 1e-10
"""Part of a Hessian's diagonal that must be added to it before it counts as singular."""


class RowSums(Objective):
    """f by sums over the rows; leaves its threads behind when used in a `with` block.

    Parameters
    ----------
    examples : Examples
        Their rows are checked.
    settings : Settings
    intercept : float
        b where it is not learnt.
    batch : int or None
        Rows of a minibatch, where `batch` is to be called; then margins are not kept.
    deadline : Deadline
    peers : Peers
        The ranks that share the passes: each goes over a part of the rows, and all-reduces of
        n_features + 4 numbers add up. The sums are the same bits on all of them.
    """

    def __init__(self, examples, settings, intercept=0.0, *, batch=None, deadline=NEVER,
                 peers=ALONE):
        super().__init__(settings, examples.rows.shape[1], intercept, peers)
        self._n = sum(peers.counts(examples.n_visits))
        self._numbers, self._exchange = Exchange(peers), Exchange(peers)
        if not peers.alone:  # where this rank's part of a gradient is found, then the sum
            self._slopes, *_ = self._exchange.allocate(self._d, (), (), (), ())
        if not peers.alone and batch is None:
            examples = examples.share(peers)
        self._sums = Sums(
            examples.rows, examples.y, examples.sample_weight, loss=settings.loss.number,
            loss_constant=settings.loss_constant, weight_pos=settings.weight_pos,
            weight_neg=settings.weight_neg, keep=batch is None)
        if examples.subset is not None and batch is None:
            self._sums.set_visits(examples.subset)
        threads = settings.n_threads
        self._team = Team(threads if threads > 1 else 0, self._sums.stop, deadline)
        self._l2 = 0.0 if self.proximal else settings.penalty.l2
        self._examples, self._columns = examples, None
        self._direction = None
        self._totals = 0.0, 0.0, 0.0  # of losses, slopes and curvatures
        self._late = False

    def __exit__(self, *error):
        self._team.__exit__(*error)

    def expired(self):
        return self._team.expired()

    def evaluate(self, x):
        self.x, self.gradient = x, np.empty(len(x))
        self._run("gradient", w=x[:self._d], b=self.intercept_of(x), out=self.gradient[:self._d])
        return self._arrived()

    def batch(self, x, rows, n=None):
        gradient, self._n = np.empty(len(x)), len(rows) if n is None else n
        self._sums.set_visits(rows[self.peers.share(len(rows))])
        self._run("gradient", w=x[:self._d], b=self.intercept_of(x), out=gradient[:self._d])
        self._complete(gradient, x)
        return self._totals[0], gradient

    def product(self, v):
        out = np.empty(len(v))
        b = float(v[self._d]) if len(v) > self._d else 0.0
        self._run("product", w=v[:self._d], b=b, out=out[:self._d])
        self._complete(out, v)
        return out

    def units(self, proof, power=0.25):
        """u_j = (h_j / h)^-power h^-1/2 sqrt(f(0)), h the geometric mean of the h_j.

        1 / 4 is half of Jacobi's scaling, on a logarithm's scale; squares take all of it, 1 / 2
        (measured, docs/solvers.md).
        """
        squares = np.empty(self._d)
        self._run("squares", out=squares)
        loss, constant = self._settings.loss, self._settings.loss_constant
        curvature = max(loss.second_derivative(np.array([0.0, 1.0]), np.ones(2), constant)) or 1.0
        h = curvature * squares / max(1, self._n) + self._l2
        h = np.maximum(h, max(1e-12 * h.max(initial=0.0), 1e-300))
        mean = np.exp(np.log(h).mean()) if self._d else 1.0
        u = np.empty(self._d + self._settings.fit_intercept)
        u[:self._d] = (h / mean) ** -power * mean ** -0.5
        u[self._d:] = max(curvature * proof.weight, 1e-300) ** -0.5
        u *= np.sqrt(proof.zero) if proof.zero > 0 else 1.0
        return self.peers.follow(u)  # powers have other bits on another CPU

    def solve(self, gradient):
        """Newton's step by Cholesky factors, with columns centred and scaled (`Columns`)."""
        rows, _, _, subset = self._examples
        if self._columns is None:
            self._columns = Columns(
                rows, fit_intercept=self._settings.fit_intercept, share=self.share)
        theta = self._sums.curvatures / max(1, self._n)
        if subset is not None:
            theta, some = np.zeros(rows.shape[0]), theta
            theta[subset] = some
        hessian = self._columns.gram(theta)
        hessian[np.diag_indices_from(hessian)] += self._columns.penalty(self._l2)
        slopes = self._columns.gradient(gradient)
        if np.any(slopes[np.diag(hessian) <= 0]):  # not all have curvature
            return None
        try:
            w, b = self._columns.weights_of(factor(hessian, NEARLY_SINGULAR)(-slopes))
        except np.linalg.LinAlgError:
            return None
        return np.append(w, b) if self._settings.fit_intercept else w

    def share(self, task):
        if self._team.size:
            self._team.run(lambda rank: task(rank, self._team.size))
        else:
            task(0, 1)

    def point_to(self, direction):
        """Sets the line by one pass of dots over X."""
        self._direction = direction
        w, d = self.x[:self._d], direction[:self._d]
        b = float(direction[self._d]) if len(direction) > self._d else 0.0
        self._run("along", w=d, b=b)
        self._squares = dot(w, w), dot(w, d), dot(d, d)

    def line(self):
        whole = self.peers.alone and self._examples.subset is None
        return (self._sums.margins, self._sums.changes) if whole else None

    def along(self, eta):
        """phi(eta), phi', phi'' in O(n), without a look at X."""
        self._run("line", eta=eta)
        value, slope, curve = (total / max(1, self._n) for total in self._totals)
        ww, wd, dd = self._squares
        return (value + 0.5 * self._l2 * (ww + eta * (2 * wd + eta * dd)),
                slope + self._l2 * (wd + eta * dd), curve + self._l2 * dd)

    def move(self, eta, to=None):
        """Goes to x + eta * direction by half the work of `evaluate`."""
        self.x = self.x + eta * self._direction if to is None else to
        self.gradient = np.empty(len(self.x))
        self._run("moved", eta=eta, out=self.gradient[:self._d])
        return self._arrived()

    def _arrived(self):
        self._complete(self.gradient, self.x)
        self.mean_loss = self._totals[0] / max(1, self._n)
        self.value = self.mean_loss + self.penalty(self.x)
        return self.value, self.gradient

    def _complete(self, out, at):
        """Sums become means, with the penalty's part and the intercept's entry."""
        out[:self._d] /= max(1, self._n)
        if self._l2:
            out[:self._d] += self._l2 * at[:self._d]
        out[self._d:] = self._totals[1] / max(1, self._n)

    def _run(self, task, out=None, **more):
        """A task of `Sums` over all rows of all ranks, see there; its totals and `out`."""
        mine = out if out is None or self.peers.alone else self._slopes
        self._sums.begin(task, out=mine, **more)
        self._late = self._map() or self._late
        if self._late and self.peers.alone:
            raise Stopped
        self._sums.finish()
        self._totals = self._sums.value, self._sums.slope, self._sums.curve
        self.visits += self._n if task != "line" else 0
        if not self.peers.alone and task != "along":  # which leaves margins, and no sums
            self._reduce(out)

    def _map(self):
        """This rank's part of a task; whether the clock has ended it."""
        sums, team = self._sums, self._team
        if team.size:
            team.run(lambda rank: sums.run(rank, team.size))
            return sums.stopped
        while not sums.run_serial(VALUES_OF_A_CHUNK):
            if team.expired():
                return True
        return False

    def _reduce(self, out):
        """Adds up over the ranks; where the time of one is over, it is over for all."""
        numbers = [*self._totals, self._late]
        if out is None:
            *totals, late = self._numbers.sum(numbers)
        else:
            slopes, *totals, late = self._exchange.sum([self._slopes, *numbers])
        if late:
            raise Stopped
        if out is not None:
            out[:] = slopes
        self._totals = tuple(totals)
