"""One batch of training data: named tensors, what came of it, and the order of an epoch from its seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from conveyor.tasks.training.state import State

_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Batch:
    """The tensors of one optimizer step.

    Args:
        inputs: what the model reads, by name.
        targets: what its outputs are compared with, by name.
        batch_dims: the dimension along which a tensor holds the batch, for those where it is not 1, as (T, B, …) has
            it: 0 for lengths (B,) or static columns (B, S); None for a tensor that every process needs whole.
    """

    inputs: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]
    batch_dims: Mapping[str, int | None] = field(default_factory=dict)

    def map(self, function: Callable[[Tensor, int | None], Tensor]) -> Batch:
        """Apply `function` to every tensor and the dimension along which it holds the batch."""
        dims = self.batch_dims
        inputs = {name: function(tensor, dims.get(name, 1)) for name, tensor in self.inputs.items()}
        targets = {name: function(tensor, dims.get(name, 1)) for name, tensor in self.targets.items()}
        return Batch(inputs, targets, dims)


@dataclass(frozen=True)
class Outcome:
    """The result of a model on a batch.

    Args:
        loss: mean over the scored targets; a zero that has a gradient where there is none.
        scored: number of targets that the loss is a mean over; padded and missing ones don't count.
        state: after the batch, for data that the next batch continues.
        weight: of this loss among those of other batches and processes; None takes `scored`.
    """

    loss: Tensor
    scored: int
    state: State = None
    weight: float | None = None

    @property
    def loss_weight(self) -> float:
        """Weight of this loss in a mean over batches."""
        return float(self.scored) if self.weight is None else self.weight


class Windows(Protocol):
    """The batches of an epoch, each a function of the epoch's number and its own, so that a run resumes exactly.

    Attributes:
        stateful: Whether each batch continues the sequences of the one before, so that the state is carried over.
    """

    stateful: bool

    def __len__(self) -> int: ...

    def batch(self, epoch: int, index: int, /) -> Batch:
        """Build a batch; the same one whenever it is asked for."""
        ...


Objective = Callable[[nn.Module, Batch, State], Outcome]
"""Runs a model on a batch from a state (None: its own first state)."""


class EpochOrder:
    """A seeded permutation of N items for each epoch; torch's global generator is neither read nor moved.

    Args:
        count: number of items.
        seed: of the run.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.seed = seed
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def __call__(self, epoch: int) -> Tensor:
        """Return the order (N,) of an epoch."""
        if epoch != self._epoch:
            self._order = torch.randperm(self.count, generator=seeded(self.seed, epoch))
            self._epoch = epoch
        return self._order


def seeded(seed: int, *path: int) -> torch.Generator:
    """Make a random generator for one place of a run, such as (epoch, batch), unrelated to those of other places."""
    mixed = seed
    for number in path:
        # The finaliser of SplitMix64 (Steele, Lea & Flood 2014) after each number of the path.
        mixed = (mixed + 0x9E3779B97F4A7C15 * (number + 1)) % 2**64
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) % 2**64
        mixed ^= mixed >> 31
    return torch.Generator().manual_seed(mixed & _LARGEST_SEED)
