"""The folder that was the current one when fastsgd was imported."""

import os

try:
    STARTED_IN = os.getcwd()
    """Where relative places in `sys.path` begin for worker processes; None: the folder is gone."""
except OSError:
    STARTED_IN = None
