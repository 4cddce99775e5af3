"""The memory estimate of a layer's training, without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conveyor.backends.memory_model import memory_use_of_loop
from conveyor.layers.core.connections import width_read
from conveyor.scalars import as_whole

if TYPE_CHECKING:
    from conveyor.layers.core.stack import Stack


@dataclass(frozen=True)
class MemoryEstimate:
    """The bytes of a forward and backward pass.

    Attributes:
        input: The input and its gradient.
        output: The output and its gradient.
        saved: The residuals: values that the gradient reads, masks, states.
        working: The workspace of a running pass, and the parameters' gradients.
    """

    input: int
    output: int
    saved: int
    working: int

    @property
    def beyond(self) -> int:
        """The bytes without those of the input, the output, and their gradients."""
        return self.saved + self.working

    @property
    def total(self) -> int:
        """The sum of all bytes."""
        return self.input + self.output + self.beyond

    def __str__(self) -> str:
        parts = [f"{name} {getattr(self, name) / 2**20:,.1f}" for name in ("input", "output", "saved", "working")]
        return f"{self.total / 2**20:,.1f} MiB ({', '.join(parts)})"


def memory_estimate(layer: Stack, steps: int, batch: int) -> MemoryEstimate:
    """Estimate the memory of a training step; see `Stack.memory_estimate`."""
    steps, batch = as_whole("T", steps, 0), as_whole("B", batch, 0)
    itemsize = layer._like().itemsize
    whole = steps * batch * itemsize  # of one number a step
    every = min(layer.checkpoint_every or steps, steps)
    chunked = 0 < every < steps
    directions, use_of = layer.num_directions, memory_use_of_loop
    if layer.backend_used == "cpu":
        from conveyor.backends.cpu.memory_model import memory_use_of_passes as use_of
    saved = working = passing = 0
    below = layer.input_size
    for k in range(layer.num_layers):
        units = layer.units[k * directions : (k + 1) * directions]
        reads = width_read(layer.connections, k, below, layer.input_size)
        gives = units[0].output_size * directions
        last = k == layer.num_layers - 1
        for unit in units:
            program = unit.running(layer.training, False)
            use = use_of(program, unit.widths, every, batch, itemsize)
            working += use.working
            if chunked:
                states = sum(unit.widths[s.width] for s in program.states)
                saved += -(-steps // every) * batch * states * itemsize
                # A chunk's own values, its input and output and their gradients.
                working += use.saved + 2 * every * batch * (unit.input_size + unit.output_size) * itemsize
            else:
                # The residuals hold the output of each unit, which is the layer's output if there is one direction.
                saved += use.saved - (whole * unit.output_size if last and directions == 1 else 0)
            masks = sum(unit.widths[s.width] for s in program.states if s.name in unit.changes.zoneout)
            saved += whole * masks if layer.training else 0
            if directions > 1 and not chunked:
                saved += whole * reads // directions  # the reverse direction reads a copy
        dropped = layer.training and k > 0 and layer.dropout
        saved += whole * below if dropped else 0
        changed = (layer.training and "input" in layer._rates) or dropped or (layer.connections == "skip" and k > 0)
        together = chunked and directions == 1
        saved += whole * reads if changed and not together else 0
        if not last and not together:
            saved += whole * gives if directions > 1 or layer.connections == "residual" else 0
            # On its way back a gradient stands on both sides of a layer.
            passing = max(passing, whole * gives)
        if directions > 1:
            passing = max(passing, whole * (gives + reads))
        below = gives
    if layer.training and "output" in layer._rates:
        saved += whole * below
    io = 2 * whole
    return MemoryEstimate(io * layer.input_size, io * below, saved, working + passing)
