"""An epoch by stages: layers are cut, each stage gets its own, and all run side by side."""

from fastsgd.engine.mlp.costs import costs_of
from fastsgd.engine.mlp.pipeline.balance import balance, training_costs
from fastsgd.engine.mlp.pipeline.micro_batch import MicroBatches
from fastsgd.engine.mlp.pipeline.schedule import bubble
from fastsgd.engine.mlp.pipeline.stage import Stages
from fastsgd.engine.mlp.steps import minibatches


class Pipelined:
    """The steps of one thread, made by stages (`Settings.pipeline`) that own some layers each."""

    def __init__(self, bench, parameters, momenta, team, halt):
        settings = bench.settings
        self._size, self._pipeline = settings.batch_size, settings.pipeline
        self.replicas = [(parameters, momenta)]
        self._costs = training_costs(costs_of(bench.examples.rows, bench.units))
        self._cuts = balance(self._costs, self._pipeline.stages)
        # one room for all stages; no micro-batch adds to a sparse first matrix
        gradients = bench.make_gradient(), bench.make_gradient(lazy=not bench.dense)
        self._works = [MicroBatches(bench, begin, end, self._pipeline.micro_batches, parameters,
                                    momenta, gradients) for begin, end in self._cuts]
        self._stages = Stages(self._works, team, halt)

    def run(self, order, steps):
        """See Serial.run."""
        for work in self._works:
            work.begin_epoch()
        self._stages.run(lambda: minibatches(order, self._size, steps))
        return self.take_tally()

    def take_tally(self):
        """See Serial.take_tally."""
        *below, tally = [work.tally.clear() for work in self._works]
        tally.loss += sum(other.loss for other in below)  # their penalties
        return tally

    def told(self):
        """Measurements of the pipeline, for `fit_stats_`."""
        stages, n = self._pipeline.stages, self._pipeline.micro_batches
        by_stage = [sum(self._costs[begin:end]) for begin, end in self._cuts]
        return {
            "stages": stages, "micro_batches": n,
            "layers": [list(range(begin, end)) for begin, end in self._cuts],
            "cost_share": [float(cost / (sum(by_stage) or 1.0)) for cost in by_stage],
            "idle_share": self._stages.idle_share, "idle_expected": bubble(stages, n)}
