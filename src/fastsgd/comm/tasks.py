"""What a worker may be asked to do: a function, told by its name."""

from importlib import import_module

from fastsgd.kernels.exchange import MAX_RANKS


def resolve(task):
    """The function of ``"module:function"``.

    >>> resolve("fastsgd.comm:count_ranks").__name__
    'count_ranks'
    """
    module, colon, name = task.partition(":") if isinstance(task, str) else ("", "", "")
    if not (module and colon and name):
        raise ValueError(f"task must be 'module:function', which every worker can import; "
                         f"got {task!r}")
    try:
        function = getattr(import_module(module), name)
    except AttributeError:
        raise ValueError(f"task {task!r}: module {module} has no {name!r}") from None
    if not callable(function):
        raise ValueError(f"task {task!r} is no function")
    return function


def check_size(n, timeout):
    """`n`, or an error that says what it may be; `timeout` likewise."""
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MAX_RANKS:
        raise ValueError(f"n must be a number of workers from 1 to {MAX_RANKS}, got {n!r}")
    if not timeout > 0:
        raise ValueError(f"timeout must be > 0 seconds, got {timeout!r}")
    return n
