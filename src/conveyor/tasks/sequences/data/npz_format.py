"""NumPy archives of sequences: all steps one after another with `lengths`, or one (n, C, T) array."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import DataError
from conveyor.tasks.sequences.data.arrays import as_stamps, used_steps
from conveyor.tasks.sequences.data.collection import Sequences, Values

_LAYOUT = "X (all steps, C) with lengths (n,), or X (n, C, T); y, and if need be times, ids, channels"


def sequences_from_npz(data: bytes, source: str, *, tagged: bool) -> Sequences:
    """Read an archive with the arrays `X`, `y`, `lengths`, `times`, `ids`, `channels` and `groups`, of which X must be.

    Args:
        data: the file.
        source: its name, for messages.
        tagged: whether y has a label a step: laid out as X without its channels.

    Raises:
        DataError: it is no such archive.
    """
    arrays = _load(data, source)
    if "X" not in arrays:
        raise DataError(f"{source}: expected {_LAYOUT}; got {', '.join(arrays) or 'no array'}")
    values, lengths = _values(arrays, source)
    labels: list[Any] | None = None
    if "y" in arrays:
        labels = _steps(arrays["y"], lengths, "y", source) if tagged else list(_entries(arrays["y"], lengths, source))
    ids = _names(arrays, "ids", len(values), source) or tuple(str(k) for k in range(len(values)))
    width = values[0].shape[1] if values else 0
    channels = _names(arrays, "channels", width, source) or tuple(f"dim_{k}" for k in range(width))
    times = as_stamps(_steps(arrays["times"], lengths, "times", source), values) if "times" in arrays else None
    return Sequences(values, channels, ids, times, labels, _names(arrays, "groups", len(values), source), source)


def _load(data: bytes, source: str) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            if not hasattr(archive, "files"):
                raise DataError(f"{source}: expected an archive of numpy.savez, got one array; {_LAYOUT}")
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(
            f"{source}: expected a NumPy archive, got a file that breaks off or is none ({error})"
        ) from None
    except ValueError as error:
        if "pickle" not in str(error):
            raise DataError(f"{source}: expected a NumPy archive, got a damaged one ({error})") from None
        raise DataError(
            f"{source}: expected arrays of numbers or text, got Python objects, which are not read; {_LAYOUT}"
        ) from None


def _values(arrays: dict[str, NDArray[Any]], source: str) -> tuple[list[Values], NDArray[np.int64]]:
    steps = arrays["X"]
    if steps.dtype.kind not in "fiub" or steps.ndim not in (2, 3):
        raise DataError(f"{source}: expected {_LAYOUT}; got X of {steps.dtype} and shape {steps.shape}")
    steps = steps.astype(np.float32)
    if steps.ndim == 2:
        if "lengths" not in arrays:
            raise DataError(f"{source}: X of shape {steps.shape} needs lengths; {_LAYOUT}")
        lengths = _lengths(arrays["lengths"], source)
        if lengths.sum() != len(steps):
            raise DataError(f"{source}: lengths sum to {lengths.sum():,}, but X has {len(steps):,} steps")
        return [np.ascontiguousarray(v) for v in np.split(steps, np.cumsum(lengths)[:-1])], lengths
    if "lengths" in arrays:
        lengths = _lengths(arrays["lengths"], source)
        if len(lengths) != len(steps) or (lengths > steps.shape[2]).any():
            raise DataError(f"{source}: lengths do not fit X of shape {steps.shape}; {_LAYOUT}")
    else:
        lengths = np.array([used_steps(part.T) for part in steps], np.int64)
    return [np.ascontiguousarray(part.T[:n]) for part, n in zip(steps, lengths, strict=True)], lengths


def _lengths(lengths: NDArray[Any], source: str) -> NDArray[np.int64]:
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 0).any():
        raise DataError(f"{source}: expected lengths as whole numbers (n,), got {lengths.dtype} {lengths.shape}")
    return lengths.astype(np.int64)


def _entries(labels: NDArray[Any], lengths: NDArray[np.int64], source: str) -> NDArray[Any]:
    if labels.ndim not in (1, 2) or len(labels) != len(lengths):
        raise DataError(
            f"{source}: expected y with one label for each of {len(lengths)} sequences, got shape {labels.shape} "
            "(a label a step is --task tag)"
        )
    return labels


def _steps(array: NDArray[Any], lengths: NDArray[np.int64], name: str, source: str) -> list[NDArray[Any]]:
    """Part what is laid out as X, without its channels, into sequences."""
    if array.ndim == 2 and len(array) == len(lengths) and array.shape[1] >= lengths.max(initial=0):
        return [row[:n] for row, n in zip(array, lengths, strict=True)]
    if array.ndim == 1 and len(array) == lengths.sum():
        return np.split(array, np.cumsum(lengths)[:-1])
    raise DataError(f"{source}: expected {name} with an entry for each step of X, got shape {array.shape}")


def _names(arrays: dict[str, NDArray[Any]], name: str, count: int, source: str) -> tuple[str, ...] | None:
    if name not in arrays:
        return None
    if arrays[name].shape != (count,):
        raise DataError(f"{source}: expected {count} {name}, got shape {arrays[name].shape}")
    return tuple(str(v) for v in arrays[name].tolist())
