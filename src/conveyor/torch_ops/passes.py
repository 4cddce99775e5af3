"""The two passes on plain tensors, with what the first leaves for the second as tensors of fixed shapes.

Rows of steps are counted through: what is kept of T steps of B rows is (T x B, …), so that it has one shape whether or
not sequences have lengths of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from conveyor.backends.packing import Packing
from conveyor.backends.parameters import Parameters
from conveyor.errors import ArgumentError
from conveyor.torch_ops import masked
from conveyor.torch_ops.modes import survive_fork
from conveyor.torch_ops.op_spec import Form


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a pass reads.

    Attributes:
        x: The input, (T, B, I).
        states: The initial states, each (B, width).
        aux: The auxiliary inputs in the program's order, (T, B, width) or (1, B, width).
        params: The tensors that hold the parameters.
        lengths: (B,) whole numbers, each sequence's own length, or None.
    """

    x: Tensor
    states: Sequence[Tensor]
    aux: Sequence[Tensor]
    params: Sequence[Tensor]
    lengths: Tensor | None

    @classmethod
    def of(cls, form: Form, tensors: Sequence[Tensor], lengths: Tensor | None) -> Inputs:
        """From the input, the states, the auxiliary inputs and the parameters' tensors in a row."""
        a = 1 + len(form.program.states)
        b = a + len(form.program.aux)
        return cls(tensors[0], tensors[1:a], tensors[a:b], tensors[b:], lengths)

    @property
    def tensors(self) -> list[Tensor]:
        """All of them but the lengths, in a row."""
        return [self.x, *self.states, *self.aux, *self.params]

    def named_aux(self, form: Form) -> dict[str, Tensor]:
        """The auxiliary inputs by name."""
        return dict(zip(form.aux, self.aux, strict=True))

    def parameters(self, form: Form) -> Parameters:
        """The parameters, cut from their tensors."""
        return Parameters(self.params, form.places)


def kept_width(form: Form, backend: str) -> int | None:
    """Numbers a row of what the backward pass reads beside the states; None if it runs forward again."""
    if backend != "cpu":
        return None
    from conveyor.backends.cpu import saved_nodes

    return sum(form.widths.get(form.program.nodes[n].type.width, 1) for n in saved_nodes(form.program))


class Stacked:
    """Makes the large tensors of several passes of one shape lie behind each other.

    Args:
        size: How many passes there are.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._blocks: list[Tensor] = []
        self._next = 0
        self._member = -1

    def begin(self) -> None:
        """From now on for the next pass."""
        self._member, self._next = self._member + 1, 0

    def empty(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """A tensor of the present pass."""
        from conveyor.backends.cpu.runtime import workspace

        if not self._member:
            self._blocks.append(workspace.empty((self._size, *shape), like))
        block = self._blocks[self._next]
        self._next += 1
        return block[self._member]

    def whole(self, parts: Sequence[Tensor]) -> Tensor:
        """One result of each pass, stacked; without a copy where they lie so."""
        first = parts[0]
        for block in self._blocks:
            if block.data_ptr() == first.data_ptr() and block.numel() == self._size * first.numel():
                return block.view(self._size, *first.shape)
        return torch.stack(list(parts))


def run_forward(
    form: Form, backend: str, given: Inputs, training: bool, stacked: Stacked | None = None
) -> list[Tensor]:
    """Run forward.

    Args:
        form: What runs.
        backend: `cpu` or `reference`.
        given: What it reads.
        training: Whether a backward pass is to follow.
        stacked: What makes the large tensors; the output may then be a part of another result.

    Returns:
        The output (T, B, width) and the final states (B, width). If a backward pass of a compiled backend follows, also
        what it reads, (T x B, …), and for each state those before each step and after the last, ((T + 1) x B, width).
    """
    x, aux, params = given.x, given.named_aux(form), given.parameters(form)
    _check_lengths(given.lengths, x.shape[0])
    with torch.no_grad():
        if backend != "cpu":
            found = masked.forward(form.program, x, given.states, params, form.widths, aux, given.lengths)
            return [found.output.contiguous(), *(_own(s) for s in found.states)]
        from conveyor.backends import cpu

        survive_fork()
        if given.lengths is not None:
            return _forward_packed(form, given, Packing.of(given.lengths, x.shape[0]), training)
        if stacked is None:
            kept = cpu.run_forward(form.program, x, given.states, params, form.widths, aux, training)
            results = [kept.output().clone(), *kept.finals]
        else:
            stacked.begin()
            kept = cpu.run_forward(
                form.program, x, given.states, params, form.widths, aux, training, empty=stacked.empty
            )
            results = [kept.output(), *kept.finals]
        if not training:
            return results
        steps, batch = x.shape[:2]
        columns = kept_width(form, "cpu") or 0
        saved = kept.saved.reshape(steps * batch, columns) if steps * batch else x.new_empty((0, columns))
        trails = list(kept.trails.values())
        if not kept.lead:  # a lone step
            trails = [torch.cat((s, f)) for s, f in zip(given.states, kept.finals, strict=True)]
        return [*results, saved, *(t.reshape((steps + 1) * batch, t.shape[-1]) for t in trails)]


def _forward_packed(form: Form, given: Inputs, packing: Packing, training: bool) -> list[Tensor]:
    from conveyor.backends import cpu

    steps, batch = given.x.shape[:2]
    x, aux = _packed(form, given, packing)
    states = [s.index_select(0, packing.order) for s in given.states]
    params = given.parameters(form)
    kept = cpu.run_forward(form.program, x, states, params, form.widths, aux, training, (), packing.ragged)
    results = [packing.unpack(kept.output(), batch), *(s.index_select(0, packing.back) for s in kept.finals)]
    if not training:
        return results
    saved = x.new_zeros((steps * batch, kept_width(form, "cpu") or 0))  # results are the same at each call, padding too
    trails = [x.new_zeros(((steps + 1) * batch, t.shape[-1])) for t in kept.trails.values()]
    for whole, part in zip((saved, *trails), (kept.saved, *kept.trails.values()), strict=True):
        if part.numel():
            whole[: len(part)] = part
    return [*results, saved, *trails]


def run_backward(
    form: Form, backend: str, given: Inputs, grads: Sequence[Tensor], kept: Sequence[Tensor], wants_x: bool
) -> list[Tensor]:
    """Run backward.

    Args:
        form: What ran.
        backend: `cpu` or `reference`.
        given: What the forward pass read.
        grads: The gradients of the output and of the final states.
        kept: What the forward pass left.
        wants_x: Whether the gradient of the input is asked for.

    Returns:
        The gradients of the input (if it is asked for), the states, the auxiliary inputs and the parameters' tensors.
    """
    _check_lengths(given.lengths, given.x.shape[0])
    with torch.no_grad():
        if backend != "cpu":
            return _backward_reference(form, given, grads, wants_x)
        survive_fork()
        return _backward_compiled(form, given, grads, kept, wants_x)


def _backward_reference(form: Form, given: Inputs, grads: Sequence[Tensor], wants_x: bool) -> list[Tensor]:
    aux, params = given.named_aux(form), given.parameters(form)
    found = masked.backward(form.program, given.x, given.states, params, form.widths, aux, given.lengths, grads)
    d_params = [torch.zeros_like(p) for p in given.params]
    for key, parts in form.places.parts.items():
        for p in parts:
            d_params[p.tensor][p.start : p.stop] += found.params[key]
    d_aux = [found.aux[n].sum_to_size(a.shape) for n, a in aux.items()]
    return [*([found.x] if wants_x else []), *(_own(s) for s in found.states), *map(_own, d_aux), *d_params]


def _backward_compiled(
    form: Form, given: Inputs, grads: Sequence[Tensor], kept: Sequence[Tensor], wants_x: bool
) -> list[Tensor]:
    from conveyor.backends import cpu

    steps, batch = given.x.shape[:2]
    x, aux, grad_output, finals, lead, ragged = given.x, given.named_aux(form), grads[0], list(grads[1:]), 1, None
    packing = None
    values, *trails = (k.contiguous() for k in kept)
    if given.lengths is not None:
        packing = Packing.of(given.lengths, steps)
        ragged, lead = packing.ragged, batch
        x, aux = _packed(form, given, packing)
        grad_output = packing.pack(grad_output)
        finals = [g.index_select(0, packing.order) for g in finals]
        values, trails = values[: ragged.rows], [t[: batch + ragged.rows] for t in trails]
    else:
        values = values.view(steps, batch, -1) if steps * batch else values
        trails = [t[:batch] if steps == 1 else t.view(steps + 1, batch, -1) for t in trails]
        lead = int(steps != 1)
    names = [s.name for s in form.program.states]
    left = cpu.Kept(dict(zip(names, trails, strict=True)), lead, (), values, {})
    params = given.parameters(form)
    found = cpu.run_backward(form.program, left, x, params, form.widths, aux, grad_output, finals, wants_x, ragged)
    d_x, d_states, d_aux = found.x, list(found.states), found.aux
    if packing is not None:
        d_x = None if d_x is None else packing.unpack(d_x, batch)
        d_states = [d.index_select(0, packing.back) for d in d_states]
        d_aux = {n: packing.unpack(d, batch) for n, d in d_aux.items()}
    shapes = zip(form.aux, given.aux, strict=True)
    d_inputs = [d_x] if wants_x and d_x is not None else []
    return [*d_inputs, *d_states, *(_own(d_aux[n].sum_to_size(a.shape)) for n, a in shapes), *found.tensors]


def whole_gradients(form: Form, x: Tensor, grads: Sequence[Tensor | None]) -> list[Tensor]:
    """The gradients of the output and of the final states, zero where none has come; more of them are left out."""
    steps, batch, _ = x.shape
    widths = form.state_widths
    shapes = [(steps, batch, widths[0]), *((batch, w) for w in widths)]
    return [x.new_zeros(s) if g is None else g for s, g in zip(shapes, grads, strict=False)]


def _packed(form: Form, given: Inputs, packing: Packing) -> tuple[Tensor, dict[str, Tensor]]:
    steps, batch = given.x.shape[:2]
    aux = {n: packing.pack(a.expand(steps, batch, -1)) for n, a in given.named_aux(form).items()}
    return packing.pack(given.x), aux


def _check_lengths(lengths: Tensor | None, steps: int) -> None:
    """Where a graph was made, nobody has seen the numbers yet."""
    if lengths is None or not lengths.numel():
        return
    low, high = int(lengths.min()), int(lengths.max())
    if low < 0 or high > steps:
        raise ArgumentError(f"lengths are from 0 to T = {steps}, got {low if low < 0 else high}")


def _own(tensor: Tensor) -> Tensor:
    """Results of an operation have memory of their own."""
    return tensor.clone(memory_format=torch.contiguous_format)
