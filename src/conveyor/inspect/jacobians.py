"""How far a state at the end of a sequence depends on the same state at each step before: ‖∂s_T/∂s_t‖.

Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", sec. 2.1: the norms of these
products of Jacobians tell whether gradients vanish or explode.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from conveyor.backends.parameters import Parameters
from conveyor.inspect.probes import UnitRun
from conveyor.rewrite import probe_key
from conveyor.torch_ops import recurrence

EXACT = 128  # up to this width the whole matrix is made, beyond it the norm is found by power iteration
_NUMBERS = 1 << 20  # of probes that a piece of the power iteration holds at most
_ITERATIONS = 60
_ENOUGH = 1e-4  # relative change of a norm at which it is taken


def jacobian_norms(run: UnitRun, row: int, backend: str, exact: int = EXACT) -> dict[str, Tensor]:
    """Spectral norms ‖∂s_T/∂s_t‖ of one sequence, with T its own last step.

    Args:
        run: What a unit ran on.
        row: Of the batch.
        backend: What runs it again.
        exact: Width up to which all of the matrix is made.

    Returns:
        By state the norm for each step in the order of the pass, (L,).
    """
    alone = _Alone(run, row, backend)
    return {
        s.name: _exact(alone, k) if run.unit.widths[s.width] <= exact else _by_power(alone, k)
        for k, s in enumerate(run.program.states)
    }


class _Alone:
    """One sequence of a unit, which can be run many times side by side with a probe on one state."""

    def __init__(self, run: UnitRun, row: int, backend: str) -> None:
        self.run, self.backend = run, backend
        self.x, self.states, self.aux = run.alone(row)
        self.steps = len(self.x)
        self.params = Parameters([t.detach() for t in run.params.tensors], run.params.places)

    def final(self, k: int, count: int, backend: str | None = None) -> tuple[Tensor, Tensor]:
        """The probe (L, count, width) on state k, and that state at the end, (count, width)."""
        names = [s.name for s in self.run.program.states]
        widths = self.run.unit.widths
        probes = {
            probe_key(s.name): self.x.new_zeros((self.steps, count, widths[s.width])) for s in self.run.program.states
        }
        probe = probes[probe_key(names[k])].requires_grad_()
        spread: Callable[[Tensor], Tensor] = lambda t: t.expand(*t.shape[:-2], count, t.shape[-1]).contiguous()  # noqa: E731
        result = recurrence(
            backend or self.backend,
            self.run.program,
            spread(self.x),
            [spread(s) for s in self.states],
            self.params,
            widths,
            {**{n: spread(a) for n, a in self.aux.items()}, **probes},
        )
        return probe, result.states[k]


@torch.enable_grad()
def _exact(alone: _Alone, k: int) -> Tensor:
    width = alone.states[k].shape[-1]
    if not alone.steps:
        return alone.x.new_zeros(0)
    probe, final = alone.final(k, width)
    (rows,) = torch.autograd.grad(final, probe, torch.eye(width).to(final), allow_unused=True)
    jacobians = torch.zeros_like(probe) if rows is None else rows
    return _norms(jacobians.detach())


def _norms(matrices: Tensor) -> Tensor:
    """Spectral norms of (T, n, n); not a number where a matrix is not finite."""
    finite = matrices.isfinite().all(-1).all(-1)
    found = torch.linalg.matrix_norm(torch.where(finite[:, None, None], matrices, 0.0).double(), 2)
    return torch.where(finite, found, torch.nan)


@torch.enable_grad()
def _by_power(alone: _Alone, k: int) -> Tensor:
    """By power iteration on JᵀJ, for a number of steps side by side: each row has a step of its own."""
    width = alone.states[k].shape[-1]
    count = max(1, min(alone.steps, _NUMBERS // max(1, alone.steps * width)))
    parts = [
        _power(alone, k, torch.arange(start, min(start + count, alone.steps))) for start in range(0, alone.steps, count)
    ]
    return torch.cat(parts) if parts else alone.x.new_zeros(0).double()


def _power(alone: _Alone, k: int, steps: Tensor) -> Tensor:
    each = torch.arange(len(steps))
    # A product with J is the derivative of a product with its transpose, which is linear: the reference has both.
    probe, final = alone.final(k, len(steps), "reference")
    leaf = torch.zeros_like(final).requires_grad_()
    (back,) = torch.autograd.grad(final, probe, leaf, create_graph=True, allow_unused=True)
    if back is None or not back.requires_grad:
        return torch.zeros(len(steps), dtype=torch.float64)
    transposed = back[steps, each]
    u = torch.randn(final.shape, generator=torch.Generator().manual_seed(0)).to(final)
    found = torch.zeros(len(steps), dtype=torch.float64)
    for _ in range(_ITERATIONS):
        (pulled,) = torch.autograd.grad(final, probe, u, retain_graph=True)
        (pushed,) = torch.autograd.grad(transposed, leaf, _unit(pulled[steps, each]), retain_graph=True)
        before, found = found, pushed.double().norm(dim=-1).cpu()
        u = _unit(pushed)
        if bool(((found - before).abs() <= _ENOUGH * found).all()):
            break
    return found


def _unit(vectors: Tensor) -> Tensor:
    size = vectors.norm(dim=-1, keepdim=True)
    return torch.where(size > 0, vectors / size, 0.0)
