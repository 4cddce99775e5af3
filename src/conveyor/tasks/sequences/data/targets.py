"""Labels as numbers: classes by their place, values standardised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import DataError
from conveyor.tasks.sequences.data.collection import Sequences, listed
from conveyor.tasks.sequences.data.columns import is_missing

UNLABELLED = -100
"""Code of a step without a label; torch's cross-entropy leaves it out."""


@dataclass(frozen=True)
class Classes:
    """The classes of a run, in order.

    Args:
        names: K labels as they were given, of one type.
    """

    names: tuple[Any, ...]

    @classmethod
    def of(cls, labels: Sequence[Any], source: str) -> Classes:
        """Collect the classes of N labels, or of N sequences of labels.

        Raises:
            DataError: there is one class only.
        """
        known = {class_key(v): plain(v) for v in _flat(labels)}
        names = _ordered(list(known.values()))
        if len(names) < 2:
            got = f"only {names[0]!r}" if names else "no label"
            raise DataError(f"{source}: expected labels of two classes or more, got {got}")
        return cls(tuple(names))

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, sequences: Sequences) -> list[NDArray[np.int64]]:
        """Code the labels: (1,) a sequence, or (T_i,) when tagging, `UNLABELLED` at steps without one.

        Raises:
            DataError: a label is none of the classes.
        """
        places = {class_key(v): k for k, v in enumerate(self.names)}
        found = []
        for name, label in zip(sequences.ids, sequences.labels or (), strict=True):
            steps = label if isinstance(label, np.ndarray) and label.ndim == 1 else [label]
            codes = [UNLABELLED if is_missing(v) else places.get(class_key(v), -1) for v in steps]
            if -1 in codes:
                unknown = plain(steps[codes.index(-1)])
                raise DataError(
                    f"{sequences.source}: label {unknown!r} of sequence {name!r} is no class of the training data "
                    f"({listed(self.names, 12)}); leave the sequence out, or train on such ones too"
                )
            found.append(np.array(codes, np.int64))
        return found


@dataclass(frozen=True)
class ValueScale:
    """The scale of K values.

    Args:
        mean: (K,) of the training targets.
        deviation: (K,) of the training targets; 1 where they are constant.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, targets: Sequence[NDArray[np.float64]]) -> ValueScale:
        """Measure N targets (K,)."""
        matrix = np.stack(targets)
        deviation = matrix.std(0)
        deviation = np.where(deviation > 0, deviation, 1.0)
        return cls(tuple(matrix.mean(0).tolist()), tuple(deviation.tolist()))

    def encode(self, targets: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float32]]:
        """Standardise N targets (K,)."""
        return [((t - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32) for t in targets]

    def decode(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring (N, K) outputs back to the targets' scale."""
        values: NDArray[np.float64] = outputs * np.array(self.deviation) + np.array(self.mean)
        return values


def values_of(sequences: Sequences) -> list[NDArray[np.float64]]:
    """Read the labels as values to predict, (K,) each.

    Raises:
        DataError: one is no finite number.
    """
    found = []
    for name, label in zip(sequences.ids, sequences.labels or (), strict=True):
        try:
            value = np.atleast_1d(np.asarray(label, dtype=np.float64))
        except (TypeError, ValueError):
            value = np.array([np.nan])
        if value.ndim != 1 or not np.isfinite(value).all():
            raise DataError(
                f"{sequences.source}: label {plain(label)!r} of sequence {name!r} is no finite number; "
                "a regression needs numbers (classes are --task classify)"
            )
        found.append(value)
    if len({len(v) for v in found}) > 1:
        raise DataError(f"{sequences.source}: expected as many values in every label, got different numbers")
    return found


def class_key(label: Any) -> str:
    """Write a label so that the same class of another file or type is the same: True, 1, 1.0 and "1" are one."""
    value = plain(label)
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    return str(value)


def plain(label: Any) -> Any:
    """Convert a NumPy scalar to Python's; anything else stays."""
    return label.item() if isinstance(label, np.generic) else label


def _flat(labels: Sequence[Any]) -> list[Any]:
    flat: list[Any] = []
    for label in labels:
        flat += [v for v in label if not is_missing(v)] if isinstance(label, np.ndarray) and label.ndim else [label]
    return flat


def _ordered(names: list[Any]) -> list[Any]:
    try:
        return sorted(names)
    except TypeError:
        return sorted(names, key=str)
