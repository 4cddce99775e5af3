"""The `.ts` files of the time series classification archives: a sequence a line, its dimensions between colons.

The format is that of Löning et al. 2019 ("sktime: a unified interface for machine learning with time series"): header
lines begin with `@`, comments with `#` or `%`; behind `@data` a line holds the dimensions, comma-separated, and the
label, all separated by colons; `?` and `NaN` are missing values. With `@timestamps true` a value is `(stamp,value)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import DataError
from conveyor.tasks.sequences.data.collection import Sequences, Times, Values
from conveyor.tasks.sequences.data.columns import parse_dates

_PAIR = re.compile(r"\(([^()]*),([^(),]*)\)")
_COLON_OUTSIDE = re.compile(r":(?![^()]*\))")


@dataclass
class _Header:
    fields: dict[str, str] = field(default_factory=dict)

    def says(self, name: str) -> bool:
        return self.fields.get(name, "").split(" ")[0].lower() == "true"

    @property
    def labelled(self) -> bool:
        return self.says("classlabel") or self.says("targetlabel")


def sequences_from_ts(text: str, source: str) -> Sequences:
    """Parse a `.ts` file.

    Raises:
        DataError: a line breaks the format.
    """
    header, lines = _split(text, source)
    values: list[Values] = []
    times: list[Times] = []
    labels: list[str] = []
    for number, line in lines:
        where = f"{source}, line {number}"
        parts = _COLON_OUTSIDE.split(line) if header.says("timestamps") else line.split(":")
        if header.labelled:
            label = parts.pop().strip()
            if not label or not parts or "," in label or "(" in label:
                raise DataError(f"{where}: expected a label behind the last colon; the file may be cut off")
            labels.append(label)
        stamps, dims = _stamped(parts, where) if header.says("timestamps") else (None, _dimensions(parts, where))
        if values and dims.shape[1] != values[0].shape[1]:
            raise DataError(f"{where}: expected {values[0].shape[1]} dimensions as before, got {dims.shape[1]}")
        values.append(dims)
        if stamps is not None:
            times.append(stamps)
    if not values:
        raise DataError(f"{source}: expected sequences behind @data, got none; the file may be cut off")
    channels = tuple(f"dim_{k}" for k in range(values[0].shape[1]))
    ids = tuple(str(k) for k in range(len(values)))
    return Sequences(values, channels, ids, times or None, _typed(labels, header) if labels else None, source=source)


def _split(text: str, source: str) -> tuple[_Header, Iterator[tuple[int, str]]]:
    header = _Header()
    lines = iter([(n, line.strip()) for n, line in enumerate(text.splitlines(), 1)])
    for number, line in lines:
        if not line or line[0] in "#%":
            continue
        if not line.startswith("@"):
            raise DataError(f"{source}, line {number}: expected a header line that begins with @, got {line[:40]!r}")
        name, _, rest = line[1:].partition(" ")
        if name.lower() == "data":
            return header, ((n, entry) for n, entry in lines if entry and entry[0] not in "#%")
        header.fields[name.lower()] = rest.strip()
    raise DataError(f"{source}: expected a line @data, got none; the file may be cut off, or is no .ts file")


def _numbers(text: str, where: str) -> NDArray[np.float32]:
    try:
        return np.array([np.nan if v.strip() == "?" else float(v) for v in text.split(",")], dtype=np.float32)
    except ValueError as error:
        raise DataError(f"{where}: expected numbers separated by commas ({error}); the file may be cut off") from None


def _dimensions(parts: list[str], where: str) -> Values:
    dims = [_numbers(part, where) for part in parts]
    lengths = {len(d) for d in dims}
    if len(lengths) > 1:
        raise DataError(f"{where}: expected dimensions of one length, got {', '.join(map(str, sorted(lengths)))}")
    return np.ascontiguousarray(np.stack(dims, 1))


def _stamped(parts: list[str], where: str) -> tuple[Times, Values]:
    """Read dimensions of (stamp,value) pairs onto the union of their stamps; NaN where one has no value."""
    pairs = [_PAIR.findall(part) for part in parts]
    if not all(pairs):
        raise DataError(f"{where}: expected (stamp,value) pairs in each dimension; the file may be cut off")
    stamps = [_stamps([stamp for stamp, _ in dim], where) for dim in pairs]
    grid = np.unique(np.concatenate(stamps))
    values = np.full((len(grid), len(parts)), np.nan, dtype=np.float32)
    for k, (dim, at) in enumerate(zip(pairs, stamps, strict=True)):
        if len(np.unique(at)) < len(at):
            raise DataError(f"{where}: dimension {k + 1} repeats a time stamp; keep or average one value a time")
        values[np.searchsorted(grid, at), k] = _numbers(",".join(v for _, v in dim), where)
    return grid - grid[0], values


def _stamps(texts: list[str], where: str) -> Times:
    try:
        return np.array([float(t) for t in texts])
    except ValueError:
        return parse_dates(list(texts), where).astype("M8[ns]").astype(np.int64) / 1e9


def _typed(labels: list[str], header: _Header) -> list[float] | list[str]:
    """Read targets of a regression file as numbers; classes stay the text that the file has."""
    if not header.says("targetlabel"):
        return labels
    try:
        return [float(label) for label in labels]
    except ValueError:
        return labels
