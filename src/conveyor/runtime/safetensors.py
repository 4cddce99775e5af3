"""Files of `cv.save`, read with NumPy alone."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import ArgumentError

FORMAT, VERSION = "conveyor-layer", 1
_LONGEST = 100 * 2**20  # bytes of a header
_TYPES = {"F16": ("float16", 2), "BF16": ("bfloat16", 2), "F32": ("float32", 4), "F64": ("float64", 8)}


@dataclass(frozen=True)
class LayerFile:
    """The content of a file: the description of its layer, and its tensors; those of 16 bits as float32."""

    description: dict[str, Any]
    tensors: dict[str, NDArray[Any]]


def read_layer_file(path: str | os.PathLike[str]) -> LayerFile:
    """Reads a file and checks that it is whole.

    Raises:
        ArgumentError: It is missing, foreign, damaged, or of a later version.
    """
    place = _as_path(path)
    try:
        data = place.read_bytes()
    except OSError as error:
        raise ArgumentError(f"path: {place} cannot be read: {error.strerror or error}; check the path") from error
    try:
        metadata, raw = _parts(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArgumentError(
            f"path: {place} is no whole safetensors file: it is truncated, damaged or of another kind"
        ) from error
    if metadata.get("format") != FORMAT:
        raise ArgumentError(f"path: {place} was not written by cv.save; load its weights with safetensors itself")
    version = metadata.get("version", "")
    if not (version.isascii() and version.isdigit()) or int(version) > VERSION:
        raise ArgumentError(
            f"path: {place} has version {version[:20]}, this conveyor reads up to {VERSION}; pip install -U conveyor"
        )
    text = metadata.get("layer", "")
    if metadata.get("sha256") != _digest(int(version), text, raw):
        raise ArgumentError(
            f"path: {place} is damaged (its SHA-256 is not the one it was written with); copy it again from where it"
            " was written"
        )
    return LayerFile(json.loads(text), {name: _array(kind, shape, part) for name, (kind, shape, part) in raw.items()})


def _as_path(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike) or not str(path) or "\0" in str(path):
        raise ArgumentError(f"path is the name of a file, got {path!r}")
    return Path(path)


_Raw = dict[str, tuple[str, tuple[int, ...], bytes]]


def _parts(data: bytes) -> tuple[dict[str, str], _Raw]:
    """The texts of the header, and each tensor's type, shape and bytes."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(_LONGEST, len(data) - 8):
        raise ValueError("header")
    head = json.loads(data[8 : 8 + length])
    metadata = head.pop("__metadata__", {})
    found: _Raw = {}
    for name, about in head.items():
        kind, size = _TYPES[about["dtype"]]
        start, stop = about["data_offsets"]
        shape = tuple(about["shape"])
        part = data[8 + length + start : 8 + length + stop]
        if len(part) != size * int(np.prod(shape, dtype=np.int64)) or start < 0:
            raise ValueError(name)
        found[name] = kind, shape, part
    return metadata, found


def _digest(version: int, text: str, tensors: _Raw) -> str:
    found = hashlib.sha256(f"{version}\n{len(text)}\n{text}\n".encode(errors="surrogatepass"))
    for name, (kind, shape, part) in sorted(tensors.items()):
        found.update(f"{name} torch.{kind} {shape}\n".encode(errors="surrogatepass"))
        found.update(part)
    return found.hexdigest()


def _array(kind: str, shape: tuple[int, ...], part: bytes) -> NDArray[Any]:
    """A tensor as an array of its own; layers of 16 bits compute in float32."""
    if kind == "bfloat16":
        bits = np.frombuffer(part, np.uint16).astype(np.uint32) << 16
        return bits.view(np.float32).reshape(shape)
    values = np.frombuffer(part, kind).reshape(shape)
    return values.astype(np.float32) if kind == "float16" else values.copy()
