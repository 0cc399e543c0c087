"""Multilayer perceptrons, as the commands train and show them."""

import numpy as np

from fastsgd.cli.values import common_values, layers, number, one_of

SHUFFLES = {"rows": True, "none": False}
LAZY = {"auto": "auto", "yes": True, "no": False}


class Network:
    """Kind of the multilayer perceptrons; attributes and methods as `Linear` has them."""

    names = {"classify": "FastMLPClassifier", "regress": "FastMLPRegressor"}
    losses = {"classify": ("log_loss", "squared_error"), "regress": ("squared_error", "poisson")}
    only = ("hidden_layer_sizes", "activation", "learning_rate_init", "momentum", "dropout",
            "lazy", "init")

    @staticmethod
    def values(model, params):
        """Parameters of a model from what its options say."""
        values = common_values(params, SHUFFLES)
        if params.get("tol") == "none":  # which these models do not have
            values |= {"tol": 0.0, "n_iter_no_change": np.inf}
        elif "tol" in params and model.n_iter_no_change == np.inf:
            values.setdefault("n_iter_no_change", type(model)().n_iter_no_change)
        if "hidden_layer_sizes" in params:
            values["hidden_layer_sizes"] = layers(params["hidden_layer_sizes"])
        if "dropout" in params:
            rates = [number(rate, "dropout") for rate in params["dropout"].split(",")]
            values["dropout"] = rates[0] if len(rates) == 1 else rates
        if "lazy" in params:
            values["lazy"] = one_of(LAZY, params["lazy"], "lazy")
        return values

    @staticmethod
    def check(model):
        """Raises ValueError where the parameters do not go together."""
        from fastsgd.plan.mlp import Plan

        Plan.of(model, "fit")

    @staticmethod
    def steps_by_rows(model):
        """Whether the solver steps by single rows; minibatches do not."""
        return False

    @staticmethod
    def dtype(model):
        """The type of a fitted model's weights."""
        return model.coefs_[0].dtype

    @staticmethod
    def n_outputs(model):
        """Numbers that a regressor answers for each row."""
        return model.n_outputs_

    @staticmethod
    def n_models(model, y):
        """Models that a training on y trains one after another."""
        return 1

    @staticmethod
    def sizes(model):
        """Sizes to be told of after a training."""
        return {"units": [len(model.coefs_[0]), *(w.shape[1] for w in model.coefs_)]}

    @staticmethod
    def epochs(told, n_told, behind, seconds):
        """(epochs done, seconds for each): those `behind` a resumed model and those of now."""
        return behind + n_told, seconds / n_told

    @staticmethod
    def measure(model, X, y, together):
        """How good the model is on rows, as `fastsgd.cli.measure.measure` tells it."""
        from fastsgd.cli.measure_mlp import measure_mlp

        return measure_mlp(model, X, y, together)

    @staticmethod
    def describe(model, top, names):
        """(what is told of a model, the features of largest norm)."""
        base, coefs = getattr(model, "_index_base", 0), model.coefs_
        activations = [model.activation] * (len(coefs) - 1) + [model.out_activation_]
        about = {
            "units": [len(coefs[0]), *(w.shape[1] for w in coefs)],
            "weights": sum(w.size + b.size for w, b in zip(coefs, model.intercepts_, strict=True)),
            "layers": [
                {"layer": k, "inputs": w.shape[0], "units": w.shape[1], "activation": name,
                 "norm": _norm(w), "intercept_norm": _norm(b)}
                for k, (w, b, name) in enumerate(
                    zip(coefs, model.intercepts_, activations, strict=True), start=1)],
            "steps": model._states[0].step,
            "rows_seen": int(model.t_),
            "loss": model.loss_,
            "best_validation_score": getattr(model, "best_validation_score_", None),
        }
        norms = np.sqrt(np.einsum("ij,ij->i", coefs[0], coefs[0], dtype=np.float64))
        best = np.argsort(-norms, kind="stable")[:top]
        return about, [{"features": [
            {"feature": int(j) + base, "name": names[j] if names is not None else None,
             "norm": float(norms[j])} for j in best]}]


def _norm(weights):
    return float(np.sqrt(np.sum(np.square(weights, dtype=np.float64))))
