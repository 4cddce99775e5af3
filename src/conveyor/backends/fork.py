"""Whether this process is the child of a fork, in which the threads of its parent are gone.

This stands apart from the backends, which are loaded when they are first used, so that it is loaded before the fork.
"""

from __future__ import annotations

import os

_HOME = os.getpid()


def forked() -> bool:
    """Whether the process has been forked since this module was loaded."""
    return os.getpid() != _HOME
