"""Features of a sequence: standardised values, masks of missing ones, and time gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from conveyor.tasks.sequences.batching.gaps import Floats, carried_forward, time_gaps
from conveyor.tasks.sequences.batching.scaling import Scaling
from conveyor.tasks.sequences.data.collection import Sequences, Times

KINDS = ("plain", "mask", "decay")
_UNEVEN = 0.01  # of the usual gap, from which on steps are not equally far apart


@dataclass(frozen=True)
class Item:
    """The model's input for one sequence.

    Args:
        x: (T, F) without NaN.
        mask: (T, C), 1 where a value was observed; for a cell that decays.
        delta: (T, C), time since each channel was last observed; likewise.
        delta_back: the same of the sequence read from its end, in that order.
    """

    x: Floats
    mask: Floats | None = None
    delta: Floats | None = None
    delta_back: Floats | None = None

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Features:
    """The conversion of sequences to the model's input.

    Args:
        kind: `plain` reads values alone, 0 where one is missing; `mask` carries the last value forward and adds mask
            and time gap as channels; `decay` gives them to the cell.
        channels: C.
        timed: whether time stamps are read; `plain` then adds the time since the step before as a channel.
        scaling: of values and times.
    """

    kind: str
    channels: int
    timed: bool
    scaling: Scaling

    @property
    def width(self) -> int:
        """Number of channels F that the first layer reads."""
        if self.kind == "mask":
            return 3 * self.channels
        return self.channels + (self.kind == "plain" and self.timed)

    def items(self, sequences: Sequences) -> list[Item]:
        """Prepare every sequence."""
        times: Sequence[Times | None] = sequences.times or [None] * len(sequences)
        return [self.item(v, t) for v, t in zip(sequences.values, times, strict=True)]

    def item(self, values: Floats, times: Times | None) -> Item:
        """Prepare the (T, C) values of one sequence with its (T,) stamps."""
        scaled = self.scaling.values(values)
        stamps = self.scaling.times(times if self.timed else None, len(values))
        mask = ~np.isnan(scaled)
        if self.kind == "plain":
            x = np.where(mask, scaled, np.float32(0.0))
            if self.timed:
                x = np.concatenate([x, np.log1p(np.diff(stamps, prepend=stamps[:1])).astype(np.float32)[:, None]], 1)
            return Item(x)
        gaps = time_gaps(mask, stamps)
        if self.kind == "mask":
            return Item(np.concatenate([carried_forward(scaled), mask.astype(np.float32), np.log1p(gaps)], 1))
        back = time_gaps(mask[::-1], stamps[-1] - stamps[::-1])
        return Item(np.where(mask, scaled, np.float32(0.0)), mask.astype(np.float32), gaps, back)

    def to_json(self) -> dict[str, Any]:
        """Return the features as JSON values."""
        return {
            "kind": self.kind,
            "channels": self.channels,
            "timed": self.timed,
            "scaling": self.scaling.to_json(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Features:
        """Build the features that `to_json` returned."""
        return cls(values["kind"], values["channels"], values["timed"], Scaling.from_json(values["scaling"]))


def is_uneven(sequences: Sequences, gap: float) -> bool:
    """Tell whether the time between steps varies."""
    return sequences.times is not None and any(
        bool((np.abs(np.diff(t) / gap - 1.0) > _UNEVEN).any()) for t in sequences.times
    )


def collate(items: Sequence[Item]) -> dict[str, Tensor]:
    """Pad items to the longest: `x` (T, B, F), `lengths` (B,), and `mask`, `delta`, `delta_back` (T, B, C) if there."""
    lengths = torch.tensor([len(item) for item in items])
    found = {"x": _padded([item.x for item in items]), "lengths": lengths}
    for name in ("mask", "delta", "delta_back"):
        parts = [getattr(item, name) for item in items]
        if parts[0] is not None:
            found[name] = _padded(parts)
    return found


BATCH_DIMS = {"lengths": 0}
"""Dimension of the batch in what `collate` gives, where it is not 1."""


def _padded(parts: Sequence[Floats]) -> Tensor:
    whole = torch.zeros(max(len(p) for p in parts), len(parts), parts[0].shape[1])
    for k, part in enumerate(parts):
        whole[: len(part), k] = torch.from_numpy(part)
    return whole
