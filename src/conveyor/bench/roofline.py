"""The roofline of a forward and a backward pass: the sum of its parts, each at its measured rate."""

from __future__ import annotations

from dataclasses import dataclass

from conveyor.bench.calibration import Calibration
from conveyor.bench.work import Work


@dataclass(frozen=True)
class Roofline:
    """Seconds for all steps and rows.

    Attributes:
        products: FLOPs at the peak of products.
        pointwise: Each function at the rate of its own loop, other operations at one instruction per vector.
        bytes: Memory traffic, at the rate of a copy of the same size.
    """

    products: float
    pointwise: float
    bytes: float

    @property
    def seconds(self) -> float:
        """The sum of all parts."""
        return self.products + self.pointwise + self.bytes


def roofline(work: Work, rows: int, calibration: Calibration, wide: int = 1) -> Roofline:
    """Compute the roofline for the rows of all time steps; elements are `wide` times as wide as float32."""
    size = work.bytes * rows * wide
    return Roofline(
        work.flops * rows / calibration.best * wide,
        rows * sum(number * calibration.function(op) for op, number in work.pointwise.items()) * wide,
        size / calibration.copying(size),
    )
