"""The roofline: the least time of a forward and a backward pass, the sum of its parts at their measured speeds."""

from __future__ import annotations

from dataclasses import dataclass

from conveyor.bench.calibration import Calibration
from conveyor.bench.work import Work


@dataclass(frozen=True)
class Roofline:
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
        """The total."""
        return self.products + self.pointwise + self.bytes


def roofline(work: Work, rows: int, calibration: Calibration, wide: int = 1) -> Roofline:
    """Compute the roofline for `rows` rows, those of all steps; elements are `wide` times as wide as float32."""
    size = work.bytes * rows * wide
    return Roofline(
        work.flops * rows / calibration.best * wide,
        rows * sum(number * calibration.function(op) for op, number in work.pointwise.items()) * wide,
        size / calibration.copying(size),
    )
