"""Keras's layers by Keras's own equations, with which converted layers are compared.

Written from the documentation of keras.layers.LSTM, GRU, SimpleRNN and keras.activations, with kernels as Keras keeps
them; neither our equations nor our table of weight layouts is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from conveyor.interop.keras.spec import CellSpec, LayerSpec, Plain

_FUNCTIONS: dict[str, Callable[[Tensor], Any]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "linear": lambda v: v,
    "softplus": lambda v: torch.logaddexp(v, torch.zeros_like(v)),
    "exponential": torch.exp,
    "softsign": functional.softsign,
    "silu": functional.silu,
    "elu": functional.elu,
    "leaky_relu": lambda v: functional.leaky_relu(v, 0.01),
    "leaky_relu_0.2": lambda v: functional.leaky_relu(v, 0.2),
    "hard_sigmoid": lambda v: (0.2 * v + 0.5).clamp(0, 1),
    "hard_sigmoid_6": lambda v: functional.relu6(v + 3) / 6,
    "sparse_sigmoid": lambda v: (0.5 * (v + 1)).clamp(0, 1),
    "relu6": functional.relu6,
    "selu": functional.selu,
    "mish": functional.mish,
    "hard_silu": functional.hardswish,
    "hard_tanh": functional.hardtanh,
    "hard_shrink": functional.hardshrink,
    "soft_shrink": functional.softshrink,
    "tanh_shrink": functional.tanhshrink,
    "log_sigmoid": functional.logsigmoid,
    "squareplus": lambda v: (v + (v * v + 4).sqrt()) / 2,
    "sparse_plus": lambda v: torch.where(v <= -1, 0.0, torch.where(v < 1, (v + 1) ** 2 / 4, v)),
    "softmax": lambda v: v.softmax(-1),
}


def run(specs: Sequence[LayerSpec | Plain], x: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """Run a chain of layers; returns the last one's output, or two outputs without a merge.

    Args:
        specs: The layers.
        x: (B, T, I), or whole numbers (B, T) where the first is an Embedding.
        dtype: The dtype of the computation.
    """
    found = [x.to(dtype) if x.is_floating_point() else x]
    for spec in specs:
        found = _layer(spec, found[0]) if isinstance(spec, LayerSpec) else [_plain(spec, found[0], dtype)]
    return found


def _plain(spec: Plain, x: Tensor, dtype: torch.dtype) -> Tensor:
    arrays = [torch.from_numpy(a).to(dtype) for a in spec.arrays]
    if spec.kind == "Embedding":
        return arrays[0][x]
    if spec.kind == "Dense":
        return x @ arrays[0] + (arrays[1] if len(arrays) > 1 else 0.0)
    return x  # Dropout


def _layer(spec: LayerSpec, x: Tensor) -> list[Tensor]:
    forward = _sequence(spec.forward, x.flip(1) if spec.go_backwards else x)
    backward = _sequence(spec.backward, x.flip(1)) if spec.backward else None
    if not spec.return_sequences:
        forward, backward = forward[:, -1], None if backward is None else backward[:, -1]
    elif backward is not None:
        backward = backward.flip(1)
    if backward is None:
        return [forward]
    if spec.merge_mode is None:
        return [forward, backward]
    if spec.merge_mode == "concat":
        return [torch.cat([forward, backward], -1)]
    if spec.merge_mode == "mul":
        return [forward * backward]
    return [(forward + backward) / (2 if spec.merge_mode == "ave" else 1)]


def _sequence(cells: Sequence[CellSpec], x: Tensor) -> Tensor:
    for cell in cells:
        kernel, recurrent, *bias = (torch.from_numpy(a).to(x.dtype) for a in cell.arrays)
        states = [x.new_zeros(x.shape[0], cell.units) for _ in range(2)]
        outputs = []
        for step in x.unbind(1):
            states = _STEPS[cell.kind](cell, step, states[0], states[1], kernel, recurrent, bias)
            outputs.append(states[0])
        x = torch.stack(outputs, 1) if outputs else x.new_zeros(x.shape[0], 0, cell.units)
    return x


def _lstm(
    cell: CellSpec, x: Tensor, h: Tensor, c: Tensor, kernel: Tensor, recurrent: Tensor, bias: list[Tensor]
) -> list[Tensor]:
    activation, gate = _FUNCTIONS[cell.activation], _FUNCTIONS[cell.recurrent_activation]
    z = x @ kernel + h @ recurrent + (bias[0] if bias else 0.0)
    z0, z1, z2, z3 = z.chunk(4, 1)
    c = gate(z1) * c + gate(z0) * activation(z2)
    return [gate(z3) * activation(c), c]


def _gru(
    cell: CellSpec, x: Tensor, h: Tensor, c: Tensor, kernel: Tensor, recurrent: Tensor, bias: list[Tensor]
) -> list[Tensor]:
    activation, gate = _FUNCTIONS[cell.activation], _FUNCTIONS[cell.recurrent_activation]
    input_bias, recurrent_bias = bias[0] if bias and cell.reset_after else (bias[0] if bias else 0.0, 0.0)
    x_z, x_r, x_h = (x @ kernel + input_bias).chunk(3, 1)
    z_kernel, r_kernel, h_kernel = recurrent.chunk(3, 1)
    z_bias, r_bias, h_bias = recurrent_bias.chunk(3) if isinstance(recurrent_bias, Tensor) else (0.0, 0.0, 0.0)
    z = gate(x_z + h @ z_kernel + z_bias)
    r = gate(x_r + h @ r_kernel + r_bias)
    inner = r * (h @ h_kernel + h_bias) if cell.reset_after else (r * h) @ h_kernel
    return [z * h + (1 - z) * activation(x_h + inner), c]


def _simple(
    cell: CellSpec, x: Tensor, h: Tensor, c: Tensor, kernel: Tensor, recurrent: Tensor, bias: list[Tensor]
) -> list[Tensor]:
    return [_FUNCTIONS[cell.activation](x @ kernel + h @ recurrent + (bias[0] if bias else 0.0)), c]


_STEPS = {"LSTM": _lstm, "GRU": _gru, "SimpleRNN": _simple}
