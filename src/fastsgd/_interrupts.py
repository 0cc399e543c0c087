"""Interrupts that cut nothing in two: what is opened is closed, what is put back is put back.

Python calls the handler of a signal between any two steps of the main thread, and that of Ctrl-C
raises KeyboardInterrupt there: also within the `finally` that a first one has led to, or between
the call that makes a descriptor and the line that notes it. So while an `orderly` function runs, a
`_Guard` stands before all handlers. It lets a signal through at once, unless

* a `whole` function runs: the signal waits for its end;
* an exception that a handler has raised is just being handled: the signal waits until the orderly
  function has ended.

None is lost, and after `PATIENCE` seconds one that comes again waits no longer. Other threads than
the main one are never interrupted.
"""

import signal
import sys
import threading
import time
from contextlib import suppress
from functools import wraps

SIGNALS = [int(getattr(signal, name)) for name in (
    "SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)]
"""Signals to which programs give handlers that raise."""

# Without the enums that `signal` makes of numbers, which take 30 times as long as the work.
_get_handler = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
_set_handler = getattr(signal.signal, "__wrapped__", signal.signal)

PATIENCE = 30.0
"""Seconds after which a signal that is given again is obeyed whatever runs."""

LATER = 1e-3

_current = None
"""The guard on duty; the main thread's alone."""


class _Guard:
    """Stands before the handlers from `__enter__` to `__exit__`, in neither of which it lets any
    through: that their frames are among those that run is how it knows."""

    def __init__(self):
        self._before, self._waiting, self._raised = {}, {}, None

    def __enter__(self):
        global _current
        _current = self
        try:
            for number in SIGNALS:
                handler = _get_handler(number)
                if callable(handler):
                    self._before[number] = handler
                    _set_handler(number, self._meet)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(self, kind, error, trace):
        global _current
        try:
            for number, handler in self._before.items():
                if _get_handler(number) == self._meet:  # else somebody has set another since
                    _set_handler(number, handler)
        finally:
            _current = self._raised = None
            self.deliver(error)

    def _meet(self, number, frame):
        """The handler of every signal."""
        now = time.monotonic()
        if _current is self and self.must_wait(frame) and (
                now - self._waiting.setdefault(number, now) < PATIENCE):
            return
        self._waiting.pop(number, None)
        self._call(number, frame)

    def _call(self, number, frame):
        try:
            self._before[number](number, frame)
        except BaseException as error:
            if _current is self:
                self._raised = error
            raise

    def must_wait(self, frame):
        """Whether an exception may not be raised now, where `frame` is at work."""
        error = sys.exception()
        while error is not None:
            if error is self._raised:
                return True
            error = error.__context__
        while frame is not None:
            if frame.f_code in _HELD or (
                    frame.f_code is _WHOLE and not frame.f_locals.get("ended")):
                return True
            frame = frame.f_back
        return False

    def is_asked(self):
        """Whether a signal waits."""
        return bool(self._waiting)

    def deliver(self, on_its_way=None):
        """Calls the handlers of what waits, but that of Ctrl-C where its exception is raised."""
        if not self._waiting:
            return
        number, _ = self._waiting.popitem()
        try:
            if not (isinstance(on_its_way, KeyboardInterrupt)
                    and self._before[number] is signal.default_int_handler):
                self._call(number, sys._getframe())
        finally:  # of the others, too
            self.deliver(on_its_way)

    def deliver_later(self):
        """Gives the signals that wait once more, soon."""
        while self._waiting:
            timer = threading.Timer(LATER, signal.raise_signal, [self._waiting.popitem()[0]])
            timer.daemon = True
            with suppress(RuntimeError):  # the program ends: no more threads
                timer.start()


class _Nothing:
    """Stands for a guard where one is on duty or none is needed."""

    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


_NOTHING = _Nothing()


def _guard():
    if threading.current_thread() is not threading.main_thread() or _current is not None:
        return _NOTHING
    return _Guard()


def orderly(function):
    """Makes a function orderly: see above. Nested ones are as one."""

    @wraps(function)
    def run_orderly(*args, **kwargs):
        with _guard():
            return function(*args, **kwargs)

    return run_orderly


def whole(function):
    """Makes a function whole: in the main thread, no signal is handled before it has ended.

    It should be short, or look at `is_asked`. What it has made must not be what it returns, as an
    exception may come at its end.
    """

    @wraps(function)
    def run_whole(*args, **kwargs):
        ended = False
        with _guard():
            try:
                return function(*args, **kwargs)
            finally:
                ended = True  # noqa: F841 (for `must_wait`)
                _deliver()

    return run_whole


def forgotten(function):
    """Like `whole`, of a function that a garbage collector calls, where exceptions are lost."""

    @whole
    @wraps(function)
    def run_forgotten(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        finally:
            if is_asked():
                _current.deliver_later()

    return run_forgotten


def is_asked():
    """Whether a signal waits for a whole function of this thread to end."""
    return (_current is not None and threading.current_thread() is threading.main_thread()
            and _current.is_asked())


def _deliver():
    if is_asked() and not _current.must_wait(sys._getframe()):
        _current.deliver()


_WHOLE = whole(len).__code__
_HELD = {_Guard.__enter__.__code__, _Guard.__exit__.__code__}
