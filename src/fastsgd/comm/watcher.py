"""A thread of the parent that starts the workers, sees them die, and ends them.

It lives as long as the pool: Linux kills a worker together with the thread that started it
(PR_SET_PDEATHSIG), and that may not be a thread of the user's that ends before.
"""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time

from fastsgd._interrupts import is_asked

LOOK_EVERY = 0.25
"""Seconds between looks for workers that are stopped."""

POLL_EVERY = 0.05
"""Seconds between looks for dead workers where there is no pidfd."""


def has_pidfd():
    """Whether the system has pidfd (Linux 5.3) and lets this process use it."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


HAS_PIDFD = has_pidfd()


class Watcher(threading.Thread):
    """Starts one process for each command and watches them.

    Parameters
    ----------
    launch : list of (list of str, tuple of int)
        Command and descriptors of each rank's process.
    environment : dict
    end : fastsgd.kernels.exchange.Exchange
        Where dead and late ranks are told.
    timeout : float
        Seconds for which a worker may be stopped.
    pidfd : bool
    owner : callable
        None when nobody has the workers any more: then this thread ends with the last of them,
        also where `end` was not called (as after an exception in a garbage collection).
    """

    def __init__(self, launch, environment, end, timeout, pidfd=HAS_PIDFD, owner=lambda: True):
        super().__init__(name="fastsgd-watcher", daemon=True)
        self._launch, self._environment, self._end = launch, environment, end
        self._timeout, self._pidfd, self._owner = timeout, pidfd, owner
        self._pidfds, self._stopped_for, self._looked = {}, {}, time.monotonic()
        self._read, self._write = os.pipe()
        self._ending = False
        self.processes, self.error = [], None
        self.started, self.dead = threading.Event(), set()

    def run(self):
        try:
            self._start_all()
        except BaseException as error:
            self.error = error
        finally:
            self._launch = None
            self.started.set()
        try:
            self._watch()
        finally:
            for fd in (*self._pidfds, self._read):
                os.close(fd)
            self._end = None
            if not self._ending:
                self._close_write()

    def stop_starting(self):
        """No more workers are started."""
        self._ending = True

    def _start_all(self):
        # The worker inherits the mask: Ctrl-C must not meet it before it can ignore it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        for rank, (command, descriptors) in enumerate(self._launch):
            if self._ending:
                break
            process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, pass_fds=descriptors)
            self.processes.append(process)
            if self._pidfd:
                self._pidfds[os.pidfd_open(process.pid)] = rank

    def _watch(self):
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        for fd in self._pidfds:
            poll.register(fd, select.POLLIN)
        unseen = set(range(len(self.processes))) - set(self._pidfds.values())
        waited = POLL_EVERY if unseen else LOOK_EVERY
        while not (len(self.dead) == len(self.processes)
                   and (self._ending or self._owner() is None)):
            # When this process itself was stopped, that is not held against the workers.
            now, since = time.monotonic(), min(time.monotonic() - self._looked, 2 * LOOK_EVERY)
            self._looked = now
            for fd, _ in poll.poll(1000 * waited):
                if fd == self._read:
                    os.read(self._read, 100)
                else:
                    self._reap(self._pidfds[fd])
                    # else `wait` is just reaping it in another thread: it is looked at again
                    if self._pidfds[fd] in self.dead:
                        poll.unregister(fd)
            for rank in range(len(self.processes)):
                if rank not in self.dead:
                    if rank in unseen:
                        self._reap(rank)
                    self._look_if_stopped(rank, since)

    def _reap(self, rank):
        if self.processes[rank].poll() is not None:
            self.dead.add(rank)
            if not self._ending:
                self._end.mark_dead(rank)

    def _look_if_stopped(self, rank, since):
        """A worker that is stopped for too long is late, whether or not others wait for it.

        `since`: seconds from the look before.
        """
        if not hasattr(os, "waitid") or self._ending:
            return
        try:
            stopped = os.waitid(os.P_PID, self.processes[rank].pid,
                                os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if stopped is None:
            self._stopped_for.pop(rank, None)
            return
        self._stopped_for[rank] = self._stopped_for.get(rank, -since) + since
        if self._stopped_for[rank] > self._timeout:
            self._end.mark_late(rank)

    def wait(self, rank, timeout):
        """Waits until a worker has ended; returns as well when it has not in time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.processes[rank].wait(timeout)

    def fate(self, rank):
        """How a dead worker ended: ``killed by SIGKILL``, ``exit code 3``."""
        code = self.processes[rank].returncode
        if code is None:
            return "its connection is closed"
        if code >= 0:
            return f"exit code {code}"
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
        return f"killed by signal {-code}"

    def end(self, grace, hopeless=()):
        """Waits `grace` seconds for the workers to leave, kills who is left, ends this thread.

        For the ranks in `hopeless` it does not wait, nor when Ctrl-C is pressed meanwhile.
        """
        self._ending = True
        self._wake()
        try:
            for rank in hopeless:
                with contextlib.suppress(ProcessLookupError):
                    self.processes[rank].kill()
            deadline = time.monotonic() + grace
            while self.is_alive() and time.monotonic() < deadline and not is_asked():
                self.join(min(0.02, max(0.001, deadline - time.monotonic())))
        finally:
            for process in self.processes:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            if self.ident is None:  # no room for a thread
                os.close(self._read)
            else:
                self.join()
            for process in self.processes:  # if the watcher itself has failed
                process.wait()
            self._close_write()

    def _close_write(self):
        if self._write >= 0:
            os.close(self._write)
            self._write = -1

    def _wake(self):
        if self._write >= 0:
            with contextlib.suppress(OSError):
                os.write(self._write, b"x")
