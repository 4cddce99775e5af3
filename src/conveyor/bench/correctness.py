"""The check before every measurement: wrong results are not timed.

Two programs that both are right differ by the order of their sums. Most cells forget such differences; some make them
grow from step to step, until two right results have little in common. So a difference above the
tolerance is compared with float64: it may be a few times the other result's error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

# The largest difference of a tensor, relative to its largest value; a gradient adds up T · B terms.
_MOST = {torch.float32: (2e-5, 2e-4), torch.float64: (1e-10, 1e-9)}


_TIMES = 4.0  # how many times the other's error

Tensors = Mapping[str, Tensor]


class WrongNumbers(Exception):
    """Raised when the results to be timed are wrong."""


def compare(got: Tensors, want: Tensors, truth: Callable[[], Tensors] | None = None) -> float:
    """Check that results agree; names that begin with `gradient` have the tolerance of gradients.

    Args:
        got: The results to be timed.
        want: The expected results, computed by a baseline in the same precision.
        truth: Computes them in float64, for tensors that differ by more than the tolerance.

    Returns:
        The largest difference of all, relative to the largest value of its tensor.

    Raises:
        WrongNumbers: A tensor is missing, or of another shape, or wrong.
    """
    if got.keys() != want.keys():
        raise WrongNumbers(f"gives {', '.join(sorted(got))} in place of {', '.join(sorted(want))}")
    exact: Tensors | None = None
    worst = 0.0
    for name, wanted in want.items():
        if got[name].shape != wanted.shape or got[name].dtype != wanted.dtype:
            raise WrongNumbers(f"{name} is {_kind(got[name])}, expected {_kind(wanted)}")
        if wanted.numel() == 0:
            continue
        scale, off = _largest(wanted), _largest(got[name].detach() - wanted.detach())
        # Written so that numbers which are not finite do not pass.
        if not (math.isfinite(scale) and off <= _MOST[wanted.dtype][name.startswith("gradient")] * scale):
            exact = truth() if truth and exact is None else exact
            if exact is None or not _is_as_near(got[name], wanted, exact[name]):
                raise WrongNumbers(f"{name} is off by {off:.2g} where its largest value is {scale:.2g}")
        worst = max(worst, off / scale if scale else 0.0)
    return worst


def _is_as_near(got: Tensor, other: Tensor, exact: Tensor) -> bool:
    """Tell whether a result is about as near to the exact numbers as the other is."""
    if not bool(exact.isfinite().all()):
        return False
    return _largest(got.double() - exact) <= _TIMES * _largest(other.double() - exact)


def _largest(tensor: Tensor) -> float:
    return tensor.detach().abs().max().item()


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
