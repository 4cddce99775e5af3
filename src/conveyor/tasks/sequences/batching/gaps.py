"""Missing values and their durations: masks, time gaps, and values carried forward."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from conveyor.tasks.sequences.data.collection import Times

Floats = NDArray[np.float32]


def time_gaps(mask: NDArray[np.bool_], times: Times) -> Floats:
    """Compute the time since each channel was last observed, (T, C).

    Che et al. 2018, eq. 2: zero at the first step; then the time since the step before, to which that step's own gap
    adds where it missed the channel.

    Args:
        mask: (T, C), whether a value was observed.
        times: (T,) stamps, growing.
    """
    steps = np.broadcast_to(np.arange(len(mask))[:, None], mask.shape)
    # A channel counts from the first step until it is first observed.
    last = np.maximum.accumulate(np.where(mask, steps, 0), axis=0)
    before = np.concatenate([np.zeros((1, mask.shape[1]), np.int64), last[:-1]])
    gaps: Floats = (times[:, None] - times[before]).astype(np.float32)
    return gaps


def carried_forward(values: Floats) -> Floats:
    """Put each channel's last observed value in place of those that are missing; 0 before its first, (T, C)."""
    mask = ~np.isnan(values)
    steps = np.where(mask, np.arange(len(values))[:, None], -1)
    last = np.maximum.accumulate(steps, axis=0)
    taken = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= 0, taken, np.float32(0.0)).astype(np.float32)


def typical_gap(times: list[Times]) -> float:
    """Compute the median time between steps; 1 where there is none."""
    gaps = np.concatenate([np.diff(t) for t in times]) if times else np.empty(0)
    gap = float(np.median(gaps)) if len(gaps) else 1.0
    return gap if gap > 0 else 1.0
