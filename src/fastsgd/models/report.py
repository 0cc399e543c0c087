"""Who is told of each epoch: `verbose`, scikit-learn's callbacks, the command line's hook."""

import numpy as np


class Report:
    """Tells of the epochs of one call of `fit`, `partial_fit` or `resume`: its subtasks.

    A subclass says what the model at hand is (`_fitted`) and what is printed (`_print`).

    Parameters
    ----------
    estimator : estimator
    X : CSR or ndarray
    labels : callable
        ``labels()``: y as the user gave it.
    max_subtasks : int
    max_iter : int
        Epochs of this call at most.

    Attributes
    ----------
    on_epoch : callable or None
        `epoch`, if anyone wants to be told.
    """

    _k = 0

    def __init__(self, estimator, X, labels, max_subtasks, max_iter):
        self._estimator = estimator
        self._data = {"X": X}
        self._max_iter = max_iter
        self._hook = getattr(estimator, "_epoch_hook", None)
        self._root = self._parent = self._task = None
        self.on_epoch = None
        if getattr(estimator, "_skl_callbacks", None) or hasattr(
            estimator, "_parent_callback_ctx"
        ):
            self._data["y"] = labels()
            self._root = self._parent = estimator._init_callback_context(
                max_subtasks=max_subtasks
            ).call_on_fit_task_begin(estimator=estimator, **self._data)
        if self.listens:
            self.on_epoch = self.epoch

    @property
    def listens(self):
        """Whether anyone wants to be told."""
        return (self._root is not None or self._hook is not None
                or self._estimator.verbose > 0)

    @property
    def looks(self):
        """Whether the model itself is wanted after each epoch."""
        return self._root is not None

    def begin_epoch(self):
        """The next epoch begins."""
        if self._parent is not None:
            self._task = self._parent.subcontext(task_name="epoch").call_on_fit_task_begin(
                estimator=self._estimator, **self._data
            )

    def epoch(self, told):
        """After an epoch; true asks to stop. `told` is an `Epoch` of the engine."""
        if self._estimator.verbose > 0:
            self._print(told)
        stop = False
        if self._hook is not None:
            stop = bool(self._hook(self._k, told))
        if self._task is not None:
            task, self._task = self._task, None
            stop |= self._end(task)
            if not stop and told.number < self._max_iter:
                self.begin_epoch()
        return stop

    def end_epochs(self):
        """No more of them: one that had begun has ended."""
        if self._task is not None:
            self._end(self._task)
        self._task = None

    def close(self):
        """The call ends."""
        if self._root is not None:
            self._end(self._root)

    def _end(self, task):
        return task.call_on_fit_task_end(
            estimator=self._estimator, **self._data, reconstruction_attributes=self._fitted
        )


class EpochReport(Report):
    """Report of linear models.

    With one model, and with several that are trained in one pass, the epochs are the subtasks of
    the fit; else each model is a subtask of its own with the epochs below it.
    """

    def __init__(self, estimator, X, labels, max_iter, models, one_pass=False):
        self._models = models
        self._many = len(models.states) > 1 and not one_pass
        super().__init__(estimator, X, labels, len(models.states) if self._many else max_iter,
                         max_iter)

    def begin_model(self, k):
        """Model k is about to be trained; None: all models at once."""
        self._k = k
        if self._root is not None and self._many:
            self._parent = self._root.subcontext(
                task_name="model", max_subtasks=self._max_iter
            ).call_on_fit_task_begin(estimator=self._estimator, **self._data)
        self.begin_epoch()

    def end_model(self):
        """Model k has been trained."""
        self.end_epochs()
        if self._many and self._parent is not None:
            self._end(self._parent)

    def _fitted(self):
        states = self._models.states
        told = range(len(states)) if self._k is None else [self._k]
        for k in told:
            self._models.collect(k)
        shown = self._estimator._shown(self._models)
        return {name: np.copy(value) for name, value in shown.items()} | {
            "t_": float(max(states[k].t for k in told))}

    @staticmethod
    def _print(told):
        state = told.state
        norm, nonzeros = (  # of epochs that workers tell of
            (state.norm, state.nonzeros) if not hasattr(state, "weights") else
            (np.linalg.norm(state.weights), np.count_nonzero(state.weights)))
        line = (
            f"-- Epoch {told.number}\n"
            f"Norm: {norm:.2f}, NNZs: {nonzeros}, "
            f"Bias: {state.intercept:.6f}, T: {state.t - 1}, Avg. loss: {told.mean_loss:f}, "
            f"Objective: {told.objective:f}"
        )
        if told.score is not None:
            line += f", Validation score: {told.score:f}"
        print(f"{line}\nTotal training time: {told.seconds:.2f} seconds.")
