"""Conversions and checks of the lengths of sequences."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from conveyor.backends.packing import Packing
from conveyor.errors import ArgumentError, ArgumentTypeError, TensorError, shown
from conveyor.layers.arguments.checks import refuse_sparse
from conveyor.scalars import whole_number
from conveyor.torch_ops.modes import keeps_padding

__all__ = ["Packing", "check_lengths", "read_lengths", "unpacked_form"]

_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def check_lengths(lengths: Any, x: Tensor, batched: bool) -> Tensor:
    """Check the lengths and return them as a tensor (B,).

    Args:
        lengths: (B,) integers from 0 to T.
        x: The layer's input, (T, B, I).
        batched: Whether the input has a batch axis.

    Raises:
        ArgumentError: They are not such integers, or are on another device.
    """
    total, batch = x.shape[:2]
    if not batched:
        raise ArgumentError("lengths are those of a batch, and input is one sequence; cut it to its length instead")
    found = read_lengths(lengths, batch, x.device)
    if found.device != x.device:
        raise TensorError(
            f"lengths is on {found.device} but input is on {x.device}; move it with .to({str(x.device)!r})"
        )
    if batch and not keeps_padding():  # numbers that are not known yet are checked when they are
        low, high = int(found.min()), int(found.max())
        if low < 0 or high > total:
            wrong = low if low < 0 else high
            raise ArgumentError(f"lengths are from 0 to T = {total}, got {wrong}")
    return found


def read_lengths(lengths: Any, batch: int, device: torch.device | str) -> Tensor:
    """Convert the lengths (B,) of a batch's sequences from a tensor, a list, a tuple or a NumPy array.

    Args:
        lengths: The value.
        batch: B.
        device: The device for lengths that are not a tensor.

    Raises:
        ArgumentTypeError: They are not integers.
        TensorError: Their number is not B.
    """
    found = lengths if isinstance(lengths, Tensor) else _numbers(lengths, batch, device)
    refuse_sparse("lengths", found)
    # In a graph B is a symbol: it stands in no text before there is something to say.
    if found.dtype not in _INTEGERS or found.ndim != 1 or found.shape[0] != batch:
        raise TensorError(f"{_expected(batch)}, got {tuple(found.shape)} of {found.dtype}")
    return found


def _expected(batch: int) -> str:
    return f"lengths is a tensor of whole numbers (B,) = ({batch},)"


def _numbers(lengths: Any, batch: int, device: torch.device | str) -> Tensor:
    """Makes a tensor (B,) from a sequence or array of integers; others become a tensor that the caller refuses."""
    if isinstance(lengths, list | tuple | range):
        numbers = [whole_number(n) for n in lengths]
        wrong = next((given for given, n in zip(lengths, numbers, strict=True) if n is None), None)
        if wrong is not None or None in numbers:
            raise ArgumentTypeError(f"{_expected(batch)}, got {shown(wrong)} among them")
        return torch.tensor(numbers, dtype=torch.int64, device=device)
    if hasattr(lengths, "__array__") and getattr(getattr(lengths, "dtype", None), "kind", "") in ("i", "u"):
        return torch.as_tensor(lengths.astype("int64"), device=device)
    of = getattr(lengths, "dtype", None)
    raise ArgumentTypeError(f"{_expected(batch)}, got {type(lengths).__name__}{'' if of is None else f' of {of}'}")


def unpacked_form(sequence: PackedSequence) -> tuple[Packing, Tensor]:
    """Return the packing of a `PackedSequence`, and its lengths in the order of the batch."""
    sizes = sequence.batch_sizes
    batch = int(sizes[0]) if len(sizes) else 0
    falling = (sizes.unsqueeze(1) > torch.arange(batch)).sum(0)
    device = sequence.data.device
    order = sequence.sorted_indices
    order = torch.arange(batch, device=device) if order is None else order
    lengths = torch.empty(batch, dtype=torch.int64, device=device)
    lengths[order] = falling.to(device)
    return Packing(lengths, order, len(sizes)), lengths
