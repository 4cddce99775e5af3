"""The reference on masked sequences: padded, with lengths as a tensor; states stay constant past the end.

Eager calls pack the rows of such sequences. Where lengths are not known yet, in a graph that is being made or under a
transform, they stay padded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from conveyor.backends import reference
from conveyor.backends.interface import Gradients, RecurrenceArgs, Residuals
from conveyor.ir.transforms.autodiff import differentiate
from conveyor.ir.transforms.rewrite import PAST_END, with_mask_past_end

_holding = lru_cache(maxsize=256)(with_mask_past_end)
_derived = lru_cache(maxsize=256)(differentiate)


def forward(args: RecurrenceArgs) -> Residuals:
    """Run forward. Outputs past the end are zero, and padding is never read."""
    if args.lengths is None:
        return reference.forward(args)
    held, past = _held(args, args.lengths)
    found = reference.forward(held)
    return Residuals(torch.where(past != 0, torch.zeros_like(found.output), found.output), found.states)


def backward(args: RecurrenceArgs, grads: Sequence[Tensor]) -> Gradients:
    """Run backward by the program's derivative; `grads` are those of the output and of the final states."""
    grad_output, *grad_states = grads
    if args.lengths is None:
        return reference.backward(args, _derived(args.program), grad_output, grad_states)
    held, past = _held(args, args.lengths)
    grad_output = torch.where(past != 0, torch.zeros_like(grad_output), grad_output)
    found = reference.backward(held, _derived(held.program), grad_output, grad_states)
    assert found.x is not None
    d_aux = dict(zip(held.spec.aux, found.aux, strict=True))
    d_own = tuple(_zero_past(d_aux[n], past) for n in args.spec.aux)
    return Gradients(_zero_past(found.x, past), found.states, d_own, found.params)


def _held(args: RecurrenceArgs, lengths: Tensor) -> tuple[RecurrenceArgs, Tensor]:
    """Return arguments whose states stay constant past the end of each sequence, and the mask past the end, (T, B, 1).

    In per-step inputs the values of the last time step replace the padding.
    """
    x = args.x
    time = torch.arange(x.shape[0], device=x.device).unsqueeze(1)
    past = time >= lengths
    # A gradient of zero times the derivative at some number out of the padding may be NaN.
    last = torch.minimum(time, (lengths.to(torch.int64) - 1).clamp(min=0)).unsqueeze(-1)
    empty = (lengths == 0).unsqueeze(-1)

    def guard(value: Tensor) -> Tensor:
        if value.shape[0] != x.shape[0]:
            return value
        taken = value.gather(0, last.expand(-1, -1, value.shape[-1]))
        return torch.where(empty, torch.zeros_like(taken), taken)

    mask = past.unsqueeze(-1).to(x.dtype)
    aux = {n: guard(a) for n, a in args.aux_by_name.items()} | {PAST_END: mask}
    program = _holding(args.program)
    return RecurrenceArgs.of(program, guard(x), args.states, args.parameters, args.widths, aux), mask


def _zero_past(grad: Tensor, past: Tensor) -> Tensor:
    return torch.where(past != 0, torch.zeros_like(grad), grad)
