"""Files of tensors by name: safetensors, torch.save, NumPy archives; nothing but tensors is unpickled."""

from __future__ import annotations

import json
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.interop.common.layer_file import FORMAT
from conveyor.interop.common.weight_json import Weights, read_json

_DEEPEST = 8  # of dictionaries in a checkpoint
JSON = (".json", ".nam", ".aidax")


def read_weights(path: Path) -> Weights:
    """Read the tensors in a file of torch, safetensors, NumPy or JSON.

    Raises:
        ArgumentError: It is none of these, holds objects of other kinds, or was written by `cv.save`.
    """
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}; check the path") from error
    ending = path.suffix.lower()
    if ending in JSON:
        return read_json(path)
    read = {".safetensors": _safetensors, ".npz": _numpy}.get(ending, _pickled)
    return Weights(read(path))


def tensors_of(held: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors and arrays in nested dictionaries, by dotted names."""
    return dict(_flat(held, "", 0))


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    # The library's own errors, and torch's of shapes and dtypes that it does not know.
    except (SafetensorError, OSError, RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
        if _is_whole_safetensors(path):
            raise ArgumentError(f"{path} holds tensors that torch does not take: {_line(error)}") from error
        raise ArgumentError(
            f"{path} is no whole safetensors file ({_line(error)}): it is truncated or damaged"
        ) from error
    raise ArgumentError(f"{path} was written by cv.save: there is nothing to import, cv.load reads it")


def _is_whole_safetensors(path: Path) -> bool:
    """Tell whether a file is a complete safetensors file: a header, and the size that it implies."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(size)) if 0 < size < path.stat().st_size else None
            ends = [v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"] if header else []
        except (ValueError, TypeError, LookupError, AttributeError):
            return False
    return bool(ends) and 8 + size + max(ends) == path.stat().st_size


def _numpy(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as held:
            if not isinstance(held, np.lib.npyio.NpzFile):
                raise ArgumentError(f"{path} holds one array without a name; save several by name with numpy.savez")
            found = {name: held[name] for name in held.files}
    except ArgumentError:
        raise
    # NumPy, zipfile and its decompressors refuse by errors of every kind.
    except Exception as error:
        raise ArgumentError(f"{path} can't be read as an archive of arrays; NumPy says: {_line(error)}") from error
    return tensors_of(found)


def _pickled(path: Path) -> dict[str, Tensor]:
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    # weights_only refuses by errors of every kind, and a damaged file trips over more: the file is what is wrong.
    except Exception as error:
        raise ArgumentError(_refusal(path, _line(error))) from error
    return {name: t for name, t in tensors_of(held if isinstance(held, Mapping) else {"": held}).items() if name}


def _refusal(path: Path, reason: str) -> str:
    """Return the reason why a file can't be read, from its format."""
    said = f"torch says: {reason}"
    if _is_whole_archive(path):
        with zipfile.ZipFile(path) as archive:
            scripted = any("/code/" in name or name.endswith("/constants.pkl") for name in archive.namelist())
        if scripted:
            return (
                f"{path} is a TorchScript archive, whose code is not loaded here; if you trust it, pass"
                f" torch.jit.load({str(path)!r}).state_dict() to cv.from_state_dict ({said})"
            )
        return (
            f"{path} holds more than tensors, which is not unpickled; save model.state_dict() with torch.save ({said})"
        )
    if _is_whole_pickle(path):
        return (
            f"{path} is a pickle that holds more than tensors, which is not unpickled; if you trust it, load it"
            f" yourself and pass its arrays by name to cv.from_state_dict ({said})"
        )
    return f"{path} is damaged, or holds more than tensors, which is not unpickled ({said})"


def _is_whole_archive(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError, RuntimeError):
        return False


def _is_whole_pickle(path: Path) -> bool:
    """Tell whether a file begins with a complete pickle; nothing of it is run."""
    with path.open("rb") as file:
        if file.read(1) != b"\x80":
            return False
        file.seek(0)
        try:
            for _ in pickletools.genops(file):
                continue
        except Exception:  # whatever an opcode that is none may raise
            return False
    return True


def _flat(value: Any, path: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in nested dictionaries, as in checkpoints with an optimizer's state."""
    if isinstance(value, Tensor):
        yield path, value.detach()
    elif isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub":
        yield path, torch.from_numpy(np.array(value, value.dtype.newbyteorder("=")))
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key), depth + 1)
