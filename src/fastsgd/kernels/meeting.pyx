"""Where the threads of one epoch meet: microseconds, where a round through a queue takes sixty."""

from libc.stdint cimport uintptr_t

from fastsgd.kernels.cache_lines import zeroed_lines

from fastsgd.kernels.epoch cimport fsgd_barrier, fsgd_barrier_wait, fsgd_store_int


cdef class Meeting:
    """A barrier of `size` threads, which spin and then yield while they wait (barrier.h).

    Parameters
    ----------
    size : int
    """

    cdef fsgd_barrier *barrier
    cdef object _keep
    cdef int size, left

    def __init__(self, int size):
        if size < 1:
            raise ValueError(f"size must be >= 1, got {size}")
        self.size = size
        self._keep, at = zeroed_lines(sizeof(fsgd_barrier))
        self.barrier = <fsgd_barrier *><uintptr_t>at

    def wait(self):
        """Waits for the others, without the GIL; what each wrote before is seen by all after.

        Returns
        -------
        bool
            False: a thread has left for good, nobody waits here any more.
        """
        cdef int stopped
        with nogil:
            stopped = fsgd_barrier_wait(self.barrier, self.size, &self.left)
        return not stopped

    def leave(self):
        """For a thread that fails: the others go on at once, and `wait` tells them."""
        fsgd_store_int(&self.left, 1)
