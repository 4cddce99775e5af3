"""Long frames: a row a step, with the sequence it belongs to, its time and its label in columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import DataError
from conveyor.tasks.sequences.config import Columns
from conveyor.tasks.sequences.data.collection import Sequences, Values, listed
from conveyor.tasks.sequences.data.columns import as_numbers, as_times, column, column_names, is_missing

Note = Callable[[str], None]


def sequences_from_frame(
    frame: Any, columns: Columns, *, tagged: bool, labelled: bool, source: str, note: Note = lambda line: None
) -> Sequences:
    """Group the rows of a long frame into sequences.

    Args:
        frame: a pandas or polars data frame, or a mapping of names to arrays.
        columns: which column is what.
        tagged: whether each step has a label of its own.
        labelled: whether labels must be there.
        source: what to call the frame in messages.
        note: told what is left out.

    Raises:
        DataError: a column is missing, rows repeat a time, a sequence has two labels or none.
    """
    codes, ids = (
        _group(column(frame, columns.id, "id", source), columns.id, source) if columns.id else _one_group(frame)
    )
    if not ids:
        raise DataError(f"{source}: expected rows, got none")
    times = (
        None if columns.time is None else as_times(column(frame, columns.time, "time", source), columns.time, source)
    )
    order = np.argsort(codes, kind="stable") if times is None else np.lexsort((times, codes))
    borders = np.searchsorted(codes[order], np.arange(1, len(ids)))
    if times is not None:
        _refuse_repeats(codes, ids, times, order, columns, source)
    names, matrix = _channels(frame, columns, source, note)
    has_labels = columns.label is not None and (labelled or columns.label in column_names(frame))
    labels = None
    if has_labels and columns.label is not None:
        rows = column(frame, columns.label, "label", source)
        read = _step_labels if tagged else _sequence_labels
        labels = read(np.split(rows[order], borders), ids, columns.label, source, labelled)
    return Sequences(
        [np.ascontiguousarray(part) for part in np.split(matrix[order], borders)],
        names,
        tuple(ids),
        None if times is None else np.split(times[order], borders),
        labels,
        _groups(frame, columns, order, borders, ids, source),
        source,
    )


def _groups(
    frame: Any, columns: Columns, order: NDArray[np.int64], borders: NDArray[np.int64], ids: list[str], source: str
) -> tuple[str, ...] | None:
    if columns.group is None:
        return None
    parts = np.split(column(frame, columns.group, "group", source)[order], borders)
    found = []
    for of, part in zip(ids, parts, strict=True):
        names = {_name(v) for v in part.tolist()}
        if len(names) > 1:
            raise DataError(
                f"group: sequence {of!r} of {source} is in {listed(sorted(names))}; expected one group each"
            )
        found.append(names.pop())
    return tuple(found)


def _group(values: NDArray[Any], name: str, source: str) -> tuple[NDArray[np.int64], list[str]]:
    """Number each row's sequence in order of appearance.

    Raises:
        DataError: a row has no id.
    """
    missing = [k for k, v in enumerate(values.tolist()) if is_missing(v)]
    if missing:
        raise DataError(f"{source}: row {missing[0] + 1} has no id in column {name!r}; leave the row out")
    known: dict[Any, int] = {}
    codes = np.fromiter((known.setdefault(v, len(known)) for v in values.tolist()), np.int64, len(values))
    return codes, [_name(v) for v in known]


def _name(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _one_group(frame: Any) -> tuple[NDArray[np.int64], list[str]]:
    rows = len(frame[column_names(frame)[0]]) if column_names(frame) else 0
    return np.zeros(rows, np.int64), ["1"] if rows else []


def _refuse_repeats(
    codes: NDArray[np.int64],
    ids: list[str],
    times: NDArray[np.float64],
    order: NDArray[np.int64],
    columns: Columns,
    source: str,
) -> None:
    same = (np.diff(codes[order]) == 0) & (np.diff(times[order]) == 0)
    if same.any():
        k = int(np.flatnonzero(same)[0])
        first, second = sorted((int(order[k]) + 1, int(order[k + 1]) + 1))
        raise DataError(
            f"{source}: {int(same.sum()):,} rows repeat a time in column {columns.time!r}, the first in sequence "
            f"{ids[codes[order[k]]]!r} at rows {first} and {second}; keep or average one row a time"
        )


def _channels(frame: Any, columns: Columns, source: str, note: Note) -> tuple[tuple[str, ...], Values]:
    special = {columns.id, columns.time, columns.label, columns.group}
    named = columns.channels or tuple(n for n in column_names(frame) if n not in special)
    kept: dict[str, NDArray[np.float64]] = {}
    left: list[str] = []
    for name in named:
        values = column(frame, name, "channels", source)
        numbers = as_numbers(values)
        if numbers is not None:
            kept[name] = numbers
        elif columns.channels:
            example = next(v for v in values.tolist() if not is_missing(v))
            raise DataError(f"channels: column {name!r} of {source} holds {example!r}; expected numbers: code it first")
        else:
            left.append(name)
    if not kept:
        raise DataError(f"{source}: expected a column of numbers beside {listed([c for c in special if c])}, got none")
    if left:
        note(f"{source}: left out what is not a number: {listed(left, 12)}.")
    return tuple(kept), np.stack(list(kept.values()), 1).astype(np.float32)


def _sequence_labels(
    parts: list[NDArray[Any]], ids: list[str], name: str, source: str, needed: bool
) -> list[Any] | None:
    found = []
    for of, part in zip(ids, parts, strict=True):
        known = list(dict.fromkeys(v for v in part.tolist() if not is_missing(v)))
        if len(known) > 1:
            raise DataError(
                f"{source}: sequence {of!r} has the labels {listed(known)} in column {name!r}; expected one a sequence "
                "(a label a step is --task tag)"
            )
        if not known:
            if needed:
                raise DataError(f"{source}: sequence {of!r} has no label in column {name!r}; leave it out, or label it")
            return None
        found.append(known[0])
    return found


def _step_labels(parts: list[NDArray[Any]], ids: list[str], name: str, source: str, needed: bool) -> list[Any] | None:
    found = []
    for part in parts:
        steps = np.empty(len(part), dtype=object)
        steps[:] = [None if is_missing(v) else v for v in part.tolist()]
        found.append(steps)
    if needed and all(v is None for steps in found for v in steps):
        raise DataError(f"{source}: no step has a label in column {name!r}")
    return found
