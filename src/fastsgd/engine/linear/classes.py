"""Epochs of many one-against-rest models in one pass over the rows (``sync="classes"``).

Each thread owns some of the classes, in private weights of whole cache lines: nothing is shared,
and no bit of a class depends on who owns it. Stopping is decided class by class, as for models
that are trained one by one (sgd.py); a class that has stopped keeps the weights it had then.
"""

from functools import partial

import numpy as np

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.progress import check_finite, has_stalled
from fastsgd.engine.linear.state import LinearState
from fastsgd.engine.linear.visiting import block_rows, visiting_order
from fastsgd.engine.run import Epoch, Run
from fastsgd.engine.team import Team, serial_chunk
from fastsgd.kernels.classes import ClassSlice, lanes

WORTH_PACKING = 0.75
"""Classes that stopped leave idle lanes; they are squeezed out where so few would be left."""


def share(classes, n_threads, dtype):
    """The classes of each thread: whole cache lines, so that no thread works on idle lanes.

    Parameters
    ----------
    classes : int ndarray of shape (n,)
    n_threads : int
    dtype : dtype of the weights

    Returns
    -------
    list of ndarray
        At most `n_threads` parts.
    """
    line = 64 // np.dtype(dtype).itemsize
    n_lines = -(-len(classes) // line)
    parts = min(n_threads, n_lines)
    cuts = [line * (n_lines * k // parts) for k in range(1, parts)]
    return np.split(classes, cuts)


def train_classes(rows, members, sample_weight, weights, states, classes, settings, seed, *,
                  class_weights, subset=None, score=None, on_epoch=None, deadline=NEVER,
                  measure=None):
    """Trains the models of `classes` until each stops improving or `max_iter` is reached.

    Parameters
    ----------
    rows : Rows
    members : (ndarray or None, int32 ndarray)
        The classes of each row, as kernels.classes takes them.
    sample_weight : float64 ndarray of shape (n_rows,) or None
    weights : ndarray of shape (n_features, n_classes)
        INOUT, as `states`: brought to the end of each class's last epoch.
    states : list of LinearState
        Of all classes; their `weights` are the columns of `weights`.
    classes : list of int
        Those to train; their states must have the same `t` and `epoch`.
    settings : Settings
    seed : int
    class_weights : float64 ndarray of shape (2, n_classes)
        Weights of the rows outside and inside of each class.
    subset : int64 ndarray or None
        The rows to learn from; None means all.
    score : callable or None
        ``score(weights, intercepts)``: by class, on held-out rows, higher is better.
    on_epoch : callable or None
        Called with an `Epoch` of the means over the classes; a true result ends the training.
    deadline : Deadline
        When it passes, also within an epoch, each class ends with its best model so far.
    measure : callable or None
        ``measure(k)`` gives the ``measure(weights, intercept)`` by which the last model of class k
        is compared with the best of its whole epochs; None takes the last.

    Returns
    -------
    ended : list of Ended
        Of `classes`, as `train` tells it.
    threads : int
        Those that had classes of their own.

    Raises
    ------
    DivergenceError
        A weight is no longer finite.
    """
    rows.check()
    slices = _Pass(rows, members, sample_weight, weights, states, settings, class_weights)
    live, n_visits = np.array(classes), rows.shape[0] if subset is None else len(subset)
    objective, mean_loss = np.zeros((2, len(states)))
    size = block_rows(rows, settings.shuffle)
    first_t, first_epoch = states[live[0]].t, states[live[0]].epoch
    runs = {k: _run_of(states[k], settings, None if measure is None or not deadline.limited
                       else partial(measure, k)) for k in classes}
    number, ended = 0, {}

    def end(k):
        runs[k].steps = states[k].t - first_t
        ended[k] = runs[k].end()
        if ended[k].stopped_by == "max_time":
            check_finite(states[k], number + 1, settings)

    try:
        with Team(slices.count_threads(live), on_interrupt=slices.stop,
                  deadline=deadline) as team:
            slices.pack(live)
            while len(live):
                if not slices.epoch(team, visiting_order(
                        settings.shuffle, seed, first_epoch + number, rows.shape[0], size,
                        subset)):
                    for k in live:
                        runs[k].cut_short()
                    break
                number += 1
                slices.check(live, number)
                mean_loss[live] = slices.loss[live] / max(1, n_visits)
                objective[live] = mean_loss[live] + slices.penalty()[live]
                if score is not None or on_epoch is not None or deadline.limited:
                    slices.store(live)
                scores = None if score is None else score(weights, slices.intercept)
                for k in live:
                    epoch = runs[k].judge(objective[k], mean_loss[k], score=(
                        None if scores is None else float(scores[k])))
                asked = on_epoch is not None and on_epoch(Epoch(
                    number, float(objective.mean()), float(mean_loss.mean()), LinearState(
                        weights=weights, intercept=float(slices.intercept.mean()),
                        t=int(states[live[0]].t), epoch=first_epoch + number),
                    epoch.seconds, None if scores is None else float(np.mean(scores))))
                late = team.expired()
                stopped = [k for k in live if runs[k].decide(asked, late)]
                if len(stopped) == len(live):
                    break
                if stopped:
                    live = slices.freeze(live, stopped)
                    for k in stopped:
                        end(k)
    except BaseException:  # of Ctrl-C or of a thread: all threads have ended here
        slices.stop()
        slices.finish()
        slices.store(live)
        raise
    slices.store(live)
    for k in live:
        end(k)
    return [ended[k] for k in classes], max(1, team.size)


def _run_of(state, settings, compare):
    return Run(state, settings.max_iter, compare=compare,
               progress=lambda epoch, rate: has_stalled(state, epoch, settings, rate),
               check=lambda n_iter: None)  # of all classes together


class _Pass:
    """The slices of one training, and what they bring back: arrays by class."""

    def __init__(self, rows, members, sample_weight, weights, states, settings, class_weights):
        self._data = rows, members, sample_weight
        self._weights, self._states, self._settings = weights, states, settings
        self._class_weights = class_weights
        self._chunk = serial_chunk(rows)
        self._slices: list = []
        self._at_zero = not weights.any()
        self.intercept = np.array([state.intercept for state in states])
        self.loss, self.square = np.zeros((2, len(states)))

    def count_threads(self, live):
        """Threads that have something to do; 0: this one."""
        parts = len(share(live, self._settings.n_threads, self._weights.dtype))
        return parts if parts > 1 else 0

    def pack(self, live):
        """Makes the slices of these classes from the weights that are stored."""
        rows, members, sample_weight = self._data
        settings, slices = self._settings, []
        for part in share(live, settings.n_threads, self._weights.dtype):
            one = ClassSlice(
                rows, members, len(self._states), part, sample_weight,
                self._class_weights[:, part], loss=settings.loss.number,
                loss_constant=settings.loss_constant,
                l2=settings.penalty.l2, schedule=settings.schedule,
                intercept_decay=settings.intercept_decay if settings.fit_intercept else 0.0,
                t=self._states[part[0]].t)
            if not self._at_zero:
                one.weights[:] = self._weights[:, _columns(part)]
            one.intercepts[:] = self.intercept[part]
            slices.append(one)
        self._slices = slices
        self._at_zero = False

    def epoch(self, team, order):
        """All slices see all rows in this order; false if the team's deadline has cut it short."""
        for one in self._slices:
            one.set_order(*order)
        if team.size:
            self._reached = [0] * len(self._slices)
            team.run(self._run_slice)
        else:
            one, begin = self._slices[0], 0
            chunk = max(1, self._chunk * 16 // max(16, lanes(len(one.classes), one.weights.dtype)))
            while begin < one.n_tiles:
                begin = one.run(begin, min(begin + chunk, one.n_tiles))
                if team.expired():
                    break
            self._reached = [begin]
            one.finish()
        if any(reached < one.n_tiles
               for reached, one in zip(self._reached, self._slices, strict=True)):
            return False
        for one in self._slices:
            self.loss[one.classes] = one.loss_sums
            self.square[one.classes] = one.squares
            self.intercept[one.classes] = one.intercepts
        return True

    def _run_slice(self, rank):
        if rank < len(self._slices):
            one = self._slices[rank]
            self._reached[rank] = one.run(0, one.n_tiles)
            one.finish()

    def penalty(self):
        """alpha R(w) by class."""
        settings = self._settings
        if settings.passive:
            return np.zeros(len(self._states))
        return settings.penalty.value_of_square(self.square)

    def check(self, live, number):
        """Raises if a class diverged; the sums of squares show it, but they may overflow first."""
        if np.isfinite(self.square[live] + self.intercept[live]).all():
            return
        self.store(live)
        for k in live:
            check_finite(self._states[k], number, self._settings)

    def store(self, live):
        """Brings the weights and states of these classes to where the slices stand."""
        for one in self._slices:
            active = np.isin(one.classes, live)
            if active.all():
                self._weights[:, _columns(one.classes)] = one.weights
            else:
                for lane in np.flatnonzero(active):
                    self._weights[:, one.classes[lane]] = one.weights[:, lane]
            for lane in np.flatnonzero(active):
                state = self._states[one.classes[lane]]
                state.intercept = float(one.intercepts[lane])
                state.t = int(one.t)

    def freeze(self, live, stopped):
        """Ends the training of some classes; returns the others."""
        self.store(stopped)
        left = np.setdiff1d(live, stopped)
        for one in self._slices:
            for lane in np.flatnonzero(np.isin(one.classes, stopped)):
                one.freeze(int(lane))
        dtype = self._weights.dtype
        now = sum(lanes(len(one.classes), dtype) for one in self._slices)
        then = sum(lanes(len(part), dtype)
                   for part in share(left, self._settings.n_threads, dtype)) if len(left) else now
        if then <= WORTH_PACKING * now:
            self.store(left)
            self.pack(left)
        return left

    def finish(self):
        """The weights of slices that an error stopped within an epoch."""
        for one in self._slices:
            one.finish()

    def stop(self):
        """Asks all slices to return."""
        for one in self._slices:
            one.stop()


def _columns(classes):
    """A slice where the classes follow one another: copied in rows, not one by one."""
    first, last = int(classes[0]), int(classes[-1])
    return slice(first, last + 1) if last - first + 1 == len(classes) else classes
