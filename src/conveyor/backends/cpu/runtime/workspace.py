"""Memory that a pass works in, used again rather than returned to the system.

A pass needs tens of megabytes for a moment. Memory that is new to a process costs as much as the work on it: the system
clears each page when it is first touched (docs/notes/cpu-backend.md has figures). So blocks that nobody uses wait here
for the next call.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

LIMIT = 256 * 2**20  # bytes that wait, at most; a block of more than half of it does not wait at all
_ROUND = 2**16
_SMALL = 2**14  # numbers; less is quicker had from torch's allocator
_lock = threading.Lock()
_blocks: list[Any] = []  # those that are lent and those that wait
poison = False  # tests fill what they are lent with bits that are NaN in every format


# A child must not be forked while another thread is in here: it would wait for that thread, which it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def _references(block: Any) -> int:
    return sys.getrefcount(block)


def _of_the_unused() -> int:
    """How many references to a block are counted when nobody borrows it: what that is depends on the interpreter."""
    for block in [ctypes.create_string_buffer(1)]:
        return _references(block)
    raise AssertionError


_UNUSED = _of_the_unused()


def empty(shape: Sequence[int], like: Tensor) -> Tensor:
    """An uninitialised tensor; the memory of a large one waits here again when nobody refers to it."""
    numbers = math.prod(shape)
    if numbers < _SMALL:
        return like.new_empty(shape)
    return torch.frombuffer(lend(numbers * like.itemsize), dtype=like.dtype, count=numbers).view(shape)


def lend(size: int) -> Any:
    """A ctypes array of at least so many bytes; it waits here again when nobody refers to it."""
    size = -(-size // _ROUND) * _ROUND
    with _lock:
        block = _waiting(size)  # whoever refers to it keeps it from waiting
        if block is None:
            block = _new(size)
            if size <= LIMIT // 2:
                _blocks.append(block)
                _trim()
    if poison:
        ctypes.memset(block, 0xFF, len(block))
    return block


def _waiting(size: int) -> Any:
    """The smallest block that is large enough, unless it is so much larger that it would be wasted."""
    best = None
    for block in _blocks:
        if size <= len(block) <= 2 * size + 2**20 and _references(block) == _UNUSED:
            best = block if best is None or len(block) < len(best) else best
    return best


def _new(size: int) -> Any:
    # Private, so that the child of a fork has pages of its own.
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return (ctypes.c_char * size).from_buffer(pages)


def _trim() -> None:
    """Return what waits above the limit to the system, the oldest first."""
    over = -LIMIT
    for block in _blocks:
        if _references(block) == _UNUSED:
            over += len(block)
    gone = set()
    for block in _blocks:
        if over > 0 and _references(block) == _UNUSED:
            over -= len(block)
            gone.add(id(block))
    _blocks[:] = [block for block in _blocks if id(block) not in gone]
