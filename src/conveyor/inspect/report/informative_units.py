"""Chooses the units that a report shows first: those that predict a property of the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from conveyor.errors import ArgumentError
from conveyor.inspect.labels import all_labels
from conveyor.inspect.probing import ProbeResult, probe
from conveyor.inspect.report.content import InformativeUnit, LayerValues
from conveyor.layers.recording.trace import Trace

_SHIFTS = 40  # of the labels against the text, for what chance alone would give
# From which scores on held-out text a unit is worth showing, however sure it is that it does better than chance.
_LEAST = {"balanced accuracy": 0.6, "r²": 0.1}


def telling_units(trace: Trace, layers: Sequence[LayerValues], tokens: Sequence[str]) -> list[InformativeUnit]:
    """Return the units that predict a property of the text, best first; without any, those that change most slowly.

    Args:
        trace: The trace of the text.
        layers: The recorded values of each layer and direction.
        tokens: The tokens as readers see them.
    """
    directions = 2 if trace.layer(0).reverse is not None else 1
    found: list[tuple[float, InformativeUnit]] = []
    for what, labels in all_labels(list(tokens)).items():
        try:
            result = probe(trace, labels, permutations=_SHIFTS)
        except ArgumentError:  # too rare in this text to be probed for
            continue
        best = result.best
        if result.found and best.score >= _LEAST[result.metric]:
            told = InformativeUnit(best.layer * directions + best.reverse, best.value, best.unit, _reason(what, result))
            found.append((_share(result), told))
    found.sort(key=lambda item: -item[0])
    return [told for _, told in found] or _slow(layers)


def _reason(what: str, result: ProbeResult) -> str:
    chance = max(0.0, float(result.chance.quantile(0.95)))  # a line that fits the rest worse than its mean has r² < 0
    return f"{what} ({result.metric} {result.best.score:.2f}, by chance {chance:.2f})"


def _share(result: ProbeResult) -> float:
    """Scale the best unit's score from chance (0) to certainty (1)."""
    chance = float(result.chance.median())
    return (result.best.score - chance) / max(1.0 - chance, 1e-9)


def _slow(layers: Sequence[LayerValues], most: int = 4) -> list[InformativeUnit]:
    """Return the units whose state changes least from step to step, relative to its total variation."""
    found = []
    for k, layer in enumerate(layers):
        states = [s.name for s in layer.program.states if s.name in layer.values]
        for name in states[-1:]:
            v = np.asarray(layer.values[name], np.float64)
            size = v.std(0)
            change = np.divide(
                np.abs(np.diff(v, axis=0)).mean(0), size, out=np.full(v.shape[1], np.inf), where=size > 1e-6
            )
            found += [
                (change[u], InformativeUnit(k, name, int(u), "changes slowly")) for u in np.argsort(change)[:most]
            ]
    return [told for _, told in sorted(found, key=lambda item: item[0])[:most]]
