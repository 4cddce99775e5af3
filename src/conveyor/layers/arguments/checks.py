"""Checks of a layer's arguments; every error names the argument, what was expected, what was given, and the fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from conveyor.errors import ArgumentError, ArgumentTypeError, TensorError
from conveyor.layers.core.layer_direction import LayerDirection


def check_input(x: Any, input_size: int, like: Tensor, batch_first: bool, ranks: tuple[int, ...] = (2, 3)) -> None:
    """Check the input's rank and width; and, but for a single step's, dtype and device against a parameter `like`."""
    if not isinstance(x, Tensor):
        raise ArgumentTypeError(f"input is a tensor, got {type(x).__name__}; torch.as_tensor makes one")
    refuse_sparse("input", x)
    order = "(B, T, input_size)" if batch_first else "(T, B, input_size)"
    shapes = {3: order, 2: "(T, input_size)"} if 3 in ranks else {2: "(B, input_size)", 1: "(input_size,)"}
    if x.dim() not in ranks:
        wanted = " or ".join(shapes[r] for r in sorted(ranks, reverse=True))
        torchs = f"Expected input to be {min(ranks)}D or {max(ranks)}D, got {x.dim()}D instead"
        raise TensorError(
            f"input is {wanted}, got {x.dim()} dimensions of sizes {tuple(x.shape)}"
            + (f" ({torchs})" if len(ranks) == 2 else "")
        )
    if x.shape[-1] != input_size:
        got = f"got {x.shape[-1]}"
        torchs = f"input.size(-1) must be equal to input_size. Expected {input_size}, {got}"
        if 1 in ranks:
            torchs = f"input has inconsistent input_size: {got} expected {input_size}"
        raise TensorError(
            f"input's last size is input_size = {input_size}, {got} in {tuple(x.shape)};"
            f" make the layer with input_size={x.shape[-1]} or check the order of the axes ({torchs})"
        )
    if 1 not in ranks:  # a single step checks its states' shapes first, as torch.nn's cells do
        check_kind("input", x, like)


def wrong_tensor(value: Any) -> type[ArgumentError]:
    """Return the error class for a wrong value: `TensorError` for a tensor, `ArgumentTypeError` for anything else."""
    return TensorError if isinstance(value, Tensor) else ArgumentTypeError


def refuse_sparse(name: str, tensor: Tensor) -> None:
    """Refuses sparse tensors.

    Raises:
        TensorError: The tensor is sparse, or of another layout that has no strides.
    """
    if tensor.layout is not torch.strided:
        raise TensorError(f"{name} is a sparse tensor ({tensor.layout}), expected a dense one; .to_dense() makes one")


def check_kind(what: str, tensor: Tensor, like: Tensor) -> None:
    """Check dtype and device against a tensor of the layer.

    Raises:
        TensorError: One differs.
    """
    if tensor.dtype != like.dtype:
        torchs = (
            f" (RNN input dtype ({tensor.dtype}) does not match weight dtype ({like.dtype}). Convert input:"
            f" input.to({like.dtype}), or convert model: model.to({tensor.dtype}))"
        )
        raise TensorError(
            f"{what} has dtype {tensor.dtype} but the layer's parameters have {like.dtype};"
            f" convert it with .to({like.dtype}) or the layer with .to({tensor.dtype})"
            + (torchs if what == "input" else "")
        )
    if tensor.device != like.device:
        raise TensorError(
            f"{what} is on {tensor.device} but the layer is on {like.device}; move one with .to({str(like.device)!r})"
        )


def check_state(
    name: str,
    state: Any,
    shape: tuple[int, ...],
    batched: bool,
    like: Tensor,
    fix: str,
    place: tuple[int, int] | None = None,
) -> None:
    """Check one tensor of a state.

    Args:
        name: The state.
        state: The value.
        shape: The expected shape, its second-last entry the batch if there is one.
        batched: Whether there is one.
        like: A tensor of the layer's dtype and device.
        fix: The fix for a batch that is too large; `{batch}` stands for that of the input.
        place: For a single step, the state's index and the number of states: errors then include torch's message.

    Raises:
        ArgumentTypeError: It is no tensor.
        TensorError: Its shape, dtype or device does not fit.
    """
    if not isinstance(state, Tensor):
        raise ArgumentTypeError(f"state {name} is a tensor of shape {shape}, got {type(state).__name__}")
    refuse_sparse(f"state {name}", state)
    torchs = "" if place is None else _words_of_step(state, shape, *place)
    if batched and state.dim() == len(shape) and state.shape[-2] != shape[-2]:
        got, batch = state.shape[-2], shape[-2]
        mend = f"for a smaller last batch pass {fix.format(batch=batch)}" if got > batch else "None starts from zeros"
        raise TensorError(f"state {name} has batch {got} but input has batch {batch}; {mend}{torchs}")
    if tuple(state.shape) != shape:
        raise TensorError(
            f"state {name} has shape {tuple(state.shape)}, expected {shape}; None starts from zeros{torchs}"
        )
    if place is None:
        check_kind(f"state {name}", state, like)


def _words_of_step(state: Tensor, shape: tuple[int, ...], index: int, count: int) -> str:
    """Describes a wrong state of a single step as torch.nn's cells do."""
    if state.dim() not in (1, 2):
        which = "hidden" if count == 1 else f"hx[{index}]"
        return f" (Expected {which} to be 1D or 2D, got {state.dim()}D instead)"
    if state.shape[-1] != shape[-1]:
        return f" (hidden{index} has inconsistent hidden_size: got {state.shape[-1]}, expected {shape[-1]})"
    if state.dim() == len(shape) == 2 and state.shape[0] != shape[0]:
        return f" (Input batch size {shape[0]} doesn't match hidden{index} batch size {state.shape[0]})"
    return ""


def check_aux_names(given: Mapping[str, Any], wanted: Sequence[str], what: str, shapes: str) -> None:
    """Check that exactly the auxiliary inputs that the cells read are passed; `shapes` is for the error."""
    for name in given:
        if name not in wanted:
            known = ", ".join(wanted) or "none"
            raise ArgumentTypeError(
                f"{what} has no auxiliary input or argument '{name}'; its auxiliary inputs: {known}"
            )
    for name in wanted:
        if given.get(name) is None:
            raise ArgumentTypeError(f"auxiliary input '{name}' is missing; pass {name}=, a {shapes} tensor")


def sequence_aux(name: str, given: Any, x: Tensor, width: int, batched: bool, batch_first: bool) -> Tensor:
    """Return an auxiliary input of a sequence as (T, B, width), or (1, B, width) if it is the same at each step.

    Args:
        name: Its name.
        given: (T, B) or (T, B, K), with T and B exchanged under `batch_first`; or (B, K), the same at each step.
            Without a batch (T,), (T, K) or (K,).
        x: The layer's input, (T, B, I).
        width: K, the width that the cell expects; an input of width 1 serves every unit.
        batched: Whether the input has a batch axis; if not, B is 1.
        batch_first: Whether the time axis is the second.

    Raises:
        ArgumentError: No such reading fits, or two do.
    """
    steps, batch = x.shape[:2]
    rows = (batch,) if batched else ()
    swapped = batched and batch_first
    lead = (*rows, steps) if swapped else (steps, *rows)
    aux = _checked_aux(name, given, x)
    shape = tuple(aux.shape)
    order = "(B, T)" if swapped else "(T, B)" if batched else "(T,)"
    fits_time = shape == lead
    fits_static = shape in ((*rows, 1), (*rows, width))
    if fits_time and fits_static and steps != 1:
        raise TensorError(
            f"auxiliary input '{name}' of shape {shape} may be {order} or {'(B, K)' if batched else '(K,)'}, the same"
            " at each step; say which by adding an axis: .unsqueeze(-1) for the first, or repeat it over time for the"
            " second"
        )
    if fits_time:
        aux = aux.unsqueeze(-1)
    elif fits_static:
        return aux.expand(1, batch, width)
    elif shape not in ((*lead, 1), (*lead, width)):
        raise TensorError(
            f"auxiliary input '{name}' has shape {shape}, expected {lead} {order}, {(*lead, width)}"
            f" or {(*rows, width)}, the same at each step"
        )
    aux = aux if batched else aux.unsqueeze(1)
    return (aux.transpose(0, 1) if swapped else aux).expand(steps, batch, width)


def sequence_reset(reset: Any, x: Tensor, batched: bool, batch_first: bool) -> Tensor:
    """Check resets and return them as (T, B, 1) of 0 and 1, in the dtype of x.

    Args:
        reset: (T, B) booleans, (B, T) under `batch_first`, or (T,) without a batch.
        x: The layer's input, (T, B, I).
        batched: Whether the input has a batch axis.
        batch_first: Whether the batch comes first.

    Raises:
        ArgumentError: It is no boolean tensor of that shape, or is on another device.
    """
    total, batch = x.shape[:2]
    wanted = (batch, total) if batch_first and batched else (total, batch) if batched else (total,)
    order = "(B, T)" if batch_first and batched else "(T, B)" if batched else "(T,)"
    expected = f"reset is a tensor of booleans {order} = {wanted}"
    if not isinstance(reset, Tensor):
        raise ArgumentTypeError(f"{expected}, got {type(reset).__name__}; torch.as_tensor makes one")
    refuse_sparse("reset", reset)
    if tuple(reset.shape) != wanted:
        turned = tuple(reset.shape) == wanted[::-1] and len(wanted) == 2
        fix = "reset.t() exchanges its axes" if turned else "it says for each step of each sequence whether it starts"
        raise TensorError(f"{expected}, got one of shape {tuple(reset.shape)}; {fix}")
    if reset.dtype != torch.bool:
        raise TensorError(f"{expected}, got {reset.dtype}; .bool() makes booleans")
    if reset.device != x.device:
        raise TensorError(f"reset is on {reset.device} but input is on {x.device}; move it with .to('{x.device}')")
    rows: Tensor = reset.unsqueeze(1) if not batched else reset.t() if batch_first else reset
    return rows.unsqueeze(-1).to(x.dtype)


def step_aux(name: str, given: Any, x: Tensor, width: int) -> Tensor:
    """Return an auxiliary input of one step, (B,) or (B, K), or without a batch a number or (K,), as (B, width).

    Raises:
        ArgumentError: It has another shape.
    """
    lead = tuple(x.shape[:-1])
    aux = _checked_aux(name, given, x)
    if tuple(aux.shape) not in (lead, (*lead, 1), (*lead, width)):
        raise TensorError(f"auxiliary input '{name}' has shape {tuple(aux.shape)}, expected {lead} or {(*lead, width)}")
    aux = aux.unsqueeze(-1) if tuple(aux.shape) == lead else aux
    return aux.expand(lead[0] if lead else 1, width)


def _checked_aux(name: str, given: Any, x: Tensor) -> Tensor:
    if not isinstance(given, Tensor):
        raise ArgumentTypeError(f"auxiliary input '{name}' is a tensor, got {type(given).__name__}")
    refuse_sparse(f"auxiliary input '{name}'", given)
    if given.device != x.device:
        raise TensorError(
            f"auxiliary input '{name}' is on {given.device} but input is on {x.device};"
            f" move it with .to({str(x.device)!r})"
        )
    return given.to(x.dtype)


def describe(units: Sequence[LayerDirection]) -> str:
    """Return the names of a layer's cells, for an error."""
    return ", ".join(dict.fromkeys(u.cell.name for u in units))
