"""A worker process, started by `ProcessPool` as `fastsgd.comm.interpreter` says.

It takes tasks from its socket, one after another, until the parent closes its end or is gone.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time


def main(handle):
    """Runs tasks until the parent says that it is enough.

    Parameters
    ----------
    handle : str
        JSON: what `fastsgd.comm.attach` takes, and parent, portable, socket, environment.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it ends this process
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    told = json.loads(handle)

    from fastsgd.comm.messages import Connection
    from fastsgd.kernels.exchange import die_with_parent

    die_with_parent()
    if os.getppid() != told["parent"]:
        return
    threading.Thread(
        target=follow, args=(told["parent"], told["portable"]), daemon=True).start()
    connection = Connection(socket.socket(fileno=told["socket"]))
    os.set_inheritable(told["socket"], False)
    try:
        restore(told["environment"])
        serve(connection, handle)
    except (EOFError, ConnectionError):  # the parent has closed its end, or is gone
        pass
    finally:
        connection.close()


def restore(environment):
    """Variables are as in the parent, for what this process may start."""
    for name, value in environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def serve(connection, handle):
    """Takes tasks; answers each with its result or its error."""
    from fastsgd.comm import attach
    from fastsgd.comm.messages import encode
    from fastsgd.comm.remote_errors import describe, named
    from fastsgd.comm.tasks import resolve

    comm = attach(handle)
    connection.send({"ready": True})
    while True:
        order = connection.receive()
        comm.listener = (lambda value: ask(connection, value)) if order["heard"] else None
        try:
            result = resolve(order["task"])(comm, **order["arguments"])
            answer = encode({"result": result})
        except BaseException as error:
            comm.abort(named(error))
            answer = encode({"error": describe(error)})
        del order
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or taken away
                stream.flush()
        connection.send_encoded(answer)
        result = answer = None  # their memory, also in the segment, before the next task


def ask(connection, value):
    """The answer of the parent's listener."""
    from fastsgd.errors import CommAborted

    try:
        connection.send({"told": value})
        return connection.receive()["answer"]
    except (EOFError, ConnectionError):
        raise CommAborted("tell: the parent has given up") from None


def follow(parent, portable):
    """Ends this process when its parent has ended, should the system not have done it by then."""
    if not portable:
        import select

        poll = select.poll()
        try:
            poll.register(os.pidfd_open(parent), select.POLLIN)
            poll.poll()
        except ProcessLookupError:
            pass
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)
