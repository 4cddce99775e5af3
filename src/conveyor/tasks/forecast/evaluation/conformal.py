"""Conformal correction: intervals widened until they cover what they say, on origins that were not trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

_LEAST_WIDTH = 1e-6


@dataclass(frozen=True)
class Conformal:
    """The conformal correction of each pair of quantiles, in parts of its width.

    Conformalised quantile regression (Romano, Patterson & Candès 2019, arXiv:1905.03222) with errors measured by the
    interval's own width, so that still hours stay narrow. Pairs are quantiles at q and 1 - q; others stay.

    Args:
        levels: of the quantiles.
        factors: what each pair is widened by, outermost first; below zero narrows it.
    """

    levels: tuple[float, ...]
    factors: tuple[float, ...]

    def matrix(self) -> Any:
        """The correction before it is put in order, as a matrix (Q, Q) on columns of quantiles."""
        out = np.eye(len(self.levels))
        for (low, high), factor in zip(_pairs(self.levels), self.factors, strict=True):
            out[low, low] += factor
            out[low, high] -= factor
            out[high, high] += factor
            out[high, low] -= factor
        return out

    def apply(self, quantiles: Tensor) -> Tensor:
        """Correct quantiles (…, Q); they stay in order."""
        out = quantiles.clone()
        for (low, high), factor in zip(_pairs(self.levels), self.factors, strict=True):
            width = (quantiles[..., high] - quantiles[..., low]) * factor
            out[..., low] = quantiles[..., low] - width
            out[..., high] = quantiles[..., high] + width
        middle = self.levels.index(0.5)
        above = out[..., middle:].cummax(-1).values
        below = out[..., : middle + 1].flip(-1).cummin(-1).values.flip(-1)
        return torch.cat([below[..., :-1], above], -1)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"levels": list(self.levels), "factors": list(self.factors)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Conformal:
        """Build what `to_json` returned."""
        return cls(tuple(values["levels"]), tuple(values["factors"]))


def calibrate(quantiles: Tensor, y: Tensor, known: Tensor, levels: tuple[float, ...]) -> Conformal:
    """Find the correction from forecasts (…, Q) of values (…), of which the known ones count."""
    factors = []
    for low, high in _pairs(levels):
        lower, upper = quantiles[..., low], quantiles[..., high]
        width = (upper - lower).clamp_min(_LEAST_WIDTH)
        errors = (torch.maximum(lower - y, y - upper) / width)[known > 0].sort().values
        coverage = levels[high] - levels[low]
        rank = math.ceil((len(errors) + 1) * coverage)
        factors.append(float(errors[min(rank, len(errors)) - 1]) if len(errors) else 0.0)
    # A pair cannot be narrowed past its middle.
    return Conformal(levels, tuple(max(factor, -0.45) for factor in factors))


def _pairs(levels: tuple[float, ...]) -> list[tuple[int, int]]:
    """Places of the quantiles at q and 1 - q, outermost first."""
    pairs = []
    for low, level in enumerate(levels):
        if level < 0.5:
            pairs += [(low, high) for high, other in enumerate(levels) if abs(level + other - 1) < 1e-9]
    return pairs
