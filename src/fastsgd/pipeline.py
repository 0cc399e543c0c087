"""A network's layers, cut among threads: the `pipeline` of the MLPs."""

import sys
from dataclasses import dataclass

from fastsgd._integers import check_range
from fastsgd._renamed import renamed_attribute


@dataclass(frozen=True)
class LayerPipeline:
    """Cuts the layers of an MLP into stages that work side by side on parts of a minibatch.

    Each stage is a thread that owns some layers which follow each other; all cost about the same.
    A minibatch is cut into micro-batches, which go forward from stage to stage and back again;
    then each stage takes one step with the sum of their gradients. The weights are those of a
    training without stages, to rounding. On one machine with one memory, threads that share
    minibatches (``sync="map_reduce"``) are usually faster: docs/pipeline.md.

    Huang et al.: GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism,
    2019. Each stage is idle for (stages - 1) / (micro_batches + stages - 1) of the time.

    Parameters
    ----------
    stages : int, default=2
        At least 1, at most the layers (hidden layers and one).
    micro_batches : int, default=8
        At least 1, at most the rows of a minibatch; 4 times the stages leave little idle time.

    Raises
    ------
    ValueError
        One of them is no whole number, or less than 1.

    Examples
    --------
    >>> from fastsgd import FastMLPRegressor, LayerPipeline
    >>> LayerPipeline(stages=2, micro_batches=4)
    LayerPipeline(stages=2, micro_batches=4)
    >>> reg = FastMLPRegressor(hidden_layer_sizes=(8, 8), pipeline=LayerPipeline(3, 4),
    ...                        max_iter=500)
    >>> reg.fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]).fit_stats_["threads"]
    3
    """

    stages: int = 2
    micro_batches: int = 8

    def __post_init__(self):
        for name in ("stages", "micro_batches"):
            value = check_range(f"{name} of a LayerPipeline", getattr(self, name), 1)
            object.__setattr__(self, name, value)  # a NumPy integer is not written to JSON


def __getattr__(name):
    return renamed_attribute(sys.modules[__name__], name, {"Pipeline": "LayerPipeline"})
