"""Probabilities that mean what they say: one temperature for all logits (Guo et al. 2017, section 4.2)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WIDEST = 3.0  # of the natural log of the temperature
_STEPS = 60


def softmax(logits: Floats) -> Floats:
    """Compute probabilities from logits (…, K)."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)  # type: ignore[no-any-return]


def fit_temperature(logits: Floats, truth: NDArray[np.int64]) -> float:
    """Find the temperature by which logits are to be divided.

    It lowers the log loss on held-out data, with a standard normal prior on its logarithm: without one, data that are
    all classified rightly would have it 0, which is certainty.

    Args:
        logits: (N, K) of data that were not trained on.
        truth: (N,) classes.
    """
    if not len(truth):
        return 1.0
    rows = np.arange(len(truth))
    shifted = logits - logits.max(1, keepdims=True)

    def loss(log: float) -> float:
        scaled = shifted * math.exp(-log)
        return float((np.log(np.exp(scaled).sum(1)) - scaled[rows, truth]).sum()) + log * log / 2

    return math.exp(_lowest(loss, -_WIDEST, _WIDEST))


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Search for the minimum of a function with one valley by golden sections."""
    ratio = (math.sqrt(5) - 1) / 2
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    at_a, at_b = function(a), function(b)
    for _ in range(_STEPS):
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - ratio * (high - low)
            at_a = function(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + ratio * (high - low)
            at_b = function(b)
    return (low + high) / 2
