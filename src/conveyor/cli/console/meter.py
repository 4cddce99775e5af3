"""The speed of a run, its loss and its remaining time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from conveyor.tasks.training.trainer import StepReport
from conveyor.tasks.units import bits, perplexity

_SMOOTHING = 0.98
_WARM_UP = 5  # steps in which code is compiled and memory is found
_TO_ESTIMATE = 3.0  # seconds that are watched for an estimate


@dataclass(frozen=True)
class LossUnit:
    """The unit in which a loss is printed.

    Args:
        name: after the number, such as `bits`.
        convert: from the trainer's loss.
        per_target: whether it is one of each target, so that lines say `bits per character`.
    """

    name: str
    convert: Callable[[float], float]
    per_target: bool = False


BITS = LossUnit("bits", bits, per_target=True)


class Meter:
    """The figures of a run as it goes.

    Args:
        unit: what a target is, such as `character`.
        done: steps done before.
        total: steps of the whole run.
        loss: last validation loss known.
        clock: seconds.
        loss_unit: of the losses.
    """

    def __init__(
        self,
        unit: str,
        done: int,
        total: int,
        loss: float | None,
        clock: Callable[[], float] = time.monotonic,
        loss_unit: LossUnit = BITS,
    ) -> None:
        self.unit = unit
        self.loss_unit = loss_unit
        self.step = self._first = done
        self.total = total
        self._clock = clock
        self._began = clock()
        self._warm: tuple[int, float] | None = None
        self._scored = 0
        self._training: float | None = None
        self._validation = loss

    @property
    def elapsed(self) -> float:
        """Seconds since the meter was made."""
        return self._clock() - self._began

    def update(self, report: StepReport) -> None:
        """Take in a step."""
        self.step = report.step
        self._scored += report.scored
        if self._warm is None and report.step - self._first >= _WARM_UP:
            self._warm = report.step, self.elapsed
        before = report.loss if self._training is None else self._training
        self._training = _SMOOTHING * before + (1 - _SMOOTHING) * report.loss
        if report.validation is not None:
            self._validation = report.validation.loss

    def rate(self) -> str:
        """Targets a second."""
        return f"{self._scored / max(self.elapsed, 1e-9):,.0f} {self.unit}s/s"

    def losses(self) -> str:
        """Training and validation loss."""
        return f"train {self._told(self._training)}, valid {self._told(self._validation)} {self.loss_unit.name}"

    def _told(self, loss: float | None) -> str:
        return "…" if loss is None else f"{self.loss_unit.convert(loss):.3f}"

    def left(self) -> str:
        """Time left."""
        done = self.step - self._first
        return f"{duration(self.elapsed / done * (self.total - self.step))} left" if done else "… left"

    def estimate(self) -> float | None:
        """Seconds that the rest takes at the pace of the steps after the first few; None before that can be told."""
        if self._warm is None:
            return None
        step, seconds = self._warm
        if self.step == step or self.elapsed - seconds < _TO_ESTIMATE:
            return None
        return (self.elapsed - seconds) / (self.step - step) * (self.total - self.step)

    def line(self) -> str:
        """All figures in one line."""
        share = 100 * self.step / self.total
        place = f"step {self.step:,}/{self.total:,} ({share:.0f}%)"
        per = f" per {self.unit}" if self.loss_unit.per_target else ""
        return f"{place}  {self.rate()}  {self.losses()}{per}  {self.left()}"


def duration(seconds: float) -> str:
    """Write a time as 4:05 or 1:04:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def score(nats: float, unit: str) -> str:
    """Write a loss as bits a token; for words as perplexity too."""
    words = f" (perplexity {perplexity(nats):,.1f})" if unit == "word" else ""
    return f"{bits(nats):.3f} bits per {unit}{words}"
