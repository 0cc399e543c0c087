"""Collection rules of the whole suite, and how it is interrupted."""

import signal

import pytest


def pytest_configure(config):
    """A shell starts `make test &` deaf to Ctrl-C, which many tests send to themselves."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    """Of scikit-learn's SGD tests: leave out the one-class SVM, mark what is known to differ."""
    kept, dropped = [], []
    for item in items:
        expected = getattr(item.module, "EXPECTED_SKLEARN_FAILURES", None)
        if expected is None:
            kept.append(item)
        elif "OneClass" in item.name or "SGDOneClass" in str(getattr(item, "callspec", "")):
            dropped.append(item)
        else:
            reason = expected.get(item.originalname) or expected.get(item.name)
            if reason:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
            kept.append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept
