"""Checks of what a layer is given; every error says the argument, what was expected, what came, and the fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.layers.unit import Unit


def check_input(x: Any, input_size: int, like: Tensor, batch_first: bool, ranks: tuple[int, ...] = (2, 3)) -> None:
    """Check the input's rank, width, dtype and device against a parameter `like`."""
    if not isinstance(x, Tensor):
        raise ArgumentError(f"input is a tensor, got {type(x).__name__}; torch.as_tensor makes one")
    order = "(B, T, input_size)" if batch_first else "(T, B, input_size)"
    shapes = {3: order, 2: "(T, input_size)"} if 3 in ranks else {2: "(B, input_size)", 1: "(input_size,)"}
    if x.dim() not in ranks:
        wanted = " or ".join(shapes[r] for r in sorted(ranks, reverse=True))
        raise ArgumentError(f"input is {wanted}, got {x.dim()} dimensions of sizes {tuple(x.shape)}")
    if x.shape[-1] != input_size:
        raise ArgumentError(
            f"input's last size is input_size = {input_size}, got {x.shape[-1]} in {tuple(x.shape)};"
            f" make the layer with input_size={x.shape[-1]} or check the order of the axes"
        )
    _check_kind("input", x, like)


def _check_kind(what: str, tensor: Tensor, like: Tensor) -> None:
    if tensor.dtype != like.dtype:
        raise ArgumentError(
            f"{what} has dtype {tensor.dtype} but the layer's parameters have {like.dtype};"
            f" convert it with .to({like.dtype}) or the layer with .to({tensor.dtype})"
        )
    if tensor.device != like.device:
        raise ArgumentError(
            f"{what} is on {tensor.device} but the layer is on {like.device}; move one with .to({str(like.device)!r})"
        )


def check_state(name: str, state: Any, shape: tuple[int, ...], like: Tensor, fix: str) -> None:
    """Check one tensor of a state: `shape` is what is expected, its second-last entry the batch."""
    if not isinstance(state, Tensor):
        raise ArgumentError(f"state {name} is a tensor of shape {shape}, got {type(state).__name__}")
    if state.dim() == len(shape) and len(shape) > 1 and state.shape[-2] != shape[-2]:
        raise ArgumentError(
            f"state {name} has batch {state.shape[-2]} but input has batch {shape[-2]};"
            f" for a smaller last batch pass {fix.format(batch=shape[-2])}"
        )
    if tuple(state.shape) != shape:
        raise ArgumentError(f"state {name} has shape {tuple(state.shape)}, expected {shape}; None starts from zeros")
    _check_kind(f"state {name}", state, like)


def check_aux_names(given: Mapping[str, Any], wanted: Sequence[str], what: str) -> None:
    """Check that exactly the auxiliary inputs that the cells read are given."""
    for name in given:
        if name not in wanted:
            known = ", ".join(wanted) or "none"
            raise ArgumentError(f"{what} has no auxiliary input or argument '{name}'; its auxiliary inputs: {known}")
    for name in wanted:
        if given.get(name) is None:
            raise ArgumentError(f"auxiliary input '{name}' is missing; pass {name}=, a (T, B) or (T, B, K) tensor")


def whole_aux(name: str, given: Any, x: Tensor, width: int, batch_first: bool) -> Tensor:
    """An auxiliary input as (T, B, width), or (1, B, width) where it is the same at each step.

    Args:
        name: Its name.
        given: (T, B) or (T, B, K), with T and B exchanged under `batch_first`; or (B, K), the same at each step.
        x: The layer's input, (T, B, I).
        width: What the cell expects; K, where 1 serves for every unit.
        batch_first: Whether a time axis stands second.

    Raises:
        ArgumentError: No such reading fits, or two do.
    """
    if not isinstance(given, Tensor):
        raise ArgumentError(f"auxiliary input '{name}' is a tensor, got {type(given).__name__}")
    steps, batch = x.shape[:2]
    lead = (batch, steps) if batch_first else (steps, batch)
    order = "(B, T)" if batch_first else "(T, B)"
    aux = given.to(x.dtype)
    if aux.device != x.device:
        raise ArgumentError(
            f"auxiliary input '{name}' is on {aux.device} but input is on {x.device}; move it with .to()"
        )
    fits_time = tuple(aux.shape) == lead
    fits_static = aux.dim() == 2 and aux.shape[0] == batch and aux.shape[1] in (1, width)
    if fits_time and fits_static:
        raise ArgumentError(
            f"auxiliary input '{name}' of shape {tuple(aux.shape)} may be {order} or (B, K), the same at each step;"
            f" say which by adding an axis: .unsqueeze(-1) for the first, or repeat it over time for the second"
        )
    if fits_time:
        aux = aux.unsqueeze(-1)
    elif fits_static:
        return aux.unsqueeze(0).expand(1, batch, width)
    if aux.dim() != 3 or tuple(aux.shape[:2]) != lead or aux.shape[2] not in (1, width):
        raise ArgumentError(
            f"auxiliary input '{name}' has shape {tuple(given.shape)}, expected {lead} {order}, {(*lead, width)}"
            f" or {(batch, width)}, the same at each step"
        )
    aux = aux.transpose(0, 1) if batch_first else aux
    return aux.expand(steps, batch, width)


def describe(units: Sequence[Unit]) -> str:
    """The cells of a layer, for an error."""
    return ", ".join(dict.fromkeys(u.cell.name for u in units))


def parameter_like(tensors: Sequence[Tensor]) -> Tensor:
    """A parameter whose dtype and device the input must have; a layer without any takes float32 on the CPU."""
    return tensors[0] if tensors else torch.empty(0)
