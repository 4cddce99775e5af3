"""Batches of sequences of like length, in an order that epoch and seed decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from conveyor.tasks.sequences.batching.features import BATCH_DIMS, Item, collate
from conveyor.tasks.sequences.data.targets import UNLABELLED
from conveyor.tasks.training.batch import Batch

FILL = 0.91
"""Share of padded time that is no padding, which batches keep if they can."""
_SPREADS = (np.inf, 1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.0)
Targets = Sequence[NDArray[np.int64]] | Sequence[NDArray[np.float32]]


class Batches:
    """Training batches; how freely sequences mix is the most that keeps their lengths alike.

    Each epoch sorts the sequences by their length times a random factor from 1 − s to 1 + s, cuts that order into
    batches and shuffles those. The spread s is the largest of a few for which at least `FILL` of padded time is filled.

    Args:
        items: N of them.
        targets: of each: (1,) class, (K,) values, or (T_i,) classes of the steps.
        tagged: whether the targets are those of steps.
        batch_size: largest number of sequences of a batch.
        seed: of the order.
    """

    stateful = False

    def __init__(self, items: Sequence[Item], targets: Targets, tagged: bool, batch_size: int, seed: int) -> None:
        self.items = items
        self.targets = targets
        self.tagged = tagged
        self.seed = seed
        self.count = -(-len(items) // batch_size)
        self.lengths = np.fromiter((len(item) for item in items), np.int64, len(items))
        self.spread = next((s for s in _SPREADS if fill(self.lengths, self._cut(0, s)) >= FILL), _SPREADS[-1])
        self._epoch = -1
        self._order: list[NDArray[np.int64]] = []

    def __len__(self) -> int:
        """Number of batches of an epoch."""
        return self.count

    @property
    def fill(self) -> float:
        """Share of the first epoch's padded time that is no padding."""
        return fill(self.lengths, self._cut(0, self.spread))

    def batch(self, epoch: int, index: int) -> Batch:
        """Build a batch; the same one whenever it is asked for."""
        if epoch != self._epoch:
            self._order, self._epoch = self._cut(epoch, self.spread), epoch
        chosen = self._order[index]
        inputs = collate([self.items[i] for i in chosen])
        targets = collate_targets([self.targets[i] for i in chosen], self.tagged)
        return Batch(inputs, {"y": targets}, BATCH_DIMS if self.tagged else BATCH_DIMS | {"y": 0})

    def _cut(self, epoch: int, spread: float) -> list[NDArray[np.int64]]:
        generator = np.random.default_rng([self.seed, epoch])
        factors = generator.uniform(-1.0, 1.0, len(self.lengths))
        if np.isinf(spread):
            order = np.argsort(factors)
        else:
            # Equal lengths, too, come in a new order in each epoch.
            order = np.argsort(self.lengths * (1.0 + spread * factors) + 1e-6 * factors)
        parts = np.array_split(order, self.count)
        return [parts[k] for k in generator.permutation(self.count)]


def in_order(lengths: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Cut N sequences, sorted by length, into batches: their places."""
    order = np.argsort(lengths, kind="stable")
    return [order[k : k + batch_size] for k in range(0, len(order), batch_size)]


def fill(lengths: NDArray[np.int64], batches: Sequence[NDArray[np.int64]]) -> float:
    """Compute the share of padded time that is no padding."""
    padded = sum(int(lengths[b].max()) * len(b) for b in batches)
    return float(lengths.sum()) / padded if padded else 1.0


def collate_targets(targets: Targets, tagged: bool) -> Tensor:
    """Stack targets: (B,) classes, (B, K) values, or (T, B) classes of steps."""
    if not tagged:
        whole = torch.from_numpy(np.stack(targets))
        return whole.squeeze(1) if whole.dtype == torch.int64 else whole
    whole = torch.full((max(t.size for t in targets), len(targets)), UNLABELLED)
    for k in range(len(targets)):
        whole[: targets[k].size, k] = torch.from_numpy(targets[k])
    return whole
