"""Sequences of unequal length: from padded to packed, so that nothing is computed for padding, and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from conveyor.backends.ragged import Ragged
from conveyor.errors import ArgumentError

_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


class Packing:
    """How the rows of padded sequences (T, B, …) are packed, the longest sequence first.

    Args:
        lengths: (B,) int64.
        order: The rows of the batch from the longest to the shortest.
        steps: T of the padded sequences; at least the longest length.

    Attributes:
        ragged: The packed layout.
        order: The rows of the batch from the longest to the shortest.
        back: Where each row of the batch stands in that order.
        rows: For each packed row the row of the padded sequences, T x B rows in order.
        turned: For each packed row that of the same sequence read from its end.
    """

    def __init__(self, lengths: Tensor, order: Tensor, steps: int) -> None:
        device = lengths.device
        batch = len(lengths)
        falling = lengths[order].cpu()
        count = int(falling[0]) if batch else 0
        sizes = (falling > torch.arange(count).unsqueeze(1)).sum(1)
        self.ragged = Ragged(sizes.tolist(), batch)
        self.steps = steps
        self.order = order
        self.back = torch.empty_like(order)
        self.back[order] = torch.arange(batch, device=device)
        starts = torch.tensor(self.ragged.starts)
        time = torch.repeat_interleave(torch.arange(count), sizes)
        place = torch.arange(len(time)) - starts[time]
        self.rows = (time.to(device) * batch + order[place.to(device)]).contiguous()
        self.turned = (starts[falling[place] - 1 - time] + place).to(device)

    @classmethod
    def of(cls, lengths: Tensor, steps: int) -> Packing:
        """Of padded sequences."""
        lengths = lengths.to(torch.int64)
        return cls(lengths, torch.argsort(lengths, descending=True, stable=True), steps)

    def pack(self, padded: Tensor) -> Tensor:
        """(T, B, K) as packed rows (N, K); differentiable, and what is padding is never read."""
        return padded.reshape(-1, padded.shape[-1]).index_select(0, self.rows)

    def turn(self, packed: Tensor) -> Tensor:
        """Packed rows in the order in which each sequence is read from its own end; twice gives what was."""
        return packed.index_select(0, self.turned)

    def unpack(self, packed: Tensor, batch: int) -> Tensor:
        """Packed rows (N, K) as (T, B, K), zero where there is padding."""
        whole = packed.new_zeros((self.steps * batch, packed.shape[-1]))
        return whole.index_copy(0, self.rows, packed).view(self.steps, batch, -1)


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
    if batch:
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
