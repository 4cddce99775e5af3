"""Runs a program on tensors by the backend that is asked for, as a part of torch's autograd graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from conveyor.backends import reference
from conveyor.backends.evaluate import Params
from conveyor.backends.results import Result
from conveyor.program import Program


def recurrence(
    backend: str,
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Params,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor] | None = None,
) -> Result:
    """Run a program over a sequence.

    Args:
        backend: The name of a backend that can run here.
        program: As the other arguments, see `conveyor.backends.reference.forward`.
        x: The input, (T, B, I).
        states: The initial states, each (B, width).
        params: The parameters by (op, key).
        widths: The numbers of the program's widths.
        aux: The auxiliary inputs.

    Returns:
        Outputs and final states, differentiable any number of times. What the compiled backward pass has no part in (a
        second derivative, forward mode, `torch.func`, `torch.compile`) goes through the reference.
    """
    aux = aux or {}
    if backend == "reference" or _transformed():
        return reference.forward(program, x, states, params, widths, aux)
    from conveyor.backends import cpu

    tensors = (x, *states, *aux.values(), *params.values())
    if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        call = _Call(program, dict(widths), tuple(params), tuple(aux), len(states))
        output, *finals = _Recurrence.apply(call, *tensors)  # type: ignore[no-untyped-call]
        return Result(output, tuple(finals))
    with torch.no_grad():
        kept = cpu.run_forward(program, x, states, params, widths, aux, training=False)
    return Result(kept.output(), kept.finals())


def _transformed() -> bool:
    """Whether torch is doing something to functions that a compiled pass has no part in."""
    functorch: bool = torch._C._are_functorch_transforms_active()
    return functorch or torch.compiler.is_compiling() or forward_ad._current_level >= 0


@dataclass(frozen=True, eq=False)
class _Call:
    """What a call has beside tensors, and which of its tensors is what."""

    program: Program
    widths: Mapping[str, int]
    params: tuple[tuple[str, str], ...]
    aux: tuple[str, ...]
    states: int

    def split(self, tensors: Sequence[Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any], dict[Any, Any]]:
        """The input, the states, the auxiliary inputs and the parameters."""
        a, b = 1 + self.states, 1 + self.states + len(self.aux)
        aux = dict(zip(self.aux, tensors[a:b], strict=True))
        return tensors[0], tuple(tensors[1:a]), aux, dict(zip(self.params, tensors[b:], strict=True))


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        from conveyor.backends import cpu

        x, states, aux, params = call.split(tensors)
        ctx.call = call
        ctx.kept = cpu.run_forward(call.program, x, states, params, call.widths, aux, training=True)
        output = ctx.kept.output()
        # The output is saved so that torch notices if somebody writes into it before the backward pass.
        ctx.save_for_backward(*tensors, output)
        return output, *ctx.kept.finals()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        from conveyor.backends import cpu

        call: _Call = ctx.call
        *tensors, _ = ctx.saved_tensors
        if torch.is_grad_enabled():
            return None, *_differentiable(call, tensors, grads)
        x, _, aux, params = call.split(tensors)
        found = cpu.run_backward(call.program, ctx.kept, x, params, call.widths, aux, grads[0], grads[1:])
        d_aux = [found.aux[n].sum_to_size(aux[n].shape) for n in call.aux]
        return None, found.x, *found.states, *d_aux, *(found.params[k] for k in call.params)


def _differentiable(call: _Call, tensors: Sequence[Tensor], grads: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    """The gradients as a graph of their own, for a second derivative."""
    x, states, aux, params = call.split(tensors)
    result = reference.forward(call.program, x, states, params, call.widths, aux)
    wanted = [t for t in tensors if t.requires_grad]
    outputs = (result.output, *result.states)
    reached = [(o, g) for o, g in zip(outputs, grads, strict=True) if o.requires_grad]
    found = iter(
        torch.autograd.grad(
            [o for o, _ in reached], wanted, [g for _, g in reached], create_graph=True, allow_unused=True
        )
    )
    return tuple(next(found) if t.requires_grad else None for t in tensors)
