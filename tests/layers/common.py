"""What the tests of layers share: random tensors, and comparisons that assert."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]

FLOAT64_TOLERANCE = 1e-12


def random(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normal numbers that are the same in every dtype."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32).to(dtype)


def relative_error(got: Tensor, want: Tensor) -> float:
    """The largest difference, over the largest value wanted."""
    if want.numel() == 0:
        return 0.0
    error, scale = (got.double() - want.double()).abs().max().item(), want.double().abs().max().item()
    return error / scale if scale else error


def assert_all_near(got: Tensors, want: Tensors, tolerance: float = FLOAT64_TOLERANCE) -> None:
    """Same names, shapes and dtypes, finite, and each tensor within the tolerance of its largest value."""
    assert list(got) == list(want)
    for name, wanted in want.items():
        assert got[name].shape == wanted.shape, f"{name}: {tuple(got[name].shape)}, expected {tuple(wanted.shape)}"
        assert got[name].dtype == wanted.dtype, f"{name}: {got[name].dtype}, expected {wanted.dtype}"
        assert torch.isfinite(wanted).all(), f"{name}: what is expected is not finite"
        error = relative_error(got[name], wanted)
        assert error <= tolerance, f"{name}: off by {error:.3g} of the largest value"


def assert_as_exact_as(got: Tensors, theirs: Tensors, exact: Tensors, factor: float) -> None:
    """Our float32 error against float64 is at most `factor` times torch's worst one of these tensors."""
    assert list(got) == list(theirs) == list(exact)
    eps = torch.finfo(torch.float32).eps
    allowed = factor * max(eps, *(relative_error(theirs[n], exact[n]) for n in exact))
    for name, wanted in exact.items():
        assert got[name].shape == wanted.shape, f"{name}: {tuple(got[name].shape)}, expected {tuple(wanted.shape)}"
        assert got[name].dtype == theirs[name].dtype, f"{name}: {got[name].dtype}, expected {theirs[name].dtype}"
        error = relative_error(got[name], wanted)
        assert error <= allowed, f"{name}: off by {error:.3g} of the largest value, allowed {allowed:.3g}"


def root_mean_square(numbers: list[float]) -> float:
    return (sum(n * n for n in numbers) / len(numbers)) ** 0.5
