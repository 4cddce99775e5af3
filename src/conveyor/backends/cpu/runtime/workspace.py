"""The pool of workspaces: memory of passes, reused rather than returned to the system.

A pass needs tens of megabytes for a moment. Memory that is new to a process costs as much as the work on it: the system
clears each page when it is first touched (docs/notes/cpu-backend.md has figures). So unused blocks stay in the
pool for the next call.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

LIMIT = 256 * 2**20  # maximum bytes of unused blocks; a block of more than half of it is not pooled
_ROUND = 2**16
_SMALL = 2**15  # elements; for fewer torch's allocator is faster
_lock = threading.Lock()
_blocks: defaultdict[int, list[Any]] = defaultdict(list)  # those in use and the unused ones, by their size
poison = False  # tests fill acquired blocks with bits that are NaN in every format


# A child must not be forked while another thread is in here: it would wait for that thread, which it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def _of_the_unused() -> int:
    """Return the reference count of an unused block, which depends on the interpreter."""
    for block in [ctypes.create_string_buffer(1)]:
        return sys.getrefcount(block)
    raise AssertionError


_UNUSED = _of_the_unused()


def empty(shape: Sequence[int], like: Tensor) -> Tensor:
    """Allocate an uninitialised tensor; a large one's memory returns to the pool when nobody refers to it."""
    numbers = math.prod(shape)
    if numbers < _SMALL:
        return like.new_empty(shape)
    return torch.frombuffer(acquire(numbers * like.itemsize), dtype=like.dtype, count=numbers).view(shape)


class _Scratch(threading.local):
    block: Any = None
    size = -1
    address = 0


_scratch = _Scratch()
_KEPT = 2**25  # maximum bytes of a block that a thread retains


def scratch(size: int) -> tuple[int, Any]:
    """Return the address of at least `size` bytes for one pass of this thread, and their owner."""
    own = _scratch
    if size > own.size or poison:
        block = acquire(size)
        if size > _KEPT or poison:
            return ctypes.addressof(block), block
        own.block, own.size, own.address = block, len(block), ctypes.addressof(block)
    return own.address, own.block


def room(shape: tuple[int, ...], lead: int, dtype: torch.dtype, itemsize: int) -> Tensor:
    """Allocate an uninitialised tensor (N, …), no view, with `lead` more entries of memory before and after it."""
    row = 1
    for size in shape[1:]:
        row *= size
    numbers = (shape[0] + 2 * lead) * row
    if numbers < _SMALL:
        # Sizes one by one: torch takes half as long again to read a tuple of them.
        if not lead:
            return torch.empty(*shape, dtype=dtype)
        return torch.empty(shape[0] + 2 * lead, *shape[1:], dtype=dtype)[lead:-lead].data
    block = acquire(numbers * itemsize)
    flat = torch.frombuffer(block, dtype=dtype, count=shape[0] * row, offset=lead * row * itemsize)
    return flat.resize_(shape)


def pattern(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Make a tensor without memory of its own of which `torch.empty_like` makes uninitialised ones, contiguous.

    That takes half as long as `torch.empty`, which reads a shape and a dtype at each call.
    """
    return torch.empty((), dtype=dtype).expand(shape)


def rooms(patterns: tuple[Tensor, ...], shapes: tuple[tuple[int, ...], ...], itemsize: int) -> list[Tensor]:
    """Make uninitialised tensors, no views, of patterns of these shapes; the large ones in one block."""
    numbers, whole = _numbers(shapes)
    if not whole:
        return list(map(torch.empty_like, patterns))
    block, at, found = acquire(whole * itemsize), 0, []
    for like, shape, many in zip(patterns, shapes, numbers):  # noqa: B905 - every call asks
        if many:
            found += [torch.frombuffer(block, dtype=like.dtype, count=many, offset=at * itemsize).resize_(shape)]
            at += -(-many // 16) * 16
        else:
            found += [torch.empty_like(like)]
    return found


@lru_cache(maxsize=1024)
def _numbers(shapes: tuple[tuple[int, ...], ...]) -> tuple[list[int], int]:
    """Return the elements of each large tensor, 0 for small ones, and the total, each rounded up to 16."""
    numbers = [n if n >= _SMALL else 0 for n in map(math.prod, shapes)]
    return numbers, sum(-(-n // 16) * 16 for n in numbers)


def acquire(size: int) -> Any:
    """Acquire a ctypes array of at least `size` bytes; it returns to the pool when nobody refers to it."""
    size = _rounded(size)
    with _lock:
        # A block that somebody refers to is in use.
        for block in _blocks[size]:
            if sys.getrefcount(block) == _UNUSED:
                break
        else:
            block = _new(size)
            if size <= LIMIT // 2:
                _blocks[size].append(block)
                _trim()
    if poison:
        ctypes.memset(block, 0xFF, size)
    return block


@lru_cache(maxsize=4096)
def _rounded(size: int) -> int:
    """Round a size up to one of a few block sizes, so that sequences of any length reuse blocks."""
    unit = max(_ROUND, 1 << max(size.bit_length() - 3, 0))
    return -(-size // unit) * unit


def _new(size: int) -> Any:
    # Private, so that the child of a fork gets its own copies of the pages.
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return (ctypes.c_char * size).from_buffer(pages)


def _trim() -> None:
    """Return unused blocks above the limit to the system, the oldest first."""
    over = -LIMIT
    for several in _blocks.values():
        for block in several:
            if sys.getrefcount(block) == _UNUSED:
                over += len(block)
    for several in _blocks.values():
        for k in reversed(range(len(several))) if over > 0 else ():
            if over > 0 and _is_unused(several, k):
                over -= len(several[k])
                del several[k]


def _is_unused(blocks: list[Any], k: int) -> bool:
    for block in blocks[k : k + 1]:
        return sys.getrefcount(block) == _UNUSED + 1  # the slice refers to it, too
    return False
