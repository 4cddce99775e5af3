"""The reference on padded sequences whose lengths are a tensor: a state stays as it is past the end of its sequence.

Eager calls pack the rows of such sequences. Where lengths are not known yet, in a graph that is being made or under a
transform, they stay padded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from conveyor.backends import reference
from conveyor.backends.parameters import Parameters
from conveyor.backends.results import Gradients, Result
from conveyor.ir.program import Program
from conveyor.ir.transforms.autodiff import differentiate
from conveyor.ir.transforms.rewrite import PAST, with_hold

_holding = lru_cache(maxsize=256)(with_hold)
_derived = lru_cache(maxsize=256)(differentiate)


def forward(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    lengths: Tensor | None,
) -> Result:
    """Run forward; the arguments are those of `reference.forward`, then the lengths (B,) or None.

    Outputs past the end are zero, and what stands there is never read.
    """
    if lengths is None:
        return reference.forward(program, x, states, params, widths, aux)
    given, past = _guarded(x, aux, lengths)
    found = reference.forward(_holding(program), given.pop("x"), states, params, widths, {**given, PAST: past})
    return Result(torch.where(past != 0, torch.zeros_like(found.output), found.output), found.states)


def backward(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    lengths: Tensor | None,
    grads: Sequence[Tensor],
) -> Gradients:
    """Run backward by the program's own derivative; `grads` are those of the output and of the final states."""
    given: Mapping[str, Tensor] = {"x": x, **aux}
    grad_output, *grad_states = grads
    past = None
    if lengths is not None:
        program = _holding(program)
        held, past = _guarded(x, aux, lengths)
        grad_output = torch.where(past != 0, torch.zeros_like(grad_output), grad_output)
        given = {**held, PAST: past}
    others = {n: v for n, v in given.items() if n != "x"}
    found = reference.backward(
        program, _derived(program), given["x"], states, params, widths, grad_output, grad_states, others
    )
    if past is None:
        return found
    d_aux = {n: _zero_past(found.aux[n], past) for n in aux}
    return Gradients(_zero_past(found.x, past), found.states, d_aux, found.params)


def _guarded(x: Tensor, aux: Mapping[str, Tensor], lengths: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """What comes for each step, with the last step's own in place of padding; and where that is, (T, B, 1)."""
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

    return {n: guard(v) for n, v in {"x": x, **aux}.items()}, past.unsqueeze(-1).to(x.dtype)


def _zero_past(grad: Tensor, past: Tensor) -> Tensor:
    return torch.where(past != 0, torch.zeros_like(grad), grad)
