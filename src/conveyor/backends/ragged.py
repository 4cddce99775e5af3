"""Sequences of unequal length, packed: the rows of the first step, those of the second, and so on.

The longest sequence comes first, so that the rows of a step are the first of the batch; there are never more of them
than at the step before. It is the layout of torch's `PackedSequence`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Ragged:
    """How rows are packed.

    Attributes:
        sizes: The rows of each step, at least 1 and never more than at the step before.
        batch: The rows of the batch; those that no step has are sequences of length 0.
    """

    sizes: Sequence[int]
    batch: int

    @cached_property
    def starts(self) -> list[int]:
        """Where each step's rows begin; last, where all end."""
        return [0, *accumulate(self.sizes)]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return self.starts[-1]

    @cached_property
    def table(self) -> ctypes.Array[ctypes.c_int64]:
        """`starts`, behind what stands for the step before the first: the rows of the batch stand before all others."""
        return (ctypes.c_int64 * (len(self.starts) + 1))(-self.batch, *self.starts)

    @cached_property
    def ends(self) -> Tensor:
        """For each row of the batch, where its state after its last step stands behind `batch` rows of initial ones."""
        sizes = torch.tensor([self.batch, *self.sizes])
        starts = torch.tensor([0, *(self.batch + s for s in self.starts[:-1])])
        row = torch.arange(self.batch)
        # The last step that has row b is the number of steps with more than b rows.
        steps = (sizes[1:, None] > row).sum(0)
        return starts[steps] + row
