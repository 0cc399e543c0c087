"""Descriptors 0, 1 and 2, which a program without a terminal may have closed."""

import contextlib
import os


@contextlib.contextmanager
def standard_descriptors():
    """Within it they are open: as they were, or on /dev/null, which children inherit.

    Else a socket made here could be number 1, and what a worker prints would go into it.
    """
    taken = []
    try:
        while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(fd, True)
            taken.append(fd)
        os.close(fd)
        yield
    finally:
        for fd in taken:
            os.close(fd)
