"""Tasks that a worker may be asked to do: functions, given by name."""

from importlib import import_module
from numbers import Integral, Real

from fastsgd.kernels.exchange import MAX_RANKS


def split(task):
    """Module and function of ``"module:function"``; nothing is imported."""
    module, colon, name = task.partition(":") if isinstance(task, str) else ("", "", "")
    if not (module and colon and name):
        raise ValueError(
            f"task must be 'module:function', which every worker can import; got {task!r}")
    return module, name


def arguments_of(world_size, arguments, per_rank):
    """The arguments of each rank, a list of dicts, from those of all and those of each."""
    if per_rank is None:
        per_rank = [{}] * world_size
    if len(per_rank) != world_size:
        raise ValueError(f"per_rank needs an entry for each of {world_size} ranks, "
                         f"got {len(per_rank)}")
    return [{**(arguments or {}), **more} for more in per_rank]


def resolve(task):
    """The function of ``"module:function"``.

    >>> resolve("fastsgd.comm:count_ranks").__name__
    'count_ranks'
    """
    module, name = split(task)
    try:
        function = getattr(import_module(module), name)
    except AttributeError:
        raise ValueError(f"task {task!r}: module {module} has no {name!r}") from None
    if not callable(function):
        raise ValueError(f"task {task!r} is no function")
    return function


def check_size(n, timeout):
    """`n` and `timeout` as an int and a float, or an error that says what they may be."""
    if isinstance(n, bool) or not isinstance(n, Integral) or not 1 <= n <= MAX_RANKS:
        raise ValueError(f"n must be a number of workers from 1 to {MAX_RANKS}, got {n!r}")
    if not isinstance(timeout, Real) or not timeout > 0:
        raise ValueError(f"timeout must be > 0 seconds, got {timeout!r}")
    return int(n), float(timeout)
