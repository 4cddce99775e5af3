"""Compares tensors: near in a type's own measure, or the same bits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

# Of a tensor's largest value, in float64: values, and gradients, whose sums are longer.
VALUES, GRADIENTS = 1e-11, 1e-9


class ConformanceError(AssertionError):
    """A cell, a backend or a feature breaks a promise; the message names the tensor and the difference."""


def near(got: Mapping[str, Tensor], want: Mapping[str, Tensor], within: float | None = None) -> None:
    """Raise `ConformanceError` unless tensors agree.

    Args:
        got: The tensors by name.
        want: What they should be.
        within: The largest difference, as a part of the tensor's largest value; None takes `VALUES`, and `GRADIENTS`
            for those whose name begins with "gradient".
    """
    for name, wanted in want.items():
        found = got[name]
        if found.shape != wanted.shape or found.dtype != wanted.dtype:
            raise ConformanceError(
                f"{name}: expected {tuple(wanted.shape)} of {wanted.dtype}, got {tuple(found.shape)} of {found.dtype}"
            )
        limit = within if within is not None else GRADIENTS if name.startswith("gradient") else VALUES
        allowed = limit * max(1.0, _largest(wanted))
        off = _largest(found - wanted)
        if not off <= allowed:
            raise ConformanceError(f"{name}: off by {off:.3g}, allowed {allowed:.3g}")


def same(got: Mapping[str, Tensor], want: Mapping[str, Tensor]) -> None:
    """Raise `ConformanceError` unless tensors have the same bits; NaN is the same as NaN."""
    for name, wanted in want.items():
        if not torch.equal(got[name].nan_to_num(nan=0.5), wanted.nan_to_num(nan=0.5)):
            raise ConformanceError(f"{name}: expected the same bits, off by {_largest(got[name] - wanted):.3g}")


def require(condition: bool, message: str) -> None:
    """Raise `ConformanceError` with the message unless the condition holds."""
    if not condition:
        raise ConformanceError(message)


def gradients(results: Iterable[Tensor], leaves: Mapping[str, Tensor], seed: int = 0) -> dict[str, Tensor]:
    """The gradients of the results' sum with random weights, by the leaves' names; zero where nothing arrives."""
    random = torch.Generator().manual_seed(seed)
    reached = [r for r in results if r.requires_grad]
    weights = [torch.rand(r.shape, generator=random, dtype=torch.float64).to(r.dtype) - 0.3 for r in reached]
    found: Iterable[Tensor | None] = [None] * len(leaves)
    if reached:
        found = torch.autograd.grad(reached, list(leaves.values()), weights, allow_unused=True)
    return {
        f"gradient of {n}": torch.zeros_like(leaf) if g is None else g
        for (n, leaf), g in zip(leaves.items(), found, strict=True)
    }


def _largest(tensor: Tensor) -> float:
    return tensor.detach().abs().max().item() if tensor.numel() else 0.0
