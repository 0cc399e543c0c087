"""Which step sizes an estimator takes: its own eta0 or "auto", and how long they may be."""

import numpy as np

from fastsgd.engine.linear.step_size import MODELS, choose_step
from fastsgd.kernels import tables
from fastsgd.losses import LOSSES
from fastsgd.schedules import has_flag, line_search
from fastsgd.solvers import solver_of


class StepSize:
    """The part of a linear estimator that knows its steps."""

    @property
    def _auto_step(self):
        return isinstance(self.eta0, str) and solver_of(self).one_by_one

    @property
    def _steps(self):
        """The learning_rate that counts: one that is never asked, where steps are found."""
        scheduled = solver_of(self).takes_steps and line_search(self.learning_rate) is None
        return self.learning_rate if scheduled else None

    @property
    def _takes_squares(self):
        """Whether a step, its bound or a scale of the weights is made of |x|^2 of all rows."""
        solver = solver_of(self)
        if not solver.one_by_one:
            return not solver.by_dual
        return (has_flag(self._steps, tables.PASSIVE_AGGRESSIVE)
                or self._bounds_steps(LOSSES[self.loss]))

    def _bounds_steps(self, loss):
        """Whether no step may exceed what the rows allow; a constant one is the user's own."""
        own = self.learning_rate == "constant" and not self._auto_step
        return not own and self._steps is not None and loss.curvature > 0

    def _choose_step(self, job):
        """One step for all models: that which is best for those of the commonest classes."""
        states, tuned = job.states, range(len(job.states))
        if len(states) > MODELS:
            tuned = np.argsort(-self._class_counts, kind="stable")[:MODELS].tolist()
        problems = [(job.targets(k), states[k], job.settings_of(k)) for k in tuned]
        eta0 = choose_step(
            job.X, job.sample_weight, job.subset, states[0].seed, problems, job.deadline)
        for state in states:
            state.eta0 = eta0 if state.eta0 is None else state.eta0

    def _longest_step(self, loss, rows):
        """1 / (2 L), L the largest curvature of a sample's loss in w; infinite for bounded slopes.

        Steps over 2 / L diverge at the sample that has it; a half of 1 / L keeps the noise of such
        a sample small enough to reach the optimum (measured on data with outliers). A constant
        step is the user's own and is not touched. Steps by all rows at once have no such noise,
        and their curvature is at most the loss's times the mean of |x|^2 + 1: 1 / L.
        """
        if not self._bounds_steps(loss):
            return np.inf
        if not solver_of(self).one_by_one and self.batch_size is None:
            return 1.0 / (loss.curvature * (rows.mean_square() + 1))
        return 1.0 / max(1e-300, 2 * loss.curvature * rows.max_square())

    def _first_step(self, settings):
        """eta of the first step: what `eta0` turned out to be; None where steps are found."""
        if self._steps is None:
            return None
        return float(tables.etas(settings.schedule, 1.0, 1)[0])
