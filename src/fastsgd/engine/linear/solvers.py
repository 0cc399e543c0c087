"""The training of one linear model by the name of its `solver`."""

from functools import partial

from fastsgd._registry import Registry
from fastsgd.engine.linear.batch import train_batch
from fastsgd.engine.linear.descent import descend
from fastsgd.engine.linear.lbfgs import lbfgs
from fastsgd.engine.linear.local import train_local
from fastsgd.engine.linear.newton import newton_cg
from fastsgd.engine.linear.sdca import train_sdca
from fastsgd.engine.linear.sgd import train

TRAIN = Registry("solver", {
    "sgd": train,
    "sdca": train_sdca,
    "gd": partial(train_batch, descend),
    "lbfgs": partial(train_batch, lbfgs),
    "newton-cg": partial(train_batch, newton_cg),
})
"""``TRAIN[solver](rows, y, sample_weight, state, settings, seed, ...)`` as `sgd.train`."""

TRAIN_TOGETHER = Registry("solver", {**TRAIN, "sgd": train_local})
"""The same by ranks that share the rows, with ``peers``."""
