"""Report of an MLP's epochs."""

from copy import deepcopy

from fastsgd.models.report import Report


class NetworkReport(Report):
    """Report of a network in training.

    The model that a callback gets is whole: `save_model` stores it, and `resume` goes on from it.
    """

    def __init__(self, estimator, task, max_iter, parameters, state):
        self._parameters, self._state = parameters, state
        y = task.y
        super().__init__(estimator, task.X, lambda: y.toarray() if hasattr(y, "toarray") else y,
                         max_iter, max_iter)

    def _fitted(self):
        parameters, state = self._parameters.copy(), self._state.copy()
        return {
            "coefs_": parameters.coefs, "intercepts_": parameters.intercepts,
            "_parameters": parameters, "_states": [state], "_rng": deepcopy(self._estimator._rng),
            **self._estimator._shown(state),
        }

    @staticmethod
    def _print(told):
        print(f"Iteration {told.number}, loss = {told.objective:.8f}")
        if told.score is not None:
            print(f"Validation score: {told.score:f}")
