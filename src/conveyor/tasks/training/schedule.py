"""Learning-rate schedules: functions of the step and of the divisions so far, so that they resume exactly."""

from __future__ import annotations

import math

from conveyor.tasks.config import TrainingConfig


class Schedule:
    """The learning rate at each step.

    Args:
        config: names the schedule and its numbers.
        total_steps: the step at which cosine reaches its end.
    """

    def __init__(self, config: TrainingConfig, total_steps: int) -> None:
        self.config = config
        self.total_steps = total_steps
        self.divisions = 0

    def lr(self, step: int) -> float:
        """Learning rate of the step with this index, from 0."""
        config = self.config
        factor = config.lr_divisor**-self.divisions
        if config.schedule == "cosine":
            descent = 0.5 * (1.0 + math.cos(math.pi * step / self.total_steps))
            factor = config.final_lr + (1.0 - config.final_lr) * descent
        if step < config.warmup:
            factor *= (step + 1) / config.warmup
        return config.lr * factor

    def validated(self, new_best: bool) -> None:
        """Take note of a validation; plateau divides the learning rate when it was no new best."""
        if self.config.schedule == "plateau" and not new_best:
            self.divisions += 1
