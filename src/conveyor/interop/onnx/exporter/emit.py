"""Emission of a program's nodes into an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from conveyor.interop.onnx.exporter.graph import Array, Graph
from conveyor.interop.onnx.exporter.op_table import POINTWISE
from conveyor.ir.program import Program
from conveyor.ir.transforms.plan import Plan, plan


class Emitter:
    """The values of one program, by their names in a graph.

    Args:
        program: A forward program.
        widths: The numbers of its widths.
        params: Its parameters by (op, key), as arrays.
        given: The names of its inputs; more may be added later.
    """

    def __init__(
        self,
        program: Program,
        widths: Mapping[str, int],
        params: Mapping[tuple[str, str], Array],
        given: Mapping[str, str],
    ) -> None:
        self.plan: Plan = plan(program)
        self.program = program
        self.widths = widths
        self.params = params
        self.given = dict(given)
        self.names: dict[int, str] = {}

    def emit(self, g: Graph, index: int) -> str:
        """Return the name of a node's value, which is added to `g` if it is new; its arguments must have names."""
        if index not in self.names:
            node = self.program.nodes[index]
            args = [self.names[a] for a in node.args]
            if node.op in POINTWISE:
                self.names[index] = POINTWISE[node.op](g, *args)
            else:
                getattr(self, f"_{node.op}")(g, index, *args)
        return self.names[index]

    def _input(self, g: Graph, index: int) -> None:
        self.names[index] = self.given[self.program.nodes[index].attr]

    def _const(self, g: Graph, index: int) -> None:
        self.names[index] = g.number(self.program.nodes[index].attr)

    def _width(self, g: Graph, index: int) -> None:
        self.names[index] = g.number(float(self.widths[self.program.nodes[index].attr]))

    def _bias(self, g: Graph, index: int) -> None:
        self._parameter(g, index, "bias_")

    def _vector(self, g: Graph, index: int) -> None:
        self._parameter(g, index, "")

    def _parameter(self, g: Graph, index: int, prefix: str) -> None:
        node = self.program.nodes[index]
        self.names[index] = g.weight(self.params[node.op, node.attr], f"{prefix}{node.attr}")

    def _clip(self, g: Graph, index: int, v: str) -> None:
        low, high = (g.number(v) if np.isfinite(v) else "" for v in self.program.nodes[index].attr)
        self.names[index] = g.add("Clip", v, low, high)

    def _broadcast(self, g: Graph, index: int, v: str) -> None:
        self.names[index] = g.add("Expand", v, g.whole(self.widths[self.program.nodes[index].attr]))

    def _product(self, g: Graph, index: int, operand: str) -> None:
        """Emit the products of a pack as one, and split its result."""
        pack = self.plan.packs[index]
        weights = [self._blocks(m, pack.blocks) for m in pack.members]
        hint = "_".join(self.program.nodes[m].attr for m in pack.members)
        parts = self._each_block(g, operand, [np.concatenate(w).T for w in zip(*weights, strict=True)], hint)
        rows = [w[0].shape[0] for w in weights]
        cut = [split(g, part, rows) for part in parts]
        for k, member in enumerate(pack.members):
            self.names[member] = join(g, [c[k] for c in cut])

    def _product_t(self, g: Graph, index: int, operand: str) -> None:
        node = self.program.nodes[index]
        weights = self._blocks(index, self.program.matrix(node).blocks)
        self.names[index] = join(g, self._each_block(g, operand, weights, f"{node.attr}_t"))

    def _blocks(self, index: int, blocks: int) -> list[Array]:
        """Return the diagonal blocks of a product's matrix."""
        return np.split(self.params["product", self.program.nodes[index].attr], blocks)

    def _each_block(self, g: Graph, operand: str, weights: list[Array], hint: str) -> list[str]:
        """Emit the product of block k of the operand and weight k, for each k."""
        pieces = split(g, operand, [w.shape[0] for w in weights])
        return [g.add("MatMul", v, g.weight(w, f"weight_{hint}")) for v, w in zip(pieces, weights, strict=True)]


def split(g: Graph, v: str, sizes: list[int], axis: int = -1) -> list[str]:
    """Emit the split of a value along an axis."""
    return [v] if len(sizes) == 1 else g.add_many("Split", (v, g.whole(*sizes)), len(sizes), axis=axis)


def join(g: Graph, parts: list[str]) -> str:
    """Emit the concatenation of values."""
    return parts[0] if len(parts) == 1 else g.add("Concat", *parts, axis=-1)
