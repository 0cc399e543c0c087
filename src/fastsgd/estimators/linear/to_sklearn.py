"""A fitted model of ours as scikit-learn's."""

import numpy as np
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.utils.validation import check_is_fitted

from fastsgd.schedules import Cosine, line_search
from fastsgd.solvers import Gap

FITTED = ("classes_", "t_", "n_iter_", "n_features_in_", "feature_names_in_")


class ToSklearn:
    """The part of the linear estimators that makes scikit-learn's of them."""

    def to_sklearn(self):
        """A fitted SGDClassifier or SGDRegressor with this model's weights.

        Its predictions and decision values are this model's (those of several classes on dense X
        up to rounding, since scikit-learn lays `coef_` out by class). Parameters that it lacks
        are dropped: sync, n_jobs, multi_class, device, workers, max_time, solver, tol=Gap.
        eta0='auto' becomes the step it took, which their 'optimal' does not use. `C` becomes the
        alpha it stood for, shuffle='rows' becomes True and class_weight='balanced_running'
        'balanced'. A cosine schedule becomes learning_rate='constant' at eta0, and an L1 penalty
        forgets what it has clipped so far, which matters only if it is trained further.

        Returns
        -------
        sklearn.linear_model.SGDClassifier or sklearn.linear_model.SGDRegressor

        Raises
        ------
        ValueError
            The model is multilabel, which theirs cannot be; or `C` or eta0='auto' was given and
            the fit was interrupted before it told what they came to.
        """
        return to_sklearn(self)


def to_sklearn(model):
    """The SGDClassifier or SGDRegressor that predicts what `model` does; see the method."""
    check_is_fitted(model)
    if getattr(model, "multilabel_", False):
        raise ValueError(
            "SGDClassifier has no multilabel models; OneVsRestClassifier(SGDClassifier()) has, "
            "but a fitted one cannot be made from weights alone")
    kind = SGDClassifier if model.classifies else SGDRegressor
    theirs = kind()
    ours = model.get_params(deep=False)
    params = {name: ours[name] for name in theirs.get_params() if name in ours}
    params.pop("n_jobs", None)
    params["shuffle"] = bool(model.shuffle)
    if line_search(model.learning_rate) or isinstance(model.learning_rate, Cosine) or (
            model.learning_rate == "cosine"):
        params["learning_rate"] = "constant"
    if isinstance(model.tol, Gap):
        params.pop("tol")
    if params.get("class_weight") == "balanced_running":
        params["class_weight"] = "balanced"
    told = getattr(model, "fit_stats_", {})
    for name, auto, instead in (("alpha", model.C is not None, "C=None and alpha"),
                                ("eta0", isinstance(model.eta0, str), "eta0")):
        if auto:
            if name not in told:
                raise ValueError(
                    f"the {name} that was used is not known, since fit was interrupted; resume "
                    f"it, or set {instead}")
            params[name] = told[name] or theirs.get_params()[name]  # None: no step was used
    theirs.set_params(**params)
    sparse = hasattr(model.coef_, "toarray")
    theirs.coef_ = model.coef_.copy() if sparse else np.array(model.coef_, order="C")
    theirs.intercept_ = np.array(model.intercept_)
    for name in FITTED:
        if hasattr(model, name):
            setattr(theirs, name, getattr(model, name))
    if model.average and getattr(model, "_states", None):
        _carry_average(model, theirs)
    return theirs


def _carry_average(model, theirs):
    """The last iterate and the average so far, which its partial_fit goes on from."""
    shape, dtype = model.coef_.shape, theirs.intercept_.dtype
    pairs = [(state.weights, state.intercept) for state in model._states]
    means = [_mean(state) for state in model._states]
    for name, models in (("standard", pairs), ("average", means)):
        weights, intercepts = zip(*models, strict=True)
        setattr(theirs, f"_{name}_coef", np.array(weights, order="C").reshape(shape))
        setattr(theirs, f"_{name}_intercept", np.array(intercepts, dtype=dtype))


def _mean(state):
    """(weights, intercept) averaged so far; zeros where averaging has not begun, as theirs."""
    weights = np.zeros_like(state.weights)
    begun = state.average is not None and state.t > state.average_from
    return weights, state.show(weights) if begun else 0.0
