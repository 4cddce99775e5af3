"""Runs a program on tensors by the backend that is asked for, as a part of torch's autograd graph.

modes       what torch does around a call
eager       the compiled passes in plain eager mode
passes      the same passes on plain tensors, with what the first leaves for the second as tensors
transforms  as functions with batch rules, for torch.func
library     as torch operations, for torch.compile, torch.export and torch.jit.trace
form        what such an operation is told beside tensors, as text
padded      the reference on padded sequences with lengths
derivative  further derivatives, by the reference
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from conveyor.backends import reference
from conveyor.backends.parameters import Key, Parameters
from conveyor.backends.ragged import Ragged
from conveyor.backends.results import Result
from conveyor.ir.program import Program
from conveyor.states import tell_torch
from conveyor.torch_ops import derivatives, eager, functorch, library, masked
from conveyor.torch_ops.modes import are_plain, asks_for_tangents, is_traced, is_transformed, is_watched
from conveyor.torch_ops.op_spec import Form, layout_text
from conveyor.torch_ops.passes import Inputs

__all__ = ["recurrence", "single_step"]

tell_torch()


def recurrence(
    backend: str,
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Mapping[Key, Tensor],
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor] | None = None,
    ragged: Ragged | None = None,
    keep: tuple[int, ...] = (),
    lengths: Tensor | None = None,
) -> Result:
    """Run a program over a sequence.

    Args:
        backend: The name of a backend that can run here.
        program: As the other arguments, see `conveyor.backends.reference.forward`.
        x: The input, (T, B, I).
        states: The initial states, each (B, width).
        params: The parameters by (op, key); `Parameters` says in which tensors they stand.
        widths: The numbers of the program's widths.
        aux: The auxiliary inputs.
        ragged: How sequences of unequal length are packed.
        keep: Nodes whose values at each step are asked for; they come without a graph.
        lengths: (B,) each sequence's own length where they are padded; only if `keeps_padding()`.

    Returns:
        Outputs and final states, differentiable any number of times. Forward mode and second derivatives go through the
        reference, except in graphs that torch makes, which have neither.
    """
    aux = aux or {}
    params = Parameters.of(params)
    tensors = (x, *states, *aux.values(), *params.tensors)
    if not is_watched():
        if backend != "reference" and are_plain(tensors):
            return eager.sequence(program, x, states, params, widths, aux, ragged, keep, tensors)
    elif not keep and ragged is None:
        found = _watched(backend, program, x, states, params, widths, aux, lengths)
        if found is not None:
            return found
    if lengths is not None:
        return masked.forward(program, x, states, params, widths, aux, lengths)
    return reference.forward(program, x, states, params, widths, aux, ragged, keep)


def _watched(
    backend: str,
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    lengths: Tensor | None,
) -> Result | None:
    """What torch can make its own graphs and derivatives of; None where that is the reference."""
    if is_traced():
        ordered = [aux[a.name] for a in program.aux]
        texts = program.text, params.places.text or layout_text(widths, params.places.parts)
        if is_transformed():  # torch would take an operation's tangents for zero
            found = derivatives.unrolled(x, states, ordered, params.tensors, lengths, *texts)
            return Result(found[0], tuple(found[1:]))
        return Result(*library.graph_call(texts, backend, x, states, ordered, params.tensors, lengths))
    if backend == "reference" or not is_transformed() or asks_for_tangents():
        return None
    ordered = [aux[a.name] for a in program.aux]
    form = Form(program, widths, params.places)
    return Result(*functorch.run(form, Inputs(x, states, ordered, params.tensors, lengths)))


def single_step(
    backend: str,
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
) -> tuple[Tensor, ...]:
    """Run a program for one step.

    Args:
        backend: As the other arguments, see `recurrence`.
        program: A forward program.
        x: The input, (B, I).
        states: The states before the step, each (B, width).
        params: The parameters.
        widths: The numbers of the program's widths.
        aux: The auxiliary inputs, each (B, width).

    Returns:
        The states after the step, differentiable as those of `recurrence`.
    """
    watched = is_watched()
    if not watched and backend != "reference":
        tensors = (x, *states, *aux.values(), *params.tensors)
        if are_plain(tensors):
            return eager.step(program, x, states, params, widths, aux, tensors)
    whole = {n: a.unsqueeze(0) for n, a in aux.items()}
    if watched:
        return recurrence(backend, program, x.unsqueeze(0), states, params, widths, whole).states
    return reference.forward(program, x.unsqueeze(0), states, params, widths, whole).states
