"""Writes a recurrent layer into a graph: its stacked layers, directions and states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from conveyor.interop.onnx.exporter.emit import Emitter
from conveyor.interop.onnx.exporter.interface import Interface
from conveyor.interop.onnx.exporter.operators import emit_operator, stacked
from conveyor.interop.onnx.exporter.recurrence import Field, Recurrence
from conveyor.interop.onnx.exporter.scan import emit_scan, emit_step
from conveyor.interop.onnx.exporter.weights import Arrays, weights_of
from conveyor.interop.onnx.report import Row
from conveyor.ir.transforms.rewrite import RESET
from conveyor.layers.core.layer_direction import LayerDirection
from conveyor.operators.recognise import Operator, recognise


@dataclass(frozen=True)
class _Final:
    """A part of a final state: that of some layer directions, (n, B, width), or (B, width) if it is not stacked."""

    state: str
    unit: int
    value: str


class LayerWriter:
    """The emission of one recurrent module.

    Attributes:
        rows: The report's row of each of its layers.
    """

    def __init__(self, interface: Interface, recurrence: Recurrence) -> None:
        self.interface = interface
        self.graph = interface.graph
        self.recurrence = recurrence
        self.rows: list[Row] = []
        self._initial: dict[Field, str | None] = {}
        self._finals: list[_Final] = []

    def write(self, x: str, aux: Mapping[str, str], resets: tuple[str, str] | None) -> str:
        """Add the nodes for an input (T, B, I), or (B, I) of a step; returns the output's name.

        Args:
            x: The input.
            aux: The auxiliary inputs.
            resets: The resets of the forward and of the reverse direction; None for no resets.
        """
        r, step = self.recurrence, self.interface.options.step
        for field in r.fields():
            learned = r.learned(field)
            self._initial[field] = self.interface.state(field.initial, r.count(field), field.width, learned)
        first, kind = x, getattr(r.module, "connections", "plain")
        for k in range(0, len(r.units), r.directions):
            units, below = r.units[k : k + r.directions], x
            if kind == "skip" and k:
                x = self.graph.add("Concat", x, first, axis=-1)
            self.graph.scope.append(f"layer_{k // r.directions}")
            operator, reason = self._choose(units[0])
            if operator is not None:
                x = self._operator(operator, k, units, x)
            else:
                backwards = [r.backwards, True]
                parts = []
                for d, unit in enumerate(units):
                    reset = None if resets is None else resets[backwards[d]]
                    parts.append(self._unit(k + d, unit, x, aux, reset, backwards[d]))
                x = parts[0] if len(parts) == 1 else self.graph.add("Concat", *parts, axis=-1)
            if kind == "residual" and k:
                x = self.graph.add("Add", x, below)
            self.graph.scope.pop()
            name = operator.name if operator else "nodes" if step else "Scan"
            self.rows.append(self._row(k, units, name, reason))
        for field in r.fields():
            values = [f.value for f in self._finals if f.state == field.state and f.unit in field.units]
            value = values[0] if len(values) == 1 else self.graph.add("Concat", *values, axis=0)
            self.interface.final(field.final, value, r.count(field), field.width)
        return x

    def _choose(self, unit: LayerDirection) -> tuple[Operator | None, str]:
        """Return the operator for a layer, or None, and the reason."""
        if self.interface.options.step:
            return None, "a step is made of plain nodes"
        if self.interface.options.reset:
            return None, "no operator starts anew within a sequence"
        operator = recognise(unit.program)
        if operator is None:
            return None, "no operator has these equations"
        if self.graph.dtype != np.float32:
            return None, f"onnxruntime has {operator.name} in float32 only"
        if operator.name == "LSTM" and operator.clip is not None:
            return None, "onnxruntime's LSTM leaves the memory unclipped, unlike the specification"
        told = ["coupled gates"] * operator.coupled + ["peepholes"] * operator.peepholes
        told += ["reset after the product"] * (operator.after_reset is not None)
        return operator, "its equations: " + ", ".join([*map(str, operator.activations), *told])

    def _row(self, k: int, units: Sequence[LayerDirection], operator: str, reason: str) -> Row:
        r, unit = self.recurrence, units[0]
        direction = "bidirectional" if len(units) == 2 else "reverse" if r.backwards else "forward"
        place = f"{r.name}.{k // r.directions}" if r.name else str(k // r.directions)
        sizes = f"{unit.input_size} -> {unit.output_size * len(units)}"
        return Row(place, unit.cell.name, operator, sizes, direction, reason)

    def _unit(
        self, index: int, unit: LayerDirection, x: str, aux: Mapping[str, str], reset: str | None, backwards: bool
    ) -> str:
        """Write one direction, from its program."""
        g, r, widths = self.graph, self.recurrence, unit.widths
        given = {"x": x}
        for a in unit.program.aux:
            fits = r.aux_widths[a.name] == widths[a.width]
            given[a.name] = aux[a.name] if fits else g.add("Expand", aux[a.name], g.whole(widths[a.width]))
        program, bound = unit.program, unit.bind(r.module)
        if reset is not None:
            program, bound = unit.resetting, unit.bind_resetting(r.module)
            given[RESET] = reset
        params = {key: p.detach().cpu().numpy() for key, p in bound.items()}
        emitter = Emitter(program, widths, params, given)
        names = [s.name for s in unit.program.states]
        states = [
            self._row_of(r.field(index, n), index) or self.interface.zeros(r.field(index, n).width) for n in names
        ]
        if self.interface.options.step:
            new = emit_step(g, emitter, states)
            y = new[0]
        else:
            timed = {n: n not in self.interface.options.static for n in given}
            y, new = emit_scan(g, emitter, states, self.interface.steps, timed, backwards)
        for name, value in zip(names, new, strict=True):
            self._finals.append(_Final(name, index, g.add("Unsqueeze", value, g.whole(0)) if r.stacked else value))
        return y

    def _operator(self, operator: Operator, index: int, units: Sequence[LayerDirection], x: str) -> str:
        """Write one layer, all its directions, as a recurrent operator."""
        r, names = self.recurrence, [s.name for s in units[0].program.states]
        width = units[0].widths[units[0].program.states[0].width]
        weights = [weights_of(operator, Arrays(u, r.module), u.input_size, width) for u in units]
        found = [self._rows_of(r.field(index, n), index, len(units)) for n in names]
        states = [f for f in found if f is not None]
        y, finals = emit_operator(
            self.graph,
            operator,
            stacked(self.graph, weights),
            len(units),
            width,
            x,
            states or None,
            self.interface.steps,
            r.backwards,
        )
        self._finals += [_Final(name, index, value) for name, value in zip(names, finals, strict=True)]
        return y

    def _row_of(self, field: Field, unit: int) -> str | None:
        """Return the initial state of one layer direction, (B, width)."""
        given, g = self._initial[field], self.graph
        if given is None or not self.recurrence.stacked:
            return given
        return g.add("Gather", given, g.constant(np.asarray(field.units.index(unit))), axis=0)

    def _rows_of(self, field: Field, first: int, count: int) -> str | None:
        """Return the initial states of some layer directions, (count, B, width)."""
        given, g = self._initial[field], self.graph
        if given is None or len(field.units) == count:
            return given
        at = field.units.index(first)
        return g.add("Slice", given, g.whole(at), g.whole(at + count), g.whole(0))
