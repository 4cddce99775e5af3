"""Probes: the units that best predict a property of the sequence, scored on held-out text.

After Karpathy, Johnson & Li 2015, "Visualizing and Understanding Recurrent Networks", sec. 4.2, where such cells were
found by eye; here what chance alone would find is measured beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.layers.recording.trace import Trace

_LEAST = 10  # labelled steps that each part of the text has at least


@dataclass(frozen=True)
class Find:
    """A unit, and its score for the property.

    Attributes:
        layer: Its layer, from 0.
        reverse: Whether it belongs to the reverse direction.
        value: The name of the value.
        unit: Its index, from 0.
        score: On held-out text: balanced accuracy (0.5 is a guess) of a property that is true or not, r² of a number.
    """

    layer: int
    reverse: bool
    value: str
    unit: int
    score: float


@dataclass(frozen=True)
class ProbeResult:
    """The result of a probe.

    Attributes:
        finds: Units in the order in which the first part of the text ranks them, each with its held-out score.
        metric: The kind of score: `balanced accuracy` or `r²`.
        chance: Held-out scores of the best unit for labels that were shifted against the text, (permutations,).
        p: The p-value of the best unit's score: (1 + permutations that reach it) / (1 + permutations).
    """

    finds: tuple[Find, ...]
    metric: str
    chance: Tensor
    p: float

    @property
    def best(self) -> Find:
        """The unit that the first part of the text ranks first."""
        return self.finds[0]

    @property
    def found(self) -> bool:
        """True if the best unit is better than chance, p < 0.05."""
        return self.p < 0.05

    def __str__(self) -> str:
        b = self.best
        way = ", reverse" if b.reverse else ""
        level = float(self.chance.quantile(0.95))
        said = (
            f"layer {b.layer + 1}{way}, {b.value}[{b.unit}]: {self.metric} {b.score:.2f} on held-out text; chance stays"
            f" below {level:.2f} in 95 of 100 cases (p = {self.p:.3f})"
        )
        return said if self.found else f"no unit tells it better than chance; the best is {said}"


def probe(
    trace: Trace,
    labels: Any,
    values: Sequence[str] | str | None = None,
    *,
    held_out: float = 0.4,
    permutations: int = 100,
    top: int = 5,
    seed: int = 0,
) -> ProbeResult:
    """Find the units that best predict a property of the sequence.

    Each unit is fitted on the first part of every sequence (a threshold midway between the means if the property is
    true or not, a line if it is a number) and scored on the rest. The same search on labels that are shifted in time by
    random amounts gives what chance would: shifts keep how slowly labels change, which shuffling would not.

    Args:
        trace: The trace of the text.
        labels: A label for each step, (T,) or (T, B), such as `conveyor.inspect.labels.inside_quotes(text)`: booleans
            or numbers; nan where there is none.
        values: The names of the values to look at; None looks at the states.
        held_out: Share of the steps, the last ones, that units are scored on.
        permutations: The number of shifts.
        top: The number of units returned.
        seed: The seed of the shifts.

    Returns:
        The units, the best first, and the scores of chance.

    Raises:
        ArgumentError: Labels don't fit the trace, never change, or are too few on either side.
    """
    y = _labels(trace, labels)
    if not isinstance(held_out, float) or not 0 < held_out < 1:
        raise ArgumentError(f"held_out is a share between 0 and 1, got {held_out!r}")
    for name, number in (("permutations", permutations), ("top", top)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ArgumentError(f"{name} is a whole number from 1, got {number!r}")
    places, units = _units(trace, values)
    ends = _ends(trace, y)
    first = torch.arange(len(y)).unsqueeze(1) < (ends * (1 - held_out)).round()
    _check(y, first)
    two = bool(((y == 0) | (y == 1) | y.isnan()).all())
    search = _Search(units.flatten(0, 1), first.flatten(), two)
    order = search.rank(y.flatten())
    finds = tuple(_find(places[u], search.score(u, y.flatten())) for u in order[:top].tolist())
    g = torch.Generator().manual_seed(seed)
    chance = []
    for _ in range(permutations):
        shifted = _shifted(y, ends, g).flatten()
        chance.append(search.score(int(search.rank(shifted)[0]), shifted))
    against = torch.tensor(chance, dtype=torch.float64)
    reached = int((against >= finds[0].score).sum())
    return ProbeResult(finds, "balanced accuracy" if two else "r²", against, (1 + reached) / (1 + permutations))


def _find(place: tuple[int, bool, str, int], score: float) -> Find:
    layer, reverse, value, unit = place
    return Find(layer, reverse, value, unit, score)


class _Search:
    """A search that ranks units on the first part of the steps and scores them on the rest: (N, U), (N,)."""

    def __init__(self, units: Tensor, first: Tensor, two: bool) -> None:
        self.units, self.first, self.two = units, first, two

    def rank(self, y: Tensor) -> Tensor:
        """Rank the units by the size of their correlation with the labels, the largest first."""
        known = self.first & ~y.isnan()
        v, label = self.units[known], y[known]
        v, label = v - v.mean(0), label - label.mean()
        size = v.norm(dim=0) * label.norm()
        found = torch.where(size > 1e-12, (label @ v).abs() / size, 0.0)
        return found.argsort(descending=True, stable=True)

    def score(self, unit: int, y: Tensor) -> float:
        """Score a unit: fitted on the first part, evaluated on the rest."""
        train, test = self.first & ~y.isnan(), ~self.first & ~y.isnan()
        v, label = self.units[train, unit], y[train]
        w, want = self.units[test, unit], y[test]
        if self.two:
            low, high = v[label == 0].mean(), v[label == 1].mean()
            told = (w > (low + high) / 2) == bool(high > low)
            shares = [(told[want == k] == bool(k)).double().mean() for k in (0, 1)]
            found = float(sum(shares)) / 2
            return found if found == found else 0.5  # a shift may leave a part without one of the two
        spread = (v - v.mean()).square().sum()
        slope = ((v - v.mean()) * (label - label.mean())).sum() / spread if spread > 0 else v.new_zeros(())
        left = (want - label.mean() - slope * (w - v.mean())).square().sum()
        whole = (want - want.mean()).square().sum()
        return float(1 - left / whole) if whole > 0 else 0.0


def _units(trace: Trace, values: Sequence[str] | str | None) -> tuple[list[tuple[int, bool, str, int]], Tensor]:
    """Collect the units: layer, direction, name and index of each, and their values, (T, B, U)."""
    names = (values,) if isinstance(values, str) else values
    places, parts = [], []
    for k, way, part in trace.directions():
        own = [s.name for s in part.program.states if s.name in part] if names is None else names
        for name in own:
            if name in part:
                places += [(k, way == "reverse", name, u) for u in range(part[name].shape[-1])]
                parts.append(part[name].double())
    if not parts:
        known = dict.fromkeys(name for _, _, part in trace.directions() for name in part)
        raise ArgumentError(f"values: the trace has none of {list(names or ['the states'])}; it has {', '.join(known)}")
    whole = torch.cat([p.cpu() for p in parts], -1)
    if not whole.isfinite().all():
        raise ArgumentError("trace has values that are not finite; cv.diagnose says where they come from")
    return places, whole


def _labels(trace: Trace, labels: Any) -> Tensor:
    """Return the labels as (T, B)."""
    if not isinstance(trace, Trace):
        raise ArgumentError(f"trace is what layer.record gives, got {type(trace).__name__}")
    shape = next((tuple(v.shape[:2]) for _, _, part in trace.directions() for v in part.values()), (0, 0))
    try:
        y = torch.as_tensor(labels, dtype=torch.float64, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError):
        raise ArgumentError(f"labels are booleans or numbers, one a step, got {type(labels).__name__}") from None
    y = y.unsqueeze(1) if y.dim() == 1 else y
    if tuple(y.shape) != shape:
        got = tuple(torch.as_tensor(labels).shape)
        raise ArgumentError(f"labels has one label a step and row, (T, B) = {shape}, or (T,) for one row, got {got}")
    if y.isinf().any():
        raise ArgumentError("labels are finite numbers, or nan where there is none, got an infinite one")
    time = torch.arange(len(y)).unsqueeze(1)
    return torch.where(time < _ends(trace, y), y, torch.nan)


def _ends(trace: Trace, y: Tensor) -> Tensor:
    return torch.full((y.shape[1],), len(y)) if trace.lengths is None else trace.lengths.to("cpu", torch.int64)


def _check(y: Tensor, first: Tensor) -> None:
    for name, part in (("first", y[first]), ("held-out", y[~first])):
        known = part[~part.isnan()]
        if len(known) < _LEAST:
            raise ArgumentError(
                f"labels: the {name} part of the text has {len(known)} of them, at least {_LEAST} are needed; give a"
                " longer text or change held_out"
            )
        if len(known.unique()) < 2:
            raise ArgumentError(
                f"labels are all {float(known[0]):g} in the {name} part of the text, so nothing can be told there; give"
                " a longer text or change held_out"
            )


def _shifted(y: Tensor, ends: Tensor, generator: torch.Generator) -> Tensor:
    """Return labels shifted in time, each row by its own random amount."""
    found = y.clone()
    for row, end in enumerate(ends.tolist()):
        if end > 1:
            least = max(1, end // 20)
            by = int(torch.randint(least, max(least + 1, end - least + 1), (), generator=generator))
            found[:end, row] = y[:end, row].roll(by)
    return found
