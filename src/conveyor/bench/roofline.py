"""The least time that a forward and a backward pass can take: its parts, each at the speed measured for it, in sum."""

from __future__ import annotations

from dataclasses import dataclass

from conveyor.bench.calibration import Calibration
from conveyor.bench.work import Work


@dataclass(frozen=True)
class Bound:
    """Seconds for all steps and rows.

    Attributes:
        products: FLOPs at the peak of products.
        pointwise: Each function at the speed of its own loop, anything else at one instruction a vector.
        bytes: What is read and written, at the speed of a copy as large as all of it.
    """

    products: float
    pointwise: float
    bytes: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.products + self.pointwise + self.bytes


def bound(work: Work, rows: int, calibration: Calibration, wide: int = 1) -> Bound:
    """The bound for so many rows, those of all steps together; numbers are `wide` times as wide as float32."""
    size = work.bytes * rows * wide
    return Bound(
        work.flops * rows / calibration.best * wide,
        rows * sum(number * calibration.function(op) for op, number in work.pointwise.items()) * wide,
        size / calibration.copying(size),
    )
