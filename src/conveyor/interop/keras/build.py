"""Builds conveyor layers from descriptions of Keras layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from conveyor import layers
from conveyor.cells import cells
from conveyor.frontend import CellDefinition
from conveyor.interop.common.pieces import Places, read
from conveyor.interop.common.weight_layouts import ORDERS, Order
from conveyor.interop.keras.layer import KerasLayer
from conveyor.interop.keras.spec import CellSpec, LayerSpec
from conveyor.layers.core.stack import Stack


def cell_of(spec: CellSpec) -> CellDefinition:
    """Return the cell with the equations of a Keras cell."""
    if spec.kind == "SimpleRNN":
        return cells["rnn"].configure(nonlinearity=spec.activation)
    gates = {"gate_activation": spec.recurrent_activation, "candidate_activation": spec.activation}
    if spec.kind == "LSTM":
        return cells["lstm"].configure(**gates, cell_activation=spec.activation)
    return cells["gru" if spec.reset_after else "gru_reset_before"].configure(**gates)


def order_of(spec: CellSpec, cell: CellDefinition) -> Order:
    """Return Keras's weight layout of a cell."""
    name = {"LSTM": "lstm", "GRU": "gru" if spec.reset_after else "gru_reset_before", "SimpleRNN": "rnn"}[spec.kind]
    order = ORDERS[f"keras_{name}"]
    return replace(order, cell=cell, biases=order.biases if spec.use_bias else {})


def build(spec: LayerSpec) -> nn.Module:
    """Build the layer that computes the same as a Keras layer."""
    layer = _empty(spec)
    # A layer of two directions has one cell in each.
    for unit, cell in zip(layer.units, (*spec.forward, *spec.backward), strict=True):
        tensors = dict(zip(("kernel", "recurrent_kernel", "bias"), map(torch.from_numpy, cell.arrays), strict=False))
        read(layer, unit, Places.of(order_of(cell, unit.cell), unit), tensors)
        if isinstance(layer, layers.LSTM | layers.RNN) and layer.bias:
            # Keras has one bias and torch's layers have two: the second stays zero, so that training moves one.
            getattr(layer, f"bias_hh{unit.suffix}").requires_grad_(False)
    if not spec.trainable:
        layer.requires_grad_(False)
    settings: dict[str, Any] = {
        "go_backwards": spec.go_backwards,
        "return_sequences": spec.return_sequences,
        "merge_mode": spec.merge_mode if spec.backward else "concat",
    }
    return layer if settings == _PLAIN else KerasLayer(layer, **settings)


_PLAIN = {"go_backwards": False, "return_sequences": True, "merge_mode": "concat"}


def _empty(spec: LayerSpec) -> Stack:
    """Make the layer before its weights are filled: a `cv.LSTM`, `cv.GRU` or `cv.RNN` where the equations allow it."""
    first = spec.forward[0]
    common: dict[str, Any] = {
        "bias": any(c.use_bias for c in spec.forward),
        "batch_first": True,
        "bidirectional": bool(spec.backward),
        "dtype": torch.from_numpy(first.arrays[0]).dtype,
    }
    if len(spec.forward) == 1:
        if first.kind == "SimpleRNN" and first.activation in ("tanh", "relu"):
            return layers.RNN(first.input_size, first.units, nonlinearity=first.activation, **common)
        if (first.activation, first.recurrent_activation) == ("tanh", "sigmoid"):
            if first.kind == "LSTM":
                return layers.LSTM(first.input_size, first.units, **common)
            if first.reset_after:
                return layers.GRU(first.input_size, first.units, **common)
    units = [c.units for c in spec.forward]
    hidden = units[0] if len({*units}) == 1 else units
    chosen = [cell_of(c) for c in spec.forward]
    return layers.Recurrent(chosen, first.input_size, hidden, **common)
