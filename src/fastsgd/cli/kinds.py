"""Kinds of models that the commands train and show: one object for each family.

What a kind needs of its family is imported when it is asked for: a linear model is trained
without the modules of the multilayer perceptrons.
"""

from fastsgd.cli.kind_linear import Linear
from fastsgd.cli.kind_mlp import Network

KINDS = {"linear": Linear(), "mlp": Network()}


def kind_of(model):
    """The kind of a model."""
    return KINDS[model.family]


def foreign(name):
    """Parameters of options that only other kinds than that of this name have, in order."""
    return [option for other, kind in KINDS.items() if other != name for option in kind.only]
