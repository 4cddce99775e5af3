"""The forward and backward pass on plain tensors, with the residuals as tensors of fixed shapes.

Residuals of T time steps of B rows are (T x B, …), so that they have one shape whether or not sequences have unequal
lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from conveyor.backends.interface import ParamLayout, RecurrenceArgs, RecurrenceSpec, Residuals
from conveyor.backends.packing import Packing
from conveyor.errors import ArgumentError
from conveyor.ir.parser import parse
from conveyor.torch_ops import masked
from conveyor.torch_ops.modes import survive_fork


@lru_cache(maxsize=1024)
def read_spec(program: str, layout: str) -> RecurrenceSpec:
    """Parse the texts of a program and its parameter layout, the only forms that torch's graphs can hold.

    Raises:
        ProgramError: A text is damaged, or that of the program was written by a later version.
    """
    return RecurrenceSpec(parse(program), ParamLayout.parse(layout))


def kept_width(spec: RecurrenceSpec, backend: str) -> int | None:
    """Return the columns of the residuals beside the states; None if the backward pass runs forward again."""
    if backend != "cpu":
        return None
    from conveyor.backends.cpu import saved_nodes

    return sum(spec.widths.get(spec.program.nodes[n].type.width, 1) for n in saved_nodes(spec.program))


class Stacked:
    """An allocator that places the large tensors of several passes of one shape behind each other.

    Args:
        size: The number of passes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._blocks: list[Tensor] = []
        self._next = 0
        self._member = -1

    def begin(self) -> None:
        """Begin the next pass."""
        self._member, self._next = self._member + 1, 0

    def empty(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """Allocate a tensor of the current pass."""
        from conveyor.backends.cpu.runtime import workspace

        if not self._member:
            self._blocks.append(workspace.empty((self._size, *shape), like))
        block = self._blocks[self._next]
        self._next += 1
        return block[self._member]

    def whole(self, parts: Sequence[Tensor]) -> Tensor:
        """Stack one result of each pass; without a copy if they are adjacent in memory."""
        first = parts[0]
        for block in self._blocks:
            if block.data_ptr() == first.data_ptr() and block.numel() == self._size * first.numel():
                return block.view(self._size, *first.shape)
        return torch.stack(list(parts))


def run_forward(args: RecurrenceArgs, backend: str, training: bool, stacked: Stacked | None = None) -> list[Tensor]:
    """Run the forward pass.

    Args:
        args: The arguments; padded.
        backend: `cpu` or `reference`.
        training: Whether a backward pass is to follow.
        stacked: The allocator of the large tensors; the output may then be a part of another result.

    Returns:
        The output (T, B, width) and the final states (B, width). If a backward pass of a compiled backend follows, also
        its residuals, (T x B, …), and the history of each state, ((T + 1) x B, width).
    """
    x = args.x
    _check_lengths(args.lengths, x.shape[0])
    with torch.no_grad():
        if backend != "cpu":
            found = masked.forward(args)
            return [found.output.contiguous(), *(_own(s) for s in found.states)]
        from conveyor.backends import cpu

        survive_fork()
        if args.lengths is not None:
            return _forward_packed(args, Packing.of(args.lengths, x.shape[0]), training)
        if stacked is None:
            left = cpu.run_forward(args, training)
            results = [left.output.clone(), *left.states]
        else:
            stacked.begin()
            left = cpu.run_forward(args, training, stacked.empty)
            results = [left.output, *left.states]
        if not training:
            return results
        steps, batch = x.shape[:2]
        columns = kept_width(args.spec, "cpu") or 0
        rows = steps * batch
        saved = left.saved.reshape(rows, columns) if rows and left.saved is not None else x.new_empty((0, columns))
        history = left.history
        if steps == 1:
            history = tuple(torch.cat((s, f)) for s, f in zip(args.states, left.states, strict=True))
        return [*results, saved, *(t.reshape((steps + 1) * batch, t.shape[-1]) for t in history)]


def _forward_packed(args: RecurrenceArgs, packing: Packing, training: bool) -> list[Tensor]:
    from conveyor.backends import cpu

    x = args.x
    steps, batch = x.shape[:2]
    left = cpu.run_forward(_packed(args, packing), training)
    assert left.saved is not None
    results = [packing.unpack(left.output, batch), *(s.index_select(0, packing.back) for s in left.states)]
    if not training:
        return results
    # Results are the same at each call, padding too.
    saved = x.new_zeros((steps * batch, kept_width(args.spec, "cpu") or 0))
    history = [x.new_zeros(((steps + 1) * batch, t.shape[-1])) for t in left.history]
    for whole, part in zip((saved, *history), (left.saved, *left.history), strict=True):
        if part.numel():
            whole[: len(part)] = part
    return [*results, saved, *history]


def run_backward(
    args: RecurrenceArgs, backend: str, grads: Sequence[Tensor], kept: Sequence[Tensor], wants_x: bool
) -> list[Tensor]:
    """Run the backward pass.

    Args:
        args: The arguments of the forward pass.
        backend: `cpu` or `reference`.
        grads: The gradients of the output and of the final states.
        kept: The residuals.
        wants_x: Whether the gradient of the input is computed.

    Returns:
        The gradients of the input (if requested), the states, the auxiliary inputs and the parameters' tensors.
    """
    _check_lengths(args.lengths, args.x.shape[0])
    with torch.no_grad():
        if backend == "cpu":
            survive_fork()
            return _backward_compiled(args, grads, kept, wants_x)
        found = masked.backward(args, grads)
        d_aux = [d.sum_to_size(a.shape) for d, a in zip(found.aux, args.aux, strict=True)]
        d_x = [found.x] if wants_x and found.x is not None else []
        return [*d_x, *map(_own, found.states), *map(_own, d_aux), *found.params]


def _backward_compiled(
    args: RecurrenceArgs, grads: Sequence[Tensor], kept: Sequence[Tensor], wants_x: bool
) -> list[Tensor]:
    from conveyor.backends import cpu

    steps, batch = args.x.shape[:2]
    grad_output, finals, packing = grads[0], list(grads[1:]), None
    saved, *history = (k.contiguous() for k in kept)
    run = args
    if args.lengths is not None:
        packing = Packing.of(args.lengths, steps)
        run = _packed(args, packing)
        rows = packing.varlen.rows
        grad_output = packing.pack(grad_output)
        finals = [g.index_select(0, packing.order) for g in finals]
        saved, history = saved[:rows], [t[: batch + rows] for t in history]
    else:
        saved = saved.view(steps, batch, -1) if steps * batch else saved
        history = [t[:batch] if steps == 1 else t.view(steps + 1, batch, -1) for t in history]
    left = Residuals(grad_output, (), history=tuple(history), saved=saved)
    found = cpu.run_backward(run, left, grad_output, finals, wants_x)
    d_x, d_states, d_aux = found.x, list(found.states), list(found.aux)
    if packing is not None:
        d_x = None if d_x is None else packing.unpack(d_x, batch)
        d_states = [d.index_select(0, packing.back) for d in d_states]
        d_aux = [packing.unpack(d, batch) for d in d_aux]
    d_aux = [_own(d.sum_to_size(a.shape)) for d, a in zip(d_aux, args.aux, strict=True)]
    return [*([d_x] if wants_x and d_x is not None else []), *d_states, *d_aux, *found.params]


def whole_gradients(spec: RecurrenceSpec, x: Tensor, grads: Sequence[Tensor | None]) -> list[Tensor]:
    """Return the gradients of the output and the final states, zero where there is none; further ones are left out."""
    steps, batch, _ = x.shape
    widths = spec.state_widths
    shapes = [(steps, batch, widths[0]), *((batch, w) for w in widths)]
    return [x.new_zeros(s) if g is None else g for s, g in zip(shapes, grads, strict=False)]


def _packed(args: RecurrenceArgs, packing: Packing) -> RecurrenceArgs:
    """Return the arguments with packed rows."""
    steps, batch = args.x.shape[:2]
    aux = tuple(packing.pack(a.expand(steps, batch, -1)) for a in args.aux)
    states = tuple(s.index_select(0, packing.order) for s in args.states)
    return replace(args, x=packing.pack(args.x), states=states, aux=aux, lengths=None, varlen=packing.varlen)


def _check_lengths(lengths: Tensor | None, steps: int) -> None:
    """Check the values of lengths, which are unknown while a graph is made."""
    if lengths is None or not lengths.numel():
        return
    low, high = int(lengths.min()), int(lengths.max())
    if low < 0 or high > steps:
        raise ArgumentError(f"lengths are from 0 to T = {steps}, got {low if low < 0 else high}")


def _own(tensor: Tensor) -> Tensor:
    """Copy a tensor: results of a torch operation must not share memory with its arguments."""
    return tensor.clone(memory_format=torch.contiguous_format)
