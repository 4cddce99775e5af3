"""A network's step as one graph of operations on vectors of constant width, for every way of writing code.

The nodes have the operations of `conveyor.ir.ops` but for what reads memory:

    input     numbers of the caller's x, from `attr` on
    token     the row of an embedding table that x[0] names; `attr` is the table's array
    state     state number `attr` before the step
    array     the learned array number `attr`
    const     a number
    affine    array + Σ matrix · operand: `attr` is an `Affine`, whose matrices stand in the order of the operands
    concat    operands side by side

A width of None is a single number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conveyor.build.network import Floats
from conveyor.ir.ops import OPS

SOURCES = ("input", "token", "state", "array", "const")
ISA = int | None


@dataclass(frozen=True)
class Matrix:
    """An array that multiplies an operand; block-diagonal if it has more than one block."""

    array: int
    blocks: int = 1


@dataclass(frozen=True)
class Affine:
    """A sum: matrices by operands, and an array or None."""

    matrices: tuple[Matrix, ...]
    bias: int | None


@dataclass(frozen=True)
class Node:
    """One operation."""

    op: str
    args: tuple[int, ...]
    attr: Any
    width: ISA
    boolean: bool = False


@dataclass(frozen=True)
class State:
    """A state: its name, width, value before the first step, and the node of its next value."""

    name: str
    width: ISA
    initial: Floats
    next: int


@dataclass(frozen=True, eq=False)
class Graph:
    """A step.

    Attributes:
        nodes: The operations, an argument before its reader.
        arrays: What was learned.
        states: The states.
        output: The node of the output if it is a vector, or the nodes of its numbers.
        inputs: Numbers that a step is given.
        outputs: Numbers that it gives.
    """

    nodes: tuple[Node, ...]
    arrays: tuple[Floats, ...]
    states: tuple[State, ...]
    output: int | tuple[int, ...]
    inputs: int
    outputs: int

    @property
    def roots(self) -> tuple[int, ...]:
        """The nodes that a step must compute."""
        last = (self.output,) if isinstance(self.output, int) else self.output
        return (*(s.next for s in self.states), *last)

    def live(self) -> tuple[int, ...]:
        """The nodes that the results need, in order."""
        todo, seen = list(self.roots), set()
        while todo:
            n = todo.pop()
            if n not in seen:
                seen.add(n)
                todo.extend(self.nodes[n].args)
        return tuple(sorted(seen))


class GraphBuilder:
    """Adds nodes to a graph; equal operations become one node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.arrays: list[Floats] = []
        self._known: dict[Any, int] = {}

    def array(self, values: Any) -> int:
        """The number of an array, which is new."""
        self.arrays.append(np.ascontiguousarray(values, np.float32))
        return len(self.arrays) - 1

    def add(self, op: str, args: Sequence[int] = (), attr: Any = None, width: ISA = None) -> int:
        """The number of the node of an operation; `width` is that of what it reads from memory."""
        key = (op, tuple(args), repr(attr), width)
        if key not in self._known:
            self.nodes.append(self._node(op, tuple(args), attr, width))
            self._known[key] = len(self.nodes) - 1
        return self._known[key]

    def const(self, number: float) -> int:
        """A number."""
        return self.add("const", (), float(number))

    def vector(self, values: Any, width: ISA) -> int:
        """A node that reads a new array."""
        return self.add("array", (), self.array(values), width)

    def affine(self, weight: Any, operand: int, bias: Any, width: ISA, blocks: int = 1) -> int:
        """A matrix by an operand, with a bias or None."""
        matrix = Matrix(self.array(weight), blocks)
        return self.add("affine", (operand,), Affine((matrix,), None if bias is None else self.array(bias)), width)

    def dot(self, row: Any, operand: int) -> int:
        """A row of numbers by an operand: a single number."""
        width = self.nodes[operand].width
        if width is None:
            return self.add("mul", (operand, self.const(float(row[0]))))
        return self.add("sum", (self.add("mul", (operand, self.vector(row, width))),))

    def _node(self, op: str, args: tuple[int, ...], attr: Any, width: ISA) -> Node:
        if op in SOURCES or op in ("affine", "concat", "broadcast"):
            return Node(op, args, attr, width)
        kind = OPS[op].result
        if kind == "reduction":
            return Node(op, args, attr, None)
        widths = {self.nodes[a].width for a in args} - {None}
        assert len(widths) <= 1, (op, widths)
        boolean = kind in ("comparison", "logical")
        return Node(op, args, attr, widths.pop() if widths else None, boolean)


def fuse_sums(nodes: Sequence[Node], arrays: list[Floats], kept: Sequence[int]) -> tuple[Node, ...]:
    """Joins the terms of sums of matrix products and biases, so that one register adds them all up.

    Args:
        nodes: The nodes of a graph.
        arrays: Its arrays; sums of biases are appended.
        kept: Nodes that are read from outside.

    Returns:
        The nodes; what was joined to others is no longer read.
    """
    uses = [0] * len(nodes)
    for n in kept:
        uses[n] += 2
    for node in nodes:
        for a in node.args:
            uses[a] += 1
    found = list(nodes)
    for n, node in enumerate(nodes):
        if node.op == "add" and node.width is not None:
            pair = [found[a] for a in node.args]
            alone = [uses[a] == 1 or found[a].op == "array" for a in node.args]
            joinable = all(p.op in ("affine", "array") and p.width == node.width for p in pair)
            if joinable and all(alone) and any(p.op == "affine" for p in pair):
                found[n] = _joined(pair, arrays, node.width)
    return tuple(found)


def _joined(pair: Sequence[Node], arrays: list[Floats], width: ISA) -> Node:
    biases = [p.attr if p.op == "array" else p.attr.bias for p in pair]
    numbers = [b for b in biases if b is not None]
    bias: int | None = numbers[0] if numbers else None
    if len(numbers) == 2:
        arrays.append(arrays[numbers[0]] + arrays[numbers[1]])
        bias = len(arrays) - 1
    matrices = tuple(m for p in pair if p.op == "affine" for m in p.attr.matrices)
    return Node(
        "affine", tuple(a for p in pair for a in (p.args if p.op == "affine" else ())), Affine(matrices, bias), width
    )
