"""The units in which a mean cross-entropy is told."""

from __future__ import annotations

import math


def bits(nats: float) -> float:
    """Convert nats to bits."""
    return nats / math.log(2.0)


def perplexity(nats: float) -> float:
    """Perplexity of a mean cross-entropy in nats; infinite where it exceeds the floating-point range."""
    return math.exp(nats) if nats < 700 else math.inf
