"""The errors that fastsgd raises beside Python's own."""


class FastSGDError(Exception):
    """Base of fastsgd's own errors."""


class DivergenceError(FastSGDError, ValueError, FloatingPointError):
    """The weights left the range of floating point; the text names the epoch and the remedy."""


class ModelFileError(FastSGDError, ValueError):
    """A model file is damaged, truncated, foreign, or of a version this release cannot read."""


class DataFileError(FastSGDError, ValueError):
    """A data file is damaged, truncated, foreign, or lacks an array; the text says which."""


class ResumeError(FastSGDError, ValueError):
    """A training cannot go on so that it would equal an uninterrupted one."""


class NotBuiltYetError(FastSGDError, ValueError):
    """A reserved parameter was given a value that this release does not implement."""


class NotFittedError(FastSGDError, ValueError, AttributeError):
    """A model was asked for what only a training gives it."""


class NotConvergedWarning(UserWarning):
    """A training ended before it came to rest. Estimators give scikit-learn's category."""


class CommError(FastSGDError):
    """Workers could not exchange data; the communicator cannot be used any more.

    Parameters
    ----------
    message : str
    op : str, optional
        The collective, for example ``"all_reduce"``.
    rank : int, optional
        Who tells it.
    peer : int, optional
        With whom it was at work.
    step : int, optional
        The step of the collective.
    """

    def __init__(self, message, *, op=None, rank=None, peer=None, step=None):
        super().__init__(message)
        self.op, self.rank, self.peer, self.step = op, rank, peer, step


class PeerFailed(CommError):
    """Workers have died: `ranks`."""

    def __init__(self, message, *, ranks=(), **where):
        super().__init__(message, **where)
        self.ranks = list(ranks)


class CommTimeout(CommError, TimeoutError):
    """Workers (`ranks`) did not arrive within the timeout; they may be stopped."""

    def __init__(self, message, *, ranks=(), **where):
        super().__init__(message, **where)
        self.ranks = list(ranks)


class CommAborted(CommError):
    """Another worker (`peer`; None: who opened the communicator) gave up; `reason` is its text."""

    def __init__(self, message, *, reason="", **where):
        super().__init__(message, **where)
        self.reason = reason


class WorkerError(FastSGDError, RuntimeError):
    """A worker raised an error of a class that its parent cannot make again."""


class RemoteTraceback(FastSGDError):
    """The traceback of a worker, as text: the cause of the error that its parent raises."""

    def __str__(self):
        return "\n" + str(self.args[0]) if self.args else ""
