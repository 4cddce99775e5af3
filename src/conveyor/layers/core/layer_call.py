"""One call of a stack: the arguments of each layer and direction, and the run through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from conveyor.backends.interface import Parameters, RecurrenceArgs, VarLen
from conveyor.layers.checkpointing import CheckpointedScan, TimeDirection, in_chunks
from conveyor.layers.core import connections
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.recording.recorder import Recorder
from conveyor.torch_ops import recurrence

States = tuple[Tensor, ...]
# Of a tensor and whether it goes along time: what stands in its place.
Change = Callable[[Tensor, bool], Tensor]


@dataclass(frozen=True, eq=False)
class DirectionCall:
    """The arguments of one direction of one layer in a call.

    Attributes:
        unit: The layer direction.
        training: Whether its masks are among its auxiliary inputs.
        params: Its parameters.
        aux: Its auxiliary inputs, masks and resets among them.
        order: Its direction through time.
    """

    unit: LayerDirection
    training: bool
    params: Parameters
    aux: Mapping[str, Tensor]
    order: TimeDirection

    def run(
        self,
        backend: str,
        x: Tensor,
        states: States,
        varlen: VarLen | None,
        lengths: Tensor | None = None,
        recorder: Recorder | None = None,
    ) -> tuple[Tensor, States]:
        """Run on an input that is in its order of time; returns the output and the final states."""
        program, aux = self.unit.running(self.training, "reset" in self.aux), self.aux
        if recorder is not None:
            program, aux = recorder.prepare(self, program, x, states)
        keep = () if recorder is None else recorder.nodes(program)
        args = RecurrenceArgs.of(program, x, states, self.params, self.unit.widths, aux, varlen, keep, lengths)
        result = recurrence(backend, args)
        if recorder is not None:
            recorder.save(self.unit, program, result.kept, states, self.order)
        return result.output, result.states

    def map(self, change: Change) -> DirectionCall:
        """Return a copy with changed tensors."""
        tensors = [change(t, False) for t in self.params.tensors]
        aux = {n: change(a, self.order.is_time_varying(a)) for n, a in self.aux.items()}
        return replace(self, params=Parameters(tensors, self.params.layout), aux=aux)


@dataclass(frozen=True, eq=False)
class LayerCall:
    """The arguments of one layer in a call.

    Attributes:
        directions: Its directions.
        below: A mask on the output of the layer below, or None.
        read: A mask on its input, or None.
        output: A mask on its output, or None.
    """

    directions: Sequence[DirectionCall]
    below: Tensor | None = None
    read: Tensor | None = None
    output: Tensor | None = None

    def map(self, change: Change) -> LayerCall:
        """Return a copy with changed tensors."""
        order = self.directions[0].order

        def mask(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else change(tensor, order.is_time_varying(tensor))

        directions = [t.map(change) for t in self.directions]
        return LayerCall(directions, mask(self.below), mask(self.read), mask(self.output))


@dataclass(frozen=True, eq=False)
class StackCall:
    """One call of a stack.

    Attributes:
        layers: Its layers, from the first.
        backend: The backend's name.
        connections: The kind of connections.
        varlen: The layout of packed rows, or None.
        every: Time steps per segment of the checkpointed scan, `checkpoint_every`; 0 saves all residuals.
        return_all_layers: Whether every layer's output is returned.
        recorder: The recorder of named values; None records nothing.
    """

    layers: Sequence[LayerCall]
    backend: str
    connections: str
    varlen: VarLen | None
    every: int = 0
    return_all_layers: bool = False
    recorder: Recorder | None = None

    def run(self, x: Tensor, states: Sequence[States]) -> tuple[list[Tensor], list[States]]:
        """Run all layers; return the outputs (T, B, width) of the last or each, and each direction's final states."""
        directions = [t for layer in self.layers for t in layer.directions]
        if self.every and all(t.order.forwards for t in directions):
            return self._run_all_in_chunks(x, states)
        return self._forward_layers(x, states, self._run_unit)

    def _forward_layers(
        self, x: Tensor, states: Sequence[States], run: Callable[[DirectionCall, Tensor, States], tuple[Tensor, States]]
    ) -> tuple[list[Tensor], list[States]]:
        outputs: list[Tensor] = []
        finals: list[States] = []
        below = x
        for k, layer in enumerate(self.layers):
            lower = below if layer.below is None else below * layer.below
            inputs = connections.read(self.connections, k, lower, x)
            inputs = inputs if layer.read is None else inputs * layer.read
            parts = []
            for direction in layer.directions:
                part, final = run(direction, inputs, states[len(finals)])
                parts.append(part)
                finals.append(final)
            output = torch.cat(parts, -1) if len(parts) > 1 else parts[0]
            below = connections.given(self.connections, k, below, output)
            if self.return_all_layers or k == len(self.layers) - 1:
                outputs.append(below if layer.output is None else below * layer.output)
        return outputs, finals

    def _run_unit(self, direction: DirectionCall, x: Tensor, states: States) -> tuple[Tensor, States]:
        """Run one direction of one layer; return its output and final states."""
        order = direction.order
        if self.every:
            return self._run_unit_in_chunks(direction, x, states)
        flipped = direction if order.forwards else direction.map(lambda t, along: order.flip(t) if along else t)
        output, finals = flipped.run(self.backend, order.flip(x), states, self.varlen, order.lengths, self.recorder)
        return order.flip(output), finals

    def _run_unit_in_chunks(self, direction: DirectionCall, x: Tensor, states: States) -> tuple[Tensor, States]:
        def run(x: Tensor, states: States, others: Sequence[Tensor], varlen: VarLen | None) -> tuple[States, States]:
            rest = iter(others)
            output, finals = direction.map(lambda t, along: next(rest)).run(self.backend, x, states, varlen)
            return (output,), finals

        others: list[tuple[Tensor, bool]] = []
        direction.map(lambda t, along: _noted(others, t, along))
        scan = CheckpointedScan(run, direction.order, self.every, [along for _, along in others], len(states))
        (output,), finals = in_chunks(scan, x, states, [t for t, _ in others])
        return output, finals

    def _run_all_in_chunks(self, x: Tensor, states: Sequence[States]) -> tuple[list[Tensor], list[States]]:
        """Run all layers segment by segment, so that only the last output is stored for all time steps."""
        sizes = [len(s) for s in states]

        def run(x: Tensor, states: States, others: Sequence[Tensor], varlen: VarLen | None) -> tuple[States, States]:
            rest = iter(others)
            layers = [layer.map(lambda t, along: next(rest)) for layer in self.layers]
            held = iter(states)
            own = [tuple(next(held) for _ in range(size)) for size in sizes]
            whole = replace(self, layers=layers, varlen=varlen, every=0)
            outputs, finals = whole._forward_layers(x, own, lambda t, x, s: t.run(self.backend, x, s, varlen))
            return tuple(outputs), tuple(s for f in finals for s in f)

        others: list[tuple[Tensor, bool]] = []
        for layer in self.layers:
            layer.map(lambda t, along: _noted(others, t, along))
        order = self.layers[0].directions[0].order
        scan = CheckpointedScan(run, order, self.every, [along for _, along in others], sum(sizes))
        outputs, flat = in_chunks(scan, x, tuple(s for own in states for s in own), [t for t, _ in others])
        held = iter(flat)
        return list(outputs), [tuple(next(held) for _ in range(size)) for size in sizes]


def _noted(others: list[tuple[Tensor, bool]], tensor: Tensor, along: bool) -> Tensor:
    others.append((tensor, along))
    return tensor
