"""A worker process: ``python -m fastsgd.comm._child handle``, started by `ProcessPool`.

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


def main():
    """Runs tasks until the parent says that it is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it ends this process
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    handle = sys.argv[1]
    told = json.loads(handle)

    from fastsgd.comm.messages import Connection
    from fastsgd.kernels.exchange import die_with_parent

    if not told["portable"]:
        die_with_parent()
    if os.getppid() != told["parent"]:
        return
    threading.Thread(
        target=follow, args=(told["parent"], told["portable"]), daemon=True).start()
    connection = Connection(socket.socket(fileno=told["socket"]))
    os.set_inheritable(told["socket"], False)
    try:
        take_paths(connection.receive())
        serve(connection, handle)
    except (EOFError, ConnectionError):  # the parent has closed its end, or is gone
        pass


def take_paths(first):
    """Modules are found as in the parent; what this process may start sees nothing of it."""
    sys.path[:] = first["path"]
    os.environ.pop("PYTHONPATH", None)
    if first["PYTHONPATH"] is not None:
        os.environ["PYTHONPATH"] = first["PYTHONPATH"]


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


if __name__ == "__main__":
    main()
