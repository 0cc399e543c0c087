"""Ranks that are the processes of an MPI job: the collectives of the MPI library (docs/mpi.md)."""

from functools import cache

import numpy as np

from fastsgd._compat import import_mpi
from fastsgd.comm import mpi_job
from fastsgd.comm.base import DEFAULT_TIMEOUT, OPS, Communicator, chunk_of
from fastsgd.comm.messages import HEAD, decode, encode
from fastsgd.comm.mpi_waiting import Waiting
from fastsgd.comm.pool import Pool
from fastsgd.comm.remote_errors import named
from fastsgd.comm.tasks import arguments_of, resolve, split
from fastsgd.errors import CommAborted, CommError

MOST = 2**31 - 1
"""Elements that a collective of MPI can count."""


class MPICommunicator(Communicator):
    """One process of an MPI job.

    Parameters
    ----------
    timeout : float, default=300
    blocking : bool, default=False
        Whether to wait within the MPI library, whose blocking collectives may be quicker. A rank
        then waits for a stopped one for ever, and `abort` ends the whole job.

    Notes
    -----
    Every rank gets the same result of `all_reduce`: MPI requires it, and NaN, which MPI leaves
    open, wins in max and min. The order of sums is the library's: other numbers of ranks, of
    hosts or another library may give other last bits. `Stats` counts what direct exchange would
    send, since MPI does not tell what it does. Calls that do not match are not always noticed.
    """

    kind = "mpi"

    def __init__(self, timeout=DEFAULT_TIMEOUT, blocking=False):
        self._mpi = MPI = import_mpi()
        self._comm, control = MPI.COMM_WORLD.Dup(), MPI.COMM_WORLD.Dup()
        super().__init__(self._comm.rank, self._comm.size, timeout)
        self._blocking, self._closed = blocking, False
        self._dups = self._comm, control
        self._waiting = Waiting(MPI, control, timeout)

    def allocate(self, shape, dtype="float64"):
        return np.zeros(shape, dtype)

    def _all_reduce(self, flat, op):
        self._call("all_reduce", "Allreduce", self._mpi.IN_PLACE, _counted(flat),
                   op=_reduction(op, flat.dtype))
        own = self._chunks(flat)[self.rank] * flat.itemsize
        n = self.world_size
        return flat.nbytes + (n - 2) * own, 2 * (n > 1)

    def _reduce_scatter(self, flat, op):
        lengths = self._chunks(_counted(flat))
        mine = np.empty(lengths[self.rank], flat.dtype)
        self._call("reduce_scatter", "Reduce_scatter", flat, mine, lengths,
                   op=_reduction(op, flat.dtype))
        flat[chunk_of(flat.size, self.world_size, self.rank)] = mine
        return flat.nbytes - mine.nbytes, int(self.world_size > 1)

    def _all_gather(self, flat):
        lengths = self._chunks(_counted(flat))
        words, each = _words(flat)
        self._gather("all_gather", self._mpi.IN_PLACE, words, [each * k for k in lengths])
        n = self.world_size
        return (n - 1) * lengths[self.rank] * flat.itemsize, int(n > 1)

    def _all_gatherv(self, part):
        n, row = self.world_size, int(np.prod(part.shape[1:], dtype=np.int64))
        if row == 0:
            raise ValueError(f"all_gatherv: rows must not be empty, got shape {part.shape}")
        lengths = np.zeros(n, np.int64)
        lengths[self.rank] = len(part)
        self._call("all_gatherv", "Allgather", self._mpi.IN_PLACE, lengths)
        joined = np.empty((int(lengths.sum()), *part.shape[1:]), part.dtype)
        words, each = _words(joined.reshape(-1))
        _counted(words)
        self._gather("all_gatherv", _words(part.reshape(-1))[0], words,
                     (each * row * lengths).tolist())
        return (n - 1) * (part.nbytes + 8), 2 * (n > 1), (joined, lengths)

    def _broadcast(self, flat, root):
        self._call("broadcast", "Bcast", _counted(_words(flat)[0]), root=root)
        others = self.world_size - 1
        return others * flat.nbytes * (self.rank == root), int(others > 0)

    def _send(self, flat, to):
        self._call("send", "Send", _counted(_words(flat)[0]), dest=to)
        return flat.nbytes, 1

    def _recv(self, flat, source):
        words, status = _counted(_words(flat)[0]), self._mpi.Status()
        self._call("recv", "Recv", words, source=source, status=status)
        came = status.Get_count(self._mpi.BYTE)
        if came != flat.nbytes:
            raise CommError(
                f"recv: rank {source} has sent {came} bytes, rank {self.rank} receives "
                f"{flat.nbytes}", op="recv", rank=self.rank, peer=source)
        return 0, 1

    def _barrier(self, timeout):
        self._call("barrier", "Barrier", timeout=timeout)
        return 0, int(self.world_size > 1)

    def _gather(self, op, given, words, lengths):
        starts = np.cumsum([0, *lengths[:-1]]).tolist()
        self._call(op, "Allgatherv", given, [words, (lengths, starts)])

    def _call(self, what, name, /, *arguments, timeout=None, status=None, **named):
        """MPI's `name`; where this rank waits itself, what the library calls Iname."""
        self._check_open(what)
        if not self._blocking:
            request = getattr(self._comm, "I" + name.lower())(*arguments, **named)
            self._waiting.until_done(request, what, timeout, status)
            return
        if status is not None:
            named["status"] = status
        try:
            getattr(self._comm, name)(*arguments, **named)
        except self._mpi.Exception as error:
            raise CommError(f"{what}: {error}", op=what, rank=self.rank) from error

    def _chunks(self, flat):
        """The length of each rank's chunk."""
        chunks = [chunk_of(flat.size, self.world_size, r) for r in range(self.world_size)]
        return [chunk.stop - chunk.start for chunk in chunks]

    def _check_open(self, op):
        if self._closed:
            raise CommError(f"{op}: this communicator is closed", op=op, rank=self.rank)
        self._waiting.check(op)

    def abort(self, reason=""):
        self._abort(reason)

    def _abort(self, reason, error=None):
        if self._closed or self._waiting.over:
            return
        self._waiting.give_up(reason, error)
        if self._blocking and self.world_size > 1:
            mpi_job.abort(reason)

    def close(self):
        """Frees the communicators; a rank that has given up leaves them to the end of the job."""
        if not (self._closed or self._waiting.over or self._mpi.Is_finalized()):
            for comm in self._dups:
                comm.Free()
        self._closed = True


class MPIPool(Pool):
    """The processes of an MPI job, which all make it, run the same tasks and close it.

    Without ``mpirun`` or ``srun`` it is a pool of one.

    Parameters
    ----------
    n : int, optional
        Number of processes of the job, to be checked.
    timeout : float, default=300
        Seconds that a rank waits for the others before it raises `CommTimeout`.
    blocking : bool, default=False
        See `MPICommunicator`.

    Attributes
    ----------
    comm : MPICommunicator
        This rank's end; it lasts as long as the pool.
    rank, world_size : int

    Notes
    -----
    An exception that nobody catches ends the whole job: see `fastsgd.comm.mpi_job`.
    """

    kind = "mpi"

    def __init__(self, n=None, timeout=DEFAULT_TIMEOUT, blocking=False):
        size = import_mpi().COMM_WORLD.size
        if n is not None and n != size:
            raise ValueError(f"n must be the number of processes of the MPI job, which is {size}, "
                             f"or None; got {n!r}. Start it by: mpirun -n {n} python ...")
        if not timeout > 0:
            raise ValueError(f"timeout must be > 0 seconds, got {timeout!r}")
        mpi_job.abort_on_uncaught()
        self.comm = MPICommunicator(timeout, blocking)
        self.rank, self.world_size, self.timeout = self.comm.rank, size, timeout
        self._closed = False

    def run(self, task, arguments=None, per_rank=None, listener=None):
        """Every process calls it and gets the results of all, in order of ranks.

        Each takes its own `arguments` and `listener`, and of `per_rank` the entry of its rank.
        Where a rank has raised, the others raise the same error, with its traceback as the cause.
        """
        if self._closed:
            raise CommError("this pool is closed; open a new one")
        split(task)
        mine = arguments_of(self.world_size, arguments, per_rank)[self.rank]
        self.comm.listener = listener
        try:
            result = resolve(task)(self.comm, **mine)
            return self._exchange(result)
        except BaseException as error:
            self.comm._abort(named(error), error)
            self.close()
            first = self.comm._waiting.error_told() if isinstance(error, CommAborted) else None
            if first is None:
                raise
            raise first from first.__cause__
        finally:
            self.comm.listener = None

    def _exchange(self, result):
        """The results of all ranks, as the messages of `fastsgd.comm.messages`, without pickle."""
        message = b"".join(encode(result).buffers)
        message += bytes(-len(message) % 8)
        *_, (joined, lengths) = self.comm._all_gatherv(np.frombuffer(message, np.uint64))
        ends = np.cumsum(lengths)
        return [_decoded(joined[end - length:end].view(np.uint8))
                for end, length in zip(ends, lengths, strict=True)]

    def abort(self, reason=""):
        self.comm.abort(reason)

    def close(self):
        self._closed = True
        self.comm.close()


def _counted(flat):
    """`flat`, unless it is longer than MPI can count."""
    if flat.size > MOST:
        raise ValueError(f"a buffer can have at most {MOST} elements of 8 bytes under MPI, got "
                         f"{flat.size}; cut it into parts")
    return flat


def _words(flat):
    """`flat` as unsigned integers, which MPI moves whatever they mean; how many an element has."""
    size = min(flat.itemsize, 8)
    return flat.view(f"u{size}"), flat.itemsize // size


@cache
def _reduction(op, dtype):
    """MPI's own operation, or for max and min of floats, where MPI leaves NaN open, numpy's."""
    MPI = import_mpi()
    name = list(OPS)[op]
    if name == "sum" or dtype.kind == "i":
        return {"sum": MPI.SUM, "max": MPI.MAX, "min": MPI.MIN}[name]
    ufunc = np.maximum if name == "max" else np.minimum

    def reduce(given, taken, _):
        taken = np.frombuffer(taken, dtype)
        ufunc(np.frombuffer(given, dtype), taken, out=taken)

    return MPI.Op.Create(reduce, commute=True)


def _decoded(data):
    """The value of a message that has come as bytes."""
    place = HEAD.size

    def read(view):
        nonlocal place
        view[:] = memoryview(data[place:place + len(view)])
        place += len(view)

    return decode(data[:place].tobytes(), [], read)
