"""The inputs and outputs of an exported graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from conveyor.errors import ArgumentError
from conveyor.interop.onnx.graph import Graph, Shape
from conveyor.interop.onnx.options import Options
from conveyor.interop.onnx.scan import Steps

_ANY_LENGTH = 2**31 - 1  # the operators count steps in 32 bits


class Interface:
    """Adds inputs and outputs to a graph, and says what is known of its sequence.

    Attributes:
        steps: The sequence; known once the input is.
    """

    def __init__(self, graph: Graph, options: Options, batch_first: bool) -> None:
        self.graph = graph
        self.options = options
        self.batch_first = batch_first
        self.steps = Steps("")
        self._batch: int | str = options.batch or "batch"
        self._time: int | str = options.time or "time"
        self._taken: set[str] = set()

    def _claim(self, name: str) -> str:
        if name in self._taken:
            raise ArgumentError(f"two inputs or outputs of the graph would be named '{name}'; rename one in the cell")
        self._taken.add(name)
        return self.graph.claim(name)

    def _rows(self, static: bool = False) -> Shape:
        if self.options.step or static:
            return [self._batch]
        return [self._batch, self._time] if self.batch_first else [self._time, self._batch]

    # Inputs

    def sequence(self, width: int) -> str:
        """The input x, (T, B, width), or (B, width) of a step."""
        return self._first("x", self.graph.dtype, [*self._rows(), width])

    def tokens(self) -> str:
        """The input of an embedding, (T, B), or (B,) of a step."""
        return self._first("tokens", np.int64, self._rows())

    def _first(self, name: str, kind: object, shape: Shape) -> str:
        g = self.graph
        given = g.give(self._claim(name), kind, shape)
        at = 0 if self.options.step or self.batch_first else 1
        batch = g.add("Shape", given, hint="batch", start=at, end=at + 1)
        self.steps = Steps(batch)
        if not self.options.step:
            time = g.add("Shape", given, hint="time", start=1 - at, end=2 - at)
            if self.options.lengths != "none":
                self._lengths(batch, time)
            if self.batch_first:
                given = g.add("Transpose", given, perm=[1, 0, *range(2, len(shape))])
        return given

    def _lengths(self, batch: str, time: str) -> None:
        g = self.graph
        optional = self.options.lengths == "optional"
        name = g.give(self._claim("lengths"), np.int64, ["lengths_batch" if optional else self._batch])
        if optional:
            g.default(name, np.asarray([_ANY_LENGTH]))
        lengths = g.add("Min", name, time)
        lengths = g.add("Expand", lengths, batch) if optional else lengths
        steps = g.add("Range", g.constant(np.asarray(0)), g.add("Squeeze", time), g.constant(np.asarray(1)))
        valid = g.add("Less", g.add("Unsqueeze", steps, g.whole(1)), g.add("Unsqueeze", lengths, g.whole(0)))
        self.steps = Steps(batch, lengths, g.add("Unsqueeze", valid, g.whole(2), hint="valid"))

    def auxiliary(self, widths: Mapping[str, int]) -> dict[str, str]:
        """The auxiliary inputs, (T, B, width) each, or (B, width) if they are the same at each step."""
        g = self.graph
        found = {}
        for name, width in widths.items():
            static = name in self.options.static
            value = g.give(self._claim(name), g.dtype, [*self._rows(static), width])
            turned = self.batch_first and not static and not self.options.step
            found[name] = g.add("Transpose", value, perm=[1, 0, 2]) if turned else value
        return found

    def state(self, name: str, count: int | None, width: int) -> str | None:
        """An initial state, (count, B, width), or (B, width) if there is no count; None if there is no such input."""
        g, optional = self.graph, self.options.states == "optional"
        if self.options.states == "none":
            return None
        lead: Shape = [] if count is None else [count]
        given = g.give(self._claim(name), g.dtype, [*lead, "state_batch" if optional else self._batch, width])
        if not optional:
            return given
        g.default(given, np.zeros((*([] if count is None else [count]), 1, width), g.dtype))
        rows = self.steps.batch
        return g.add("Expand", given, g.add("Concat", *([] if count is None else [g.whole(1)]), rows, g.whole(1), axis=0))

    def zeros(self, width: int) -> str:
        """A state of zeros, (B, width)."""
        g = self.graph
        return g.add("Expand", g.number(0.0), g.add("Concat", self.steps.batch, g.whole(width), axis=0))

    # Outputs

    def output(self, value: str, width: int) -> None:
        """The output, laid out as the input."""
        g = self.graph
        if self.batch_first and not self.options.step:
            value = g.add("Transpose", value, perm=[1, 0, 2])
        g.result(g.named(self._claim("y"), value), g.dtype, [*self._rows(), width])

    def final(self, name: str, value: str, count: int | None, width: int) -> None:
        """A final state, shaped as the initial one."""
        g = self.graph
        lead: Shape = [] if count is None else [count]
        g.result(g.named(self._claim(name), value), g.dtype, [*lead, self._batch, width])
