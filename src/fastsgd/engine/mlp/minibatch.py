"""One thread's work on minibatches: gradient and step, in buffers of its own."""

import math
from dataclasses import dataclass, replace

import numpy as np

from fastsgd.engine.mlp.dropout import Masks, drop_values
from fastsgd.engine.mlp.inputs import DenseInput, SparseInput
from fastsgd.engine.mlp.network import Pass
from fastsgd.engine.mlp.optimizer import Stepper
from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.errors import DivergenceError
from fastsgd.kernels.rows import Rows


@dataclass
class Tally:
    """Sums over the minibatches of an epoch.

    Attributes
    ----------
    loss : float
        Sum of the minibatches' mean losses, each times its rows.
    penalties : float
        How many times the penalty belongs to it, where it is evaluated at the end.
    rows, steps : int
    """

    loss: float = 0.0
    penalties: float = 0.0
    rows: int = 0
    steps: int = 0

    def add(self, loss, total, n_rows):
        self.rows += n_rows
        self.steps += 1
        if total > 0:
            self.loss += loss / total * n_rows
            self.penalties += n_rows / total

    def clear(self):
        """A copy of what was counted; counting begins anew."""
        counted = replace(self)
        self.__dict__.update(vars(Tally()))
        return counted


def sum_up(tallies):
    """The sum of several, in their order."""
    total = Tally()
    for tally in tallies:
        for name, value in vars(tally).items():
            setattr(total, name, getattr(total, name) + value)
    return total


def check_step(loss, gradients, eta, t):
    """Raises DivergenceError where a step by these parts of a gradient would not be finite.

    Each intercept's gradient is the sum of its unit's over all rows, so nothing that is not finite
    escapes them.
    """
    total = loss + sum(float(np.add.reduce(each.vectors)) for each in gradients)
    if not math.isfinite(total):
        raise DivergenceError(
            f"Solver would produce non-finite parameter weights: at step {t} the loss or its "
            f"gradient is not finite (loss {loss:g}), and the step was not taken. The input data "
            "may contain large values and need to be preprocessed; a smaller learning_rate_init "
            f"helps too, this step was to be of {eta:g}")


class PassFactory:
    """Makes the passes of all threads over the same examples.

    Parameters
    ----------
    examples : Examples
    units : sequence of int
    settings : Settings
    seed : int or None
        Of dropout.
    first_stream : int
        Its streams count from here: those of other processes are others.
    values_stream : int
        The same of a sparse X's values, which processes that have the same X drop alike.
    """

    def __init__(self, examples, units, settings, seed=None, first_stream=0,
                 values_stream=0):
        self.examples, self.units, self.settings, self._seed = examples, units, settings, seed
        self._first_stream, self._values_stream = first_stream, values_stream
        self._rows, self._masks = examples.rows, []
        self._dropped = None
        if not self.dense and settings.dropout[0] > 0:
            X = examples.X
            self._dropped = X.data.copy()
            self._rows = Rows(type(X)((self._dropped, X.indices, X.indptr), X.shape))
            self._rows.checked = True

    @property
    def dense(self):
        return self.examples.rows.is_dense

    @property
    def dtype(self):
        return self.examples.rows.dtype

    def make_pass(self, size, stream=0, *, lazy=None, inputs=None):
        """A Pass for minibatches of at most `size` rows; `inputs` may be shared."""
        masks = self.make_masks(size, stream)
        if inputs is None:
            inputs = (self.make_dense_input(size, masks) if self.dense
                      else self.make_sparse_input(lazy))
        return self.make_pass_of(inputs, 0, len(self.units) - 1, size, masks)

    def make_pass_of(self, inputs, begin, end, size, masks):
        """A Pass through the layers begin..end; `inputs` is None where begin > 0."""
        like = self.examples.X if self.dense else self.examples.X.data
        return Pass(inputs, self.units[begin:end + 1], like, self.settings.activation,
                    self.settings.output if end == len(self.units) - 1 else None, size,
                    masks if any(self.settings.dropout[1:]) else None, begin)

    def make_masks(self, size, stream=0):
        """Dropout of minibatches of at most `size` rows, or None: nothing is left out."""
        rates = list(self.settings.dropout)
        if not self.dense:
            rates[0] = 0.0  # `begin` drops values of sparse rows
        if not any(rates):
            return None
        self._masks.append(
            Masks(rates, self.units[:-1], size, self.dtype, self._seed,
                  self._first_stream + stream))
        return self._masks[-1]

    def make_dense_input(self, size, masks):
        return DenseInput(self.examples.X, size, masks)

    def make_sparse_input(self, lazy=None):
        return SparseInput(self._rows, self.units[1], self.settings.lazy if lazy is None else lazy)

    def make_gradient(self, lazy=None):
        """Room for a gradient; of the first matrix only where all of it is wanted."""
        lazy = self.settings.lazy if lazy is None else lazy
        first = np.empty((0, self.units[1]), self.dtype) if lazy else None
        return Parameters(self.units, self.dtype, first)

    def begin(self, epoch):
        """Draws dropout masks of this epoch from now on."""
        for masks in self._masks:
            masks.begin(epoch)
        if self._dropped is not None:
            drop_values(self.examples.X.data, self._dropped, self.settings.dropout[0],
                        self._seed, epoch, self._values_stream)


class Worker:
    """Takes steps, one for each minibatch that it is given.

    Parameters
    ----------
    bench : PassFactory
    parameters : Parameters
        INOUT: may be shared with other workers, who then write without locks.
    momenta : Momenta
        INOUT: the optimizer's, shared alike.
    stream : int
        Of dropout.
    """

    def __init__(self, bench, parameters, momenta, stream=0):
        settings = bench.settings
        self.parameters, self.momenta, self.tally = parameters, momenta, Tally()
        self._examples, self._settings, self.square = bench.examples, settings, 0.0
        self._pass = bench.make_pass(settings.batch_size, stream)
        self._gradient = bench.make_gradient()
        self._stepper = Stepper(settings.rule)
        self._exact = settings.penalty_is_exact and settings.penalty.l2 > 0

    def begin(self):
        """Before an epoch."""
        if self._exact:
            self.square = self.parameters.square()

    def learn(self, visits, eta, t):
        """One step on a minibatch; returns the touched rows of the first matrix, or None."""
        penalty, inputs = self._settings.penalty, self._pass.inputs
        target, weight, total = self._examples.of(visits)
        if not total > 0:  # all rows weigh 0
            self.tally.add(0.0, 0.0, len(visits))
            return np.empty(0, np.int64) if inputs.lazy else None
        inputs.begin(visits)
        loss = self._pass.gradient(self.parameters, target, weight, total, self._gradient)
        if self._settings.guards:
            check_step(loss, [self._gradient], eta, t)
        if self._exact:
            loss += penalty.value_of_square(self.square)
        self.square += self._stepper.step(
            self.parameters, self._gradient, self.momenta, inputs, eta=eta, t=t,
            l2=penalty.l2 / total, squares=self._exact)
        self.tally.add(loss, total, len(visits))
        return inputs.touched if inputs.lazy else None
