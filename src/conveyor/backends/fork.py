"""The detection of a forked child process, in which the threads of its parent are gone.

This module is separate from the backends, which are loaded when they are first used, so that it is loaded before
the fork.
"""

from __future__ import annotations

import os

is_child = False  # asked at every call: read it as `fork.is_child`


def _in_child() -> None:
    global is_child
    is_child = True


os.register_at_fork(after_in_child=_in_child)


def forked() -> bool:
    """Tell whether the process has been forked since this module was loaded."""
    return is_child
