"""Where the real data sets are: $FASTSGD_DATA, else ../shared/data beside the repository."""

import os
from pathlib import Path

import pytest


def real(path: str) -> Path:
    """`path` under the data directory; skips the test when it is not there."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    found = Path(os.environ.get("FASTSGD_DATA") or beside) / path
    if not found.exists():
        pytest.skip(f"{found} is missing; set FASTSGD_DATA to the directory of the data sets")
    return found
