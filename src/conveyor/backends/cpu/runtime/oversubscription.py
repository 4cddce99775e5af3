"""Whether other processes want the cores, too."""

from __future__ import annotations

import os
import time

_SOURCE = "/proc/loadavg"  # its fourth field says how many threads of the whole machine want to run now
_PERIOD = 0.05  # seconds for which an answer holds
_seen = (0.0, False)


def is_crowded() -> bool:
    """Whether more threads want to run than there are cores; False where the system does not say."""
    global _seen
    now = time.monotonic()
    if now >= _seen[0]:
        _seen = (now + _PERIOD, _ask())
    return _seen[1]


def _ask() -> bool:
    try:
        with open(_SOURCE) as file:
            running = int(file.read().split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return False
    return running > (os.cpu_count() or running)
