"""The numeric difference between a converted layer and its source, one line per module."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

BATCH, TIME = 3, 7
_LOG = logging.getLogger("conveyor.interop")


@dataclass(frozen=True)
class Report:
    """The result of one module's conversion.

    Attributes:
        name: Its name in the model; empty for the model itself.
        before: The source, such as `torch.nn.LSTM(5, 6)`.
        after: The result; equal to `before` where it was not converted.
        difference: Largest absolute difference of outputs and final states on random input and states; None where none
            was measured.
        tolerance: The difference from which on the two do not compute the same; `rounding` has the
            measure.
        note: Why nothing was measured, why the module was left alone, or what does not come along; else empty.
    """

    name: str
    before: str
    after: str
    difference: float | None
    tolerance: float
    note: str = ""

    @property
    def ok(self) -> bool:
        """True if the difference is within the tolerance, or none was measured."""
        return self.difference is None or self.difference <= self.tolerance

    def __str__(self) -> str:
        where = f"{self.name}: " if self.name else ""
        if self.before == self.after:
            return f"{where}{self.before} left alone: {self.note}"
        if self.difference is None:
            return f"{where}{self.before} → {self.after}, not compared: {self.note}"
        verdict = "" if self.ok else f", above the {self.tolerance:.1g} allowed: they do not compute the same"
        note = f"; {self.note}" if self.note else ""
        return f"{where}{self.before} → {self.after}, largest difference {self.difference:.1e}{verdict}{note}"


Receiver = Callable[[Report], Any]


def tell(report: Report, receiver: Receiver | None) -> None:
    """Pass a report to its receiver, or to the log; warn of a difference above the tolerance."""
    if not report.ok:
        warnings.warn(str(report), stacklevel=3)
    if receiver is None:
        _LOG.info("%s", report)
    else:
        receiver(report)


def outputs(module: nn.Module, inputs: tuple[Any, ...]) -> list[Tensor]:
    """Return the tensors of a module's forward, with dropout off, without gradients and without its hooks."""
    training = module.training
    module.training = False  # not eval(), which may have been overridden
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # torch's about its own module, which the user did not run.
            warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
            return list(_flat(module.forward(*inputs)))
    finally:
        module.training = training


def random_like(like: Tensor, *shape: int, seed: int) -> Tensor:
    """Draw normal numbers with the dtype and device of `like`, without changing torch's own generator."""
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32, device="cpu")
    return made.to(like)


def _flat(values: Any) -> Iterable[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif values is not None:  # a state that one layer of several does not have
        for value in values:
            yield from _flat(value)
