"""Fills a live layer or model of Keras with the weights of conveyor layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.report import Report
from conveyor.interop.keras.compare import with_equations_alone
from conveyor.interop.keras.recognise import layers_of
from conveyor.interop.keras.spec import CellSpec, LayerSpec, Unread
from conveyor.interop.keras.storage.source import read_live

_Row = tuple[CellSpec, ...]  # a cell, or those of two directions


def fill(layer: Any, target: Any) -> list[Report]:
    """Copy the weights of a layer, or of a mapping of layers by name, into a live layer or model of Keras.

    Raises:
        ArgumentError: The target has other cells or sizes, or no layer of that name; nothing is changed then.
    """
    specs, places = _targets(target)
    if not isinstance(layer, Mapping):
        return [_put(layer, list(specs), specs, places, target)]
    for name, each in layer.items():
        if name not in specs:
            raise ArgumentError(f"layer: the target has no layer '{name}'; it has {', '.join(specs)}")
        _check(each, [name], specs)
    return [_put(each, [name], specs, places, target) for name, each in layer.items()]


def _targets(target: Any) -> tuple[dict[str, LayerSpec], dict[str, Any]]:
    found = read_live(target)
    unread = next((f for f in found if isinstance(f, Unread)), None)
    if unread is not None:
        hint = "; build it first, for example by calling it" if not getattr(target, "built", True) else ""
        raise ArgumentError(f"target: '{unread.name}' can't be filled: {unread.why}{hint}")
    specs = {f.name: f for f in found if isinstance(f, LayerSpec)}
    if not specs:
        raise ArgumentError(f"target: the {type(target).__name__} '{target.name}' has no recurrent layer")
    return specs, dict(_places(target))


def _places(alive: Any, path: str = "", top: bool = True) -> Iterator[tuple[str, Any]]:
    """Yield the live recurrent layers by the names that `find_layers` gives them."""
    name = "/".join(p for p in (path, alive.name) if p)
    if isinstance(getattr(alive, "layers", None), list):
        for child in alive.layers:
            yield from _places(child, "" if top else name, False)
    elif hasattr(alive, "forward_layer"):
        yield from ((name, alive), (f"{name}/forward", alive.forward_layer), (f"{name}/backward", alive.backward_layer))
    elif hasattr(getattr(alive, "layer", None), "get_config"):
        yield from _places(alive.layer, path, False)
    else:
        yield name, alive


def _rows(spec: LayerSpec) -> list[_Row]:
    if spec.backward:
        return [(*spec.forward, *spec.backward)]
    return [(cell,) for cell in spec.forward]


def _check(layer: Any, names: list[str], specs: Mapping[str, LayerSpec]) -> list[_Row]:
    """Check that a layer has the target's cells; returns them, without zero biases where the target has none."""
    ours = [row for spec in layers_of(layer) for row in _rows(spec)]
    theirs = [(name, row) for name in names for row in _rows(specs[name])]
    if len(ours) != len(theirs):
        raise ArgumentError(f"layer has {len(ours)} layers, and the target {len(theirs)}: {', '.join(names)}")
    fitted = []
    for row, (name, wanted) in zip(ours, theirs, strict=True):
        if not wanted[0].use_bias and all(c.use_bias and not c.arrays[2].any() for c in row):
            row = tuple(replace(c, use_bias=False, arrays=c.arrays[:2]) for c in row)
        said, expected = (f"{_directions(r)} with {r[0].input_size} inputs" for r in (row, wanted))
        if row != wanted or row[0].input_size != wanted[0].input_size:
            raise ArgumentError(f"layer is {said}, and the target's '{name}' {expected}; make one like the other")
        fitted.append(row)
    return fitted


def _directions(row: _Row) -> str:
    return f"Bidirectional({row[0]})" if len(row) > 1 else str(row[0])


def _put(
    layer: nn.Module, names: list[str], specs: Mapping[str, LayerSpec], places: Mapping[str, Any], target: Any
) -> Report:
    rest = _check(layer, names, specs)
    for name in names:
        count = len(_rows(specs[name]))
        rows, rest = rest[:count], rest[count:]
        places[name].set_weights([array for row in rows for cell in row for array in cell.arrays])
    now = _targets(target)[0]
    said = ", ".join(str(now[n]) for n in names)
    return with_equations_alone(names[0] if len(names) == 1 else "", said, layer, [now[n] for n in names])
