"""The initial values of a layer's parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError, ArgumentTypeError, shown
from conveyor.ir.transforms.gate_analysis import Gate, KeepGate, keep_gates
from conveyor.ir.types import Matrix
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.scalars import real_number

SCHEMES = ("torch", "orthogonal", "chrono")


@torch.no_grad()
def initialise(
    module: nn.Module, units: Iterable[LayerDirection], init: str, forget_bias: float | None, max_lag: int
) -> None:
    """Initialise every parameter of a layer.

    Args:
        module: The layer.
        units: Its layer directions, in order.
        init: `torch`: uniform in ±1/√H, in torch.nn's order of drawing. `orthogonal`: for each gate an orthogonal
            recurrent matrix (Saxe, McClelland & Ganguli 2014), a Xavier-uniform input matrix (Glorot & Bengio 2010) and
            biases of zero. `chrono`: as `torch`, then keep biases of log(U(1, max_lag − 1)) and their negative for
            the gate that admits new content (Tallec & Ollivier 2018, eq. 16).
        forget_bias: The bias of the gate that keeps the state; None leaves the value of `init`.
        max_lag: The longest dependency that `chrono` prepares for, in steps; at least 3.

    Raises:
        ArgumentError: An unknown scheme, or no gate of the cell keeps a state.
    """
    if init not in SCHEMES:
        raise ArgumentError(f"init is one of {', '.join(SCHEMES)}, got {init!r}")
    check_numbers(forget_bias, max_lag)
    for unit in units:
        bound = 1.0 / math.sqrt(unit.widths["H"])
        for slot, tensor in unit.tensors(module):
            if slot.initial is None:
                tensor.uniform_(-bound, bound)
            else:
                tensor.fill_(slot.initial)
        for tensor in unit.initial(module):
            tensor.zero_()
        if init == "orthogonal":
            _orthogonal(module, unit)
        if init == "chrono":
            for gate in _gates(unit, 'init="chrono"'):
                _chrono(module, unit, gate, max_lag)
        if forget_bias is not None:
            for gate in _gates(unit, "forget_bias"):
                _set_bias(module, unit, gate.keep, forget_bias)


def check_numbers(forget_bias: Any, max_lag: Any) -> None:
    """Checks the numeric arguments of the initialisation.

    Raises:
        ArgumentError: One is out of range, or not a number.
    """
    lag = real_number(max_lag)
    if lag is None or not 3 <= lag < math.inf:
        kind = ArgumentTypeError if lag is None else ArgumentError
        raise kind(f"max_lag is the longest dependency in steps, at least 3, got {shown(max_lag)}")
    bias = 0.0 if forget_bias is None else real_number(forget_bias)
    if bias is None or not math.isfinite(bias):
        kind = ArgumentTypeError if bias is None else ArgumentError
        raise kind(f"forget_bias is a finite number or None, got {shown(forget_bias)}")


def _gates(unit: LayerDirection, argument: str) -> tuple[KeepGate, ...]:
    found = keep_gates(unit.plain)
    if not found:
        raise ArgumentError(
            f"{argument} needs a gate with a bias that keeps a state, and cell {unit.cell.name} has none; leave it out"
        )
    return found


def _set_bias(module: nn.Module, unit: LayerDirection, gate: Gate, value: Tensor | float) -> None:
    # torch's layers add two biases: the whole value goes to the first.
    first, *others = unit.rows(module, gate.bias)
    first.copy_(torch.as_tensor(value, dtype=first.dtype, device=first.device) * gate.sign)
    for other in others:
        other.zero_()


def _chrono(module: nn.Module, unit: LayerDirection, gate: KeepGate, max_lag: int) -> None:
    like = unit.rows(module, gate.keep.bias)[0]
    lags = torch.empty_like(like).uniform_(1.0, max_lag - 1.0).log()
    _set_bias(module, unit, gate.keep, lags)
    if gate.admit is not None:
        _set_bias(module, unit, gate.admit, -lags)


def _orthogonal(module: nn.Module, unit: LayerDirection) -> None:
    for key in unit.layout.rows:
        param = unit.program.param[key]
        for part in unit.rows(module, key):
            if not isinstance(param, Matrix):
                if key[0] == "bias":
                    part.zero_()
                continue
            for block in part.chunk(param.blocks, 0):
                if param.operand == "x":
                    nn.init.xavier_uniform_(block)
                else:
                    nn.init.orthogonal_(block)
