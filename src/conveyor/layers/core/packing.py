"""Readings of the lengths that a layer is given."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from conveyor.backends.packing import Packing
from conveyor.errors import ArgumentError
from conveyor.torch_ops.modes import keeps_padding

__all__ = ["Packing", "check_lengths", "unpacked_form"]

_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def check_lengths(lengths: Any, x: Tensor, batched: bool) -> Tensor:
    """The lengths, checked.

    Args:
        lengths: (B,) whole numbers from 0 to T.
        x: The layer's input, (T, B, I).
        batched: Whether the layer was given a batch.

    Raises:
        ArgumentError: It is no such tensor, or is on another device.
    """
    total, batch = x.shape[:2]
    if not batched:
        raise ArgumentError("lengths are those of a batch, and input is one sequence; cut it to its length instead")
    if not isinstance(lengths, Tensor) or lengths.dtype not in _INTEGERS or tuple(lengths.shape) != (batch,):
        got = f"{tuple(lengths.shape)} of {lengths.dtype}" if isinstance(lengths, Tensor) else type(lengths).__name__
        raise ArgumentError(f"lengths is a tensor of whole numbers (B,) = ({batch},), got {got}")
    if lengths.device != x.device:
        raise ArgumentError(
            f"lengths is on {lengths.device} but input is on {x.device}; move it with .to({str(x.device)!r})"
        )
    if batch and not keeps_padding():  # numbers that are not known yet are checked when they are
        low, high = int(lengths.min()), int(lengths.max())
        if low < 0 or high > total:
            wrong = low if low < 0 else high
            raise ArgumentError(f"lengths are from 0 to T = {total}, got {wrong}")
    return lengths


def unpacked_form(sequence: PackedSequence) -> tuple[Packing, Tensor]:
    """The packing of torch's packed sequences, and their lengths in the order of the batch."""
    sizes = sequence.batch_sizes
    batch = int(sizes[0])
    falling = (sizes.unsqueeze(1) > torch.arange(batch)).sum(0)
    device = sequence.data.device
    order = sequence.sorted_indices
    order = torch.arange(batch, device=device) if order is None else order
    lengths = torch.empty(batch, dtype=torch.int64, device=device)
    lengths[order] = falling.to(device)
    return Packing(lengths, order, len(sizes)), lengths
