"""
The bubble of a pipeline, counted and measured
==============================================

Layers cut into k stages, a minibatch cut into m micro-batches. If every stage takes one slot for a
micro-batch, forward or back, a stage works in 2 m slots, and the last micro-batch is back after
2 (m + k - 1)::

    stage 0  F0  F1  F2  F3  .   .   .   .   B3  B2  B1  B0
    stage 1  .   F0  F1  F2  F3  .   .   B3  B2  B1  B0  .
    stage 2  .   .   F0  F1  F2  F3  B3  B2  B1  B0  .   .

So every stage is idle for (k - 1) / (m + k - 1) of the time (Huang et al.: GPipe, 2019). Some
lectures have 1/2 (1 - m / (k - 1 + m)): that is half of it, as if the slots without work
were counted on one of the two ways only.

Here the stages of fastsgd's own pipeline do nothing but sleep, each task equally long, and
their threads measure how long they waited for each other. Sleeping takes no core, so there may be
more stages than cores: what is seen is the schedule.
"""

import argparse
import time

import numpy as np

from fastsgd.engine.mlp.loop import Halt
from fastsgd.engine.mlp.pipeline.schedule import bubble, draw
from fastsgd.engine.mlp.pipeline.stage import Stages
from fastsgd.engine.team import Team

SIZES = ((2, 2), (2, 8), (3, 4), (4, 4), (4, 8))


class Sleeper:
    """A stage that sleeps `seconds` for each micro-batch, forward and back."""

    n_fed = n_units = 1

    def __init__(self, n_micro_batches, seconds):
        self._n, self._seconds = n_micro_batches, seconds
        self._message = np.zeros((1, 1))

    def begin(self, visits):
        return [1] * self._n

    def forward(self, i, fed):
        time.sleep(self._seconds)
        return self._message

    backward = forward

    def step(self, eta, t):
        pass


def measure(n_stages, n_micro_batches, seconds, n_minibatches):
    """The share of the time in which each stage waited."""
    halt = Halt()
    with Team(n_stages, on_interrupt=halt.ask) as team:
        stages = Stages([Sleeper(n_micro_batches, seconds) for _ in range(n_stages)], team, halt)
        stages.run(lambda: [(None, 0.0, 0)] * n_minibatches)
    return stages.idle_share


def main(argv=None):
    parser = argparse.ArgumentParser(description="the bubble of a pipeline, counted and measured")
    parser.add_argument("--seconds", type=float, default=0.01, help="of each task")
    parser.add_argument("--minibatches", type=int, default=5)
    options = parser.parse_args(argv)
    print(draw(3, 4), end="\n\n")
    print(" k  m   lecture  (k-1)/(m+k-1)  measured, by stage")
    for k, m in SIZES:
        found = measure(k, m, options.seconds, options.minibatches)
        print(f"{k:2} {m:2} {(1 - m / (k - 1 + m)) / 2:9.3f} {bubble(k, m):14.3f}  "
              + " ".join(f"{share:.3f}" for share in found))


if __name__ == "__main__":
    main()
