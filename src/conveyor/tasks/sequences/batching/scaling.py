"""The scale of what a model reads: centre and deviation of each channel, and the usual time between steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from conveyor.errors import DataError
from conveyor.tasks.sequences.batching.gaps import Floats, typical_gap
from conveyor.tasks.sequences.data.collection import Sequences, Times


@dataclass(frozen=True)
class Scaling:
    """The standardisation of values and times.

    Args:
        mean: (C,) of the observed training values.
        deviation: (C,) of the same; 1 for a constant channel.
        gap: usual time between steps, in the unit of the stamps.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    gap: float

    @classmethod
    def of(cls, sequences: Sequences) -> Scaling:
        """Measure the training sequences.

        Raises:
            DataError: a channel is never observed.
        """
        channels = len(sequences.channels)
        count, total, square = np.zeros(channels), np.zeros(channels), np.zeros(channels)
        for values in sequences.values:
            there = ~np.isnan(values)
            count += there.sum(0)
            total += np.where(there, values, 0.0).sum(0, dtype=np.float64)
        if not count.all():
            name = sequences.channels[int(np.flatnonzero(count == 0)[0])]
            raise DataError(
                f"{sequences.source}: all values of channel {name!r} are missing in the training part; leave it out"
            )
        mean = total / count
        for values in sequences.values:
            square += np.nansum((values.astype(np.float64) - mean) ** 2, axis=0)
        deviation = np.sqrt(square / count)
        # What is left of a constant after rounding is no deviation.
        deviation = np.where(deviation > 1e-6 * np.abs(mean), deviation, 1.0)
        deviation = np.where(deviation > 0, deviation, 1.0)
        gap = 1.0 if sequences.times is None else typical_gap(list(sequences.times))
        return cls(tuple(mean.tolist()), tuple(deviation.tolist()), gap)

    def values(self, values: Floats) -> Floats:
        """Standardise (T, C); NaN stays."""
        scaled: Floats = ((values - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32)
        return scaled

    def times(self, times: Times | None, steps: int) -> Times:
        """Count time in usual gaps from the first step, (T,); steps, where there are no stamps."""
        if times is None or not len(times):
            return np.arange(steps, dtype=np.float64)
        counted: Times = (times - times[0]) / self.gap
        return counted

    def to_json(self) -> dict[str, Any]:
        """Return the scaling as JSON values."""
        return {"mean": list(self.mean), "deviation": list(self.deviation), "gap": self.gap}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Scaling:
        """Build the scaling that `to_json` returned."""
        return cls(tuple(values["mean"]), tuple(values["deviation"]), values["gap"])
