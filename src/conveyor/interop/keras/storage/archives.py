"""Keras's three kinds of files, written without Keras."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conveyor.errors import ArgumentError
from conveyor.interop.keras.spec import CellSpec, LayerSpec
from conveyor.interop.keras.storage.hdf5 import Array, h5py
from conveyor.interop.keras.storage.model import Item, class_of, inner_name, names_of, sequential
from conveyor.interop.keras.storage.weight_store import unique_names

# The oldest release whose layout of files this is.
_VERSION = "3.0.0"
_PARTS = ("kernel", "recurrent_kernel", "bias")


def contents(items: Sequence[Item], path: Path) -> bytes:
    """Return the bytes of a model's file, of the kind that its name implies.

    Raises:
        ArgumentError: The name tells none, or Keras has no such activation.
    """
    if path.name.endswith(".weights.h5"):
        return _weights(items)
    if path.suffix in (".h5", ".hdf5"):
        return _legacy(items)
    if path.suffix == ".keras":
        return _archive(items)
    raise ArgumentError(f"target is a file .keras, .h5 or .weights.h5, or a layer or model of Keras; got {path}")


def _archive(items: Sequence[Item]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": _VERSION, "date_saved": ""}))
        archive.writestr("config.json", json.dumps(sequential(items)))
        archive.writestr("model.weights.h5", _weights(items))
    return made.getvalue()


def _weights(items: Sequence[Item]) -> bytes:
    """Write one group per object, its arrays in `vars` by number."""
    made = io.BytesIO()
    with h5py().File(made, "w") as root:
        _object(root, "sequential")
        layers = root.create_group("layers")
        for item, name in zip(items, names_of(items), strict=True):
            place = layers.create_group(name)
            if not isinstance(item, LayerSpec):
                _object(place, name, item.arrays)
                continue
            _object(place, name)
            inner = inner_name(item.forward[0])
            if item.backward:
                _cell(place.create_group("forward_layer"), inner, item.forward[0])
                _cell(place.create_group("backward_layer"), inner.replace("forward", "backward"), item.backward[0])
            else:
                _cell(place, name, item.forward[0], made=True)
    return made.getvalue()


def _cell(place: Any, name: str, cell: CellSpec, made: bool = False) -> None:
    if not made:
        _object(place, name)
    _object(place.create_group("cell"), _cell_name(cell), cell.arrays)


def _cell_name(cell: CellSpec) -> str:
    return unique_names([f"{cell.kind}Cell"])[0]


def _object(group: Any, name: str, arrays: Sequence[Array] = ()) -> None:
    held = group.create_group("vars")
    held.attrs["name"] = name
    for k, array in enumerate(arrays):
        held[str(k)] = array


def _legacy(items: Sequence[Item]) -> bytes:
    """Write one group per layer, its arrays by their names, and the configuration as an attribute."""
    config = sequential(items)
    for entry in config["config"]["layers"]:
        for key in ("module", "registered_name", "build_config"):
            entry.pop(key, None)
    made = io.BytesIO()
    with h5py().File(made, "w") as root:
        root.attrs["keras_version"] = _VERSION
        root.attrs["backend"] = "torch"
        root.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config["config"]})
        weights = root.create_group("model_weights")
        weights.attrs["keras_version"] = _VERSION
        weights.attrs["backend"] = "torch"
        names = names_of(items)
        weights.attrs["layer_names"] = [n.encode() for n in names]
        for item, name in zip(items, names, strict=True):
            place = weights.create_group(name)
            held = dict(_named(item, name))
            place.attrs["weight_names"] = [n.encode() for n in held]
            for path, array in held.items():
                place[path] = array
    return made.getvalue()


def _named(item: Item, name: str) -> list[tuple[str, Array]]:
    if not isinstance(item, LayerSpec):
        parts = ("embeddings",) if class_of(item) == "Embedding" else ("kernel", "bias")
        return [(f"{name}/{part}", array) for part, array in zip(parts, item.arrays, strict=False)]
    forward = item.forward[0]
    if not item.backward:
        return _named_cell(f"{name}/{_cell_name(forward)}", forward)
    inner = inner_name(forward)
    return [
        *_named_cell(f"{name}/{inner}/{_cell_name(forward)}", forward),
        *_named_cell(f"{name}/{inner.replace('forward', 'backward')}/{_cell_name(forward)}", item.backward[0]),
    ]


def _named_cell(path: str, cell: CellSpec) -> list[tuple[str, Array]]:
    return [(f"{path}/{part}", array) for part, array in zip(_PARTS, cell.arrays, strict=False)]
