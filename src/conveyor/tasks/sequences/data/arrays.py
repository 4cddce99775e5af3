"""Sequences from Python: lists of (T, C) arrays, one (n, C, T) array, or a long frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import DataError
from conveyor.tasks.sequences.config import Columns
from conveyor.tasks.sequences.data.collection import Sequences, Times, Values
from conveyor.tasks.sequences.data.columns import as_times
from conveyor.tasks.sequences.data.frames import sequences_from_frame

_KINDS = "a list of (T, C) arrays, an (n, C, T) array, or a long frame"


def as_sequences(
    given: Any, columns: Columns, *, times: Any = None, tagged: bool = False, labelled: bool = False
) -> Sequences:
    """Read what an estimator was given.

    Args:
        given: a list of (T, C) or (T,) arrays, unequal in length; an (n, C, T) array, or (n, T) of one channel, where
            steps at the end that miss every channel are padding; a long frame; or `Sequences`.
        columns: of a long frame.
        times: for arrays, (T,) numbers or dates of each sequence; None where steps are equally far apart.
        tagged: whether labels in a frame are one a step.
        labelled: whether a frame must have labels.

    Raises:
        DataError: it is none of these.
    """
    if isinstance(given, Sequences):
        return given
    if is_frame(given):
        return sequences_from_frame(given, columns, tagged=tagged, labelled=labelled, source="the frame")
    if _is_list(given):
        values = [_steps(part, k) for k, part in enumerate(given)]
    else:
        values = _from_array(given)
    widths = {v.shape[1] for v in values}
    if len(widths) > 1:
        raise DataError(f"X: expected the same channels in every sequence, got {', '.join(map(str, sorted(widths)))}")
    channels = tuple(f"dim_{k}" for k in range(widths.pop() if widths else 0))
    ids = tuple(str(k) for k in range(len(values)))
    return Sequences(values, channels, ids, None if times is None else as_stamps(times, values))


def is_frame(given: Any) -> bool:
    """Tell whether something is a long frame."""
    return isinstance(given, Mapping) or (hasattr(given, "columns") and hasattr(given, "__getitem__"))


def _is_list(given: Any) -> bool:
    if isinstance(given, np.ndarray):
        return given.ndim == 1 and given.dtype == object
    return isinstance(given, Sequence) and not isinstance(given, str | bytes)


def _steps(part: Any, place: int) -> Values:
    try:
        values = np.asarray(part, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(f"X: expected {_KINDS}, got {type(part).__name__} as sequence {place}") from None
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise DataError(f"X: expected {_KINDS}, got shape {values.shape} as sequence {place}")
    return np.ascontiguousarray(values)


def _from_array(given: Any) -> list[Values]:
    try:
        whole = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(f"X: expected {_KINDS}, got {type(given).__name__}") from None
    if whole.ndim == 2:
        whole = whole[:, None]
    if whole.ndim != 3:
        raise DataError(f"X: expected {_KINDS}, got an array of shape {whole.shape}")
    return [np.ascontiguousarray(part.T[: used_steps(part.T)]) for part in whole]


def used_steps(values: NDArray[Any]) -> int:
    """Count the steps of (T, C) up to the last that has a value; all of them if none has one."""
    there = np.flatnonzero(~np.isnan(values).all(1))
    return int(there[-1]) + 1 if len(there) else len(values)


def as_stamps(times: Any, values: Sequence[Values]) -> list[Times]:
    """Read the time stamps of each sequence.

    Raises:
        DataError: they don't fit the sequences, or don't grow.
    """
    if not hasattr(times, "__len__") or len(times) != len(values):
        got = f"{len(times)}" if hasattr(times, "__len__") else type(times).__name__
        raise DataError(f"times: expected an array of stamps for each of {len(values)} sequences, got {got}")
    found = []
    for k, (stamps, steps) in enumerate(zip(times, values, strict=True)):
        read = as_times(np.asarray(stamps), "times", f"sequence {k}")
        if read.shape != (len(steps),):
            raise DataError(f"times: sequence {k} has {len(steps)} steps, got stamps of shape {read.shape}")
        if (np.diff(read) <= 0).any():
            step = int(np.flatnonzero(np.diff(read) <= 0)[0]) + 2
            raise DataError(f"times: expected growing stamps, sequence {k} does not grow at step {step}; sort it")
        found.append(read)
    return found
