"""Measures how a state at the end of a sequence depends on the same state at each earlier step: ‖∂s_T/∂s_t‖.

Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", sec. 2.1: the norms of these
products of Jacobians tell whether gradients vanish or explode.
"""

from __future__ import annotations

import torch
from torch import Tensor

from conveyor.backends.interface import Parameters, RecurrenceArgs
from conveyor.inspect.gradient_taps import DirectionRun
from conveyor.ir.transforms.rewrite import probe_key
from conveyor.torch_ops import recurrence

EXACT = 128  # up to this width norms come from singular values, beyond it by power iteration
_ROWS = 128  # rows of the matrices that one pass makes
_ITERATIONS = 100
_ENOUGH = 1e-5  # relative change of a norm at which it is taken


def jacobian_norms(run: DirectionRun, row: int, backend: str, exact: int = EXACT) -> dict[str, Tensor]:
    """Compute the spectral norms ‖∂s_T/∂s_t‖ of one sequence, with T its last step.

    Args:
        run: The inputs of a layer direction.
        row: The batch row.
        backend: The backend that runs it again.
        exact: Width up to which norms come from singular values.

    Returns:
        By state the norm for each step in the order of the pass, (L,).
    """
    alone = _Alone(run, row, backend)
    return {
        s.name: (_exact if run.unit.widths[s.width] <= exact else _by_power)(_matrices(alone, k))
        for k, s in enumerate(run.program.states)
    }


class _Alone:
    """One sequence of a layer direction, which runs many times as a batch with a probe on one state."""

    def __init__(self, run: DirectionRun, row: int, backend: str) -> None:
        self.run, self.backend = run, backend
        self.x, self.states, self.aux = run.alone(row)
        self.steps = len(self.x)
        self.params = Parameters([t.detach() for t in run.params.tensors], run.params.layout)

    def final(self, k: int, count: int) -> tuple[Tensor, Tensor]:
        """Return the probe (L, count, width) on state k, and that state at the end, (count, width)."""
        names = [s.name for s in self.run.program.states]
        widths = self.run.unit.widths
        probes = {
            probe_key(s.name): self.x.new_zeros((self.steps, count, widths[s.width])) for s in self.run.program.states
        }
        probe = probes[probe_key(names[k])].requires_grad_()

        def spread(t: Tensor) -> Tensor:
            return t.expand(*t.shape[:-2], count, t.shape[-1]).contiguous()

        args = RecurrenceArgs.of(
            self.run.program,
            spread(self.x),
            [spread(s) for s in self.states],
            self.params,
            widths,
            {**{n: spread(a) for n, a in self.aux.items()}, **probes},
        )
        return probe, recurrence(self.backend, args).states[k]


@torch.enable_grad()
def _matrices(alone: _Alone, k: int) -> Tensor:
    """Compute ∂s_T/∂s_t for each step, (L, width, width): the sequence runs as a batch, once for each row."""
    width = alone.states[k].shape[-1]
    parts = []
    for start in range(0, width, _ROWS) if alone.steps else ():
        units = torch.eye(width)[start : start + _ROWS]
        probe, final = alone.final(k, len(units))
        (rows,) = torch.autograd.grad(final, probe, units.to(final), allow_unused=True)
        parts.append(torch.zeros_like(probe) if rows is None else rows)
    return torch.cat(parts, 1).detach() if parts else alone.x.new_zeros((0, width, width)).detach()


def _exact(matrices: Tensor) -> Tensor:
    """Compute the spectral norms of (L, n, n); NaN where a matrix is not finite."""
    finite, clean = _clean(matrices)
    return torch.where(finite, torch.linalg.matrix_norm(clean.double(), 2), torch.nan)


def _by_power(matrices: Tensor) -> Tensor:
    """Approximate the spectral norms from below by power iteration on JᵀJ, for all steps at once."""
    finite, clean = _clean(matrices)
    # What is far below one would underflow where it is squared.
    scale = clean.abs().amax((1, 2), keepdim=True)
    clean = torch.where(scale > 0, clean / scale, 0.0)
    v = torch.randn(clean.shape[-1], 1, generator=torch.Generator().manual_seed(0)).to(clean).expand(len(clean), -1, 1)
    found = torch.zeros(len(clean), device=clean.device, dtype=torch.float64)
    for _ in range(_ITERATIONS):
        pushed = clean @ _unit(v)
        before, found = found, pushed.flatten(1).double().norm(dim=1)
        v = clean.transpose(1, 2) @ pushed
        if bool(((found - before).abs() <= _ENOUGH * found).all()):
            break
    return torch.where(finite, found * scale.flatten().double(), torch.nan)


def _clean(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Tell which matrices are finite, and replace the others by zeros."""
    finite = matrices.isfinite().all(-1).all(-1)
    return finite, torch.where(finite[:, None, None], matrices, 0.0)


def _unit(vectors: Tensor) -> Tensor:
    size = vectors.norm(dim=1, keepdim=True)
    return torch.where(size > 0, vectors / size, 0.0)
