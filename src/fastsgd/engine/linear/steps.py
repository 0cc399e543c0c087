"""The steps of full gradients and minibatches, by the schedule."""

from fastsgd.engine.peers import grown
from fastsgd.kernels import tables
from fastsgd.schedules import of_one_worker


class Steps:
    """The schedule's steps, by number from 1; with "adaptive" they get shorter as in SGD.

    Where a step stands for those of `workers`, it is longer by `peers.grown`, after `warm_up`
    steps by their number.
    """

    def __init__(self, settings, state, workers=1, warm_up=0.0):
        self._fields, self._workers, self._warm_up = dict(settings.schedule), workers, warm_up
        if settings.adaptive and state.eta0 is not None:
            self._fields["eta0"] = state.eta0

    @property
    def eta0(self):
        return self._fields["eta0"]

    def set_eta0(self, eta0):
        self._fields["eta0"] = eta0

    def __call__(self, t):
        fields = self._fields
        if self._workers > 1:
            fields = of_one_worker(
                fields, self._workers, grown(self._workers, t, self._warm_up))
        return float(tables.etas(fields, float(t), 1)[0])
