"""The speed of a run, its losses, and the time that it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from conveyor.tasks.trainer import StepReport
from conveyor.tasks.units import bits, perplexity

_SMOOTHING = 0.98
_WARM_UP = 5  # steps in which code is compiled and memory is found
_TO_ESTIMATE = 3.0  # seconds that are watched for an estimate


class Meter:
    """The figures of a run as it goes.

    Args:
        unit: what a token is, such as `character`.
        done: steps done before.
        total: steps of the whole run.
        loss: last validation loss known, in nats.
        clock: seconds.
    """

    def __init__(
        self, unit: str, done: int, total: int, loss: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.unit = unit
        self.step = self._first = done
        self.total = total
        self._clock = clock
        self._began = clock()
        self._warm: tuple[int, float] | None = None
        self._tokens = 0
        self._training: float | None = None
        self._validation = loss

    @property
    def elapsed(self) -> float:
        """Seconds since the meter was made."""
        return self._clock() - self._began

    def update(self, report: StepReport) -> None:
        """Take in a step."""
        self.step = report.step
        self._tokens += report.tokens
        if self._warm is None and report.step - self._first >= _WARM_UP:
            self._warm = report.step, self.elapsed
        before = report.loss if self._training is None else self._training
        self._training = _SMOOTHING * before + (1 - _SMOOTHING) * report.loss
        if report.validation is not None:
            self._validation = report.validation.loss

    def rate(self) -> str:
        """Tokens a second."""
        return f"{self._tokens / max(self.elapsed, 1e-9):,.0f} {self.unit}s/s"

    def losses(self) -> str:
        """Training and validation loss, in bits a token."""
        return f"train {_bits(self._training)}, valid {_bits(self._validation)} bits"

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
        return f"{place}  {self.rate()}  {self.losses()} per {self.unit}  {self.left()}"


def duration(seconds: float) -> str:
    """Write a time as 4:05 or 1:04:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def score(nats: float, unit: str) -> str:
    """Write a loss as bits a token; for words as perplexity too."""
    words = f" (perplexity {perplexity(nats):,.1f})" if unit == "word" else ""
    return f"{bits(nats):.3f} bits per {unit}{words}"


def _bits(nats: float | None) -> str:
    return "…" if nats is None else f"{bits(nats):.3f}"
