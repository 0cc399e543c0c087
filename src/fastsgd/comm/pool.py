"""The interface of every pool: workers that run one task after another, and an end for certain."""

from abc import ABC, abstractmethod

from fastsgd._interrupts import whole
from fastsgd.comm.remote_errors import named
from fastsgd.communicators import KINDS


class Closing(ABC):
    """Closed at the end of a `with` block; an error there is told to the others first."""

    @abstractmethod
    def abort(self, reason=""): ...

    @abstractmethod
    def close(self): ...

    def __enter__(self):
        return self

    @whole
    def __exit__(self, kind, error, traceback):
        if kind is not None:
            self.abort(named(error))
        self.close()


class Pool(Closing):
    """`world_size` workers, each with a communicator, that run one task after another.

    Attributes
    ----------
    world_size : int
    """

    kind = ""

    @property
    def capabilities(self):
        """Abilities of its workers: `fastsgd.communicators.Capabilities`."""
        return KINDS[self.kind]

    @abstractmethod
    def run(self, task, arguments=None, per_rank=None, listener=None):
        """Calls ``task(comm, **arguments)`` on every rank; returns the results in order of ranks.

        Parameters
        ----------
        task : str
            ``"module:function"``.
        arguments : dict, optional
            Of what JSON can hold, numpy arrays and what `share` returns, nested in any way.
        per_rank : list of dict, optional
            More arguments, for each rank its own.
        listener : callable, optional
            ``listener(value)`` is called in this thread with what a rank gives to
            `Communicator.tell`; what it returns is the rank's answer. Values and answers are such
            as `arguments` may hold.

        Raises
        ------
        BaseException
            What a rank or the listener has raised, a rank's with its traceback as the cause; the
            others are aborted.
        PeerFailed, CommTimeout
            Ranks have died or stand still. After an error the pool is closed.
        """

    def share(self, array):
        """An array that is read by tasks of this pool, several or many times: to go in arguments.

        Where workers are processes it is copied once, into memory that they map; tasks get a
        read-only array.
        """
        return array

    @abstractmethod
    def abort(self, reason=""):
        """Ranks that are at work raise `CommAborted`; may be called from any thread."""

    @abstractmethod
    def close(self):
        """Ends the workers and gives everything back; may be called again."""
