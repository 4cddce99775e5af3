"""A pass that keeps only the states between chunks of steps, and runs each chunk again for its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from conveyor.backends.packing import Packing, turn_padded
from conveyor.backends.ragged import Ragged
from conveyor.torch_ops.modes import is_watched

States = tuple[Tensor, ...]
# Of the input, the states, other tensors and how rows are packed: outputs and final states.
Run = Callable[[Tensor, States, Sequence[Tensor], "Ragged | None"], tuple[States, States]]


@dataclass(frozen=True, eq=False)
class Order:
    """How a unit goes through time.

    Attributes:
        steps: T.
        forwards: Whether from the first step to the last.
        packing: How sequences of unequal length are packed; None if they are (T, B, …).
        lengths: Their lengths (B,), if they stay padded.
    """

    steps: int
    forwards: bool
    packing: Packing | None
    lengths: Tensor | None = None

    @property
    def ragged(self) -> Ragged | None:
        """How sequences of unequal length are packed."""
        return None if self.packing is None else self.packing.ragged

    def goes_along(self, tensor: Tensor) -> bool:
        """Whether a tensor has an entry a step: otherwise it is the same at each."""
        return self.packing is not None or (tensor.dim() == 3 and tensor.shape[0] == self.steps != 1)

    def turn(self, sequence: Tensor) -> Tensor:
        """A whole sequence in this order; twice gives what was."""
        if self.forwards:
            return sequence
        if self.lengths is not None:
            return turn_padded(sequence, self.lengths)
        return sequence.flip(0) if self.packing is None else self.packing.turn(sequence)

    def length(self) -> int:
        """How many steps there are to run."""
        return self.steps if self.packing is None else len(self.packing.ragged.sizes)

    def part(self, start: int, stop: int) -> Ragged | None:
        """How the rows of some steps are packed."""
        ragged = self.ragged
        return None if ragged is None else Ragged(ragged.sizes[start:stop], ragged.batch)

    def take(self, sequence: Tensor, start: int, stop: int) -> Tensor:
        """Steps in this order; in the forward direction a view."""
        if self.packing is not None:
            starts = self.packing.ragged.starts
            first, last = starts[start], starts[stop]
            if self.forwards:
                return sequence[first:last]
            return sequence.index_select(0, self.packing.turned[first:last])
        if self.forwards:
            return sequence[start:stop]
        return sequence[self.steps - stop : self.steps - start].flip(0)

    def put(self, sequence: Tensor, start: int, stop: int, values: Tensor) -> None:
        """Write steps in this order to where they belong."""
        if self.packing is not None:
            starts = self.packing.ragged.starts
            first, last = starts[start], starts[stop]
            if self.forwards:
                sequence[first:last] = values
            else:
                sequence.index_copy_(0, self.packing.turned[first:last], values)
        elif self.forwards:
            sequence[start:stop] = values
        else:
            sequence[self.steps - stop : self.steps - start] = values.flip(0)


@dataclass(frozen=True, eq=False)
class Work:
    """What runs in chunks.

    Attributes:
        run: Runs some steps, differentiably.
        order: How it goes through time.
        every: Steps a chunk.
        along: For each of the other tensors whether it has an entry a step.
        states: How many states there are.
    """

    run: Run
    order: Order
    every: int
    along: Sequence[bool]
    states: int

    def chunks(self) -> list[tuple[int, int]]:
        """Where each chunk begins and ends."""
        total = self.order.length()
        return [(a, min(a + self.every, total)) for a in range(0, total, self.every)]

    def on(self, start: int, stop: int, x: Tensor, states: States, others: Sequence[Tensor]) -> tuple[States, States]:
        """Run some steps, whose tensors are given."""
        return self.run(x, states, others, self.order.part(start, stop))

    def cut(self, start: int, stop: int, x: Tensor, others: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The input and the other tensors of some steps."""
        own = [self.order.take(t, start, stop) if a else t for t, a in zip(others, self.along, strict=True)]
        return self.order.take(x, start, stop), own

    def whole(self, x: Tensor, states: States, others: Sequence[Tensor]) -> tuple[States, States]:
        """All steps at once."""
        total = self.order.length()
        x, own = self.cut(0, total, x, others)
        outputs, finals = self.on(0, total, x, states, own)
        return tuple(self.order.turn(o) for o in outputs), finals


def in_chunks(work: Work, x: Tensor, states: States, others: Sequence[Tensor]) -> tuple[States, States]:
    """Outputs and final states; with a gradient to come, in chunks that are run again for it.

    Args:
        work: What runs.
        x: The input, (T, B, I) or packed rows.
        states: The initial states.
        others: Auxiliary inputs, masks and parameters.
    """
    wanted = torch.is_grad_enabled() and any(t.requires_grad for t in (x, *states, *others))
    if not wanted or work.order.length() <= work.every or is_watched():
        return work.whole(x, states, others)
    found = _Chunked.apply(work, x, *states, *others)  # type: ignore[no-untyped-call]
    return tuple(found[work.states :]), tuple(found[: work.states])


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, work: Work, *tensors: Tensor) -> tuple[Tensor, ...]:
        x, states, others = _split(work, tensors)
        wholes: list[Tensor] = []
        borders: list[Tensor] = []
        for start, stop in work.chunks():
            borders += states
            part, own = work.cut(start, stop, x, others)
            outputs, states = work.on(start, stop, part, states, own)
            wholes = wholes or [o.new_empty((x.shape[0], *o.shape[1:])) for o in outputs]
            for whole, output in zip(wholes, outputs, strict=True):
                work.order.put(whole, start, stop, output)
        ctx.work, ctx.count = work, len(tensors)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, *borders)
        return *states, *wholes

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        work: Work = ctx.work
        saved = ctx.saved_tensors
        tensors, borders, needed = saved[: ctx.count], saved[ctx.count :], ctx.needs_input_grad[1:]
        if torch.is_grad_enabled():
            return None, *_at_once(work, tensors, needed, grads)
        return None, *_chunk_by_chunk(work, tensors, borders, needed, grads)


def _chunk_by_chunk(
    work: Work,
    tensors: Sequence[Tensor],
    borders: Sequence[Tensor],
    needed: Sequence[bool],
    grads: Sequence[Tensor | None],
) -> list[Tensor | None]:
    x, _, others = _split(work, tensors)
    n, order = work.states, work.order
    along = [True, *work.along]
    # States pass a gradient on from chunk to chunk, whether or not the first ones want it.
    wanted = [needed[0], *needed[1 + n :]]
    totals = [torch.zeros_like(t) if w else None for t, w in zip((x, *others), wanted, strict=True)]
    carried, outside = list(grads[:n]), grads[n:]
    for k, (start, stop) in reversed(list(enumerate(work.chunks()))):
        part, own = work.cut(start, stop, x, others)
        before = [s.detach().requires_grad_() for s in borders[k * n : (k + 1) * n]]
        given = [t.detach().requires_grad_(w) for t, w in zip((part, *own), wanted, strict=True)]
        with torch.enable_grad():
            outputs, finals = work.on(start, stop, given[0], tuple(before), given[1:])
        received = [*carried, *(None if g is None else order.take(g, start, stop) for g in outside)]
        leaves = [*before, *(t for t in given if t.requires_grad)]
        found = iter(_gradients([*finals, *outputs], received, leaves))
        carried = [next(found) for _ in before]
        for total, a in zip(totals, along, strict=True):
            grad = None if total is None else next(found)
            if total is None or grad is None:
                continue
            if a:
                order.put(total, start, stop, grad)
            else:
                total += grad
    return [totals[0], *(g if w else None for g, w in zip(carried, needed[1 : 1 + n], strict=True)), *totals[1:]]


def _at_once(
    work: Work, tensors: Sequence[Tensor], needed: Sequence[bool], grads: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """The gradients as a graph of their own, for a second derivative: nothing is saved then."""
    with torch.enable_grad():
        places = [t.view_as(t) for t in tensors]
        x, states, others = _split(work, places)
        outputs, finals = work.whole(x, states, others)
        leaves = [t for t, w in zip(places, needed, strict=True) if w]
        found = iter(_gradients([*finals, *outputs], grads, leaves, create_graph=True))
    return [next(found) if w else None for w in needed]


def _gradients(
    results: Sequence[Tensor], grads: Sequence[Tensor | None], leaves: Sequence[Tensor], create_graph: bool = False
) -> Sequence[Tensor | None]:
    reached = [(r, g) for r, g in zip(results, grads, strict=True) if g is not None and r.requires_grad]
    if not reached:
        return [None] * len(leaves)
    return torch.autograd.grad(
        [r for r, _ in reached], leaves, [g for _, g in reached], create_graph=create_graph, allow_unused=True
    )


def _split(work: Work, tensors: Sequence[Tensor]) -> tuple[Tensor, States, Sequence[Tensor]]:
    return tensors[0], tuple(tensors[1 : 1 + work.states]), tensors[1 + work.states :]
