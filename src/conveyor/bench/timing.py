"""The interleaved timing of functions in one process."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

LEAST = 5
"""The least number of samples of a median."""

_SAMPLE = 1e-4  # seconds that one sample takes at least, so that reading the clock is no part of it


@dataclass(frozen=True)
class Timing:
    """The times of one function.

    Attributes:
        seconds: The median of a call.
        low: The lower quartile.
        high: The upper one.
        samples: The number of samples.
    """

    seconds: float
    low: float
    high: float
    samples: int


def alternate(
    functions: Sequence[Callable[[], object]],
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Timing, ...]:
    """Time functions in turns, each round in reverse order, until `seconds` have passed.

    Each is called twice before: once as warm-up, once to choose the number of calls per sample.

    Args:
        functions: The functions.
        seconds: The total time; at least `LEAST` rounds are run.
        clock: Returns the time in seconds.
    """
    calls = []
    for function in functions:
        function()
        began = clock()
        function()
        calls.append(max(1, round(_SAMPLE / max(clock() - began, 1e-9))))
    taken: list[list[float]] = [[] for _ in functions]
    order = list(range(len(functions)))
    with _without_collector():
        end = clock() + seconds
        while clock() < end or len(taken[0]) < LEAST:
            for k in order:
                began = clock()
                for _ in range(calls[k]):
                    functions[k]()
                taken[k].append((clock() - began) / calls[k])
            order.reverse()
    return tuple(_timing(times) for times in taken)


def _timing(times: list[float]) -> Timing:
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    return Timing(middle, low, high, len(times))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Disable the cycle collector during a measurement."""
    before = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
