"""An error leaves an estimator as it was."""

from functools import wraps

from fastsgd._interrupts import orderly, whole


class _Kept:
    """Puts an estimator's attributes back after an error; Ctrl-C keeps work begun."""

    def __init__(self, estimator):
        self._estimator, self._before = estimator, dict(estimator.__dict__)

    def __enter__(self):
        pass

    @whole
    def __exit__(self, kind, error, trace):
        if error is None:
            return
        now = self._estimator.__dict__
        kept = now.get("_states") is not self._before.get("_states")
        if isinstance(error, Exception) or not kept:
            now.clear()
            now.update(self._before)


def unchanged_on_error(method):
    """An error in the method leaves the estimator as it was before; Ctrl-C keeps work begun.

    No second interrupt gets in the way of that.
    """

    @orderly
    @wraps(method)
    def guarded(self, *args, **kwargs):
        with _Kept(self):
            return method(self, *args, **kwargs)

    return guarded
