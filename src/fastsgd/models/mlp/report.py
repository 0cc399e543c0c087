"""Report of an MLP's epochs, and the warning at their end."""

from copy import deepcopy

from fastsgd._warn import warn
from fastsgd.models.report import Report


class NetworkReport(Report):
    """Report of a network in training.

    The model that a callback gets is whole: `save_model` stores it, and `resume` goes on from it.
    """

    def __init__(self, estimator, task, max_iter, parameters, state, scored):
        self._parameters, self._state, self._scored = parameters, state, scored
        y = task.y
        super().__init__(estimator, task.X, lambda: y.toarray() if hasattr(y, "toarray") else y,
                         max_iter, max_iter)

    def _fitted(self):
        parameters, state = self._parameters.copy(), self._state.copy()
        return {
            "coefs_": parameters.coefs, "intercepts_": parameters.intercepts,
            "_parameters": parameters, "_states": [state], "_rng": deepcopy(self._estimator._rng),
            **course_of(state, self._scored),
        }

    @staticmethod
    def _print(told):
        print(f"Iteration {told.number}, loss = {told.objective:.8f}")
        if told.score is not None:
            print(f"Validation score: {told.score:f}")


def course_of(state, scored):
    """The fitted attributes that tell the course of a training, ended or interrupted.

    Parameters
    ----------
    state : State
    scored : bool
        Whether rows are held out, on which each epoch has a score.
    """
    return {
        "loss_": float(state.loss), "loss_curve_": state.curve, "t_": state.samples,
        "best_loss_": None if scored else float(state.best_loss),
        "validation_scores_": state.scores if scored else None,
        "best_validation_score_": state.best_score if scored else None,
        "n_iter_": state.epoch - state.begun,
    }


def warn_at_end(model, plan):
    """Warns that a training has not converged, or prints that it has."""
    stopped_by, stop = model.fit_stats_["stopped_by"], plan.stop
    if stopped_by in ("max_iter", "max_fun"):
        warn(
            f"Stochastic Optimizer: Maximum iterations ({stop.max_iter}) reached and the "
            "optimization hasn't converged yet." if not plan.by_sums else
            f"lbfgs failed to converge after {model.n_iter_} iterations (max_iter="
            f"{stop.max_iter}, max_fun={stop.max_fun}). Scaling the data might help.",
            model._not_converged)
    elif stopped_by == "max_time":
        warn(
            f"max_time={stop.max_time:g} seconds ended the training before convergence, with "
            f"n_iter_={model.n_iter_}.", model._not_converged)
    elif stopped_by == "divergence":
        warn(
            f"The training diverged in epoch {model.n_iter_}; the weights of the best "
            "validation score are kept. Take a smaller learning_rate_init than "
            f"{plan.rate.eta0:g}, or scale the data.", model._not_converged)
    elif stopped_by == "tol" and model.verbose and not plan.by_sums:
        what = "Validation score" if plan.holds_out else "Training loss"
        print(f"{what} did not improve more than tol={stop.tol:f} for "
              f"{stop.n_iter_no_change} consecutive epochs. Stopping.")
