"""The manifest of a layer's file, which describes the layer beside its tensors, and the layer built from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from conveyor import layers
from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.interop.keras.layer import KerasLayer
from conveyor.interop.onnx.exporter.reverse import Reverse
from conveyor.ir.types import HIDDEN, INPUT, ROW
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.options import OPTIONS

KINDS: Mapping[str, type[nn.Module]] = {
    kind.__name__: kind
    for kind in (
        layers.Recurrent,
        layers.LSTM,
        layers.GRU,
        layers.RNN,
        layers.Cell,
        layers.LSTMCell,
        layers.GRUCell,
        layers.RNNCell,
    )
}
_ANY_CELL = ("Recurrent", "Cell")
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_SEQUENCE = tuple(o.name for o in OPTIONS.values() if o.saved_since == 1 and not o.steps)
# Left out where they are as ever, so that earlier versions read the file.
_LATER = {o.name: o.default for o in OPTIONS.values() if o.saved_since == 2}
_OPTIONS = tuple(o.name for o in OPTIONS.values() if o.saved_since == 1 and o.steps)
Manifest = dict[str, Any]


def manifest_of(layer: Any) -> tuple[Manifest, dict[str, Tensor]]:
    """Return the manifest of a layer, and the tensors of its file.

    Raises:
        ArgumentError: The layer is of a kind that a file cannot hold.
    """
    if type(layer) is KerasLayer:
        manifest, tensors = manifest_of(layer.layer)
        return manifest | {"keras": layer.settings}, tensors
    if type(layer) is Reverse:
        manifest, tensors = manifest_of(layer.layer)
        return manifest | {"reverse": True}, tensors
    kind = type(layer).__name__
    if KINDS.get(kind) is not type(layer):
        hint = "cv.from_torch makes one of torch's modules; of a model, save each recurrent layer"
        if isinstance(layer, tuple(KINDS.values())):
            hint = "a subclass or a parametrization is code, which a file does not hold; save a plain layer"
        raise ArgumentError(f"layer is one of {', '.join(KINDS)}, got {type(layer).__module__}.{kind}; {hint}")
    units = _units(layer)
    parameters = dict(layer.named_parameters(remove_duplicate=False))
    names = [name for unit in units for name in unit.every_name]
    odd = sorted({*names} ^ {*layer.state_dict()})
    if odd:
        raise ArgumentError(f"layer has other parameters than its cell ({odd[0]}); save a layer that is as it was made")
    if any(p.is_meta for p in parameters.values()):
        raise ArgumentError("layer has its parameters on the meta device, where they have no values; load them first")
    cells = list(dict.fromkeys(u.cell for u in units))
    first: dict[int, str] = {}
    shared = {name: first[id(p)] for name, p in parameters.items() if first.setdefault(id(p), name) != name}
    return {
        "kind": kind,
        "arguments": _arguments(layer, units),
        "cells": [{"name": c.name, "program": c.program.text} for c in cells],
        "cell_of_layer": [cells.index(u.cell) for u in units if not u.suffix.endswith("_reverse")],
        "frozen": [name for name, p in parameters.items() if not p.requires_grad],
        "shared": shared,
        "training": layer.training,
    }, {name: p for name, p in parameters.items() if name not in shared}


def _units(layer: Any) -> tuple[LayerDirection, ...]:
    return layer.units if hasattr(layer, "units") else (layer.unit,)


def _arguments(layer: Any, units: tuple[LayerDirection, ...]) -> Manifest:
    hidden = [u.widths[HIDDEN] for u in units if not u.suffix.endswith("_reverse")]
    sizes = {w: n for u in units for w, n in u.widths.items() if w not in (ROW, INPUT, HIDDEN)}
    said: Manifest = {"input_size": layer.input_size, "hidden_size": hidden[0] if len({*hidden}) == 1 else hidden}
    step = not hasattr(layer, "units")
    said["bias"] = layer._has_bias() if step else layer.bias
    said |= {} if step else {name: getattr(layer, name) for name in _SEQUENCE}
    if not step:
        said |= {n: getattr(layer, n) for n, default in _LATER.items() if getattr(layer, n) != default}
    said |= {name: layer._options[name] if step else getattr(layer, name) for name in _OPTIONS}
    if type(layer).__name__ in _ANY_CELL:
        said["sizes"] = sizes
    if hasattr(layer, "nonlinearity"):
        said["nonlinearity"] = layer.nonlinearity
    if isinstance(layer, layers.LSTM):
        said["proj_size"] = layer.proj_size
    return said


def build(manifest: Any, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Build the layer that a manifest describes, with its tensors as parameters.

    Raises:
        ArgumentError: The manifest is incomplete, or does not fit the tensors.
        ProgramError: One of its programs is ill-formed.
    """
    kind = _get(manifest, "kind", str)
    if kind not in KINDS:
        raise ArgumentError(f"unknown kind of layer {kind[:40]!r}; known are {', '.join(KINDS)}")
    cells = [
        CellDefinition.from_text(_get(c, "name", str), _get(c, "program", str)) for c in _get(manifest, "cells", list)
    ]
    chosen = [cells[k] for k in _get(manifest, "cell_of_layer", list)]
    arguments = dict(_get(manifest, "arguments", dict))
    shared, frozen = _get(manifest, "shared", dict), _get(manifest, "frozen", list)
    # A contrived count of layers would take for ever to make.
    if arguments.get("num_layers", 1) != len(chosen):
        raise ArgumentError(f"{len(chosen)} cells for {arguments.get('num_layers')} layers")
    make: Any = KINDS[kind]
    if kind in _ANY_CELL:
        arguments["cell"] = chosen if kind == "Recurrent" else chosen[0]
    elif len(chosen) > len(tensors) + len(shared):
        raise ArgumentError(f"{len(chosen)} layers, but {len(tensors)} tensors")
    layer: Any = make(**arguments, device="meta")
    for unit, cell in zip(_units(layer), _in_each_direction(layer, chosen), strict=True):
        if unit.cell.program != cell.program:
            raise ArgumentError(f"{kind} runs other equations in this version of conveyor than in the file")
    _fill(layer, tensors, shared, frozen)
    layer.training = _get(manifest, "training", bool)
    if "keras" in manifest:
        layer = KerasLayer(layer, **_get(manifest, "keras", dict)).train(layer.training)
    if "reverse" in manifest:
        layer = Reverse(layer).train(layer.training)
    return layer  # type: ignore[no-any-return]


def _in_each_direction(layer: Any, chosen: list[CellDefinition]) -> list[CellDefinition]:
    return [cell for cell in chosen for _ in range(len(_units(layer)) // len(chosen))]


def _fill(layer: nn.Module, tensors: Mapping[str, Tensor], shared: Mapping[str, str], frozen: list[str]) -> None:
    made = dict(layer.named_parameters())
    odd = sorted({*made} ^ {*tensors, *shared})
    if odd or {*tensors} & {*shared}:
        raise ArgumentError(f"its tensors are not those of its layer ({(odd or [*shared])[0]})")
    if not {*frozen} <= {*made}:
        raise ArgumentError("it freezes a parameter that it does not have")
    kept = {name: nn.Parameter(tensor, requires_grad=name not in frozen) for name, tensor in tensors.items()}
    for name, parameter in made.items():
        held = kept[shared.get(name, name)]
        if held.shape != parameter.shape or held.dtype not in FLOATS:
            raise ArgumentError(f"{name} is {held.dtype} {tuple(held.shape)}, its layer's is {tuple(parameter.shape)}")
        layer.register_parameter(name, held)


def _get(document: Any, key: str, kind: type) -> Any:
    value = document.get(key) if isinstance(document, dict) else None
    if type(value) is not kind:
        raise ArgumentError(f"'{key}' of its description is {type(value).__name__}, expected {kind.__name__}")
    return value
