"""Runs a program on tensors by a backend, as part of torch's autograd graph.

modes       torch's modes around a call: transforms, tracing, forward AD
eager       the compiled passes in plain eager mode
passes      the forward and backward pass on plain tensors, with the residuals as tensors
transforms  as functions with batch rules, for torch.func
library     as torch operations, for torch.compile, torch.export and torch.jit.trace
padded      the reference on padded sequences with lengths
derivative  further derivatives, by the reference
"""

from __future__ import annotations

from conveyor.backends import reference
from conveyor.backends.interface import RecurrenceArgs, Residuals
from conveyor.states import tell_torch
from conveyor.torch_ops import derivatives, eager, functorch, library, masked
from conveyor.torch_ops.modes import are_plain, asks_for_tangents, is_traced, is_transformed, is_watched

__all__ = ["recurrence"]

tell_torch()


def recurrence(backend: str, args: RecurrenceArgs) -> Residuals:
    """Run a program over a sequence.

    Args:
        backend: The name of a backend that can run here.
        args: The arguments; `args.lengths` only if `keeps_padding()`.

    Returns:
        Outputs and final states, differentiable any number of times. Forward mode and second derivatives go through the
        reference, except in graphs that torch makes, which have neither.
    """
    if not is_watched():
        if backend != "reference" and are_plain(args.tensors):
            return eager.sequence(args)
    elif not args.keep and args.varlen is None:
        found = _watched(backend, args)
        if found is not None:
            return found
    return reference.forward(args) if args.lengths is None else masked.forward(args)


def _watched(backend: str, args: RecurrenceArgs) -> Residuals | None:
    """Run by operations that torch can trace or transform; None if the reference or the eager path must run."""
    if is_traced():
        tensors = args.x, args.states, args.aux, args.params, args.lengths
        texts = args.program.text, args.spec.layout.text
        if is_transformed():  # torch would take an operation's tangents for zero
            found = derivatives.unrolled(*tensors, *texts)
            return Residuals(found[0], tuple(found[1:]))
        return Residuals(*library.graph_call(texts, backend, *tensors))
    if backend == "reference" or not is_transformed() or asks_for_tangents():
        return None
    return Residuals(*functorch.run(args))
