"""The compiled passes in plain eager mode: one autograd function, as lean as it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from conveyor.backends import reference
from conveyor.backends.parameters import Parameters, Places
from conveyor.backends.ragged import Ragged
from conveyor.backends.results import Result
from conveyor.ir.program import Program
from conveyor.torch_ops.modes import are_plain, is_watched, survive_fork
from conveyor.torch_ops.written_outputs import is_written, watch_output


def sequence(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    ragged: Ragged | None,
    keep: tuple[int, ...],
    tensors: Sequence[Tensor],
) -> Result:
    """Run over a sequence; `tensors` are the input, the states, the auxiliary inputs and the parameters' tensors."""
    from conveyor.backends import cpu

    survive_fork()
    if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        call = _Call(program, widths, params.places, tuple(aux), len(states), ragged=ragged, keep=keep)
        output, *finals = _Recurrence.apply(call, *tensors)  # type: ignore[no-untyped-call]
        return Result(output, tuple(finals), call.kept)
    with torch.no_grad():
        kept = cpu.run_forward(program, x, states, params, widths, aux, False, keep, ragged)
    return Result(kept.output(), kept.finals, kept.values)


def step(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    tensors: Sequence[Tensor],
) -> tuple[Tensor, ...]:
    """Run one step, on an input (B, I); `tensors` as in `sequence`."""
    from conveyor.backends import cpu

    survive_fork()
    if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        call = _Call(program, widths, params.places, tuple(aux), len(states), alone=True)
        return tuple(_Recurrence.apply(call, *tensors))  # type: ignore[no-untyped-call]
    with torch.no_grad():
        whole = {n: a.unsqueeze(0) for n, a in aux.items()}
        return cpu.run_forward(program, x.unsqueeze(0), states, params, widths, whole, training=False).finals


@dataclass(frozen=True, eq=False)
class _Call:
    """What a call has beside tensors, and which of its tensors is what."""

    program: Program
    widths: Mapping[str, int]
    places: Places
    aux: tuple[str, ...]
    states: int
    ragged: Ragged | None = None
    alone: bool = False  # a single step: its inputs have no axis of time, and its outputs are the states only
    keep: tuple[int, ...] = ()
    kept: dict[int, Tensor] = field(default_factory=dict)  # filled by the forward pass

    def split(self, tensors: Sequence[Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any], Parameters]:
        """The input, the states, the auxiliary inputs and the parameters."""
        a, b = 1 + self.states, 1 + self.states + len(self.aux)
        x, aux = tensors[0], dict(zip(self.aux, tensors[a:b], strict=True))
        if self.alone:
            x, aux = x.unsqueeze(0), {n: value.unsqueeze(0) for n, value in aux.items()}
        return x, tuple(tensors[1:a]), aux, Parameters(tensors[b:], self.places)


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        from conveyor.backends import cpu

        x, states, aux, params = call.split(tensors)
        kept = cpu.run_forward(call.program, x, states, params, call.widths, aux, True, call.keep, call.ragged)
        call.kept.update(kept.values)
        ctx.call, ctx.count, ctx.names, ctx.lead = call, len(tensors), tuple(kept.trails), kept.lead
        ctx.set_materialize_grads(False)
        if call.alone:
            ctx.save_for_backward(*tensors, kept.saved, *kept.trails.values())
            return kept.finals
        # A view would refuse to be written into, whether or not a backward pass follows.
        output = kept.output().data
        ctx.watched = watch_output(output, call.states)
        # Without that watch it is saved, so that torch notices if somebody writes into it before the backward pass.
        unwatched = () if ctx.watched else (output,)
        ctx.save_for_backward(*tensors, kept.saved, *kept.trails.values(), *unwatched)
        return output, *kept.finals

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        from conveyor.backends import cpu

        survive_fork()
        call: _Call = ctx.call
        saved = ctx.saved_tensors
        tensors, values, trails = saved[: ctx.count], saved[ctx.count], saved[ctx.count + 1 :]
        known = [g for g in grads if g is not None]
        if torch.is_grad_enabled() or is_watched() or not are_plain(known):
            return None, *_differentiable(call, tensors, grads)
        x, states, aux, params = call.split(tensors)
        kept = cpu.Kept(dict(zip(ctx.names, trails, strict=False)), ctx.lead, (), values, {})
        if not call.alone and is_written(ctx.watched):
            kept = cpu.run_forward(call.program, x, states, params, call.widths, aux, True, (), call.ragged)
        output, finals = (None, grads) if call.alone else (grads[0], grads[1:])
        wants_x = ctx.needs_input_grad[1]
        found = cpu.run_backward(call.program, kept, x, params, call.widths, aux, output, finals, wants_x, call.ragged)
        d_x, d_aux = found.x, [found.aux[n].sum_to_size(aux[n].shape) for n in call.aux]
        if call.alone:
            d_x, d_aux = None if d_x is None else d_x.squeeze(0), [d.squeeze(0) for d in d_aux]
        return None, d_x, *found.states, *d_aux, *found.tensors


def _differentiable(
    call: _Call, tensors: Sequence[Tensor], grads: Sequence[Tensor | None]
) -> tuple[Tensor | None, ...]:
    """The gradients as a graph of their own, for a second derivative."""
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        # One tensor may be given twice, as two states; each of its places has a gradient of its own.
        places = [t.view_as(t) for t in tensors]
        x, states, aux, params = call.split(places)
        result = reference.forward(call.program, x, states, params, call.widths, aux, call.ragged)
        outputs = result.states if call.alone else (result.output, *result.states)
        reached = [(o, g) for o, g in zip(outputs, grads, strict=True) if o.requires_grad and g is not None]
        wanted = [t for t in places if t.requires_grad]
        found = iter(
            torch.autograd.grad(
                [o for o, _ in reached], wanted, [g for _, g in reached], create_graph=create_graph, allow_unused=True
            )
        )
    return tuple(next(found) if t.requires_grad else None for t in places)
