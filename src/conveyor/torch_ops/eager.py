"""The compiled passes in plain eager mode, as one lean autograd function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from conveyor.backends import reference
from conveyor.backends.interface import RecurrenceArgs, RecurrenceSpec, Residuals, VarLen
from conveyor.torch_ops.modes import are_plain, is_watched, survive_fork
from conveyor.torch_ops.written_outputs import is_written, watch_output


def sequence(args: RecurrenceArgs) -> Residuals:
    """Run over a sequence."""
    from conveyor.backends import cpu

    survive_fork()
    tensors = args.tensors
    if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        call = _Call(args.spec, args.varlen, args.keep)
        output, *finals = _Recurrence.apply(call, *tensors)  # type: ignore[no-untyped-call]
        return Residuals(output, tuple(finals), call.kept)
    with torch.no_grad():
        return cpu.run_forward(args, False)


@dataclass(frozen=True, eq=False)
class _Call:
    """The spec of a call, and the roles of its tensors."""

    spec: RecurrenceSpec
    varlen: VarLen | None
    keep: tuple[int, ...]
    kept: dict[int, Tensor] = field(default_factory=dict)  # filled by the forward pass

    def bind(self, tensors: Sequence[Tensor]) -> RecurrenceArgs:
        return self.spec.bind(tensors, None, self.varlen, self.keep)


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        from conveyor.backends import cpu

        left = cpu.run_forward(call.bind(tensors), True)
        call.kept.update(left.kept)
        ctx.call, ctx.count = call, len(tensors)
        ctx.set_materialize_grads(False)
        # A view would refuse to be written into, whether or not a backward pass follows.
        output = left.output.data
        ctx.watched = watch_output(output, len(left.states))
        # Without that watch it is saved, so that torch detects writes to it before the backward pass.
        ctx.save_for_backward(*tensors, left.saved, *left.history, *(() if ctx.watched else (output,)))
        return output, *left.states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        from conveyor.backends import cpu

        survive_fork()
        call: _Call = ctx.call
        saved = ctx.saved_tensors  # read once: hooks may forbid more
        tensors, (values, *history) = saved[: ctx.count], saved[ctx.count :]
        known = [g for g in grads if g is not None]
        if torch.is_grad_enabled() or is_watched() or not are_plain(known):
            return None, *_differentiable(call, tensors, grads)
        args = call.bind(tensors)
        if is_written(ctx.watched):
            left = cpu.run_forward(args, True)
        else:
            left = Residuals(history[0], (), history=tuple(history[: len(args.states)]), saved=values)
        found = cpu.run_backward(args, left, grads[0], grads[1:], ctx.needs_input_grad[1])
        d_aux = [d.sum_to_size(a.shape) for d, a in zip(found.aux, args.aux, strict=True)]
        return None, found.x, *found.states, *d_aux, *found.params


def _differentiable(
    call: _Call, tensors: Sequence[Tensor], grads: Sequence[Tensor | None]
) -> tuple[Tensor | None, ...]:
    """Compute the gradients with a graph, for a second derivative."""
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        # One tensor may be given twice, as two states; each of its places has a gradient of its own.
        places = [t.view_as(t) for t in tensors]
        result = reference.forward(call.bind(places))
        return gradients_of((result.output, *result.states), grads, places, create_graph)


def gradients_of(
    outputs: Sequence[Tensor], grads: Sequence[Tensor | None], places: Sequence[Tensor], create_graph: bool
) -> tuple[Tensor | None, ...]:
    """Compute the gradients of inputs, None where none is required, from those of outputs, None where there is none."""
    reached = [(o, g) for o, g in zip(outputs, grads, strict=True) if o.requires_grad and g is not None]
    wanted = [t for t in places if t.requires_grad]
    found = iter(
        torch.autograd.grad(
            [o for o, _ in reached], wanted, [g for _, g in reached], create_graph=create_graph, allow_unused=True
        )
    )
    return tuple(next(found) if t.requires_grad else None for t in places)
