"""`cv.to_keras`: layers and models to Keras's files, or into its live layers and models."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conveyor.atomic_write import as_path, check_free
from conveyor.atomic_write import write as write_whole
from conveyor.errors import ArgumentError
from conveyor.interop.common.report import Receiver, tell
from conveyor.interop.keras.compare import with_equations
from conveyor.interop.keras.spec import LayerSpec
from conveyor.interop.keras.storage.archives import contents
from conveyor.interop.keras.storage.live_model import fill
from conveyor.interop.keras.storage.model import Item, items_of, modules_of, names_of, recorder_of
from conveyor.interop.keras.storage.source import is_live, read_file
from conveyor.layers.arguments.conversion import check_flags


def write(layer: Any, target: Any, overwrite: bool, report: Receiver | None) -> Any:
    """Write a layer or model to Keras; see `conveyor.to_keras`."""
    check_flags(overwrite=overwrite)
    if is_live(target):
        for told in fill(layer, target):
            tell(told, report)
        return target
    if not isinstance(target, str | os.PathLike):
        raise ArgumentError(
            "target is the name of a .keras, .h5 or .weights.h5 file, or a layer or model of Keras; got"
            f" {type(target).__name__}"
        )
    if isinstance(layer, Mapping):
        raise ArgumentError("layer is a mapping, which fills a live model; write one of its layers, or give the model")
    path = as_path(target)
    check_free(path, overwrite)
    modules = modules_of(layer)
    items = items_of(modules)
    write_whole(path, contents(items, path), overwrite)
    written = _read_back(items, path)
    said = ", ".join(str(i) for i in written if isinstance(i, LayerSpec))
    told = with_equations("", f"{path.name}: {said}", modules, written, layer)
    tell(replace(told, note="; ".join(recorder_of(items))), report)
    return path


def _read_back(items: Sequence[Item], path: Path) -> list[Item]:
    """Read the layers back from the file; a file of weights has no settings."""
    found = {f.name: f for f in read_file(path)}
    written: list[Item] = []
    for item, name in zip(items, names_of(items), strict=True):
        if isinstance(item, LayerSpec):
            there = found.get(name)
            assert isinstance(there, LayerSpec), f"{path} does not read back"
            item = replace(there, name="") if not path.name.endswith(".weights.h5") else _with_arrays(item, there)
        written.append(item)
    return written


def _with_arrays(item: LayerSpec, there: LayerSpec) -> LayerSpec:
    def filled(cells: Any, others: Any) -> Any:
        return tuple(replace(c, arrays=o.arrays) for c, o in zip(cells, others, strict=True))

    return replace(item, forward=filled(item.forward, there.forward), backward=filled(item.backward, there.backward))
