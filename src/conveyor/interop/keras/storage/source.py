"""Identifies a Keras file and finds the recurrent layers in it. No code from a file runs, nothing is unpickled."""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from conveyor.errors import ArgumentError
from conveyor.interop.keras.spec import Unread
from conveyor.interop.keras.storage.config import Found, Place, find_layers
from conveyor.interop.keras.storage.hdf5 import Group, one_line, opened
from conveyor.interop.keras.storage.inferred_layers import guess_named, guess_tree
from conveyor.interop.keras.storage.weight_store import Live, NamedFile, Tree, live_entry

_MOST_EXPANSION, _SMALL = 100, 2**24  # of a part of an archive; Keras compresses nothing


def is_live(source: Any) -> bool:
    """Tell whether a source is a layer or model of Keras rather than a file name."""
    return hasattr(source, "get_config") and hasattr(source, "get_weights") and hasattr(source, "name")


def read_live(alive: Any) -> list[Found]:
    """Find the recurrent layers in a live layer or model."""
    package = next((c.__module__.split(".")[0] for c in type(alive).__mro__ if "keras" in c.__module__), "keras")
    version = getattr(sys.modules.get(package), "__version__", "3")
    return list(find_layers(live_entry(alive), Live(alive), _major(str(version))))


def check_kind(path: Path) -> bool:
    """Tell whether a file is a zip archive rather than HDF5.

    Raises:
        ArgumentError: It is neither, or can't be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except IsADirectoryError as error:
        raise ArgumentError(f"{path} is a folder; a SavedModel needs TensorFlow, save it as .keras") from error
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}; check the path") from error
    if not head.startswith((b"PK", b"\x89HDF")):
        raise ArgumentError(f"{path} is no .keras, .h5 or .weights.h5 file of Keras: it begins with {head[:4]!r}")
    return head.startswith(b"PK")


def read_file(path: Path, called: Path | None = None) -> list[Found]:
    """Find the recurrent layers in a `.keras`, `.h5` or `.weights.h5` file, whatever its name.

    Args:
        path: The file.
        called: Its name in errors.

    Raises:
        ArgumentError: It is none of these, or damaged.
    """
    if check_kind(path):
        return _read_archive(path, called or path)
    with opened(path, called or path) as root:
        return _read_root(root)


def _read_archive(file: Path, path: Path) -> list[Found]:
    try:
        with zipfile.ZipFile(file) as archive:
            config = _json(_part(archive, "config.json"))
            metadata = _json(_part(archive, "metadata.json"))
            if "model.weights.h5" not in archive.namelist():
                raise ArgumentError(f"it has no model.weights.h5, but {', '.join(archive.namelist())[:100]}")
            weights = _part(archive, "model.weights.h5")
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {error}") from error
    # zipfile and its decompressors say what is wrong in an archive by errors of every kind.
    except Exception as error:
        raise ArgumentError(f"{path} is no .keras file, or damaged ({one_line(error)})") from error
    with opened(io.BytesIO(weights), path) as root:
        found = _of_version(config, Tree(root), metadata.get("keras_version"), "3")
        # A model that is a class of the user's own says nothing of its layers.
        return found or list(guess_tree(root))


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > _SMALL + _MOST_EXPANSION * info.compress_size:
        raise ArgumentError(f"its {name} says it has {info.file_size:,} bytes, which are not there")
    return archive.read(info)


def _read_root(root: Group) -> list[Found]:
    if root.has_names("layer_names"):
        return list(guess_named(root))
    written = root.text("model_config")
    weights = root.group("model_weights")
    if written is None or weights is None:
        return list(guess_tree(root))
    version = root.text("keras_version") or weights.text("keras_version")
    return _of_version(_json(written), NamedFile(weights), version, "2")


def _of_version(config: dict[str, Any], place: Place, version: Any, assumed: str) -> list[Found]:
    """Find the layers of a model, with a note where the result depends on a version that the file lacks."""
    found = list(find_layers(config, place, _major(str(version or assumed))))
    return found if version else [_noted(f, assumed) for f in found]


def _noted(found: Found, assumed: str) -> Found:
    used = (
        set()
        if isinstance(found, Unread)
        else {a for c in found.forward for a in (c.activation, c.recurrent_activation)}
    )
    if isinstance(found, Unread) or not used & {"hard_sigmoid", "hard_sigmoid_6"}:
        return found
    note = f"the file says no version of Keras, assumed {assumed}: hard_sigmoid has another slope from 3 on"
    return replace(found, notes=(*found.notes, note))


def _json(text: str | bytes) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ArgumentError("its configuration is none of a Keras model")
    return found


def _major(version: str) -> int:
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 3
