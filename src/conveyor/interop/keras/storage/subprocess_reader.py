"""Reads a file in a subprocess.

The HDF5 library can crash, or never end, on a damaged file, and with it the process that reads it; that must not be the
user's process. The process needs neither torch nor Keras.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from conveyor.errors import ArgumentError
from conveyor.interop.keras.spec import CellSpec, LayerSpec, Unread
from conveyor.interop.keras.storage.config import Found
from conveyor.interop.keras.storage.hdf5 import Array
from conveyor.interop.keras.storage.source import check_kind, read_file

_SECONDS = 30.0  # to start and to read the structure
_SLOWEST = 10e6  # bytes a second, from a slow disk


def read_apart(path: Path) -> list[Found]:
    """Find the recurrent layers in a file, read in a subprocess; see `read_file`.

    Raises:
        ArgumentError: It is none of Keras, or damaged.
    """
    check_kind(path)
    if not sys.executable:  # an interpreter within another program
        return read_file(path)
    limit = _SECONDS + path.stat().st_size / _SLOWEST
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(path.absolute()), str(path)],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=limit,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise ArgumentError(f"{path} is damaged: the HDF5 library does not get through it in {limit:.0f} s") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
        said = f"fails ({last})" if done.returncode > 0 and last else "crashes"
        raise ArgumentError(
            f"{path} is damaged: the HDF5 library {said} on it; copy it again from where it was written"
        )
    size = int.from_bytes(done.stdout[:8], "little")
    document = json.loads(done.stdout[8 : 8 + size])
    if "error" in document:
        raise ArgumentError(document["error"])
    with np.load(io.BytesIO(done.stdout[8 + size :]), allow_pickle=False) as held:
        arrays = [held[name] for name in held.files]
    return [_found(entry, arrays) for entry in document["found"]]


def _found(entry: dict[str, Any], arrays: Sequence[Array]) -> Found:
    if "why" in entry:
        return Unread(**entry)
    cells = {
        side: tuple(CellSpec(**(c | {"arrays": tuple(arrays[k] for k in c["arrays"])})) for c in entry[side])
        for side in ("forward", "backward")
    }
    return LayerSpec(**(entry | cells | {"notes": tuple(entry["notes"])}))


def _answer(path: str, called: str) -> bytes:
    arrays: list[Array] = []
    try:
        document: dict[str, Any] = {"found": [_entry(f, arrays) for f in read_file(Path(path), Path(called))]}
    except ArgumentError as error:
        document = {"error": str(error)}
    text, held = json.dumps(document).encode(), io.BytesIO()
    np.savez(held, *arrays)
    return len(text).to_bytes(8, "little") + text + held.getvalue()


def _entry(found: Found, arrays: list[Array]) -> dict[str, Any]:
    if isinstance(found, Unread):
        return asdict(found)

    def kept(cell: CellSpec) -> dict[str, Any]:
        first = len(arrays)
        arrays.extend(cell.arrays)
        return vars(cell) | {"arrays": [*range(first, len(arrays))]}

    return vars(found) | {side: [kept(c) for c in getattr(found, side)] for side in ("forward", "backward")}


if __name__ == "__main__":
    sys.stdout.buffer.write(_answer(*sys.argv[1:]))
