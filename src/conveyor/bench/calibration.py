"""Calibrates the machine's current speed: a matrix product beside each row, reads, copies and functions.

The speed of a shared machine varies. A row counts only if the products measured before and after it are within a tenth
of the run's best.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from conveyor.backends.cpu.codegen import isa
from conveyor.bench.roofline_kernels import FUNCTIONS, RooflineKernels, compile_kernels

TOLERANCE = 0.1
"""The share by which the product around a row may lie below the run's best."""

_INNER = 256  # of the product: its weights then fit the second-level cache, as a layer's panels do
_BURST = 0.008  # seconds
_QUIET = 0.02  # seconds until torch's threads, which spin for a while after each of its operations, are out of the way


@dataclass
class Calibration:
    """The best rates that the machine has reached so far with a number of threads.

    Attributes:
        threads: The number of threads.
        best: The highest product so far, in FLOP a second.
    """

    threads: int
    best: float = 0.0
    _known: dict[tuple[str, object], float] = field(default_factory=dict)

    def product(self) -> float:
        """Measure the FLOP per second of a product: the median of a few short ones on all threads at once."""
        y = _loops()
        sets = [[torch.randn(_INNER * n) for n in (y.columns, y.rows)] for _ in range(self.threads)]
        sums = [torch.empty(y.rows * y.columns) for _ in range(self.threads)]
        each = 2.0 * y.rows * y.columns * _INNER

        def work(k: int, repeats: int) -> None:
            w, left = sets[k]
            y.product(w.data_ptr(), left.data_ptr(), sums[k].data_ptr(), _INNER, repeats)

        time.sleep(_QUIET)
        repeats = _repeats(lambda n: work(0, n))
        found = statistics.median(each * repeats * self.threads / self._at_once(work, repeats) for _ in range(5))
        self.best = max(self.best, found)
        return found

    def is_off(self, product: float) -> bool:
        """Tells whether a product is too far below the best for the measurement beside it to count."""
        return product < (1 - TOLERANCE) * self.best

    def settle(self) -> None:
        """Measure the machine's best rate before the first row."""
        for _ in range(10):
            self.product()

    def reading(self, size: int) -> float:
        """Measure the bytes per second that all threads together read, each repeatedly from its part of `size`."""
        y = _loops()
        share = max(1, size // 4 // y.stretch // self.threads)  # turns of the loop

        def measure() -> float:
            parts = [torch.zeros(share * y.stretch) for _ in range(self.threads)]
            sums = [torch.empty(y.stretch) for _ in range(self.threads)]

            def work(k: int, repeats: int) -> None:
                y.read(parts[k].data_ptr(), sums[k].data_ptr(), share, repeats)

            repeats = _repeats(lambda n: work(0, n))
            seconds = min(self._at_once(work, repeats) for _ in range(5))
            return 4.0 * share * y.stretch * self.threads * repeats / seconds

        return self._kept("reading", size, measure)

    def copying(self, size: int) -> float:
        """Measure the bytes per second, read and written, of copies with `size` bytes in source and target together."""
        # A power of two, so that few are measured; smaller copies would measure the call.
        rounded = 1 << max(20, (min(size, 2**29) - 1).bit_length())

        def measure() -> float:
            source, goal = torch.zeros(2, rounded // 8).unbind(0)
            repeats = _repeats(lambda n: _copy(source, goal, n))
            seconds = min(_seconds(lambda: _copy(source, goal, repeats)) for _ in range(5))
            return rounded * repeats / seconds

        return self._kept("copying", rounded, measure)

    def function(self, name: str) -> float:
        """Measure the seconds per element of an operation on all threads."""
        if name not in FUNCTIONS:
            return 2.0 / self.best  # one instruction a vector, where a fused multiplication and addition counts two

        def measure() -> float:
            y = _loops()
            numbers, sums = torch.rand(16 * y.stretch) + 0.5, torch.empty(y.stretch)

            def work(repeats: int) -> None:
                y.functions[name](numbers.data_ptr(), sums.data_ptr(), 16, repeats)

            repeats = _repeats(work)
            seconds = min(_seconds(lambda: work(repeats)) for _ in range(5))
            return seconds / (repeats * numbers.numel()) / self.threads

        return self._kept("function", name, measure)

    def known(self) -> dict[tuple[str, object], float]:
        """Returns the cached measurements."""
        return dict(self._known)

    def forget(self, known: dict[tuple[str, object], float]) -> None:
        """Restore the cached measurements, after a period in which the machine was slow."""
        self._known = dict(known)

    def _kept(self, what: str, of: object, measure: Callable[[], float]) -> float:
        if (what, of) not in self._known:
            time.sleep(_QUIET)
            self._known[what, of] = measure()
        return self._known[what, of]

    def _at_once(self, work: Callable[[int, int], None], repeats: int) -> float:
        """Return the seconds until `threads` threads, started together, have done the work."""
        running = [threading.Thread(target=work, args=(k, repeats)) for k in range(1, self.threads)]
        began = time.perf_counter()
        for thread in running:
            thread.start()
        work(0, repeats)
        for thread in running:
            thread.join()
        return time.perf_counter() - began


def _loops() -> RooflineKernels:
    return compile_kernels(isa.width())


def _copy(source: Tensor, goal: Tensor, times: int) -> None:
    for _ in range(times):
        goal.copy_(source)


def _seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _repeats(function: Callable[[int], object]) -> int:
    """Count the repetitions of a function that take as long as a burst."""
    repeats, taken = 1, 0.0
    while taken < _BURST / 4:
        repeats *= 4
        began = time.perf_counter()
        function(repeats)
        taken = time.perf_counter() - began
    return max(1, round(repeats * _BURST / taken))
