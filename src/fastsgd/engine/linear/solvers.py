"""The training of one linear model by the name of its `solver`."""

from fastsgd._registry import Registry
from fastsgd.engine.linear.auto import AutoTraining
from fastsgd.engine.linear.batch import BatchTraining
from fastsgd.engine.linear.descent import descend
from fastsgd.engine.linear.interior import train_interior
from fastsgd.engine.linear.lbfgs import lbfgs
from fastsgd.engine.linear.local import train_local
from fastsgd.engine.linear.newton import newton_cg, newton_cholesky
from fastsgd.engine.linear.row_sums import RowSums
from fastsgd.engine.linear.sdca import train_sdca
from fastsgd.engine.linear.sgd import train

_ALONE = {
    "sgd": train,
    "sdca": train_sdca,
    "gd": BatchTraining(descend, RowSums),
    "lbfgs": BatchTraining(lbfgs, RowSums),
    "newton-cg": BatchTraining(newton_cg, RowSums),
    "interior-point": train_interior,
    "newton-cholesky": BatchTraining(newton_cholesky, RowSums),
}
_TOGETHER = {**_ALONE, "sgd": train_local}

TRAIN = Registry("solver", {**_ALONE, "auto": AutoTraining(_ALONE)})
"""``TRAIN[solver](rows, y, sample_weight, state, settings, seed, ...)`` as `sgd.train`."""

TRAIN_TOGETHER = Registry("solver", {**_TOGETHER, "auto": AutoTraining(_TOGETHER)})
"""The same by ranks that share the rows, with ``peers``."""
