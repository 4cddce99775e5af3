"""Describes conveyor layers as Keras layers: the Keras cell with the same equations, and its arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

import conveyor.frontend as cv
from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.frontend.activations import NAMES
from conveyor.interop.common.pieces import Places, write
from conveyor.interop.keras.build import cell_of, order_of
from conveyor.interop.keras.layer import KerasLayer
from conveyor.interop.keras.spec import CellSpec, LayerSpec
from conveyor.ir.program import Program
from conveyor.ir.types import Bias, Matrix
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.stack import Stack
from conveyor.layers.options import check_target


def layers_of(layer: Any) -> list[LayerSpec]:
    """Return the Keras layers that compute the same as a layer, first to last, without names.

    Raises:
        ArgumentError: Keras has no such layer.
    """
    held = layer.layer if isinstance(layer, KerasLayer) else layer
    if not isinstance(held, Stack):
        raise ArgumentError(f"layer is a cv.Recurrent, LSTM, GRU or RNN, or a KerasLayer of one, got {_kind(held)}")
    check_target(held, "keras")
    if any(p.is_meta for p in held.parameters()):
        raise ArgumentError("layer has its parameters on the meta device, where they have no values; load them first")
    d = held.num_directions
    made = []
    for k in range(held.num_layers):
        forward, *backward = (_cell(held, unit) for unit in held.units[k * d : (k + 1) * d])
        made.append(LayerSpec("", (forward,), tuple(backward), recurrent_dropout=held._rates.get("recurrent", 0.0)))
    if isinstance(layer, KerasLayer):
        made[0] = replace(made[0], go_backwards=layer.go_backwards)
        made[-1] = replace(made[-1], return_sequences=layer.return_sequences, merge_mode=layer.merge_mode)
    return made


def _kind(module: Any) -> str:
    return type(module).__name__


def _cell(layer: nn.Module, unit: LayerDirection) -> CellSpec:
    spec = _recognised(unit.cell)
    bias = any(isinstance(p, Bias) for p in unit.program.params)
    spec = replace(spec, units=unit.widths["H"], use_bias=bias)
    tensors = write(layer, unit, Places.of(order_of(spec, unit.cell), unit))
    return replace(spec, arrays=tuple(_as_numpy(t) for t in tensors.values()))


def _as_numpy(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    held = tensor.detach().cpu()
    # NumPy has no bfloat16; float32 holds all of its numbers.
    return (held.float() if held.dtype is torch.bfloat16 else held).numpy()


def _recognised(cell: CellDefinition) -> CellSpec:
    for spec in _candidates(cell.program):
        if _program(spec) == cell.program:
            return spec
    raise ArgumentError(
        f"layer: Keras has no layer with the equations of {cell!r}; it has those of lstm, gru, gru_reset_before and"
        " rnn, with its own activations. cv.save keeps any cell, with its program"
    )


def _candidates(program: Program) -> Iterator[CellSpec]:
    """Yield the Keras cells with as many matrices and available activations, the usual ones first."""
    matrices = sum(isinstance(p, Matrix) for p in program.params)
    used = {n.op for n in program.nodes}
    usual = ("sigmoid", "tanh")
    names = [n for n in (*usual, *(n for n in NAMES if n not in usual)) if _operations(n) <= used]
    if matrices == 2:
        yield from (CellSpec("SimpleRNN", 1, activation) for activation in names)
    for gates in names:
        for activation in names:
            if matrices == 8:
                yield CellSpec("LSTM", 1, activation, gates)
            elif matrices == 6:
                yield from (CellSpec("GRU", 1, activation, gates, True, after) for after in (True, False))


@cache
def _program(spec: CellSpec) -> Program:
    return cell_of(spec).program


@cache
def _operations(activation: str) -> frozenset[str]:
    """Return the operations of an activation."""

    @cv.cell
    def applied(x, h):  # type: ignore[no-untyped-def]
        h = cv.activation(activation)(h)
        return h

    return frozenset(n.op for n in applied.program.nodes) - {"input"}
