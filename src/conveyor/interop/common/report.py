"""How far a layer brought over differs from the one it came from, one line a module."""

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
    """What became of one module.

    Attributes:
        name: Where it stands in the model; empty for the model itself.
        before: What it was, such as `torch.nn.LSTM(5, 6)`.
        after: What it is now; equal to `before` where it was left alone.
        difference: Largest absolute difference of outputs and final states on random input and states; None where none
            was measured.
        tolerance: The difference from which on the two do not compute the same: 1e-6, or 8 units in the last place of
            the dtype where that is more, times the largest output where that is above 1.
        note: Why nothing was measured or the module was left alone; else empty.
    """

    name: str
    before: str
    after: str
    difference: float | None
    tolerance: float
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the difference is within the tolerance, or none was to be measured."""
        return self.difference is None or self.difference <= self.tolerance

    def __str__(self) -> str:
        where = f"{self.name}: " if self.name else ""
        if self.before == self.after:
            return f"{where}{self.before} left alone: {self.note}"
        if self.difference is None:
            return f"{where}{self.before} → {self.after}, not compared: {self.note}"
        verdict = "" if self.ok else f", above the {self.tolerance:.1g} allowed: they do not compute the same"
        return f"{where}{self.before} → {self.after}, largest difference {self.difference:.1e}{verdict}"


Receiver = Callable[[Report], Any]


def tell(report: Report, receiver: Receiver | None) -> None:
    """Hand a report to who asked for it, else to the log; warn of a difference above the tolerance."""
    if not report.ok:
        warnings.warn(str(report), stacklevel=3)
    if receiver is None:
        _LOG.info("%s", report)
    else:
        receiver(report)


def outputs(module: nn.Module, inputs: tuple[Any, ...]) -> list[Tensor]:
    """The tensors that a module returns: dropout off, no gradient, its hooks not called."""
    training = module.training
    module.training = False  # not eval(), which may have been overridden
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # torch's about its own module, which the user did not run.
            warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
            return list(_flat(module.forward(*inputs)))
    finally:
        module.training = training


def compare(want: list[Tensor], got: list[Tensor], allowed: float = 1e-6) -> tuple[float, float]:
    """(largest difference, tolerance); NaN where both have it is no difference.

    `allowed` is the tolerance for outputs up to 1, where 8 units in the last place are less.
    """
    worst, largest, eps = 0.0, 1.0, 0.0
    for a, b in zip(want, got, strict=True):
        eps = max(eps, torch.finfo(a.dtype).eps)
        a, b = a.detach().double().cpu(), b.detach().double().cpu()
        # Infinities of one sign are equal, though their difference is NaN; a NaN on one side only is as far as can be.
        gap = torch.where((a == b) | (a.isnan() & b.isnan()), 0.0, (a - b).abs())
        worst = max(worst, _largest(gap.nan_to_num(nan=torch.inf)))
        largest = max(largest, _largest(a[a.isfinite()].abs()))
    return worst, max(allowed, 8 * eps) * largest


def _largest(tensor: Tensor) -> float:
    return tensor.max().item() if tensor.numel() else 0.0


def random_like(like: Tensor, *shape: int, seed: int) -> Tensor:
    """Normal numbers of the dtype and device of `like`, which leave torch's own generator as it was."""
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32, device="cpu")
    return made.to(like)


def _flat(values: Any) -> Iterable[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif values is not None:  # a state that one layer of several does not have
        for value in values:
            yield from _flat(value)
