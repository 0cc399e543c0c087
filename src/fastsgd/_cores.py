"""How many cores this process may use."""

import math
import os
from pathlib import Path

QUOTAS = (("/sys/fs/cgroup/cpu.max",),
          ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"))
"""Files that hold the quota and the period of a container, of control groups 2 and 1."""


def count_cores():
    """Cores that this process may use, at least 1.

    Those of the machine or, where these are less, those that the process is bound to, the CPU time
    that its container is given, and LOKY_MAX_CPU_COUNT, which joblib obeys too.
    """
    limits = [os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    limits += [cores for cores in (_of_quota(), _number("LOKY_MAX_CPU_COUNT")) if cores]
    return max(1, min(limits))


def _of_quota():
    """Cores that a container's quota comes to, or None where there is none."""
    for paths in QUOTAS:
        try:
            words = " ".join(Path(path).read_text(encoding="ascii") for path in paths).split()
        except OSError:
            continue
        if len(words) == 2 and all(word.isdecimal() and int(word) > 0 for word in words):
            return math.ceil(int(words[0]) / int(words[1]))
    return None


def _number(name):
    """The number that an environment variable holds, or None."""
    text = os.environ.get(name, "").strip()
    return int(text) if text.isdecimal() else None
