"""Sequences of unequal length: their values, time stamps, names and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import DataError

Values = NDArray[np.float32]
Times = NDArray[np.float64]

_SHOWN = 5


@dataclass(frozen=True)
class Sequences:
    """N sequences of C channels, of unequal length.

    Args:
        values: (T_i, C) each; NaN where a value is missing.
        channels: C names.
        ids: N names.
        times: (T_i,) each, growing; None where steps are equally far apart.
        labels: a label a sequence, or for tagging (T_i,) a sequence with None at steps without one; None if unlabelled.
        groups: what each sequence belongs to, such as a person; None where that is not known.
        source: where they come from, for messages.
    """

    values: Sequence[Values]
    channels: tuple[str, ...]
    ids: tuple[str, ...]
    times: Sequence[Times] | None = None
    labels: Sequence[Any] | None = None
    groups: tuple[str, ...] | None = None
    source: str = "X"

    def __len__(self) -> int:
        return len(self.values)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of steps of each sequence, (N,)."""
        return np.fromiter((len(v) for v in self.values), np.int64, len(self.values))

    def select(self, index: Sequence[int] | NDArray[np.int64]) -> Sequences:
        """Take the sequences at `index`, in its order."""
        times = None if self.times is None else [self.times[i] for i in index]
        labels = None if self.labels is None else [self.labels[i] for i in index]
        ids = tuple(self.ids[i] for i in index)
        groups = None if self.groups is None else tuple(self.groups[i] for i in index)
        values = [self.values[i] for i in index]
        return replace(self, values=values, ids=ids, times=times, labels=labels, groups=groups)

    def place(self, name: str) -> int:
        """Find the sequence called `name`.

        Raises:
            DataError: there is none.
        """
        try:
            return self.ids.index(name)
        except ValueError:
            raise DataError(f"sequence: {self.source} has none called {name!r}; it has {listed(self.ids)}") from None

    def missing_share(self) -> float:
        """Compute the share of values that are missing, from 0 to 1."""
        total = sum(v.size for v in self.values)
        return sum(int(np.isnan(v).sum()) for v in self.values) / total if total else 0.0


def listed(names: Sequence[Any], shown: int = _SHOWN) -> str:
    """Write names in a row, the first few if there are many."""
    written = ", ".join(str(n) for n in names[:shown])
    return written if len(names) <= shown else f"{written}, … ({len(names):,} in all)"


def check_values(sequences: Sequences) -> None:
    """Check that there are sequences, that each has steps and a value, and that no value is infinite.

    Raises:
        DataError: one of these is not so.
    """
    if not len(sequences):
        raise DataError(f"{sequences.source}: expected at least one sequence, got none")
    for name, values in zip(sequences.ids, sequences.values, strict=True):
        if not len(values):
            raise DataError(f"{sequences.source}: sequence {name!r} has no steps; leave it out")
        if np.isinf(values).any():
            step, channel = (int(k) for k in np.argwhere(np.isinf(values))[0])
            raise DataError(
                f"{sequences.source}: sequence {name!r} is infinite at step {step + 1} in channel "
                f"{sequences.channels[channel]!r}; expected numbers, or NaN where one is missing"
            )
        if np.isnan(values).all():
            raise DataError(f"{sequences.source}: all values of sequence {name!r} are missing; leave it out")


def check_channels(sequences: Sequences, channels: tuple[str, ...]) -> None:
    """Check that the channels are those that a model was trained on.

    Raises:
        DataError: they are not.
    """
    if sequences.channels == channels:
        return
    if len(sequences.channels) == len(channels):
        raise DataError(
            f"{sequences.source}: expected the channels of training, {listed(channels)}, "
            f"got {listed(sequences.channels)}; name or order them alike"
        )
    raise DataError(
        f"{sequences.source}: expected {len(channels)} channels ({listed(channels)}), got {len(sequences.channels)} "
        f"({listed(sequences.channels)})"
    )


def cut(sequences: Sequences, window: int) -> Sequences:
    """Cut every sequence, and the labels of its steps, into pieces of at most `window` steps, named id/1, id/2, etc."""
    places = [(i, start) for i, v in enumerate(sequences.values) for start in range(0, len(v), window)]

    def pieces(whole: Sequence[Any]) -> list[Any]:
        return [whole[i][start : start + window] for i, start in places]

    return replace(
        sequences,
        values=pieces(sequences.values),
        ids=tuple(f"{sequences.ids[i]}/{start // window + 1}" for i, start in places),
        times=None if sequences.times is None else pieces(sequences.times),
        labels=None if sequences.labels is None else pieces(sequences.labels),
        # Pieces of one sequence look alike: they stay in one part of the data unless that leaves only one part.
        groups=tuple((sequences.groups or sequences.ids)[i] for i, _ in places) if len(sequences) > 2 else None,
    )
