"""The training losses: cross-entropy of classes, squared error of values."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from conveyor.tasks.sequences.data.targets import UNLABELLED
from conveyor.tasks.training.batch import Batch, Outcome


@dataclass(frozen=True, eq=False)
class Objective:
    """Runs a model on a batch and scores it.

    Args:
        task: `classify`, `regress` or `tag`.
        class_weights: (K,) weights of the classes; None weighs all alike.
    """

    task: str
    class_weights: Tensor | None = None

    def __call__(self, model: nn.Module, batch: Batch, _state: object = None) -> Outcome:
        """Score a batch."""
        outputs, targets = model(**batch.inputs), batch.targets["y"]
        if self.task == "regress":
            return Outcome(functional.mse_loss(outputs, targets), len(targets))
        return self.classes(outputs.flatten(0, -2), targets.flatten())

    def classes(self, logits: Tensor, targets: Tensor) -> Outcome:
        """Score logits (N, K) by classes (N,), of which those unlabelled don't count."""
        scored = int((targets != UNLABELLED).sum())
        if not scored:
            return Outcome(logits.sum() * 0.0, 0)
        weights = self.class_weights
        loss = functional.cross_entropy(logits, targets, weights, ignore_index=UNLABELLED)
        if weights is None:
            return Outcome(loss, scored)
        # torch's mean is over the weights.
        return Outcome(loss, scored, weight=float(weights[targets[targets != UNLABELLED]].sum()))


def balanced_weights(counts: Tensor) -> Tensor:
    """Weigh K classes by one over their frequency: N / (K · count), scikit-learn's `balanced`; 0 for absent ones."""
    total = counts.sum() / (counts > 0).sum()
    return torch.where(counts > 0, total / counts.clamp(min=1), torch.zeros_like(total))
