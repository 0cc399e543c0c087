"""The communicator of ranks that see one segment of memory: threads and processes of a machine."""

from abc import abstractmethod
from math import prod

import numpy as np

from fastsgd.comm.base import DEFAULT_TIMEOUT, OPS, REDUCIBLE, Communicator, chunk_of
from fastsgd.comm.remote_errors import named
from fastsgd.comm.verdict import Verdict
from fastsgd.errors import CommError
from fastsgd.kernels import exchange

ALGORITHMS = ("auto", "ring", "direct")
"""Within one machine "auto" is the direct exchange: from 4 bytes to 20 MB, two and four ranks, the
ring was never faster (docs/communicators.md)."""


class SharedCommunicator(Communicator):
    """Collectives by the ring or by direct exchange (include/ring.h, exchange.h).

    Parameters
    ----------
    end : fastsgd.kernels.exchange.Exchange
    algorithm : {"auto", "ring", "direct"}
        Both give the same bits.
    """

    def __init__(self, end, rank, world_size, timeout=DEFAULT_TIMEOUT, algorithm="auto"):
        super().__init__(rank, world_size, timeout)
        check_algorithm(algorithm)
        self.algorithm = algorithm
        self._end = end
        self._closed = False

    @abstractmethod
    def _shared(self, flat, read=True):
        """`flat`, if all ranks can read it where it lies, or a copy that they can.

        Without `read` the copy may hold anything. Refuses a communicator that is closed.
        """

    def _sizes(self, flat):
        """Bytes of the buffer, of this rank's chunk, of the right neighbour's."""
        n, size, length, rank = self.world_size, flat.itemsize, flat.size, self.rank
        right = (rank + 1) % n
        own = length * (rank + 1) // n - length * rank // n
        return length * size, own * size, (
            length * (right + 1) // n - length * right // n) * size

    def _all_reduce(self, flat, op):
        n, ring, shared = self.world_size, self.algorithm == "ring", self._shared(flat)
        status = self._end.reduce(shared, REDUCIBLE[flat.dtype], op, ring, True)
        self._check("all_reduce", status)
        if shared is not flat:
            flat[...] = shared
        whole, own, right = self._sizes(flat)
        if ring:
            return 2 * whole - own - right, 2 * (n - 1)
        return whole - own + (n - 1) * own, 2 * (n > 1)

    def _reduce_scatter(self, flat, op):
        n, ring, shared = self.world_size, self.algorithm == "ring", self._shared(flat)
        status = self._end.reduce(shared, REDUCIBLE[flat.dtype], op, ring, False)
        self._check("reduce_scatter", status)
        if shared is not flat:
            mine = chunk_of(flat.size, n, self.rank)
            flat[mine] = shared[mine]
        whole, own, _ = self._sizes(flat)
        return whole - own, n - 1 if ring else int(n > 1)

    def _all_gather(self, flat):
        n, ring = self.world_size, self.algorithm == "ring"
        mine = chunk_of(flat.size, n, self.rank)
        shared = self._shared(flat, read=False)
        if shared is not flat:
            shared[mine] = flat[mine]
        self._check("all_gather", self._end.all_gather(shared, ring))
        if shared is not flat:
            flat[...] = shared
        whole, own, right = self._sizes(flat)
        return (whole - right, n - 1) if ring else ((n - 1) * own, int(n > 1))

    def _all_gatherv(self, part):
        n, flat = self.world_size, part.reshape(-1)
        row = prod(part.shape[1:])
        if row == 0:
            raise ValueError(f"all_gatherv: rows must not be empty, got shape {part.shape}")
        shared = self._shared(flat)
        status, counts = self._end.begin_parts(shared, row)
        self._check("all_gatherv", status)
        try:
            joined = np.empty(int(counts.sum()), part.dtype)
            parts = joined.reshape(-1, *part.shape[1:])
        except BaseException as error:  # no memory; the others wait for this rank
            self.abort(named(error))
            raise
        self._check("all_gatherv", self._end.end_parts(shared, joined))
        return (n - 1) * (flat.nbytes + 8), 2 * (n > 1), (parts, counts // row)

    def _broadcast(self, flat, root):
        shared = self._shared(flat, read=self.rank == root)
        self._check("broadcast", self._end.broadcast(shared, root))
        if shared is not flat and self.rank != root:
            flat[...] = shared
        others = self.world_size - 1
        return others * flat.nbytes * (self.rank == root), int(others > 0)

    def _send(self, flat, to):
        self._check_open()
        self._check("send", self._end.message(flat, True, to))
        return flat.nbytes, 1

    def _recv(self, flat, source):
        self._check_open()
        self._check("recv", self._end.message(flat, False, source))
        return 0, 1

    def _barrier(self, timeout):
        self._check_open()
        self._check("barrier", self._end.barrier(timeout), timeout)
        return 0, int(self.world_size > 1)

    def abort(self, reason=""):
        if not self._closed:
            self._end.tell(exchange.ABORTED, self.rank, reason)

    def close(self):
        self._closed = True

    def _check_open(self):
        if self._closed:
            raise CommError("this communicator is closed", rank=self.rank)

    def _check(self, op, status, timeout=None):
        """Makes an error of a status that is not 0; `timeout` if not the usual one."""
        if not status:
            return
        step, peer = self._end.at
        where = {"op": op, "rank": self.rank, "peer": None if peer < 0 else peer, "step": step}
        if status == exchange.MISMATCH:
            if op == "recv":
                came = _describe(self._end.came())
                own, other = "receives something else", f"has sent {came.split(' of ')[-1]}"
            else:
                own, other = (_describe(self._end.calls_of(r)) for r in (self.rank, peer))
            text = (f"{op}: rank {peer} {other}, rank {self.rank} {own}; "
                    "all ranks must call the same collectives in the same order")
            self.abort(text)
            raise CommError(text, **where)
        raise Verdict(self._end, timeout or self.timeout).told().error(**where)


def check_algorithm(algorithm):
    """Refuses an unknown name."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown algorithm {algorithm!r}; the valid names are "
                         + ", ".join(map(repr, ALGORITHMS)))


def _describe(call):
    """``calls all_reduce of 5 float32 (op 'sum')``, from `Exchange.calls_of`."""
    collective, dtype, op, detail, length = call
    if collective == "barrier":
        return "calls barrier"
    more = f" (op {list(OPS)[op]!r})" if op >= 0 else ""
    if collective == "broadcast":
        more = f" (root {detail})"
    elif collective == "all_gatherv":
        more = f" (rows of {detail})"
    elif detail:
        more += " by ring"
    return f"calls {collective} of {length} {dtype}{more}"
