"""Checkpoints: a folder with tensors in safetensors and everything else in one versioned JSON file.

The tensor files are named by their content and written first; `checkpoint.json`, which names them with their size
and SHA-256, replaces its predecessor last, in one step. So a process killed at any moment leaves either the old
checkpoint or the new one, whole. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from conveyor.atomic_write import write_durably
from conveyor.errors import CheckpointError

FORMAT = "conveyor-checkpoint"
VERSION = 1
INDEX = "checkpoint.json"
_OURS = re.compile(r"[a-z]+-[0-9a-f]{16}\.safetensors|\.conveyor-.*\.tmp")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint read from disk: its JSON document, and its tensors on demand.

    Args:
        folder: where it lies.
        document: the content of `checkpoint.json`.
    """

    folder: Path
    document: dict[str, Any]

    def tensors(self, role: str) -> dict[str, Tensor]:
        """Read the tensors stored under `role`, verified against the recorded size and SHA-256.

        Raises:
            CheckpointError: the file is missing, truncated or altered.
        """
        entry = self.get("files", role)
        path = self.folder / entry["name"]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be read ({error.strerror}); restore it beside {INDEX}") from error
        if len(data) != entry["size"]:
            raise CheckpointError(
                f"{path}: expected {entry['size']} bytes, got {len(data)}: the file is truncated; copy it again"
            )
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise CheckpointError(f"{path}: its SHA-256 is not the one in {INDEX}: it was altered; copy it again")
        try:
            return safetensors.torch.load(data)
        except SafetensorError as error:
            raise CheckpointError(f"{path}: expected safetensors, got something else ({error})") from error

    def get(self, *keys: str) -> Any:
        """Return the value of the document under nested `keys`.

        Raises:
            CheckpointError: there is no such value.
        """
        value: Any = self.document
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                raise CheckpointError(
                    f"{self.folder / INDEX}: has no {'.'.join(keys)}: it is incomplete; copy it again"
                )
            value = value[key]
        return value


def write_checkpoint(folder: Path, document: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> None:
    """Write a checkpoint atomically and durably, then delete the files of its predecessor.

    Args:
        folder: created if it isn't there; files that are not a checkpoint's stay.
        document: JSON values; `format`, `version` and `files` are added.
        tensors: named tensors for each role, such as `weights`.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = {role: _write_tensors(folder, role, named) for role, named in tensors.items()}
        whole = {"format": FORMAT, "version": VERSION, **document, "files": files}
        text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
        write_durably(folder / INDEX, text.encode())
        kept = {entry["name"] for entry in files.values()}
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name) and path.name not in kept:
                path.unlink()
    except OSError as error:
        raise CheckpointError(
            f"{folder}: cannot be written ({error.strerror}); free space or choose another"
        ) from error


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read the JSON document of the checkpoint in `folder`.

    Raises:
        CheckpointError: there is none, or it is truncated, foreign or of a later version.
    """
    path = folder / INDEX
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise CheckpointError(f"{folder}: expected a folder with {INDEX}, found none; give train's --output") from error
    except NotADirectoryError as error:
        raise CheckpointError(f"{folder}: expected a checkpoint's folder, got a file; give train's --output") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path}: expected JSON, got bytes that aren't UTF-8; it isn't conveyor's") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise CheckpointError(
            f"{path}: expected JSON, got text that ends or breaks at line {error.lineno}: "
            "it is truncated or altered; copy it again"
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CheckpointError(f'{path}: expected "format": "{FORMAT}", found none: it was not written by conveyor')
    version = document.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise CheckpointError(
            f"{path}: expected version {VERSION} or earlier, got {version}: upgrade with pip install -U conveyor"
        )
    return Checkpoint(folder, document)


def _write_tensors(folder: Path, role: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    data = safetensors.torch.save({name: tensor.detach().contiguous() for name, tensor in tensors.items()})
    digest = hashlib.sha256(data).hexdigest()
    name = f"{role}-{digest[:16]}.safetensors"
    path = folder / name
    # A file of this name holds this content unless its writer was killed by a power cut; the size tells that.
    if not path.exists() or path.stat().st_size != len(data):
        write_durably(path, data)
    return {"name": name, "size": len(data), "sha256": digest}
