"""`cv.save` and `cv.load`: a layer as one self-contained safetensors file.

The file's metadata has four texts: `format`, `version`, `layer` and `sha256`. `layer` is JSON: the kind of layer, its
arguments, the programs of its cells, and what else belongs to it (frozen parameters, shared ones, training mode).
`sha256` is that of the version, `layer`, and every tensor with its name, dtype and shape. Nothing is pickled; a
program is data, which is parsed and verified before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from conveyor.atomic_write import as_path, check_free, write
from conveyor.errors import ArgumentError, ConveyorError
from conveyor.interop.common.manifest import FLOATS, build, manifest_of
from conveyor.layers.arguments.conversion import check_flags, check_place

FORMAT = "conveyor-layer"
VERSION = 1


def save(layer: nn.Module, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a layer, with its equations and its weights, to one file that `cv.load` reads without the cell's source.

    The file is written atomically.

    Args:
        layer: A `Recurrent`, `LSTM`, `GRU`, `RNN`, `Cell`, `LSTMCell`, `GRUCell` or `RNNCell`, on any device.
        path: The file; customarily `….safetensors`.
        overwrite: Whether an existing file is replaced.

    Returns:
        The path.

    Raises:
        ArgumentError: The layer is none of these or was changed, the file is there already, or can't be written.
    """
    check_flags(overwrite=overwrite)
    path = as_path(path)
    manifest, tensors = manifest_of(layer)
    text = json.dumps(manifest, ensure_ascii=False, allow_nan=False)
    held = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    metadata = {"format": FORMAT, "version": str(VERSION), "layer": text, "sha256": _digest(VERSION, text, held)}
    check_free(path, overwrite)
    write(path, safetensors.torch.save(held, metadata), overwrite)
    return path


def load(path: str | os.PathLike[str], *, device: torch.device | str | None = None) -> Any:
    """Read a layer that `cv.save` wrote: it computes bitwise the same, and can be trained further.

    No code from the file runs, and nothing is unpickled.

    Args:
        path: The file.
        device: The device of the parameters; the CPU by default.

    Returns:
        A layer of the kind that was saved. Its cells have their programs, but no source or options.

    Raises:
        ArgumentError: The file is missing, not one of ours, truncated, altered, or written by a later version.
    """
    check_place(device, None)
    path = as_path(path)
    metadata, tensors = _read(path)
    if metadata.get("format") != FORMAT:
        raise ArgumentError(f"path: {path} was not written by cv.save; load its weights with safetensors itself")
    version = metadata.get("version", "")
    if not (version.isascii() and version.isdigit() and 0 < len(version) < 10 and int(version) > 0):
        raise _altered(path, f"its version is {version[:20]!r}")
    if int(version) > VERSION:
        raise ArgumentError(
            f"path: {path} has version {version}, this conveyor reads up to {VERSION}; pip install -U conveyor"
        )
    text = metadata.get("layer", "")
    odd = next((name for name, tensor in tensors.items() if tensor.dtype not in FLOATS), None)
    if odd is not None:
        raise _altered(path, f"'{odd}' is {tensors[odd].dtype}")
    if metadata.get("sha256") != _digest(int(version), text, tensors):
        raise _altered(path, "its SHA-256 is not the one it was written with")
    try:
        layer = build(json.loads(text), tensors)
    except ConveyorError as error:
        raise ArgumentError(f"path: {path} holds a layer that can't be built here: {error}") from error
    # Past the checksum a file is one of ours or was made to look so, and what a contrived one trips over is not to be
    # foreseen: whatever it is, the file is what is wrong.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise _altered(path, f"{type(error).__name__}: {reason[:200]}") from error
    return layer if device is None else layer.to(device)


def _altered(path: Path, why: str) -> ArgumentError:
    return ArgumentError(f"path: {path} is damaged ({why}); copy it again from where it was written")


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with path.open("rb"):  # safetensors says less well why a file can't be opened
            pass
        with safe_open(path, framework="pt") as file:
            # Copies: what the library returns lies in the file's own pages, which another process may cut off.
            return file.metadata() or {}, {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise ArgumentError(f"path: {path} cannot be read: {error.strerror or error}; check the path") from error
    # The library's own errors, and torch's of shapes and dtypes that it does not know.
    except (SafetensorError, RuntimeError, TypeError, ValueError, LookupError, AttributeError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ArgumentError(
            f"path: {path} is no whole safetensors file ({reason}): it is truncated, damaged or of another kind"
        ) from error


def _digest(version: int, text: str, tensors: dict[str, Tensor]) -> str:
    found = hashlib.sha256(f"{version}\n{len(text)}\n{text}\n".encode(errors="surrogatepass"))
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode(errors="surrogatepass"))
        found.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
