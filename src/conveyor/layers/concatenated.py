"""Weights in the textbook form W·[h, x] + b: one matrix and one bias per gate."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError, ArgumentTypeError, TensorError
from conveyor.ir.types import Bias, Matrix
from conveyor.layers.arguments.checks import wrong_tensor
from conveyor.layers.core.layer_direction import LayerDirection

Gates = Mapping[str, tuple[Tensor, Tensor | None]]


def sizes_of(gates: Gates) -> tuple[int, int]:
    """Return (input_size, hidden_size) from the shapes of the matrices.

    Raises:
        ArgumentError: A shape is no (H, H + I).
    """
    if not isinstance(gates, Mapping) or not gates:
        got = "an empty one" if isinstance(gates, Mapping) else type(gates).__name__
        raise ArgumentTypeError(f"gates is a dict of (W, b) for each affine map of the cell, got {got}")
    sizes = set()
    for name, pair in gates.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ArgumentTypeError(f"gates['{name}'] is a pair (W, b), b a tensor or None; got {type(pair).__name__}")
        weight, bias = pair
        if not isinstance(weight, Tensor) or weight.dim() != 2 or weight.shape[1] <= weight.shape[0]:
            came = tuple(weight.shape) if isinstance(weight, Tensor) else type(weight).__name__
            raise wrong_tensor(weight)(
                f"gates['{name}'] is (W, b), W a tensor (H, H + I) with the columns of h first; got {came}"
            )
        if bias is not None and not isinstance(bias, Tensor):
            raise ArgumentTypeError(
                f"gates['{name}'] is (W, b), b a tensor or None; got {type(bias).__name__}; torch.as_tensor makes one"
            )
        sizes.add((weight.shape[1] - weight.shape[0], weight.shape[0]))
    if len(sizes) > 1:
        raise TensorError(f"the matrices of gates have different sizes (I, H): {sorted(sizes)}; they must be equal")
    return sizes.pop()


@torch.no_grad()
def fill(module: nn.Module, unit: LayerDirection, gates: Gates) -> None:
    """Copy the gates into the parameters of a layer direction.

    A gate's first H columns multiply the value that its affine maps read besides x. A gate's second bias becomes zero.

    Raises:
        ArgumentError: A gate is missing or unknown, reads something else than x and one other value, or has no bias.
    """
    names = list(dict.fromkeys(p.name for p in unit.program.params if isinstance(p, Matrix)))
    for name in gates:
        if name not in names:
            raise ArgumentError(
                f"gates has '{name}', but the affine maps of cell {unit.cell.name} are {', '.join(names)}"
            )
    for name in names:
        if name not in gates:
            raise ArgumentError(
                f"gates lacks '{name}'; the affine maps of cell {unit.cell.name} are {', '.join(names)}"
            )
        _fill_gate(module, unit, name, *gates[name])


def _fill_gate(module: nn.Module, unit: LayerDirection, name: str, weight: Tensor, bias: Tensor | None) -> None:
    matrices = [p for p in unit.program.params if isinstance(p, Matrix) and p.name == name]
    others = [m for m in matrices if m.operand != "x"]
    if len(matrices) != 2 or len(others) != 1 or others[0].blocks != 1:
        reads = ", ".join(m.operand for m in matrices)
        raise ArgumentError(f"W·[h, x] needs a map of x and one other vector, but '{name}' reads {reads}")
    rows = weight.shape[0]
    for matrix in matrices:
        columns = weight[:, rows:] if matrix.operand == "x" else weight[:, :rows]
        place = unit.rows(module, ("product", matrix.key))[0]
        if columns.shape != place.shape:
            raise TensorError(
                f"W·[h, x] needs states of one width, but the matrix of ('{name}', {matrix.operand}) is"
                f" {tuple(place.shape)} and gates['{name}'] has {tuple(columns.shape)} for it"
            )
        place.copy_(columns)
    biases = [p for p in unit.program.params if isinstance(p, Bias) and p.name == name]
    if bias is None and not biases:
        return
    if not biases:
        raise ArgumentError(f"gates['{name}'] has a bias but the layer has none; make it with bias=True or pass None")
    places = [part for p in biases for part in unit.rows(module, ("bias", p.key))]
    for part in places:
        part.zero_()
    if bias is not None:
        if tuple(bias.shape) != (rows,):
            raise TensorError(f"gates['{name}'] has a bias of shape {tuple(bias.shape)}, expected ({rows},)")
        places[0].copy_(bias)
