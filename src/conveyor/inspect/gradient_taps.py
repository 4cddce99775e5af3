"""Gradients with respect to the states at every time step, on any backend.

Zeros are added to each new state; the loss's gradient with respect to them is the total derivative of the loss with
respect to that state at that step. So the compiled backward pass computes it for all time steps at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from conveyor.backends.interface import Parameters
from conveyor.ir.program import Program
from conveyor.ir.transforms.rewrite import probe_key, with_probes
from conveyor.layers.checkpointing import TimeDirection
from conveyor.layers.core.layer_call import DirectionCall
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.layers.core.stack import Stack
from conveyor.layers.recording.recorder import Recorder, laid


@dataclass(frozen=True, eq=False)
class DirectionRun:
    """The inputs of one direction of one layer in a call, in its order of time.

    Attributes:
        unit: The layer direction.
        program: The program that ran, with probes.
        params: Its parameters.
        aux: Its auxiliary inputs, without probes.
        probes: The zeros that were added to each state, by state.
        x: Its input, (T, B, I), or packed rows.
        states: Its initial states.
        order: Its direction through time.
    """

    unit: LayerDirection
    program: Program
    params: Parameters
    aux: Mapping[str, Tensor]
    probes: Mapping[str, Tensor]
    x: Tensor
    states: Sequence[Tensor]
    order: TimeDirection

    def laid(self, gradient: Tensor) -> Tensor:
        """Return a probe's gradient as (T, B, width), at the input's time index."""
        return laid(self.order.flip(gradient), self.order.packing, len(self.states[0]))

    def alone(self, row: int) -> tuple[Tensor, list[Tensor], dict[str, Tensor]]:
        """Return one sequence in the order of the pass, without a graph.

        Returns:
            Its input (L, 1, I), states (1, width) and auxiliary inputs.
        """
        packing, one = self.order.packing, slice(row, row + 1)
        x, aux, states, steps = self.x, dict(self.aux), list(self.states), len(self.x)
        if packing is not None:
            batch = len(states[0])
            x = packing.unpack(x, batch)
            aux = {n: packing.unpack(a, batch) for n, a in aux.items()}
            states = [s.index_select(0, packing.back) for s in states]
            steps = int((packing.rows % batch == row).sum())
        whole = {n: a if len(a) == 1 else a[:steps] for n, a in aux.items()}  # one entry: the same at every step
        return (
            x[:steps, one].detach(),
            [s[one].detach() for s in states],
            {n: a[:, one].detach() for n, a in whole.items()},
        )


class GradientTaps(Recorder):
    """A recorder that adds probes to a call; `runs` holds each layer direction's inputs, by its suffix."""

    def __init__(self, layer: Stack, wanted: Sequence[str] | None = ()) -> None:
        super().__init__(layer, wanted)
        self.runs: dict[str, DirectionRun] = {}

    def prepare(
        self, direction: DirectionCall, program: Program, x: Tensor, states: Sequence[Tensor]
    ) -> tuple[Program, Mapping[str, Tensor]]:
        """Add the probes to the program and the auxiliary inputs."""
        probed = with_probes(program)
        widths = direction.unit.widths
        probes = {s.name: x.new_zeros((*x.shape[:-1], widths[s.width])).requires_grad_() for s in program.states}
        self.runs[direction.unit.suffix] = DirectionRun(
            direction.unit, probed, direction.params, direction.aux, probes, x, tuple(states), direction.order
        )
        return probed, {**direction.aux, **{probe_key(n): p for n, p in probes.items()}}

    def gradients(self, loss: Tensor) -> dict[str, dict[str, Tensor]]:
        """Return the loss's gradient with respect to each state after each step, (T, B, width), by suffix and state."""
        leaves = [p for run in self.runs.values() for p in run.probes.values()]
        found = iter(torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True))
        return {
            suffix: {
                n: run.laid(torch.zeros_like(p) if (g := next(found)) is None else g) for n, p in run.probes.items()
            }
            for suffix, run in self.runs.items()
        }
