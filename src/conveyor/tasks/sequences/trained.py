"""A trained model with all that it takes to use it: what it reads, its classes or scale, its calibration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from conveyor.errors import DataError
from conveyor.tasks.quiet import undisturbed
from conveyor.tasks.sequences.batching.batches import in_order
from conveyor.tasks.sequences.batching.features import Features, Item, collate
from conveyor.tasks.sequences.data.collection import Sequences, check_channels, check_values
from conveyor.tasks.sequences.data.targets import UNLABELLED, Classes, ValueScale, values_of
from conveyor.tasks.sequences.evaluation.calibration import softmax
from conveyor.tasks.sequences.evaluation.metrics import ClassScores, ValueScores, score_classes, score_values
from conveyor.tasks.sequences.model import SequenceModel

Floats = NDArray[np.float64]
_BATCH = 128
_STEPS = 200_000  # of a batch, padding included


@dataclass(frozen=True)
class Definition:
    """The definition of a model: its task and its data.

    Args:
        task: `classify`, `regress` or `tag`.
        channels: C names.
        features: of what it reads.
        classes: of `classify` and `tag`.
        scale: of `regress`.
    """

    task: str
    channels: tuple[str, ...]
    features: Features
    classes: Classes | None = None
    scale: ValueScale | None = None

    @property
    def tagged(self) -> bool:
        """Tell whether each step is scored."""
        return self.task == "tag"

    @property
    def outputs(self) -> int:
        """Number of classes or values."""
        if self.classes is not None:
            return len(self.classes)
        assert self.scale is not None, "a model has classes or a scale"
        return len(self.scale.mean)

    def encode(self, sequences: Sequences) -> list[NDArray[np.int64]] | list[NDArray[np.float32]]:
        """Code the labels of sequences as the model's targets.

        Raises:
            DataError: a label is no class, or no number.
        """
        if self.classes is not None:
            return self.classes.encode(sequences)
        assert self.scale is not None, "a model has classes or a scale"
        values = values_of(sequences)
        if values and len(values[0]) != self.outputs:
            raise DataError(
                f"{sequences.source}: expected labels of {self.outputs} values, as in training, got {len(values[0])}"
            )
        return self.scale.encode(values)


@dataclass(frozen=True)
class Trained:
    """A model that predicts.

    Args:
        model: the model.
        definition: what it is made for.
        temperature: that its logits are divided by.
    """

    model: SequenceModel
    definition: Definition
    temperature: float = 1.0

    def outputs(self, sequences: Sequences) -> list[Floats]:
        """Run the model: (K,) a sequence, or (T_i, K) when tagging; logits divided by the temperature, or values.

        Raises:
            DataError: the sequences are not such as the model was trained on.
        """
        check_values(sequences)
        check_channels(sequences, self.definition.channels)
        raw = run_items(self.model, self.definition.features.items(sequences), self.definition.tagged)
        if self.definition.scale is not None:
            return [self.definition.scale.decode(r) for r in raw]
        return [r / self.temperature for r in raw]

    def probabilities(self, sequences: Sequences) -> list[Floats]:
        """Predict the probability of each class: (K,) a sequence, or (T_i, K) when tagging."""
        return [softmax(logits) for logits in self.outputs(sequences)]

    def score(self, sequences: Sequences) -> ClassScores | ValueScores:
        """Predict labelled sequences and compare.

        Raises:
            DataError: a sequence or label cannot be used.
        """
        if self.definition.classes is None:
            return score_values(np.stack(values_of(sequences)), np.stack(self.outputs(sequences)))
        truth = np.concatenate(self.definition.classes.encode(sequences))
        found = np.concatenate([np.atleast_2d(p) for p in self.probabilities(sequences)])
        known = truth != UNLABELLED
        if not known.any():
            raise DataError(f"{sequences.source}: expected labels to compare with, got none")
        return score_classes(truth[known], found[known])


def run_items(model: SequenceModel, items: list[Item], tagged: bool) -> list[Floats]:
    """Run a model on N items, in batches of like length; neither it nor the random generators change.

    Returns:
        (K,) each, or (T_i, K) if each step is scored.
    """
    found: list[Floats] = [np.empty(0)] * len(items)
    with undisturbed(model):
        for chosen in _batches(items):
            outputs = model(**collate([items[i] for i in chosen])).double().numpy(force=True)
            for k, i in enumerate(chosen):
                found[i] = outputs[: len(items[i]), k] if tagged else outputs[k]
    return found


def _batches(items: list[Item]) -> Iterator[NDArray[np.int64]]:
    lengths = np.array([len(item) for item in items], np.int64)
    for batch in in_order(lengths, _BATCH):
        size = max(1, _STEPS // int(lengths[batch[-1]]))
        yield from (batch[k : k + size] for k in range(0, len(batch), size))


def count_parameters(model: torch.nn.Module) -> int:
    """Count the trained numbers of a model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
