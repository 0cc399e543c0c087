"""The folder that was the current one when fastsgd was imported."""

import contextlib
import os

STARTED_IN: str | None = None
"""Where relative places in `sys.path` begin for worker processes; None: the folder is gone."""

with contextlib.suppress(OSError):
    STARTED_IN = os.getcwd()
