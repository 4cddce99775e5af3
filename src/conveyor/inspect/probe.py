"""Units that tell a property of the sequence: chosen on one part of the steps, scored on the other.

With hundreds of units, one of them follows any label by chance. What chance gives is measured by the same choice on
labels that are shifted along the sequence: neighbouring steps stay as alike as they are. A unit that does no better
than the best of these is no find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.layers.trace import Trace

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Find:
    """A unit, and how well it tells the property on steps that it was not chosen by.

    Attributes:
        layer: Number of the layer.
        direction: `forward` or `reverse`.
        value: The value's name in the equations.
        unit: The unit.
        sign: Whether it rises (1) or falls (−1) with the property.
        score: For two classes the area under the ROC curve, 0.5 to 1; for numbers r², 0 to 1.
    """

    layer: int
    direction: str
    value: str
    unit: int
    sign: int
    score: float


@dataclass(frozen=True)
class Probe:
    """What a probe found.

    Attributes:
        finds: The units that beat chance, the best first; none if none did.
        best: The best unit, whether or not it beats chance.
        chance: The best scores that the same search gives on shifted labels.
        p_value: The share of these that are no worse than the best unit's, counting itself.
        binary: Whether the labels are two classes.
    """

    finds: tuple[Find, ...]
    best: Find
    chance: Numbers
    p_value: float
    binary: bool

    def __str__(self) -> str:
        measure = "ROC area" if self.binary else "r²"
        what = f"{self.best.value} of unit {self.best.unit} in layer {self.best.layer}"
        said = f"{measure} {self.best.score:.2f} on held-out steps, by chance up to {self.chance.max():.2f}"
        if not self.finds:
            return f"No unit tells it better than chance would: the best, {what}, has {said}."
        return f"{what[:1].upper()}{what[1:]} tells it: {said} (p = {self.p_value:.2g}); {len(self.finds)} units do."


def probe(
    trace: Trace,
    labels: Any,
    *,
    values: Sequence[str] | None = None,
    permutations: int = 50,
    train: float = 0.6,
    most: int = 10,
    seed: int = 0,
) -> Probe:
    """The units of a record that best tell a property of the sequence.

    Args:
        trace: A record.
        labels: (T, B), or (T,) for a batch of one: numbers, or booleans for two classes; NaN leaves a step out.
        values: The names of the values that are searched; None takes the states.
        permutations: How many shifts of the labels measure chance.
        train: The part of the steps, from the sequence's start, by which units are chosen; the rest scores them.
        most: How many finds are told.
        seed: Of the shifts.

    Raises:
        ArgumentError: Shapes do not fit, the labels never change, or the sequence is too short to be split.
    """
    label = np.asarray(labels.numpy(force=True) if isinstance(labels, Tensor) else labels)
    columns, names = _columns(trace, values)
    steps, batch = columns.shape[:2]
    label = label[:, None] if label.ndim == 1 and batch == 1 else label
    if label.shape != (steps, batch) or not (label.dtype == bool or np.issubdtype(label.dtype, np.number)):
        raise ArgumentError(
            f"labels are numbers or booleans (T, B) = ({steps}, {batch}), got {label.shape} {label.dtype}"
        )
    if not 0.1 <= train <= 0.9:
        raise ArgumentError(f"train is a part of the steps from 0.1 to 0.9, got {train!r}")
    if isinstance(permutations, bool) or not isinstance(permutations, int) or permutations < 1:
        raise ArgumentError(f"permutations is a number of shifts from 1, got {permutations!r}")
    whole = label.astype(np.float64)
    if trace.lengths is not None:
        whole[np.arange(steps)[:, None] >= trace.lengths.numpy(force=True)] = np.nan
    known = whole[~np.isnan(whole)]
    binary = label.dtype == bool or set(np.unique(known)) == {0.0, 1.0}
    cut = int(steps * train)
    if cut < 2 or steps - cut < 2:
        raise ArgumentError(f"labels: {steps} steps are too few to choose units on some and score them on the rest")
    for part, where in ((whole[:cut], "first"), (whole[cut:], "last")):
        if len(np.unique(part[~np.isnan(part)])) < 2:
            raise ArgumentError(f"labels never change in the {where} part of the steps; give a longer sequence")
    chosen, scores, signs = _search(columns, whole, cut, binary)
    random = np.random.default_rng(seed)
    least = max(1, steps // 20)
    if steps <= 2 * least:
        raise ArgumentError(f"labels: {steps} steps are too few for shifted labels to differ")
    chance = []
    for shift in random.integers(least, steps - least, permutations):
        shifted = np.roll(whole, shift, axis=0)
        picked, held, _ = _search(columns, shifted, cut, binary)
        chance.append(float(held[picked[0]]) if len(picked) else 0.5 if binary else 0.0)
    by_chance = np.array(chance)
    finds = [Find(*names[int(k)], sign=int(signs[k]), score=float(scores[k])) for k in chosen]
    # The unit that the first part chose is the one that is judged; others follow it in the order of that choice.
    p_value = (1 + int((by_chance >= finds[0].score).sum())) / (1 + permutations)
    beats = p_value <= max(0.05, 1 / (1 + permutations))
    told = [f for f in finds[:most] if f.score > by_chance.max()] if beats else []
    return Probe(tuple(sorted(told, key=lambda f: -f.score)), finds[0], by_chance, p_value, bool(binary))


def _columns(trace: Trace, values: Sequence[str] | None) -> tuple[Numbers, list[tuple[int, str, str, int]]]:
    """All units side by side, (T, B, N), and what each is."""
    parts, names = [], []
    for k, way, layer in trace.directions():
        wanted = [s.name for s in layer.program.states] if values is None else values
        for name in wanted:
            if name in layer:
                value = layer[name].double().numpy(force=True)
                parts.append(value)
                names += [(k, way, name, unit) for unit in range(value.shape[-1])]
    if not parts:
        raise ArgumentError(f"values: the trace has none of {', '.join(values or ())}; record them, or name others")
    return np.concatenate(parts, -1), names


def _search(values: Numbers, label: Numbers, cut: int, binary: bool) -> tuple[NDArray[np.intp], Numbers, Numbers]:
    """The units in the order in which the first part chooses them, and the scores and signs on the rest."""
    first = _score(values[:cut], label[:cut], binary)
    held = _score(values[cut:], label[cut:], binary)
    order = np.argsort(-np.abs(first), kind="stable")
    signs = np.sign(first)
    # A unit counts by the direction that the first part gave it.
    agreed = held * signs
    scores = 0.5 + agreed / 2 if binary else np.maximum(agreed, 0.0) ** 2
    return order, scores, signs


def _score(values: Numbers, label: Numbers, binary: bool) -> Numbers:
    """For each unit, from −1 to 1: the correlation, or for two classes twice the ROC area minus 1."""
    known = ~np.isnan(label)
    y, v = label[known], values[known]
    if binary:
        ranks = v.argsort(0, kind="stable").argsort(0).astype(np.float64)
        ranks = _even_ties(v, ranks)
        ones, zeros = int(y.sum()), int(len(y) - y.sum())
        if not ones or not zeros:
            return np.zeros(v.shape[1])
        area = (ranks[y == 1].sum(0) - ones * (ones - 1) / 2) / (ones * zeros)
        return np.asarray(2 * area - 1)
    y = y - y.mean()
    v = v - v.mean(0)
    size = np.sqrt((y**2).sum() * (v**2).sum(0))
    found: Numbers = np.divide(y @ v, size, out=np.zeros(v.shape[1]), where=size > 1e-12)
    return found


def _even_ties(values: Numbers, ranks: Numbers) -> Numbers:
    """Ranks in which equal values share the mean of theirs."""
    for k in range(values.shape[1]):
        _, inverse, counts = np.unique(values[:, k], return_inverse=True, return_counts=True)
        if len(counts) < len(values):
            ranks[:, k] = (np.bincount(inverse, ranks[:, k]) / counts)[inverse]
    return ranks
