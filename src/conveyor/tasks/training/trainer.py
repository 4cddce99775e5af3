"""The training loop of every task, one optimizer step at a time, resumable at any step.

A task brings its batches (`Windows`), what a model makes of one (`Objective`) and its validation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from conveyor.errors import NonFiniteError
from conveyor.tasks.config import TrainingConfig
from conveyor.tasks.training.batch import Batch, Objective, Outcome, Windows
from conveyor.tasks.training.distributed import Distributed
from conveyor.tasks.training.nonfinite import (
    explain_gradient,
    explain_loss,
    explain_update,
    explain_validation,
    first_bad_gradient,
)
from conveyor.tasks.training.optimizer import build_optimizer, optimizer_tensors, restore_optimizer
from conveyor.tasks.training.schedule import Schedule
from conveyor.tasks.training.state import State, detach, state_from_tensors, state_tensors


@dataclass(frozen=True)
class Scores:
    """The scores of a validation.

    Args:
        loss: decides which weights are best.
        metrics: further measures by name, told beside it; those that are not finite are left out.
        tolerance: by how much the loss may lie above the lowest so far and still count as no worse, so that of weights
            that validation can't tell apart the later are kept.
    """

    loss: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    tolerance: float = 0.0


Validate = Callable[[], float | Scores]
"""Scores the model on the validation data; leaves it and the random generators as they were."""


@dataclass(frozen=True)
class Validation:
    """One validation.

    Args:
        step: optimizer steps done before it.
        epoch: passes begun before it.
        training_loss: mean loss of the steps since the validation before.
        loss: on the validation data.
        lr: of the step before it.
        best: whether its weights are kept as the best so far.
        metrics: further measures on the validation data, by name.
    """

    step: int
    epoch: int
    training_loss: float
    loss: float
    lr: float
    best: bool
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StepReport:
    """One optimizer step.

    Args:
        step: optimizer steps done, this one included.
        scored: targets that its loss is a mean over, of all processes.
        loss: mean over them, before the update.
        lr: learning rate of the update.
        gradient_norm: before clipping.
        validation: made after it, if one was due.
    """

    step: int
    scored: int
    loss: float
    lr: float
    gradient_norm: float
    validation: Validation | None


@dataclass
class Progress:
    """The progress of a run; JSON values throughout.

    Args:
        step: optimizer steps done.
        window: windows of this pass done.
        epoch: the pass, from 0.
        loss_sum: of the steps since the last validation, each times its weight.
        loss_count: sum of those weights.
        best_loss: lowest validation loss; None before the first.
        best_step: where it was.
        since_best: validations since it.
        finished: why the run ended; None while it has not.
    """

    step: int = 0
    window: int = 0
    epoch: int = 0
    loss_sum: float = 0.0
    loss_count: float = 0
    best_loss: float | None = None
    best_step: int = 0
    since_best: int = 0
    finished: str | None = None


class Trainer:
    """Trains a model; iterate over it for one report a step, and stop iterating whenever you like.

    Between two reports the trainer is at a whole step: `snapshot` then holds everything that the rest of the run
    depends on, and a trainer that took it with `restore` ends with bitwise the same weights.

    Args:
        model: any.
        windows: the training data.
        objective: runs the model on a batch.
        validate: loss on the validation data, or `Scores`; leaves model and random generators as they were.
        config: how to train.
        share: this process's part, if several train.
    """

    def __init__(
        self,
        model: nn.Module,
        windows: Windows,
        objective: Objective,
        validate: Validate,
        config: TrainingConfig,
        share: Distributed | None = None,
    ) -> None:
        self.model = model
        self.windows = windows
        self.objective = objective
        self.validate = validate
        self.config = config
        self.total_steps = config.total_steps(len(windows))
        self.optimizer = build_optimizer(model, config)
        self.schedule = Schedule(config, self.total_steps)
        self.progress = Progress()
        self.history: list[Validation] = []
        self._best: dict[str, Tensor] | None = None
        self.state: State = None
        self.share = Distributed() if share is None else share

    def __iter__(self) -> Iterator[StepReport]:
        while self.progress.finished is None:
            yield self.step()

    def step(self) -> StepReport:
        """Do one optimizer step, and the validation if one is due.

        Raises:
            NonFiniteError: the loss or a gradient is not finite, and the weights are those before the step; or the
                validation's loss is not.
        """
        progress = self.progress
        batch = self.share.part_of_batch(self.windows.batch(progress.epoch, progress.window))
        lr = self.schedule.lr(progress.step)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.model.train()
        random_state = torch.get_rng_state()
        outcome = self.objective(self.model, batch, self.state)
        total = self.share.sum(outcome.loss_weight)
        value = self._mean_loss(outcome, total)
        if not math.isfinite(value):
            torch.set_rng_state(random_state)
            raise self._explain_loss(batch, value)
        self.optimizer.zero_grad()
        torch.autograd.backward(self._share_of_loss(outcome, total))
        self.share.average_gradients(self.model.parameters())
        norm = self._clip(progress.step + 1)
        self._update(progress.step + 1, lr)
        self._advance(detach(outcome.state) if self.windows.stateful else None, value, total)
        scored = round(self.share.sum(outcome.scored))
        return StepReport(progress.step, scored, value, lr, norm, self._validate_if_due(lr))

    def _mean_loss(self, outcome: Outcome, total: float) -> float:
        """Mean of all processes' losses, each by its weight."""
        if not total:
            return 0.0
        return self.share.mean(outcome.loss.item() * self._relative_weight(outcome, total))

    def _share_of_loss(self, outcome: Outcome, total: float) -> Tensor:
        """The loss, scaled so that the mean of all processes' gradients is that of the weighted mean loss."""
        weight = self._relative_weight(outcome, total)
        return outcome.loss if weight == 1.0 else outcome.loss * weight

    def _relative_weight(self, outcome: Outcome, total: float) -> float:
        return outcome.loss_weight * self.share.size / total if total else 0.0

    def _explain_loss(self, batch: Batch, value: float) -> NonFiniteError:
        def again() -> None:
            self.objective(self.model, batch, self.state)

        return explain_loss(self.model, again, self.state, self.progress.step + 1, value)

    def _update(self, step: int, lr: float) -> None:
        try:
            self.optimizer.step()
        except RuntimeError as error:
            # torch refuses a step size that its numbers can't hold before it computes anything.
            if "overflow" not in str(error):
                raise
            raise explain_update(step, lr) from error

    def _clip(self, step: int) -> float:
        parameters = [parameter for parameter in self.model.parameters() if parameter.grad is not None]
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        # The norm alone may overflow; clipping by an infinite norm leaves zeros, which do no harm.
        if not math.isfinite(norm) and (what := first_bad_gradient(self.model)) is not None:
            raise explain_gradient(what, step)
        if self.config.clip:
            nn.utils.clip_grads_with_norm_(parameters, self.config.clip, norm)
        return float(norm)

    def _advance(self, state: State, loss: float, weight: float) -> None:
        progress = self.progress
        progress.step += 1
        progress.window += 1
        progress.loss_sum += loss * weight
        progress.loss_count += weight
        self.state = state
        if progress.window == len(self.windows):
            progress.window = 0
            progress.epoch += 1
            self.state = None
        if progress.step >= self.total_steps:
            progress.finished = f"all {self.total_steps:,} steps are done"

    def _validate_if_due(self, lr: float) -> Validation | None:
        progress, every = self.progress, self.config.evaluate_every
        due = progress.step % every == 0 if every else progress.window == 0
        if not due and progress.finished is None:
            return None
        scores = self._validate()
        loss = scores.loss
        if not math.isfinite(loss):
            raise explain_validation(progress.step, loss)
        lowest = progress.best_loss is None or loss < progress.best_loss
        best = lowest or (progress.best_loss is not None and loss < progress.best_loss + scores.tolerance)
        # A pass that has just ended counts; one in its midst counts as begun.
        epoch = progress.epoch + (progress.window > 0)
        training_loss = progress.loss_sum / progress.loss_count if progress.loss_count else 0.0
        validation = Validation(progress.step, epoch, training_loss, loss, lr, best, dict(scores.metrics))
        progress.loss_sum, progress.loss_count = 0.0, 0
        if best:
            progress.best_step = progress.step
            self._best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        if lowest:
            progress.best_loss, progress.since_best = loss, 0
        else:
            progress.since_best += 1
            if self.config.patience and progress.since_best >= self.config.patience:
                progress.finished = f"no new best in {progress.since_best} validations"
        self.schedule.validated(lowest)
        self.history.append(validation)
        return validation

    def _validate(self) -> Scores:
        scores = self.validate()
        if not isinstance(scores, Scores):
            scores = Scores(scores)
        metrics = {name: self.share.mean(value) for name, value in scores.metrics.items()}
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        return Scores(self.share.mean(scores.loss), finite, scores.tolerance)

    @property
    def best_weights(self) -> dict[str, Tensor]:
        """Weights of the best validation; before the first validation, those of now."""
        return self.model.state_dict() if self._best is None else self._best

    def snapshot(self) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
        """Return all that the rest of the run depends on: JSON values, and tensors by role."""
        document = {
            "progress": asdict(self.progress),
            "divisions": self.schedule.divisions,
            "history": [asdict(validation) for validation in self.history],
        }
        running = {f"optimizer.{name}": t for name, t in optimizer_tensors(self.optimizer).items()}
        running |= state_tensors(self.share.whole_of(self.state))
        running["random"] = torch.get_rng_state()
        return document, {"weights": self.model.state_dict(), "best": self.best_weights, "training": running}

    def restore(self, document: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> None:
        """Take what `snapshot` returned; this sets torch's random generator too."""
        self.progress = Progress(**document["progress"])
        self.schedule.divisions = document["divisions"]
        self.history = [Validation(**values) for values in document["history"]]
        self.model.load_state_dict(tensors["weights"])
        self._best = tensors["best"] if self.progress.best_step else None
        running = tensors["training"]
        prefix = "optimizer."
        restore_optimizer(
            self.optimizer, {k.removeprefix(prefix): v for k, v in running.items() if k.startswith(prefix)}
        )
        self.state = self.share.part_of(state_from_tensors(running))
        torch.set_rng_state(running["random"])
        self.share.vary_random_numbers()
