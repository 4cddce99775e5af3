"""Derivatives of the passes by the reference, for what no compiled pass gives: a second one, and those of tangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import vjp

from conveyor.torch_ops import masked
from conveyor.torch_ops.op_spec import Form, read
from conveyor.torch_ops.passes import Inputs

Tensors = tuple[Tensor, ...]


def _running(form: Form, lengths: Tensor | None) -> Callable[..., Tensors]:
    def run(*tensors: Tensor) -> Tensors:
        given = Inputs.of(form, tensors, lengths)
        aux, params = given.named_aux(form), given.parameters(form)
        found = masked.forward(form.program, given.x, given.states, params, form.widths, aux, lengths)
        return found.output, *found.states

    return run


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def unrolled(
    x: Tensor, states: Sequence[Tensor], aux: Sequence[Tensor], params: Sequence[Tensor], lengths: Tensor | None,
    program: str, layout: str,
) -> Tensors:  # fmt: skip
    """The output and the final states in operations of torch, step by step: for transforms inside a compiled graph."""
    # Tangents of views are more than torch can trace.
    own = [t.clone() for t in (x, *states, *aux, *params)]
    return _running(read(program, layout), lengths)(*own)


def gradients(form: Form, given: Inputs, grads: Sequence[Tensor]) -> Tensors:
    """The gradients of the input, the states, the auxiliary inputs and the parameters' tensors.

    Args:
        form: What ran.
        given: What it read.
        grads: The gradients of the output and of the final states.
    """
    found: Tensors = vjp(_running(form, given.lengths), *_alive(given.tensors))[1](tuple(_alive(grads)))
    return found


def second(form: Form, given: Inputs, grads: Sequence[Tensor], cotangents: Sequence[Tensor]) -> Tensors:
    """The derivative of `gradients`: what it gives `cotangents` is the gradient of.

    Returns:
        The gradients of `grads`, then those of the input, the states, the auxiliary inputs and the parameters' tensors.
    """
    count = len(grads)

    def first(*tensors: Tensor) -> Tensors:
        return gradients(form, Inputs.of(form, tensors[count:], given.lengths), tensors[:count])

    found: Tensors = vjp(first, *_alive([*grads, *given.tensors]))[1](tuple(_alive(cotangents)))
    return found


def _alive(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The same tensors: what is left of a transform that has ended is taken off by any operation, but not by `vjp`."""
    return [t.view_as(t) for t in tensors]
