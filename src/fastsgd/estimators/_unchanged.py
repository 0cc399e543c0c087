"""An error leaves an estimator as it was."""

from functools import wraps


def unchanged_on_error(method):
    """An error in the method leaves the estimator as it was before; Ctrl-C keeps work begun."""

    @wraps(method)
    def guarded(self, *args, **kwargs):
        before = dict(self.__dict__)
        try:
            return method(self, *args, **kwargs)
        except BaseException as error:
            kept = self.__dict__.get("_states") is not before.get("_states")
            if isinstance(error, Exception) or not kept:
                self.__dict__.clear()
                self.__dict__.update(before)
            raise

    return guarded
