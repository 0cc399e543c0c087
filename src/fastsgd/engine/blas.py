"""The threads of BLAS: one for each thread of ours, beside which more would spin."""

from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _blas():
    return ThreadpoolController()  # looks through all loaded libraries: 20 ms


def one_thread_of_blas():
    """A context in which BLAS takes one thread."""
    return _blas().limit(limits=1, user_api="blas")
