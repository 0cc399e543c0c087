"""An error leaves an estimator, and scikit-learn's settings, as they were."""

from functools import wraps

from sklearn import get_config, set_config
from sklearn.base import _fit_context

from fastsgd._compat import with_callbacks
from fastsgd._interrupts import orderly, whole


class _Kept:
    """Puts an estimator's attributes back after an error; Ctrl-C keeps work begun.

    scikit-learn checks no parameters while an estimator fits, and an interrupt between two of its
    lines would leave that so, in all estimators.
    """

    def __init__(self, estimator):
        self._estimator, self._before = estimator, dict(estimator.__dict__)
        self._config = get_config()

    def __enter__(self):
        pass

    @whole
    def __exit__(self, kind, error, trace):
        if get_config() != self._config:
            set_config(**self._config)
        if error is None:
            return
        now = self._estimator.__dict__
        kept = now.get("_states") is not self._before.get("_states")
        if isinstance(error, Exception) or not kept:
            now.clear()
            now.update(self._before)


def fit_method(method):
    """Makes a method one that trains: parameters are checked first, callbacks are told.

    An error in it leaves the estimator as it was before; Ctrl-C keeps work begun, and no second
    interrupt gets in the way of that.
    """
    checked = _fit_context(prefer_skip_nested_validation=True)(with_callbacks(method))

    @orderly
    @wraps(method)
    def guarded(self, *args, **kwargs):
        with _Kept(self):
            return checked(self, *args, **kwargs)

    return guarded
