"""Linear models, as the commands train and show them."""

import numpy as np

from fastsgd.cli.values import common_values, number
from fastsgd.losses import LOSSES, REGRESSION_LOSSES
from fastsgd.solvers import Gap

SHUFFLES = {"blocks": True, "rows": "rows", "none": False}


class Linear:
    """Kind of the linear models.

    Attributes
    ----------
    names : dict
        Name of the model by task, 'classify' or 'regress'.
    losses : dict
        Names of losses by task.
    only : tuple of str
        Parameters of options that the other kind lacks.
    """

    names = {"classify": "FastSGDClassifier", "regress": "FastSGDRegressor"}
    losses = {"classify": tuple(LOSSES), "regress": tuple(REGRESSION_LOSSES)}
    only = ("penalty", "C", "l1_ratio", "epsilon", "fit_intercept", "gap", "eta0", "max_step",
            "average")

    @staticmethod
    def values(model, params):
        """Parameters of a model from what its options say."""
        values = common_values(params, SHUFFLES)
        for name in ("penalty", "tol"):
            if params.get(name) == "none":
                values[name] = None
        if "gap" in params:
            if "tol" in params:
                raise ValueError("give --tol or --gap, not both: each says when to end")
            values["tol"] = Gap(values.pop("gap"))
        if params.get("max_step", "auto") != "auto":
            values["max_step"] = (None if params["max_step"] == "none"
                                  else number(params["max_step"], "max_step"))
        if params.get("eta0", "auto") != "auto":
            values["eta0"] = number(params["eta0"], "eta0")
        return values

    @staticmethod
    def check(model):
        """Raises ValueError where the parameters do not go together."""
        from fastsgd.plan.linear import Plan

        Plan.of(model, "fit")

    @staticmethod
    def steps_by_rows(model):
        """Whether the solver steps by single rows, so that workers may average weights."""
        from fastsgd.plan.linear_check import solver_of

        return solver_of(model).one_by_one

    @staticmethod
    def dtype(model):
        """The type of a fitted model's weights."""
        return model.coef_.dtype

    @staticmethod
    def n_outputs(model):
        """Numbers that a regressor answers for each row."""
        return 1

    @staticmethod
    def n_models(model, y):
        """Models that a training on y trains one after another."""
        if not model.classifies:
            return 1
        labels = getattr(y, "labels", None)
        if labels is not None:
            return len(labels)
        if y.ndim == 2:
            return y.shape[1]
        n_classes = len(np.unique(y))
        return 1 if n_classes == 2 else n_classes

    @staticmethod
    def sizes(model):
        """Sizes to be told of after a training."""
        return {}

    @staticmethod
    def epochs(told, n_told, behind, seconds):
        """(epochs done of the present model, seconds for each), of an `Epoch` of its training."""
        return told.state.epoch, told.seconds / told.number

    @staticmethod
    def measure(model, X, y, together):
        """How good the model is on rows, as `fastsgd.cli.measure.measure` tells it."""
        from fastsgd.cli.measure_linear import measure_linear

        return measure_linear(model, X, y, together)

    @staticmethod
    def describe(model, top, names):
        """(what is told of a model, its largest weights by class)."""
        base = getattr(model, "_index_base", 0)
        coef = model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_
        coef = np.atleast_2d(coef)
        curve = getattr(model, "loss_curve_", [])
        about = {
            "nonzero_weights": int(np.count_nonzero(coef)),
            "intercept": np.ravel(model.intercept_).tolist(),
            "steps": int(model.t_) - 1,
            "objective": curve[-1] if curve else None,
        }
        heads = [None] if len(coef) == 1 else model.classes_.tolist()
        tops = []
        for head, weights in zip(heads, coef, strict=True):
            size = np.abs(weights)
            best = np.argsort(-size, kind="stable")[:top]
            tops.append({"class": head, "weights": [
                {"feature": int(j) + base, "name": names[j] if names is not None else None,
                 "weight": float(weights[j])} for j in best if size[j] > 0]})
        return about, tops
