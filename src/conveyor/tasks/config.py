"""The configuration of every training run, whatever its task."""

from __future__ import annotations

from dataclasses import dataclass

from conveyor.tasks.checks import LARGEST_SEED, above, at_least, between, one_of

OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("constant", "cosine", "plateau")


@dataclass(frozen=True)
class TrainingConfig:
    """The configuration of a model's training.

    Args:
        optimizer: `adamw`, or `sgd` with `momentum`.
        lr: largest learning rate.
        weight_decay: decay of the matrices; biases and other vectors have none.
        momentum: of SGD.
        clip: largest norm of the whole gradient; 0 leaves the gradient as it is.
        schedule: `constant`; `cosine` down to `final_lr` of `lr` at the last step; `plateau`, which divides the
            learning rate by `lr_divisor` at each validation that is no new best.
        warmup: steps in which the learning rate rises from near 0, under any schedule.
        final_lr: fraction of `lr` at which cosine ends.
        lr_divisor: what plateau divides by.
        patience: validations without a new best after which training stops; 0 never stops early.
        epochs: passes over the training data.
        max_steps: optimizer steps after which training stops; 0 for no limit but the epochs.
        evaluate_every: steps between validations; 0 validates at each epoch's end only.
        checkpoint_every: steps between checkpoints; one is also written at each validation.
        seed: of the initial weights and dropout.
        threads: CPU threads, fixed for the run so that it repeats bitwise. One by default: with several, the small
            products of a recurrent step wait for one another, a hundred times longer once another process is busy.

    Raises:
        ArgumentError: a value is out of its range.
    """

    optimizer: str = "adamw"
    lr: float = 2e-3
    weight_decay: float = 0.0
    momentum: float = 0.0
    clip: float = 1.0
    schedule: str = "cosine"
    warmup: int = 100
    final_lr: float = 0.02
    lr_divisor: float = 4.0
    patience: int = 0
    epochs: int = 10
    max_steps: int = 0
    evaluate_every: int = 0
    checkpoint_every: int = 500
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("schedule", self.schedule, SCHEDULES)
        above("lr", self.lr, 0)
        above("lr_divisor", self.lr_divisor, 1)
        for name in ("weight_decay", "momentum", "clip", "final_lr"):
            at_least(name, getattr(self, name), 0)
        for name in ("warmup", "patience", "max_steps", "evaluate_every"):
            at_least(name, getattr(self, name), 0)
        for name in ("epochs", "checkpoint_every"):
            at_least(name, getattr(self, name), 1)
        between("seed", self.seed, 0, LARGEST_SEED)
        between("threads", self.threads, 1, 1024)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Number of optimizer steps of a whole run."""
        steps = self.epochs * steps_per_epoch
        return min(steps, self.max_steps) if self.max_steps else steps
