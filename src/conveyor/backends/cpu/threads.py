"""A small pool of threads that block while they wait.

OpenMP's barriers spin, which makes a step many times slower as soon as another process wants the cores; these threads
sleep until there is work. Work is split into parts of rows that never wait for each other.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_pool: tuple[int, int, ThreadPoolExecutor] | None = None


def _executor(count: int) -> ThreadPoolExecutor:
    global _pool
    if _pool is None or _pool[:2] != (os.getpid(), count):
        _pool = (os.getpid(), count, ThreadPoolExecutor(count, "conveyor"))
    return _pool[2]


def split(rows: int, parts: int, unit: int) -> list[tuple[int, int]]:
    """Ranges of rows, as equal as whole units allow."""
    blocks = -(-rows // unit)
    parts = min(parts, blocks)
    edges = [min(rows, unit * (blocks * k // parts)) for k in range(parts + 1)] if parts else []
    return [(a, b) for a, b in zip(edges, edges[1:], strict=False) if b > a]


def run(work: Callable[[int, int], None], rows: int, threads: int, unit: int) -> None:
    """Call `work(row, stop)` on ranges that cover all rows, at the same time.

    In a child of a fork the threads of the parent are gone; there the work runs in place.
    """
    ranges = split(rows, 1 if os.getpid() != _HOME else threads, unit)
    if len(ranges) < 2:
        for row, stop in ranges:
            work(row, stop)
        return
    others = [_executor(threads - 1).submit(work, row, stop) for row, stop in ranges[1:]]
    work(*ranges[0])
    for other in others:
        other.result()


_HOME = os.getpid()
