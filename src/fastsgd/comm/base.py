"""The interface of every communicator: collectives over `world_size` ranks, in place.

The vocabulary is in docs/communicators.md. A buffer of K elements is cut into N *chunks*, chunk c
being elements ``K * c // N`` to ``K * (c + 1) // N``. Sums are in a fixed order, chunk c in the
order of ranks c + 1, c + 2, ..., c: every rank gets the same bits, and so does every run.

Public methods check their arguments and count; subclasses fill in the methods with an underscore.
"""

from abc import abstractmethod
from time import perf_counter

import numpy as np

from fastsgd._registry import Registry
from fastsgd.comm.pool import Closing
from fastsgd.comm.stats import Stats

OPS = Registry("op", {"sum": 0, "max": 1, "min": 2})
"""Reductions; NaN wins in max and min, as in numpy's."""

REDUCIBLE = {np.dtype("float32"): 0, np.dtype("float64"): 1, np.dtype("int64"): 2}
"""dtypes that can be reduced; other collectives move any dtype of numbers."""

DEFAULT_TIMEOUT = 300.0
"""Seconds that a rank waits for the others: more than the work between two collectives takes."""


def chunk_of(length, world_size, rank):
    """The chunk of `rank` in a buffer of `length` elements: a slice.

    >>> [chunk_of(7, 3, rank) for rank in range(3)]
    [slice(0, 2, None), slice(2, 4, None), slice(4, 7, None)]
    """
    return slice(length * rank // world_size, length * (rank + 1) // world_size)


class Communicator(Closing):
    """One rank's end. All ranks call the same collectives in the same order.

    After a `CommError` nothing more can be done with it but `close`.

    Attributes
    ----------
    rank : int
    world_size : int
    timeout : float
        Seconds that a collective waits for other ranks before it raises `CommTimeout`.
    stats : Stats
        Calls, bytes sent, steps and seconds, counted since it was opened or ``stats.clear()``.
    listener : callable or None
        Whom `tell` tells.

    Notes
    -----
    Buffers are C-contiguous, aligned, writable and of native byte order; those of `allocate` are
    worked on where they lie, others may be copied. N is `world_size`, K the number of elements.
    """

    kind = ""

    def __init__(self, rank, world_size, timeout=DEFAULT_TIMEOUT):
        self.rank, self.world_size, self.timeout = rank, world_size, timeout
        self.stats = Stats()
        self.listener = None

    @abstractmethod
    def allocate(self, shape, dtype="float64"):
        """An array of zeros that collectives use without a copy.

        Its memory is given back when the array and all views of it are gone.
        """

    def all_reduce(self, buf, op="sum"):
        """Puts the sum, max or min over all ranks into `buf` of every rank; returns `buf`.

        Sent by each rank in the ring: 2K elements less the two chunks that it skips; by direct
        exchange: K less its own chunk, and its own chunk N - 1 times; both are 2(N - 1)K/N where N
        divides K. Steps: 2(N - 1) in the ring, 2 by direct exchange.

        Parameters
        ----------
        buf : ndarray of float32, float64 or int64, of the same shape on every rank
        op : {"sum", "max", "min"}

        Raises
        ------
        PeerFailed, CommTimeout, CommAborted
        """
        flat = self._reducible(buf, "all_reduce")
        return self._timed("all_reduce", self._all_reduce, buf, flat, OPS[op])

    def reduce_scatter(self, buf, op="sum"):
        """The chunk of this rank of the sum, max or min over all ranks: a view of `buf`, flat.

        The other chunks of `buf` are scratch afterwards. Sent by each rank: K less its own chunk,
        (N - 1)K/N where N divides K. Steps: N - 1 in the ring, 1 by direct exchange.
        """
        flat = self._reducible(buf, "reduce_scatter")
        mine = flat[chunk_of(flat.size, self.world_size, self.rank)]
        return self._timed("reduce_scatter", self._reduce_scatter, mine, flat, OPS[op])

    def all_gather(self, buf):
        """Fills `buf` with the chunk of every rank; returns `buf`. Undoes `reduce_scatter`.

        Before the call the chunk of this rank holds what it gives. Sent by each rank: its chunk
        N - 1 times (in the ring: K less the chunk of its right neighbour), (N - 1)K/N where N
        divides K. Steps: N - 1 in the ring, 1 by direct exchange.
        """
        return self._timed("all_gather", self._all_gather, buf, self._flat(buf, "all_gather"))

    def all_gatherv(self, part):
        """Parts of any length from all ranks, one after another: (joined, lengths).

        Sent by each rank: its part N - 1 times, and its length. Steps: 2.

        Parameters
        ----------
        part : ndarray of shape (length, ...), alike on all ranks but for the length

        Returns
        -------
        joined : ndarray of shape (sum of lengths, ...)
        lengths : ndarray of int64 of shape (world_size,)
        """
        if np.ndim(part) == 0:
            raise ValueError("all_gatherv: part must have at least one dimension; got a scalar")
        self._flat(part, "all_gatherv", written=False)
        return self._timed("all_gatherv", self._all_gatherv, None, np.asarray(part))

    def broadcast(self, buf, root=0):
        """Copies `buf` of rank `root` into that of every rank; returns `buf`.

        Sent by the root: (N - 1)K elements, by others nothing. Steps: 1.
        """
        self._check_rank(root, "broadcast", "root")
        flat = self._flat(buf, "broadcast", written=self.rank != root)
        return self._timed("broadcast", self._broadcast, buf, flat, root)

    def send(self, buf, to):
        """Sends `buf` to rank `to`, which calls `recv`. Sent: K elements. Steps: 1.

        It may return before the other has received, and a long one waits until the other does.
        """
        self._check_peer(to, "send", "to")
        flat = self._flat(buf, "send", written=False)
        self._timed("send", self._send, None, flat, to)

    def recv(self, buf, source):
        """Fills `buf` with what rank `source` sends; returns `buf`. Sent: nothing. Steps: 1."""
        self._check_peer(source, "recv", "source")
        return self._timed("recv", self._recv, buf, self._flat(buf, "recv"), source)

    def barrier(self, timeout=None):
        """Returns when all ranks have called it; raises `CommTimeout` after `timeout` seconds.

        None is the communicator's own timeout. Sent: nothing. Steps: 1.
        """
        if timeout is not None and not timeout > 0:
            raise ValueError(f"barrier: timeout must be > 0 seconds, or None; got {timeout}")
        self._timed("barrier", self._barrier, None, self.timeout if timeout is None else timeout)

    def tell(self, value):
        """Tells the `listener` of `Pool.run`; returns its answer, None if there is none.

        It is no collective: a rank waits for the answer, others may wait for that rank, and their
        `timeout` counts.

        Parameters
        ----------
        value : what a task's arguments may hold

        Raises
        ------
        CommAborted
            Nobody listens any more.
        """
        return None if self.listener is None else self.listener(value)

    @abstractmethod
    def abort(self, reason=""):
        """Gives up for all: every other rank raises `CommAborted` with this reason, soon."""

    @abstractmethod
    def close(self):
        """Gives everything back; may be called again. Arrays of `allocate` stay readable."""

    # What subclasses fill in. Each returns (bytes_sent, steps), or, where the public method has
    # nothing to return, (bytes_sent, steps, result).

    @abstractmethod
    def _all_reduce(self, flat, op):
        """op is a number of OPS, flat a view of one dimension."""

    @abstractmethod
    def _reduce_scatter(self, flat, op): ...

    @abstractmethod
    def _all_gather(self, flat): ...

    @abstractmethod
    def _all_gatherv(self, part): ...

    @abstractmethod
    def _broadcast(self, flat, root): ...

    @abstractmethod
    def _send(self, flat, to): ...

    @abstractmethod
    def _recv(self, flat, source): ...

    @abstractmethod
    def _barrier(self, timeout): ...

    def _timed(self, op, method, result, *arguments):
        start = perf_counter()
        bytes_sent, steps, *found = method(*arguments)
        self.stats.add(op, bytes_sent, steps, perf_counter() - start)
        return found[0] if found else result

    def _flat(self, buf, op, written=True):
        """`buf` as one dimension, or an error that says what it must be."""
        if not isinstance(buf, np.ndarray):
            raise TypeError(f"{op}: buf must be a numpy array, got {type(buf).__name__}")
        flags = buf.flags
        if not flags.carray if written else not (flags.c_contiguous and flags.aligned):
            what = "read-only" if flags.aligned else "not aligned"
            raise ValueError(f"{op}: buf must be C-contiguous, aligned and writable; it is "
                             f"{what if flags.c_contiguous else 'not C-contiguous'}. "
                             "Take a copy, or buf = comm.allocate(shape, dtype)")
        dtype = buf.dtype
        if dtype not in REDUCIBLE and (dtype.kind not in "fiubc" or not dtype.isnative):
            raise ValueError(f"{op}: buf must hold numbers of native byte order, got {dtype!r}")
        if type(buf) is not np.ndarray:  # a matrix would keep its two dimensions
            buf = np.asarray(buf)
        return buf if buf.ndim == 1 else buf.reshape(-1)

    def _reducible(self, buf, op):
        flat = self._flat(buf, op)
        if buf.dtype not in REDUCIBLE:
            raise ValueError(f"{op}: buf must be float32, float64 or int64 to be reduced, "
                             f"got {buf.dtype}; convert it first")
        return flat

    def _check_rank(self, rank, op, name):
        if not 0 <= rank < self.world_size:
            raise ValueError(f"{op}: {name} must be 0 to {self.world_size - 1}, got {rank}")

    def _check_peer(self, rank, op, name):
        self._check_rank(rank, op, name)
        if rank == self.rank:
            raise ValueError(f"{op}: {name} is rank {rank}, which is this rank itself")
