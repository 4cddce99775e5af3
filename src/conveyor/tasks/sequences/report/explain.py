"""Attribution to steps and channels: integrated gradients (Sundararajan, Taly & Yan 2017).

What is explained is the log-odds of a class, or a value. Attributions add up to its difference from a baseline, in
which every observed value is its channel's mean and what is missing, and when, stays as it is. That is why they are
chosen over occlusion, whose effects neither add up nor tell two values that do the same work, and which costs a pass a
step and channel; the page shows the effect of occluding whole channels beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.tasks.quiet import undisturbed
from conveyor.tasks.sequences.batching.features import collate
from conveyor.tasks.sequences.data.collection import Sequences, Times, check_channels, listed
from conveyor.tasks.sequences.data.targets import class_key
from conveyor.tasks.sequences.evaluation.metrics import ClassScores, ValueScores
from conveyor.tasks.sequences.trained import Trained

Floats = NDArray[np.float64]
POINTS = 128
_ROWS = 64  # of the path that are run at once


@dataclass(frozen=True)
class Attribution:
    """The attributions of an output to each value of a sequence.

    Args:
        id: of the sequence.
        channels: C names.
        times: (T,) stamps; None where steps are equally far apart.
        values: (T, C) as they were read, NaN where one is missing.
        effects: (T, C), in nats of log-odds, or in the unit of the value; 0 where a value is missing.
        target: the class, or the place of the value, that is explained.
        output: log-odds or value that the model gives.
        baseline: the same with every observed value at its channel's mean.
    """

    id: str
    channels: tuple[str, ...]
    times: Times | None
    values: NDArray[np.float32]
    effects: Floats
    target: Any
    output: float
    baseline: float

    @property
    def residual(self) -> float:
        """The difference between output and baseline minus the sum of effects: the integration error."""
        return self.output - self.baseline - float(self.effects.sum())

    @property
    def by_step(self) -> Floats:
        """Effect of each step, (T,)."""
        return self.effects.sum(1)  # type: ignore[no-any-return]

    @property
    def by_channel(self) -> Floats:
        """Effect of each channel, (C,)."""
        return self.effects.sum(0)  # type: ignore[no-any-return]

    def strongest(self, count: int = 10) -> list[tuple[int, str, float]]:
        """List the values with the largest effects: step, channel, effect."""
        order = np.argsort(-np.abs(self.effects), axis=None, kind="stable")[:count]
        steps, channels = np.unravel_index(order, self.effects.shape)
        return [(int(t), self.channels[c], float(self.effects[t, c])) for t, c in zip(steps, channels, strict=True)]


def explain(
    trained: Trained, sequences: Sequences, index: int, target: Any = None, *, step: int | None = None
) -> Attribution:
    """Attribute the output for one sequence to its values.

    Args:
        trained: the model.
        sequences: among which it is.
        index: its place.
        target: the class, or the place of the value, that is explained; None takes what is predicted.
        step: whose class is explained when tagging; None takes the mean of the log-odds over all steps.

    Raises:
        DataError: the sequence has other channels than the model.
        ArgumentError: there is no such target or step.
    """
    check_channels(sequences, trained.definition.channels)
    definition = trained.definition
    times = None if sequences.times is None else sequences.times[index]
    values = sequences.values[index]
    item = definition.features.item(values, times)
    if step is not None and not (definition.tagged and 0 <= step < len(values)):
        raise ArgumentError(f"step: expected 0 to {len(values) - 1} of a sequence whose steps are tagged, got {step}")
    batch = collate([item])
    place = _place(trained, batch, target, step)
    path = _Path(trained, batch, place, step)
    effects = path.effects()[:, : definition.features.channels]
    if definition.features.kind == "mask":
        effects = _to_observed(effects, ~np.isnan(values))
    names = None if definition.classes is None else definition.classes.names
    return Attribution(
        sequences.ids[index],
        sequences.channels,
        times,
        values,
        effects,
        place if names is None else names[place],
        path.output(1.0),
        path.output(0.0),
    )


class _Path:
    """The straight line from the baseline to a sequence, and the output along it."""

    def __init__(self, trained: Trained, batch: dict[str, Tensor], place: int, step: int | None) -> None:
        self.trained = trained
        self.batch = batch
        self.place = place
        self.step = step
        self.moving = batch["x"].clone()
        # Masks and time gaps among the channels stay as they are.
        self.moving[..., trained.definition.features.channels :] = 0.0
        self.still = batch["x"] - self.moving

    def _run(self, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Run the model at points of the path, (P,): their inputs (T, P, F) and outputs (P,)."""
        count = len(shares)
        inputs = {n: t.repeat(1, count, 1) if t.dim() == 3 else t.repeat(count) for n, t in self.batch.items()}
        x = (self.still + shares.view(1, -1, 1) * self.moving).requires_grad_()
        outputs = self.trained.model(**(inputs | {"x": x}))
        return x, self._explained(outputs)

    def _explained(self, outputs: Tensor) -> Tensor:
        if self.trained.definition.scale is not None:
            scale = self.trained.definition.scale
            return outputs[:, self.place] * scale.deviation[self.place] + scale.mean[self.place]
        odds = log_odds(outputs / self.trained.temperature, self.place)
        if not self.trained.definition.tagged:
            return odds
        return odds.mean(0) if self.step is None else odds[self.step]

    def output(self, share: float) -> float:
        """Compute the output at one point."""
        with undisturbed(self.trained.model):
            return float(self._run(torch.tensor([share]))[1])

    def effects(self) -> Floats:
        """Integrate the gradient along the path by midpoints, (T, F)."""
        shares = (torch.arange(POINTS) + 0.5) / POINTS
        total = torch.zeros_like(self.moving[:, 0], dtype=torch.float64)
        with undisturbed(self.trained.model), torch.enable_grad():
            for some in shares.split(_ROWS):
                x, outputs = self._run(some)
                (gradient,) = torch.autograd.grad(outputs.sum(), x)
                total += gradient.double().sum(1)
        found: Floats = (total / POINTS * self.moving[:, 0].double()).numpy(force=True)
        return found


def log_odds(logits: Tensor, place: int) -> Tensor:
    """Compute the log-odds of one of K classes from logits (…, K)."""
    rest = torch.cat([logits[..., :place], logits[..., place + 1 :]], -1)
    return logits[..., place] - torch.logsumexp(rest, -1)


def _place(trained: Trained, batch: dict[str, Tensor], target: Any, step: int | None) -> int:
    definition = trained.definition
    if definition.classes is None:
        place = 0 if target is None else target
        if not isinstance(place, int) or not 0 <= place < definition.outputs:
            raise ArgumentError(f"target: expected the place of a value, 0 to {definition.outputs - 1}, got {target!r}")
        return place
    if target is not None:
        keys = [class_key(name) for name in definition.classes.names]
        if class_key(target) not in keys:
            raise ArgumentError(f"target: expected one of {listed(definition.classes.names, 12)}, got {target!r}")
        return keys.index(class_key(target))
    with undisturbed(trained.model):
        outputs = trained.model(**batch)
    scores = outputs[0] if not definition.tagged else outputs[:, 0].mean(0) if step is None else outputs[step, 0]
    return int(scores.argmax())


def _to_observed(effects: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Bring the effect of a value that was carried forward back to the step at which it was observed."""
    steps = np.maximum.accumulate(np.where(mask, np.arange(len(mask))[:, None], -1), axis=0)
    found = np.zeros_like(effects)
    for channel in range(effects.shape[1]):
        known = steps[:, channel] >= 0
        np.add.at(found[:, channel], steps[known, channel], effects[known, channel])
    return found


def occluded_channels(trained: Trained, sequences: Sequences) -> list[ClassScores | ValueScores]:
    """Score labelled sequences with one channel after the other at its mean; C scores."""
    means = trained.definition.features.scaling.mean
    found = []
    for channel, mean in enumerate(means):
        values = [v.copy() for v in sequences.values]
        for v in values:
            v[~np.isnan(v[:, channel]), channel] = mean
        found.append(trained.score(replace(sequences, values=values)))
    return found
