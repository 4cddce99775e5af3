"""From a network to the graph of its step."""

from __future__ import annotations

from collections.abc import Mapping

from conveyor.build.lowering.graph import ISA, Graph, GraphBuilder, State, fuse_sums
from conveyor.build.network import Layer, Linear, Network
from conveyor.ir.types import ROW, Matrix
from conveyor.ir.types import Node as Step

FEW_OUTPUTS = 4
"""A linear map to at most so many numbers is a sum over the units for each, rather than a product of a matrix."""


def lower(network: Network) -> Graph:
    """Lowers a network to the graph of its step."""
    return _Lowering(network).graph()


class _Lowering:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.b = GraphBuilder()
        self.states: list[tuple[str, ISA, Layer, int]] = []
        self.next: list[int] = []

    def graph(self) -> Graph:
        network, b = self.network, self.b
        aux = self._aux()
        first = value = self._first()
        for linear in network.projections:
            value = self._linear(linear, value)
        below = lowest = value
        for k, layer in enumerate(network.layers):
            reads = below
            if network.connections == "skip" and k:
                width = b.nodes[below].width or 0, b.nodes[lowest].width or 0
                reads = b.add("concat", (below, lowest), None, sum(width))
            above = self._layer(k, layer, reads, aux)
            below = b.add("add", (above, below)) if network.connections == "residual" and k else above
        value = below
        rows: tuple[int, ...] | None = None
        for k, linear in enumerate(network.heads):
            last = k == len(network.heads) - 1
            if last and linear.weight.shape[0] <= FEW_OUTPUTS:
                rows = self._rows(linear, value)
            else:
                value = self._linear(linear, value)
        output: int | tuple[int, ...] = value if rows is None else rows
        output = self._activated(output)
        if network.skips_input:
            output = self._with_input(output, first)
        return self._finished(output)

    def _finished(self, output: int | tuple[int, ...]) -> Graph:
        b = self.b
        kept = [*self.next, *((output,) if isinstance(output, int) else output)]
        nodes = fuse_sums(b.nodes, b.arrays, kept)
        states = []
        for (name, width, layer, k), following in zip(self.states, self.next, strict=True):
            states.append(State(name, width, layer.initial[k], following))
        return Graph(nodes, tuple(b.arrays), tuple(states), output, self.network.inputs, self.network.outputs)

    def _first(self) -> int:
        table = self.network.embedding
        if table is not None:
            return self.b.add("token", (), self.b.array(table), table.shape[1])
        return self.b.add("input", (), 0, self.network.input_size)

    def _aux(self) -> dict[str, int]:
        start, found = self.network.input_size, {}
        for name, width in self.network.aux.items():
            found[name] = start
            start += width
        return found

    def _linear(self, linear: Linear, value: int) -> int:
        return self.b.affine(linear.weight, value, linear.bias, linear.weight.shape[0])

    def _rows(self, linear: Linear, value: int) -> tuple[int, ...]:
        b, found = self.b, []
        for k, row in enumerate(linear.weight):
            total = b.dot(row, value)
            bias = 0.0 if linear.bias is None else float(linear.bias[k])
            found.append(b.add("add", (total, b.const(bias))))
        return tuple(found)

    def _activated(self, output: int | tuple[int, ...]) -> int | tuple[int, ...]:
        b = self.b
        if self.network.activation == "sigmoid":
            if isinstance(output, int):
                return b.add("sigmoid", (output,))
            return tuple(b.add("sigmoid", (o,)) for o in output)
        if self.network.activation != "softmax":
            return output
        if isinstance(output, int):
            top = b.add("max", (output,))
            powers = b.add("exp", (b.add("sub", (output, top)),))
            return b.add("div", (powers, b.add("sum", (powers,))))
        top = output[0]
        for o in output[1:]:
            top = b.add("maximum", (top, o))
        each = [b.add("exp", (b.add("sub", (o, top)),)) for o in output]
        total = each[0]
        for e in each[1:]:
            total = b.add("add", (total, e))
        return tuple(b.add("div", (e, total)) for e in each)

    def _with_input(self, output: int | tuple[int, ...], first: int) -> int | tuple[int, ...]:
        b = self.b
        if isinstance(output, int):
            return b.add("add", (output, first))
        numbers = [b.add("input", (), k, None) for k in range(len(output))]
        return tuple(b.add("add", (o, x)) for o, x in zip(output, numbers, strict=True))

    def _layer(self, index: int, layer: Layer, x: int, aux: Mapping[str, int]) -> int:
        """Adds a layer's step; returns the node of its output."""
        program, b = layer.program, self.b
        widths: dict[str, ISA] = {**layer.widths, ROW: None}
        inputs = {program.inputs[0].name: x}
        for k, s in enumerate(program.states):
            inputs[s.key] = b.add("state", (), len(self.states), widths[s.width])
            self.states.append((f"{s.name}_l{index}", widths[s.width], layer, k))
        for a in program.aux:
            inputs[a.key] = b.add("input", (), aux[a.name], widths[a.width])
        moved: dict[int, int] = {}
        for n in program.live():
            node = program.nodes[n]
            if node.op == "input":
                moved[n] = inputs[node.attr]
            else:
                moved[n] = self._node(layer, node, [moved[a] for a in node.args], widths)
        following = {o.name: moved[o.args[0]] for o in program.outputs}
        self.next += [following[s.name] for s in program.states]
        return following[program.states[0].name]

    def _node(self, layer: Layer, node: Step, args: list[int], widths: Mapping[str, ISA]) -> int:
        b, program = self.b, layer.program
        if node.op == "width":
            return b.const(layer.widths[node.attr])
        if node.op in ("bias", "vector"):
            values, width = layer.parameters[node.op, node.attr], widths[node.type.width]
            return b.const(float(values[0])) if width is None else b.vector(values, width)
        if node.op == "product":
            return self._product(layer, program.matrix(node), args[0], widths)
        if node.op in ("detach", "clip_gradient"):
            return args[0]
        if node.op == "broadcast":
            return b.add("broadcast", args, None, widths[node.type.width])
        return b.add(node.op, args, node.attr)

    def _product(self, layer: Layer, matrix: Matrix, operand: int, widths: Mapping[str, ISA]) -> int:
        b, weight = self.b, layer.parameters["product", matrix.key]
        rows, columns = widths[matrix.rows], widths[matrix.cols]
        if rows is None:
            return b.dot(weight[0], operand)
        if columns is None:  # a number by a column
            return b.add("mul", (b.vector(weight[:, 0], rows), operand))
        return b.affine(weight, operand, None, rows, matrix.blocks)
