"""One rank of a training by several workers: what the tasks of both families share.

No worker process imports scikit-learn: what it is told are arrays and what JSON can hold.
"""

from functools import partial

import numpy as np
from scipy import sparse

from fastsgd.engine.deadline import Deadline
from fastsgd.engine.peers import Peers
from fastsgd.engine.shared_arrays import open_array
from fastsgd.engine.teller import Teller
from fastsgd.errors import DivergenceError
from fastsgd.kernels.rows import Rows


def pack_rows(X, shelf):
    """Message to workers about X, a CSR matrix or an array."""
    if not sparse.issparse(X):
        return {"dense": shelf.place(X)[0]}
    data, indices, indptr = shelf.place(X.data, X.indices, X.indptr.astype(np.int64, copy=False))
    return {"data": data, "indices": indices, "indptr": indptr, "shape": list(X.shape)}


def unpack_rows(told):
    """(Rows, ``X()``), the second for those who need a matrix. The rows were checked."""
    if "dense" in told:
        X = open_array(told["dense"])
        rows, matrix = Rows(X), lambda: X
    else:
        data, indices, indptr = (open_array(told[name]) for name in ("data", "indices", "indptr"))
        shape = tuple(told["shape"])
        rows = Rows.of_arrays(data, indices, indptr, shape)

        def matrix():
            return sparse.csr_array((data, indices, indptr), shape)

    rows.checked = True
    return rows, matrix


class Rank:
    """One rank of one training, as a task of a pool makes it.

    Parameters
    ----------
    comm : Communicator
    own : bool
        Whether the rows are this rank's own, and not all of the training's.
    max_time : float or None
        Seconds.
    each, looks : bool
        What rank 0 tells of epochs: see Teller.

    Attributes
    ----------
    peers : Peers
    deadline : Deadline
    first : bool
        Whether this is rank 0, whose model is kept.
    """

    def __init__(self, comm, *, own=False, max_time=None, each=False, looks=False):
        comm.stats.clear()
        self._stats, self._teller = comm.stats, Teller(comm, each, looks)
        self.peers, self.deadline = Peers(comm, own), Deadline(max_time)
        self.first = self.peers.rank == 0

    def on_epoch(self, describe, model):
        """An ``on_epoch`` that tells whoever runs the training.

        Parameters
        ----------
        describe : callable
            ``describe(epoch)``: a dict of what messages may hold.
        model : callable
            ``model()``: the model so far, as such a dict.
        """
        return lambda epoch: self._teller(partial(describe, epoch), model)

    def run(self, train, model):
        """Trains, and says what came of it.

        Parameters
        ----------
        train : callable
            ``train()``: an `Ended`.
        model : callable
            ``model()``: the trained model as a dict of what messages may hold.

        Returns
        -------
        dict
            ``stats`` of the rank; of rank 0 also ``ended`` and ``model``, or ``diverged``.
        """
        try:
            ended = train()
        except DivergenceError as error:  # on all ranks at once: the pool lives on
            return {"stats": self._sent(), "diverged": str(error)}
        if not self.first:
            return {"stats": self._sent()}
        return {"stats": self._sent(), "model": model(), "ended": [
            *ended[:4], None, getattr(ended, "solver", None), getattr(ended, "why", None)]}

    def _sent(self):
        """Bytes that the rank has sent in this training, and seconds in collectives."""
        return {"bytes_sent": self._stats.bytes_sent, "seconds": self._stats.seconds}


def everyone(comm, said):
    """A task of a pool: what each rank says, for all of them."""
    return said
