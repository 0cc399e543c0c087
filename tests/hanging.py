"""A call that may wait for ever, for tests of threads that wait for each other."""

import threading

NEVER_LONG = 60.0
"""Seconds after which a call is taken to hang."""


def ended(call):
    """What `call` raises, or None; a test fails, and does not hang, where it never ends."""
    caught = []

    def body():
        try:
            call()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(NEVER_LONG)
    assert not thread.is_alive(), "it hangs"
    assert not [t for t in threading.enumerate() if t.name.startswith("fastsgd")]
    return caught[0] if caught else None
