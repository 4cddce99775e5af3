"""The forward and backward pass as torch operations, for graphs of torch.compile, torch.export and torch.jit.trace.

One operation runs all steps, so that a graph is as small for a thousand steps as for ten. Eager calls don't come here:
an operation of `torch.library` costs more than a small layer does, and torch.func passes by the derivatives that are
registered for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from conveyor.backends.interface import RecurrenceArgs
from conveyor.errors import TensorError
from conveyor.torch_ops import derivatives, passes
from conveyor.torch_ops.exporters import tell_exporters
from conveyor.torch_ops.passes import read_spec

_library = torch.library.Library("conveyor", "DEF")
_GIVEN = "Tensor x, Tensor[] states, Tensor[] aux, Tensor[] params, Tensor? lengths"
_TEXTS = "str program, str layout, str backend"
for _schema in (
    f"forward({_GIVEN}, {_TEXTS}, bool training) -> Tensor[]",
    f"backward(Tensor[] grads, Tensor[] kept, {_GIVEN}, {_TEXTS}, bool wants_x) -> Tensor[]",
):
    _library.define(_schema, tags=(torch.Tag.pt2_compliant_tag,))

Several = Sequence[Tensor]


def _forward(
    x: Tensor, states: Several, aux: Several, params: Several, lengths: Tensor | None,
    program: str, layout: str, backend: str, training: bool,
) -> list[Tensor]:  # fmt: skip
    args = RecurrenceArgs(read_spec(program, layout), x, states, aux, params, lengths)
    _refuse_duals(args.tensors)
    return passes.run_forward(args, backend, training)


def _backward(
    grads: Several, kept: Several, x: Tensor, states: Several, aux: Several, params: Several, lengths: Tensor | None,
    program: str, layout: str, backend: str, wants_x: bool,
) -> list[Tensor]:  # fmt: skip
    args = RecurrenceArgs(read_spec(program, layout), x, states, aux, params, lengths)
    _refuse_duals([*grads, *args.tensors])
    return passes.run_backward(args, backend, grads, kept, wants_x)


def _refuse_duals(tensors: Several) -> None:
    """Raise for dual tensors, whose tangents torch would drop silently where no tensor requires a gradient."""
    if forward_ad._current_level < 0:
        return
    keys = torch._C._dispatch_tls_local_include_set(), torch._C.DispatchKeySet(torch._C.DispatchKey.Undefined)
    with torch._C._ForceDispatchKeyGuard(*keys):  # an operation stands below what reads tangents
        dual = any(forward_ad.unpack_dual(t).tangent is not None for t in tensors)
    if dual:
        raise TensorError(
            "a graph that torch has compiled, exported or traced has no forward-mode derivative, and was given dual"
            " tensors; call the layer itself in torch.func.jvp or under forward_ad.dual_level"
        )


def _fake_forward(
    x: Tensor, states: Several, aux: Several, params: Several, lengths: Tensor | None,
    program: str, layout: str, backend: str, training: bool,
) -> list[Tensor]:  # fmt: skip
    tell_exporters()
    spec = read_spec(program, layout)
    steps, batch, _ = x.shape
    widths = spec.state_widths
    found = [x.new_empty((steps, batch, widths[0])), *(x.new_empty((batch, w)) for w in widths)]
    columns = passes.kept_width(spec, backend) if training else None
    if columns is None:
        return found
    trails = [x.new_empty(((steps + 1) * batch, w)) for w in widths]
    return [*found, x.new_empty((steps * batch, columns)), *trails]


def _fake_backward(
    grads: Several, kept: Several, x: Tensor, states: Several, aux: Several, params: Several, lengths: Tensor | None,
    program: str, layout: str, backend: str, wants_x: bool,
) -> list[Tensor]:  # fmt: skip
    return [t.new_empty(t.shape) for t in (*([x] if wants_x else []), *states, *aux, *params)]


# Derivatives


def _save(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, states, aux, params, ctx.lengths, *ctx.texts, ctx.training = inputs
    kept = output[1 + len(states) :]
    ctx.count = len(kept)
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*kept, x, *states, *aux, *params)


def _derive_forward(ctx: Any, grads: list[Tensor | None]) -> tuple[Any, ...]:
    spec = read_spec(ctx.texts[0], ctx.texts[1])
    kept = ctx.saved_tensors[: ctx.count]
    given = spec.bind(ctx.saved_tensors[ctx.count :], ctx.lengths)
    wants_x = ctx.needs_input_grad[0]
    ops = torch.ops.conveyor
    if not ctx.training:  # what was made for inference keeps nothing
        found = ops.forward(given.x, given.states, given.aux, given.params, ctx.lengths, *ctx.texts, True)
        kept = found[1 + len(given.states) :]
    received = passes.whole_gradients(spec, given.x, grads)
    d = iter(
        ops.backward(
            received, list(kept), given.x, given.states, given.aux, given.params, ctx.lengths, *ctx.texts, wants_x
        )
    )
    d_x = next(d) if wants_x else None
    return d_x, *_in_lists(given, d), None, None, None, None, None


def _in_lists(given: RecurrenceArgs, tensors: Any) -> list[list[Tensor]]:
    return [[next(tensors) for _ in several] for several in (given.states, given.aux, given.params)]


def _save_backward(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    grads, kept, x, states, aux, params, ctx.lengths, *ctx.texts, ctx.wants_x = inputs
    ctx.counts = len(grads), len(kept)
    ctx.save_for_backward(*grads, x, *states, *aux, *params)


def _derive_backward(ctx: Any, cotangents: list[Tensor]) -> tuple[Any, ...]:
    count, kept = ctx.counts
    grads = ctx.saved_tensors[:count]
    given = read_spec(ctx.texts[0], ctx.texts[1]).bind(ctx.saved_tensors[count:], ctx.lengths)
    whole = cotangents if ctx.wants_x else [torch.zeros_like(given.x), *cotangents]
    d = iter(derivatives.second(given, grads, whole))
    d_grads, d_x = [next(d) for _ in grads], next(d)
    return d_grads, [None] * kept, d_x, *_in_lists(given, d), None, None, None, None, None


for _name, _run, _fake in (("forward", _forward, _fake_forward), ("backward", _backward, _fake_backward)):
    _library.impl(_name, _run, "CompositeExplicitAutograd")
    torch.library.register_fake(f"conveyor::{_name}", _fake, lib=_library)
torch.library.register_autograd("conveyor::forward", _derive_forward, setup_context=_save, lib=_library)
torch.library.register_autograd("conveyor::backward", _derive_backward, setup_context=_save_backward, lib=_library)


def graph_call(
    texts: tuple[str, str], backend: str, x: Tensor, states: Several, aux: Several, params: Several,
    lengths: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:  # fmt: skip
    """Call the forward operation as a node of the graph that torch is making; returns the output and final states.

    Args:
        texts: The texts of the program and of its parameter layout.
        backend: `cpu` or `reference`.
        x: The input, (T, B, I).
        states: The initial states, each (B, width).
        aux: The auxiliary inputs, in the program's order.
        params: The tensors that hold the parameters.
        lengths: (B,) or None.
    """
    if not torch.compiler.is_compiling() and torch._C._get_tracing_state() is not None:
        tell_exporters()
    # A graph that is kept is mostly run for inference; the gradient of one runs forward again.
    stays = torch.compiler.is_exporting() or torch._C._get_tracing_state() is not None
    training = not stays and torch.is_grad_enabled() and any(t.requires_grad for t in (x, *states, *aux, *params))
    found = torch.ops.conveyor.forward(
        x, list(states), list(aux), list(params), lengths, texts[0], texts[1], backend, training
    )
    return found[0], tuple(found[1 : 1 + len(states)])
