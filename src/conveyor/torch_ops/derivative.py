"""Derivatives of the passes by the reference, for what no compiled pass gives: a second one, and those of tangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import vjp

from conveyor.torch_ops import padded
from conveyor.torch_ops.form import Form, read
from conveyor.torch_ops.passes import Inputs

Tensors = tuple[Tensor, ...]


def _running(form: Form, lengths: Tensor | None) -> Callable[..., Tensors]:
    def run(*tensors: Tensor) -> Tensors:
        given = Inputs.of(form, tensors, lengths)
        aux, params = given.named_aux(form), given.parameters(form)
        found = padded.forward(form.program, given.x, given.states, params, form.widths, aux, lengths)
        return found.output, *found.states

    return run


@torch.compiler.allow_in_graph
def unrolled(
    x: Tensor, states: Sequence[Tensor], aux: Sequence[Tensor], params: Sequence[Tensor], lengths: Tensor | None,
    program: str, layout: str,
) -> Tensors:  # fmt: skip
    """The output and the final states in operations of torch, step by step: for transforms inside a compiled graph."""
    return _running(read(program, layout), lengths)(x, *states, *aux, *params)


def gradients(form: Form, given: Inputs, grads: Sequence[Tensor]) -> Tensors:
    """The gradients of the input, the states, the auxiliary inputs and the parameters' tensors.

    Args:
        form: What ran.
        given: What it read.
        grads: The gradients of the output and of the final states.
    """
    found: Tensors = vjp(_running(form, given.lengths), *given.tensors)[1](tuple(grads))
    return found


def second(form: Form, given: Inputs, grads: Sequence[Tensor], cotangents: Sequence[Tensor]) -> Tensors:
    """The derivative of `gradients`: what it gives `cotangents` is the gradient of.

    Returns:
        The gradients of `grads`, then those of the input, the states, the auxiliary inputs and the parameters' tensors.
    """
    count = len(grads)

    def first(*tensors: Tensor) -> Tensors:
        return gradients(form, Inputs.of(form, tensors[count:], given.lengths), tensors[:count])

    found: Tensors = vjp(first, *grads, *given.tensors)[1](tuple(cotangents))
    return found
