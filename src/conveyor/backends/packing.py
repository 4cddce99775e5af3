"""Packs padded sequences of unequal length, so that nothing is computed for padding, and unpacks them."""

from __future__ import annotations

import torch
from torch import Tensor

from conveyor.backends.interface import VarLen


class Packing:
    """The packing of padded sequences (T, B, …) into rows, the longest sequence first.

    Args:
        lengths: (B,) int64.
        order: The rows of the batch from the longest to the shortest.
        steps: T of the padded sequences; at least the longest length.

    Attributes:
        varlen: The packed layout.
        order: The rows of the batch from the longest to the shortest.
        back: The position of each batch row in that order.
        rows: For each packed row the row of the padded sequences, T x B rows in order.
        turned: For each packed row the one that replaces it when its sequence is reversed.
    """

    def __init__(self, lengths: Tensor, order: Tensor, steps: int) -> None:
        device = lengths.device
        batch = len(lengths)
        falling = lengths[order].cpu()
        count = int(falling[0]) if batch else 0
        sizes = (falling > torch.arange(count).unsqueeze(1)).sum(1)
        self.varlen = VarLen(sizes.tolist(), batch)
        self.steps = steps
        self.order = order
        self.back = torch.empty_like(order)
        self.back[order] = torch.arange(batch, device=device)
        starts = torch.tensor(self.varlen.starts)
        time = torch.repeat_interleave(torch.arange(count), sizes)
        place = torch.arange(len(time)) - starts[time]
        self.rows = (time.to(device) * batch + order[place.to(device)]).contiguous()
        self.turned = (starts[falling[place] - 1 - time] + place).to(device)

    @classmethod
    def of(cls, lengths: Tensor, steps: int) -> Packing:
        """Make the packing of padded sequences."""
        lengths = lengths.to(torch.int64)
        return cls(lengths, torch.argsort(lengths, descending=True, stable=True), steps)

    def pack(self, padded: Tensor) -> Tensor:
        """Pack (T, B, K) into rows (N, K); differentiable, and padding is never read."""
        return padded.reshape(-1, padded.shape[-1]).index_select(0, self.rows)

    def turn(self, packed: Tensor) -> Tensor:
        """Reverse each sequence of packed rows; twice gives the original."""
        return packed.index_select(0, self.turned)

    def unpack(self, packed: Tensor, batch: int) -> Tensor:
        """Unpack rows (N, K) to (T, B, K), with zeros as padding."""
        if not self.steps * batch:  # nothing to copy, and torch refuses to copy nothing into nothing
            return packed.reshape(self.steps, batch, packed.shape[-1]).clone()
        whole = packed.new_zeros((self.steps * batch, packed.shape[-1]))
        return whole.index_copy(0, self.rows, packed).view(self.steps, batch, packed.shape[-1])


def turn_padded(padded: Tensor, lengths: Tensor) -> Tensor:
    """Reverse each sequence of (T, B, …) within its length, leaving padding in place; twice gives the original."""
    time = torch.arange(padded.shape[0], device=padded.device).unsqueeze(1)
    index = torch.where(time < lengths, lengths.to(torch.int64) - 1 - time, time)
    return padded.gather(0, index.unsqueeze(-1).expand(-1, -1, padded.shape[-1]))
