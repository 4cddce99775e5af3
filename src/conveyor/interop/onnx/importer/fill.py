"""Fills a layer with a node's weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from conveyor.interop.onnx.exporter.graph import Array
from conveyor.interop.onnx.importer.attributes import GATES, Attributes
from conveyor.interop.onnx.importer.equations import MAPS
from conveyor.interop.onnx.importer.tensors import Tensors
from conveyor.ir.canonical.linear import Key
from conveyor.ir.types import Bias, Matrix
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.stack import Stack

_PEEPHOLES = "iof"


def fill(layer: Stack, attributes: Attributes, tensors: Tensors) -> None:
    """Copy the weights of each direction into the layer."""
    with torch.no_grad():
        for d, unit in enumerate(layer.units):
            _fill(layer, unit, attributes, tensors, d)
            for name, value in zip((s.name for s in unit.program.states), unit.initial(layer), strict=False):
                value.copy_(torch.from_numpy(np.array(tensors.learned[name][d])))


def _fill(layer: Stack, unit: LayerDirection, attributes: Attributes, tensors: Tensors, direction: int) -> None:
    gates = GATES[attributes.operator]
    maps = [MAPS[attributes.operator][gate] for gate in gates]
    w, r = (dict(zip(maps, np.split(t[direction], len(gates)), strict=True)) for t in (tensors.w, tensors.r))
    beside: tuple[Mapping[str, Array], Mapping[str, Array]] = ({}, {})
    if tensors.b is not None:
        parts = np.split(tensors.b[direction], 2 * len(gates))
        beside = (
            dict(zip(maps, parts[: len(gates)], strict=True)),
            dict(zip(maps, parts[len(gates) :], strict=True)),
        )
    for p in unit.program.params:
        if isinstance(p, Matrix):
            _copy(layer, unit, ("product", p.key), [w[p.name] if p.operand == "x" else r[p.name]])
        elif isinstance(p, Bias):
            # The bias of a call is the sum of those of the operands that it reads.
            _copy(layer, unit, ("bias", p.key), [beside[operand != "x"][p.name] for operand in p.operands])
    if tensors.p is not None:
        for gate, value in zip(_PEEPHOLES, np.split(tensors.p[direction], 3), strict=True):
            if ("vector", f"p_{gate}") in unit.program.param:  # a coupled forget gate has none
                _copy(layer, unit, ("vector", f"p_{gate}"), [value])


def _copy(layer: Stack, unit: LayerDirection, key: Key, values: list[Array]) -> None:
    """Copy values into the layer's tensor, or into its tensors where torch's two biases are separate."""
    rows = unit.rows(layer, key)
    if len(rows) != len(values):
        values = [sum(values[1:], values[0])]
    for row, value in zip(rows, values, strict=True):
        row.copy_(torch.from_numpy(np.array(value, np.float64)))
