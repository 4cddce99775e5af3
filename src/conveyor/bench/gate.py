"""The gate before every measurement: what does not give the right numbers is not timed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

# The largest difference of a tensor, relative to its largest value. Two programs that both are right differ by the
# order of their sums; over a gradient, which adds up T · B terms, that comes to more.
_MOST = {torch.float32: (2e-5, 2e-4), torch.float64: (1e-12, 1e-11)}


class RedGate(Exception):
    """What was to be timed gives other numbers than it should."""


def compare(got: Mapping[str, Tensor], want: Mapping[str, Tensor]) -> float:
    """Let numbers pass that agree; names that begin with `gradient` are held to the tolerance of gradients.

    Returns:
        The largest difference of all, relative to the largest value of its tensor.

    Raises:
        RedGate: A tensor is missing, or of another shape, or differs.
    """
    if got.keys() != want.keys():
        raise RedGate(f"gives {', '.join(sorted(got))} in place of {', '.join(sorted(want))}")
    worst = 0.0
    for name, wanted in want.items():
        if got[name].shape != wanted.shape or got[name].dtype != wanted.dtype:
            raise RedGate(f"{name} is {_kind(got[name])}, expected {_kind(wanted)}")
        if wanted.numel() == 0:
            continue
        scale = wanted.detach().abs().max().item()
        off = (got[name].detach() - wanted.detach()).abs().max().item()
        most = _MOST[wanted.dtype][name.startswith("gradient")]
        # Written so that numbers which are not finite do not pass.
        if not (math.isfinite(scale) and off <= most * scale):
            raise RedGate(f"{name} is off by {off:.2g} where its largest value is {scale:.2g}")
        worst = max(worst, off / scale if scale else 0.0)
    return worst


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
