"""The line of progress on stderr, only where stderr is a terminal."""

import sys
import time

from fastsgd.cli.kinds import kind_of


class Progress:
    """Shows epoch, objective, validation error, rows/s and time left; the hook of a model's fit.

    The objective of a multilayer perceptron is its loss_curve_: the mean over minibatches, each
    before its step.

    Parameters
    ----------
    model : estimator
    n_rows : int
    n_models : int
        One-against-rest models that will be trained.
    max_iter : int
        Epochs in total.
    quiet : bool
    behind : int
        Epochs of a multilayer perceptron that is resumed.
    """

    def __init__(self, model, n_rows, n_models, max_iter, quiet, behind=0):
        self._model, self._n_models, self._max_iter = model, n_models, max_iter
        self._behind, self._told = behind, 0
        held_out = model.validation_fraction if model.early_stopping else 0
        self._rows = n_rows * (1 - held_out)
        self._bar = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"), BarColumn(bar_width=20),
                TextColumn("{task.fields[told]}"),
                console=Console(stderr=True), refresh_per_second=4)

    def __enter__(self):
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task(
                "training", total=self._n_models * self._max_iter, told="")
            self._model._epoch_hook = self.epoch
            self._began = time.perf_counter()
        return self

    def __exit__(self, *exc):
        if self._bar is not None:
            del self._model._epoch_hook
            self._bar.stop()

    def epoch(self, k, told):
        """Called by the fit after each epoch of model k; None: of all models at once."""
        self._told += 1
        done, seconds = kind_of(self._model).epochs(
            told, self._told, self._behind, time.perf_counter() - self._began)
        n_models = 1 if k is None else self._n_models
        k = 0 if k is None else k
        left = self._max_iter - done + (n_models - k - 1) * self._max_iter
        label = f"epoch {done}/{self._max_iter}"
        if n_models > 1:
            label = f"class {k + 1}/{self._n_models} {label}"
        text = f"objective {told.objective:.6f}  {self._rows / seconds:,.0f} rows/s"
        if told.score is not None:
            name, value = "r2", told.score
            if self._model.classifies:
                name, value = "error", 1 - told.score
            text += f"  validation {name} {value:.4f}"
        text += f"  at most {_duration(left * seconds)} left"
        self._bar.update(self._task, description=label, told=text,
                         total=n_models * self._max_iter, completed=k * self._max_iter + done)


def _duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
