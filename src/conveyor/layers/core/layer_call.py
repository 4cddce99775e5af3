"""One call of a layer: what each of its units runs on, and the way of a sequence through layers and directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from conveyor.backends.parameters import Parameters
from conveyor.backends.ragged import Ragged
from conveyor.layers.checkpointing import Order, Work, in_chunks
from conveyor.layers.core import connections
from conveyor.layers.core.layer_direction import Unit
from conveyor.layers.recording.recorder import Notes
from conveyor.torch_ops import recurrence

States = tuple[Tensor, ...]
# Of a tensor and whether it goes along time: what stands in its place.
Change = Callable[[Tensor, bool], Tensor]


@dataclass(frozen=True, eq=False)
class Track:
    """One unit in a call.

    Attributes:
        unit: The unit.
        training: Whether its masks are among its auxiliary inputs.
        params: Its parameters.
        aux: Its auxiliary inputs, masks and resets among them.
        order: How it goes through time.
    """

    unit: Unit
    training: bool
    params: Parameters
    aux: Mapping[str, Tensor]
    order: Order

    def run(
        self,
        backend: str,
        x: Tensor,
        states: States,
        ragged: Ragged | None,
        lengths: Tensor | None = None,
        notes: Notes | None = None,
    ) -> tuple[Tensor, States]:
        """The outputs and final states for an input in the order in which it goes through time."""
        program, aux = self.unit.running(self.training, "reset" in self.aux), self.aux
        if notes is not None:
            program, aux = notes.prepare(self, program, x, states)
        keep = () if notes is None else notes.nodes(program)
        result = recurrence(
            backend, program, x, states, self.params, self.unit.widths, aux, ragged, keep, lengths=lengths
        )
        if notes is not None:
            notes.take(self.unit, program, result.kept, states, self.order)
        return result.output, result.states

    def map(self, change: Change) -> Track:
        """The same with other tensors."""
        tensors = [change(t, False) for t in self.params.tensors]
        aux = {n: change(a, self.order.goes_along(a)) for n, a in self.aux.items()}
        return replace(self, params=Parameters(tensors, self.params.places), aux=aux)


@dataclass(frozen=True, eq=False)
class Floor:
    """One layer in a call.

    Attributes:
        tracks: Its units.
        below: A mask on the output of the layer below, or None.
        read: A mask on all that it reads, or None.
        output: A mask on what it gives out, or None.
    """

    tracks: Sequence[Track]
    below: Tensor | None = None
    read: Tensor | None = None
    output: Tensor | None = None

    def map(self, change: Change) -> Floor:
        """The same with other tensors."""
        order = self.tracks[0].order

        def mask(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else change(tensor, order.goes_along(tensor))

        tracks = [t.map(change) for t in self.tracks]
        return Floor(tracks, mask(self.below), mask(self.read), mask(self.output))


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a layer.

    Attributes:
        floors: Its layers, from the first.
        backend: What runs it.
        connections: How the layers are connected.
        ragged: How sequences of unequal length are packed.
        every: Steps from one state that is kept for the gradient to the next; 0 keeps all that the gradient reads.
        gives_all: Whether every layer's output is asked for.
        notes: What is to be told of the values inside; nothing without.
    """

    floors: Sequence[Floor]
    backend: str
    connections: str
    ragged: Ragged | None
    every: int = 0
    gives_all: bool = False
    notes: Notes | None = None

    def run(self, x: Tensor, states: Sequence[States]) -> tuple[list[Tensor], list[States]]:
        """The output of the last layer, or of each, and the final states of each unit."""
        tracks = [t for floor in self.floors for t in floor.tracks]
        if self.every and all(t.order.forwards for t in tracks):
            return self._run_all_in_chunks(x, states)
        return self._through(x, states, self._run_unit)

    def _through(
        self, x: Tensor, states: Sequence[States], run: Callable[[Track, Tensor, States], tuple[Tensor, States]]
    ) -> tuple[list[Tensor], list[States]]:
        outputs: list[Tensor] = []
        finals: list[States] = []
        below = x
        for k, floor in enumerate(self.floors):
            lower = below if floor.below is None else below * floor.below
            inputs = connections.read(self.connections, k, lower, x)
            inputs = inputs if floor.read is None else inputs * floor.read
            parts = []
            for track in floor.tracks:
                part, final = run(track, inputs, states[len(finals)])
                parts.append(part)
                finals.append(final)
            output = torch.cat(parts, -1) if len(parts) > 1 else parts[0]
            below = connections.given(self.connections, k, below, output)
            if self.gives_all or k == len(self.floors) - 1:
                outputs.append(below if floor.output is None else below * floor.output)
        return outputs, finals

    def _run_unit(self, track: Track, x: Tensor, states: States) -> tuple[Tensor, States]:
        """A unit by itself, in its direction."""
        order = track.order
        if self.every:
            return self._run_unit_in_chunks(track, x, states)
        turned = track if order.forwards else track.map(lambda t, along: order.turn(t) if along else t)
        output, finals = turned.run(self.backend, order.turn(x), states, self.ragged, order.lengths, self.notes)
        return order.turn(output), finals

    def _run_unit_in_chunks(self, track: Track, x: Tensor, states: States) -> tuple[Tensor, States]:
        def run(x: Tensor, states: States, others: Sequence[Tensor], ragged: Ragged | None) -> tuple[States, States]:
            rest = iter(others)
            output, finals = track.map(lambda t, along: next(rest)).run(self.backend, x, states, ragged)
            return (output,), finals

        others: list[tuple[Tensor, bool]] = []
        track.map(lambda t, along: _noted(others, t, along))
        work = Work(run, track.order, self.every, [along for _, along in others], len(states))
        (output,), finals = in_chunks(work, x, states, [t for t, _ in others])
        return output, finals

    def _run_all_in_chunks(self, x: Tensor, states: Sequence[States]) -> tuple[list[Tensor], list[States]]:
        """All layers chunk by chunk, so that only the last one's output lies there as a whole."""
        sizes = [len(s) for s in states]

        def run(x: Tensor, states: States, others: Sequence[Tensor], ragged: Ragged | None) -> tuple[States, States]:
            rest = iter(others)
            floors = [floor.map(lambda t, along: next(rest)) for floor in self.floors]
            held = iter(states)
            own = [tuple(next(held) for _ in range(size)) for size in sizes]
            whole = replace(self, floors=floors, ragged=ragged, every=0)
            outputs, finals = whole._through(x, own, lambda t, x, s: t.run(self.backend, x, s, ragged))
            return tuple(outputs), tuple(s for f in finals for s in f)

        others: list[tuple[Tensor, bool]] = []
        for floor in self.floors:
            floor.map(lambda t, along: _noted(others, t, along))
        order = self.floors[0].tracks[0].order
        work = Work(run, order, self.every, [along for _, along in others], sum(sizes))
        outputs, flat = in_chunks(work, x, tuple(s for own in states for s in own), [t for t, _ in others])
        held = iter(flat)
        return list(outputs), [tuple(next(held) for _ in range(size)) for size in sizes]


def _noted(others: list[tuple[Tensor, bool]], tensor: Tensor, along: bool) -> Tensor:
    others.append((tensor, along))
    return tensor
