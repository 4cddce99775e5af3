"""Derivatives by the reference that no compiled pass computes: second ones, and those of tangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import vjp

from conveyor.backends.interface import RecurrenceArgs, RecurrenceSpec
from conveyor.torch_ops import masked
from conveyor.torch_ops.passes import read_spec

Tensors = tuple[Tensor, ...]


def _running(spec: RecurrenceSpec, lengths: Tensor | None) -> Callable[..., Tensors]:
    def run(*tensors: Tensor) -> Tensors:
        found = masked.forward(spec.bind(tensors, lengths))
        return found.output, *found.states

    return run


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def unrolled(
    x: Tensor, states: Sequence[Tensor], aux: Sequence[Tensor], params: Sequence[Tensor], lengths: Tensor | None,
    program: str, layout: str,
) -> Tensors:  # fmt: skip
    """Compute the output and the final states in torch operations, step by step: for transforms in a compiled graph."""
    # Tangents of views are more than torch can trace.
    own = [t.clone() for t in (x, *states, *aux, *params)]
    return _running(read_spec(program, layout), lengths)(*own)


def gradients(args: RecurrenceArgs, grads: Sequence[Tensor]) -> Tensors:
    """Compute the gradients of the input, the states, the auxiliary inputs and the parameter tensors.

    Args:
        args: The arguments of the recurrence.
        grads: The gradients of the output and of the final states.
    """
    found: Tensors = vjp(_running(args.spec, args.lengths), *_alive(args.tensors))[1](tuple(_alive(grads)))
    return found


def second(args: RecurrenceArgs, grads: Sequence[Tensor], cotangents: Sequence[Tensor]) -> Tensors:
    """Compute the derivative of `gradients`, from the cotangents of its results.

    Returns:
        The gradients of `grads`, then those of the input, the states, the auxiliary inputs and the parameters' tensors.
    """
    count = len(grads)

    def first(*tensors: Tensor) -> Tensors:
        return gradients(args.spec.bind(tensors[count:], args.lengths), tensors[:count])

    found: Tensors = vjp(first, *_alive([*grads, *args.tensors]))[1](tuple(_alive(cotangents)))
    return found


def _alive(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return the same tensors unwrapped from transforms that have ended, which `vjp` does not do itself."""
    return [t.view_as(t) for t in tensors]
