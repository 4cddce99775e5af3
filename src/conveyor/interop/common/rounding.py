"""The tolerance for results that are equal up to rounding, used by all of interop.

Two right programs differ by what their precision costs, and that grows with the weights and with the number of steps:
what is allowed is therefore measured, not fixed. It is the larger of a floor (units in the last place of the largest
output) and four times what the same computation loses between its own precision and float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterator

SAME_LIBRARY = 1e-6  # of outputs up to 1: the floor between modules that torch runs
TWO_LIBRARIES = 1e-5  # likewise between float32 programs that sum in other orders and have other exponentials
_TIMES = 4.0  # what the other side may lose, over what this one loses
_DRAWS = 2  # of parameters that are off by a unit in the last place
_MOST = 1e-2  # of the largest output: where rounding costs more, it can't tell a right program from a wrong one


def compare(want: Sequence[Tensor], got: Sequence[Tensor], floor: float = SAME_LIBRARY) -> tuple[float, float]:
    """Return (largest difference, tolerance before rounding is measured); NaN in both is no difference.

    Args:
        want: The outputs of one side.
        got: The outputs of the other side.
        floor: The tolerance for outputs up to 1, where 8 units in the last place are less.
    """
    worst, largest, eps = 0.0, 1.0, 0.0
    for a, b in zip(want, got, strict=True):
        eps = max(eps, torch.finfo(a.dtype).eps)
        a, b = a.detach().double().cpu(), b.detach().double().cpu()
        # Infinities of one sign are equal, though their difference is NaN; a NaN on one side only is as far as can be.
        gap = torch.where((a == b) | (a.isnan() & b.isnan()), 0.0, (a - b).abs())
        worst = max(worst, _largest(gap.nan_to_num(nan=torch.inf)))
        largest = max(largest, _largest(a[a.isfinite()].abs()))
    return worst, max(floor, 8 * eps) * largest


def measured(
    want: Sequence[Tensor], got: Sequence[Tensor], lost: Callable[[], float], floor: float, *, bounded: bool
) -> tuple[float, float]:
    """Return (largest difference, tolerance), with the measured rounding error in the tolerance.

    Args:
        want: The outputs of one side.
        got: The outputs of the other side.
        lost: Measures the rounding error of one side; called only if the difference is above the floor.
        floor: See `compare`.
        bounded: Whether the allowance ends at a hundredth of the largest output, as it must where nothing but these
            outputs tells right from wrong.
    """
    difference, tolerance = compare(want, got, floor)
    most = _MOST * tolerance / _floor(want, floor) if bounded else float("inf")
    if difference <= tolerance or difference > most:
        return difference, tolerance
    return difference, max(tolerance, min(most, _TIMES * lost()))


def is_telling(want: Sequence[Tensor], lost: float) -> bool:
    """Tell whether outputs with this rounding error can still show that a program is wrong."""
    return _TIMES * lost <= _MOST * max(1.0, *(_largest(a.abs()) for a in want))


def lost_by(module: nn.Module, run: Callable[[nn.Module, torch.dtype | None], Sequence[Tensor]]) -> float:
    """Measure a module's rounding error: the difference of its outputs to those in float64.

    It is the larger of the module's own error and the effect of an error of one unit in the last place in its
    parameters, since one run may be exact by chance, and another library rounds elsewhere.

    Args:
        module: The module.
        run: Computes its outputs, with floating inputs of a dtype; None is that of the module.
    """
    double = deepcopy(module).cpu().double()
    eps = max((torch.finfo(p.dtype).eps for p in module.parameters()), default=0.0)
    with evaluating(double), evaluating(module), torch.no_grad():
        exact = run(double, torch.float64)
        lost = compare(exact, [y.double().cpu() for y in run(module, None)])[0]
        parameters = [p.clone() for p in double.parameters()]
        for seed in range(_DRAWS):
            generator = torch.Generator().manual_seed(seed)
            for p, value in zip(double.parameters(), parameters, strict=True):
                signs = torch.randint(0, 2, p.shape, generator=generator, dtype=p.dtype) * 2 - 1
                p.copy_(value * (1 + eps * signs))
            lost = max(lost, compare(exact, run(double, torch.float64))[0])
    return lost


def widened(value: Any, dtype: torch.dtype | None) -> Any:
    """Cast floating tensors, also in tuples and dicts, to a dtype on the CPU; unchanged for None."""
    if dtype is None:
        return value
    if isinstance(value, Tensor):
        return value.cpu().to(dtype) if value.is_floating_point() else value.cpu()
    if isinstance(value, dict):
        return {k: widened(v, dtype) for k, v in value.items()}
    return type(value)(widened(v, dtype) for v in value) if isinstance(value, tuple | list) else value


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Set a module and its submodules to eval mode; their modes are restored after."""
    modes = {m: m.training for m in module.modules()}
    for m in modes:
        m.training = False  # not eval(), which may have been overridden
    try:
        yield
    finally:
        for m, mode in modes.items():
            m.training = mode


def _floor(want: Sequence[Tensor], floor: float) -> float:
    return max(floor, *(8 * torch.finfo(a.dtype).eps for a in want))


def _largest(tensor: Tensor) -> float:
    return tensor.max().item() if tensor.numel() else 0.0
