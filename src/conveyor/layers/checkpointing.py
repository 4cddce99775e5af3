"""The checkpointed scan, which saves only the states between segments of time steps and recomputes each segment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from conveyor.backends.interface import VarLen
from conveyor.backends.packing import Packing, turn_padded
from conveyor.torch_ops.modes import is_watched

States = tuple[Tensor, ...]
# Of the input, the states, other tensors and how rows are packed: outputs and final states.
Run = Callable[[Tensor, States, Sequence[Tensor], "VarLen | None"], tuple[States, States]]


@dataclass(frozen=True, eq=False)
class TimeDirection:
    """The direction of a layer through time, over sequences (T, B, …) or packed rows.

    Attributes:
        steps: T.
        forwards: Whether from the first step to the last.
        packing: The packing of sequences of unequal length; None if they are (T, B, …).
        lengths: Their lengths (B,), if they stay padded.
    """

    steps: int
    forwards: bool
    packing: Packing | None
    lengths: Tensor | None = None

    @property
    def varlen(self) -> VarLen | None:
        """The layout of the packed rows; None if sequences are (T, B, …)."""
        return None if self.packing is None else self.packing.varlen

    def is_time_varying(self, tensor: Tensor) -> bool:
        """Tell whether a tensor has an entry for each step; otherwise it is the same at each."""
        return self.packing is not None or (tensor.dim() == 3 and tensor.shape[0] == self.steps != 1)

    def flip(self, sequence: Tensor) -> Tensor:
        """Flip a sequence into this direction; twice gives the original."""
        if self.forwards:
            return sequence
        if self.lengths is not None:
            return turn_padded(sequence, self.lengths)
        return sequence.flip(0) if self.packing is None else self.packing.turn(sequence)

    def length(self) -> int:
        """Return the number of time steps to run."""
        return self.steps if self.packing is None else len(self.packing.varlen.sizes)

    def part(self, start: int, stop: int) -> VarLen | None:
        """Return the layout of the packed rows of some time steps."""
        varlen = self.varlen
        return None if varlen is None else VarLen(varlen.sizes[start:stop], varlen.batch)

    def take(self, sequence: Tensor, start: int, stop: int) -> Tensor:
        """Slice time steps in this direction; a view in the forward one."""
        if self.packing is not None:
            starts = self.packing.varlen.starts
            first, last = starts[start], starts[stop]
            if self.forwards:
                return sequence[first:last]
            return sequence.index_select(0, self.packing.turned[first:last])
        if self.forwards:
            return sequence[start:stop]
        return sequence[self.steps - stop : self.steps - start].flip(0)

    def put(self, sequence: Tensor, start: int, stop: int, values: Tensor) -> None:
        """Write time steps in this direction to their positions in a sequence."""
        if self.packing is not None:
            starts = self.packing.varlen.starts
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
class CheckpointedScan:
    """A scan over time that saves only the states between segments, and recomputes each for its gradient.

    Attributes:
        run: Runs some steps, differentiably.
        order: Its direction through time.
        every: Time steps per segment.
        along: For each of the other tensors whether it has an entry per time step.
        states: The number of states.
    """

    run: Run
    order: TimeDirection
    every: int
    along: Sequence[bool]
    states: int

    def chunks(self) -> list[tuple[int, int]]:
        """List the first step of each segment and the step after its last."""
        total = self.order.length()
        return [(a, min(a + self.every, total)) for a in range(0, total, self.every)]

    def run_segment(
        self, start: int, stop: int, x: Tensor, states: States, others: Sequence[Tensor]
    ) -> tuple[States, States]:
        """Run one segment."""
        return self.run(x, states, others, self.order.part(start, stop))

    def slice(self, start: int, stop: int, x: Tensor, others: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Slice the input and the other tensors of one segment."""
        own = [self.order.take(t, start, stop) if a else t for t, a in zip(others, self.along, strict=True)]
        return self.order.take(x, start, stop), own

    def run_all(self, x: Tensor, states: States, others: Sequence[Tensor]) -> tuple[States, States]:
        """Run all steps at once."""
        total = self.order.length()
        x, own = self.slice(0, total, x, others)
        outputs, finals = self.run_segment(0, total, x, states, own)
        return tuple(self.order.flip(o) for o in outputs), finals


def in_chunks(scan: CheckpointedScan, x: Tensor, states: States, others: Sequence[Tensor]) -> tuple[States, States]:
    """Run a scan; returns outputs and final states. If a gradient is needed, by segments that are recomputed for it.

    Args:
        scan: The scan.
        x: The input, (T, B, I) or packed rows.
        states: The initial states.
        others: Auxiliary inputs, masks and parameters.
    """
    wanted = torch.is_grad_enabled() and any(t.requires_grad for t in (x, *states, *others))
    if not wanted or scan.order.length() <= scan.every or is_watched():
        return scan.run_all(x, states, others)
    found = _Chunked.apply(scan, x, *states, *others)  # type: ignore[no-untyped-call]
    return tuple(found[scan.states :]), tuple(found[: scan.states])


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scan: CheckpointedScan, *tensors: Tensor) -> tuple[Tensor, ...]:
        x, states, others = _split(scan, tensors)
        wholes: list[Tensor] = []
        boundary_states: list[Tensor] = []
        for start, stop in scan.chunks():
            boundary_states += states
            part, own = scan.slice(start, stop, x, others)
            outputs, states = scan.run_segment(start, stop, part, states, own)
            wholes = wholes or [o.new_empty((x.shape[0], *o.shape[1:])) for o in outputs]
            for whole, output in zip(wholes, outputs, strict=True):
                scan.order.put(whole, start, stop, output)
        ctx.scan, ctx.count = scan, len(tensors)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, *boundary_states)
        return *states, *wholes

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        scan: CheckpointedScan = ctx.scan
        saved = ctx.saved_tensors
        tensors, boundary_states, needed = saved[: ctx.count], saved[ctx.count :], ctx.needs_input_grad[1:]
        if torch.is_grad_enabled():
            return None, *_at_once(scan, tensors, needed, grads)
        return None, *_chunk_by_chunk(scan, tensors, boundary_states, needed, grads)


def _chunk_by_chunk(
    scan: CheckpointedScan,
    tensors: Sequence[Tensor],
    boundary_states: Sequence[Tensor],
    needed: Sequence[bool],
    grads: Sequence[Tensor | None],
) -> list[Tensor | None]:
    x, _, others = _split(scan, tensors)
    n, order = scan.states, scan.order
    along = [True, *scan.along]
    # States pass a gradient on from segment to segment, whether or not the first ones want it.
    wanted = [needed[0], *needed[1 + n :]]
    totals = [torch.zeros_like(t) if w else None for t, w in zip((x, *others), wanted, strict=True)]
    carried, outside = list(grads[:n]), grads[n:]
    for k, (start, stop) in reversed(list(enumerate(scan.chunks()))):
        part, own = scan.slice(start, stop, x, others)
        before = [s.detach().requires_grad_() for s in boundary_states[k * n : (k + 1) * n]]
        given = [t.detach().requires_grad_(w) for t, w in zip((part, *own), wanted, strict=True)]
        with torch.enable_grad():
            outputs, finals = scan.run_segment(start, stop, given[0], tuple(before), given[1:])
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
    scan: CheckpointedScan, tensors: Sequence[Tensor], needed: Sequence[bool], grads: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """Compute the gradients with a graph, for a second derivative, without segments."""
    with torch.enable_grad():
        places = [t.view_as(t) for t in tensors]
        x, states, others = _split(scan, places)
        outputs, finals = scan.run_all(x, states, others)
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


def _split(scan: CheckpointedScan, tensors: Sequence[Tensor]) -> tuple[Tensor, States, Sequence[Tensor]]:
    return tensors[0], tuple(tensors[1 : 1 + scan.states]), tensors[1 + scan.states :]
