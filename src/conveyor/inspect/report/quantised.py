"""The values of a page, quantised to one byte each, as many units as fit."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from conveyor.inspect.draw.text import scaled
from conveyor.inspect.report.content import InformativeUnit, LayerValues

BUDGET = 2_400_000  # bytes of values in a page; a third more as text


def pack(layers: Sequence[LayerValues], telling: Sequence[InformativeUnit]) -> list[dict[str, Any]]:
    """Quantise the values of each layer: all units if they fit, else the informative ones and the first others.

    Returns:
        By layer: its label, and by value its title, units, the middle and reach of each unit's colours, and the bytes
        (-127 … 127 a value), unit by unit.
    """
    total = sum(v.size for layer in layers for v in layer.values.values())
    share = min(1.0, BUDGET / total) if total else 1.0
    return [
        {"label": layer.label, "values": {n: _value(k, n, layer, telling, share) for n in layer.values}}
        for k, layer in enumerate(layers)
    ]


def _value(
    index: int, name: str, layer: LayerValues, telling: Sequence[InformativeUnit], share: float
) -> dict[str, Any]:
    values = layer.values[name]
    units = _units(index, name, values.shape[1], telling, share)
    parts = [scaled(values[:, u]) for u in units]
    data = np.stack([np.round(v * 127).clip(-127, 127).astype(np.int8) for v, _, _ in parts]) if parts else np.empty(0)
    return {
        "title": layer.titles.get(name, ""),
        "units": units,
        "middle": [round(middle, 5) for _, middle, _ in parts],
        "reach": [round(high - middle, 5) for _, middle, high in parts],
        "data": base64.b64encode(data.tobytes()).decode("ascii"),
    }


def _units(index: int, name: str, width: int, telling: Sequence[InformativeUnit], share: float) -> list[int]:
    if share >= 1.0:
        return list(range(width))
    most = max(1, int(width * share))
    wanted = [t.unit for t in telling if t.layer == index and t.value == name and t.unit < width]
    return sorted(list(dict.fromkeys([*wanted, *range(width)]))[:most])
