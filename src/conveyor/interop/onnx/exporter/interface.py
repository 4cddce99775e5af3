"""The inputs and outputs of an exported graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import helper

from conveyor.errors import ArgumentError
from conveyor.interop.onnx.exporter.graph import Array, Graph, Shape
from conveyor.interop.onnx.exporter.scan import Steps
from conveyor.interop.onnx.options import Options
from conveyor.ir.transforms.rewrite import RESET

_ANY_LENGTH = 2**31 - 1  # the operators count steps in 32 bits


class Interface:
    """Adds inputs and outputs to a graph, and records the layout of its sequence.

    Attributes:
        steps: The sequence; set with the input.
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
        """Add the input x, (T, B, width), or (B, width) of a step."""
        return self._first("x", self.graph.dtype, [*self._rows(), width])

    def tokens(self) -> str:
        """Add the input of an embedding, (T, B), or (B,) of a step."""
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
        name = self._claim("lengths")
        if optional:
            name = g.give_optional(name, np.int64, ["lengths_batch"], np.asarray([_ANY_LENGTH]))
        else:
            g.give(name, np.int64, [self._batch])
        lengths = g.add("Min", name, time)
        lengths = g.add("Expand", lengths, batch) if optional else lengths
        steps = g.add("Range", g.constant(np.asarray(0)), g.add("Squeeze", time), g.constant(np.asarray(1)))
        valid = g.add("Less", g.add("Unsqueeze", steps, g.whole(1)), g.add("Unsqueeze", lengths, g.whole(0)))
        self.steps = Steps(batch, lengths, g.add("Unsqueeze", valid, g.whole(2), hint="valid"))

    def auxiliary(self, widths: Mapping[str, int]) -> dict[str, str]:
        """Add the auxiliary inputs, (T, B, width) each, or (B, width) if they are the same at each step."""
        g = self.graph
        found = {}
        for name, width in widths.items():
            static = name in self.options.static
            value = g.give(self._claim(name), g.dtype, [*self._rows(static), width])
            turned = self.batch_first and not static and not self.options.step
            found[name] = g.add("Transpose", value, perm=[1, 0, 2]) if turned else value
        return found

    def resets(self) -> tuple[str, str]:
        """Add the input of resets; returns them as numbers for the forward and for the reverse direction.

        (T, B, 1), or (B, 1) of a step. In the reverse direction a state is reset where the next sequence begins.
        """
        g = self.graph
        value = g.give(self._claim(RESET), bool, self._rows())
        value = g.add("Transpose", value, perm=[1, 0]) if self.batch_first and not self.options.step else value
        starts = g.add("Unsqueeze", value, g.whole(-1))
        number = helper.np_dtype_to_tensor_dtype(g.dtype)
        if self.options.step:
            return g.add("Cast", starts, to=number), ""
        within = starts if self.steps.valid is None else g.add("And", starts, self.steps.valid)
        following = g.add("Slice", within, g.whole(1), g.whole(_ANY_LENGTH), g.whole(0))
        none = g.add("And", g.add("Slice", within, g.whole(0), g.whole(1), g.whole(0)), g.constant(np.asarray(False)))
        after = g.add("Concat", following, none, axis=0)
        return g.add("Cast", starts, to=number), g.add("Cast", after, to=number)

    def state(self, name: str, count: int | None, width: int, learned: Array | None) -> str | None:
        """Add an initial state.

        Args:
            name: The name of the input.
            count: The size of its first axis; None if it is (B, width).
            width: The size of its last.
            learned: Its default, (count, 1, width); None for zeros.

        Returns:
            The name of its value, (count, B, width); None if there is no such input and it is zero.
        """
        g, mode = self.graph, self.options.states
        lead = [] if count is None else [count]
        if mode == "none":
            return None if learned is None else self._each_row(g.weight(learned, name), lead)
        if mode == "required":
            return g.give(self._claim(name), g.dtype, [*lead, self._batch, width])
        default = np.zeros((*lead, 1, width), g.dtype) if learned is None else np.asarray(learned, g.dtype)
        default = default.reshape(*lead, 1, width)
        given = g.give_optional(self._claim(name), g.dtype, [*lead, "state_batch", width], default)
        return self._each_row(given, lead)

    def _each_row(self, value: str, lead: list[int]) -> str:
        """Broadcast a state of one row to all rows of the batch."""
        g = self.graph
        sizes = [*(g.whole(n) for n in lead), self.steps.batch, g.whole(1)]
        return g.add("Expand", value, g.add("Concat", *sizes, axis=0))

    def zeros(self, width: int) -> str:
        """Make a state of zeros, (B, width)."""
        g = self.graph
        return g.add("Expand", g.number(0.0), g.add("Concat", self.steps.batch, g.whole(width), axis=0))

    # Outputs

    def output(self, value: str, width: int) -> None:
        """Add the output, in the input's layout."""
        g = self.graph
        if self.batch_first and not self.options.step:
            value = g.add("Transpose", value, perm=[1, 0, 2])
        g.result(g.named(self._claim("y"), value), g.dtype, [*self._rows(), width])

    def final(self, name: str, value: str, count: int | None, width: int) -> None:
        """Add a final state, in the initial one's shape."""
        g = self.graph
        lead: Shape = [] if count is None else [count]
        g.result(g.named(self._claim(name), value), g.dtype, [*lead, self._batch, width])
