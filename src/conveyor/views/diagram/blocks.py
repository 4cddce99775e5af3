"""A program as the blocks that a reader thinks in: learned maps with their function, and operations unit by unit.

A sum of matrix products, biases and the like, with the function on it, is one block; a chain of operations on a single
value is one block; every other operation is one. The diagram draws these blocks, the walk goes through them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from conveyor.ir.ops import OPS
from conveyor.ir.program import Program
from conveyor.ir.types import Matrix

Kind = Literal["given", "map", "function", "operation"]
By = Literal["matrix", "own", "plain"]

_SYMBOLS = {
    "add": "+",
    "sub": "−",
    "mul": "×",
    "div": "÷",
    "maximum": "max",
    "minimum": "min",
    "where": "if",
    "lt": "<",
    "le": "≤",
    "gt": ">",
    "ge": "≥",
    "eq": "=",
    "ne": "≠",
    "and": "∧",
    "or": "∨",
}
_FUNCTIONS = {"sigmoid": "σ", "neg": "−", "not": "¬", "sum": "Σ", "square": "²", "sqrt": "√", "layer_norm": "LN"}
_HOLE = "·"
_CONSTANT = ("const", "width", "bias", "vector")


@dataclass(frozen=True)
class Wire:
    """A value that goes into a block.

    Attributes:
        source: The node of the block it comes from.
        by: Through a learned matrix, through one learned weight a unit, or as it is.
        label: The name of that matrix or weight.
    """

    source: int
    by: By = "plain"
    label: str = ""


@dataclass(frozen=True)
class Block:
    """A block: what a reader sees as one thing.

    Attributes:
        node: The node whose value it gives.
        kind: `given` to the step, a learned `map`, a `function` of one value, or an `operation` on several.
        label: What it does: σ, tanh, ×, 1 − ·.
        name: The named value that it gives, or nothing.
        inputs: What goes into it, in the program's order.
        root: For a map, the node of the sum; else the node itself.
        normed: Whether a map's products are normalised before they are added.
        terms: The nodes that a map adds up, biases among them; none if they are normalised.
    """

    node: int
    kind: Kind
    label: str
    name: str
    inputs: tuple[Wire, ...] = ()
    root: int = -1
    normed: bool = False
    terms: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of a program.

    Attributes:
        program: The program.
        of: The blocks by their nodes, each after those that it reads, in the order in which the program computes them.
        results: The block of each state's new value, by the state's name.
    """

    program: Program
    of: dict[int, Block]
    results: dict[str, int]

    @cached_property
    def readers(self) -> dict[int, list[int]]:
        """Maps each block to the blocks that read its value."""
        found: dict[int, list[int]] = {node: [] for node in self.of}
        for block in self.of.values():
            for wire in block.inputs:
                found[wire.source].append(block.node)
        return found

    @cached_property
    def old(self) -> dict[str, int]:
        """The block of each state's old value, by the state's name; only of those that are read."""
        return {b.name: n for n, b in self.of.items() if b.kind == "given" and b.name in self.results}

    @cached_property
    def belts(self) -> dict[str, tuple[int, ...]]:
        """The states that reach their new value without a learned map in the way, and the blocks they pass."""
        found = {}
        for state, end in self.results.items():
            path = self._path(state, end, set())
            if path is not None:
                found[state] = tuple(path)
        return found

    def _path(self, state: str, node: int, seen: set[int]) -> list[int] | None:
        block = self.of[node]
        if block.kind == "given":
            return [] if block.name == state else None
        if block.kind == "map" or node in seen:
            return None
        seen.add(node)
        for wire in self.carried(block):
            before = self._path(state, wire.source, seen)
            if before is not None:
                return [*before, node]
        return None

    def carried(self, block: Block) -> tuple[Wire, ...]:
        """List the inputs of a block whose values may pass through it: not the condition of a choice."""
        if block.label == _SYMBOLS["where"] and len(block.inputs) == 3:
            return block.inputs[1:]
        return block.inputs if self.program.nodes[block.node].type.boolean is False else ()


def blocks_of(program: Program) -> Blocks:
    """Make the blocks of a forward program."""
    return _Folding(program).run()


@dataclass
class _Folding:
    program: Program
    of: dict[int, Block] = field(default_factory=dict)

    def run(self) -> Blocks:
        program = self.program
        live = program.live()
        self.uses = Counter(a for n in live for a in program.nodes[n].args)
        self.uses.update(n for out in program.outputs for n in out.args)
        for call in program.calls.values():
            self.uses[call.operand] -= 2  # the parts of such a function read its operand several times over
        self.names = self._names()
        results = {}
        # A state that is computed first is drawn and told first: the memory before the output that reads it.
        for out in sorted(program.outputs, key=lambda o: o.args[0]):
            results[out.name] = self.block(out.args[0])
        return Blocks(program, self.of, {s.name: results[s.name] for s in program.states})

    def _names(self) -> dict[int, str]:
        states = {out.args[0]: out.name for out in reversed(self.program.outputs)}
        found: dict[int, str] = {}
        for name, node in self.program.names.items():
            if not name.endswith(".pre") and (node not in found or states.get(node) == name):
                found[node] = name
        return found | {n: name for n, name in states.items() if n not in found}

    def alone(self, node: int) -> bool:
        """Tells whether a value has one reader and no name, so that it may be drawn as a part of that reader."""
        return node not in self.names and self.uses[node] <= 1

    def seen(self, node: int) -> int:
        """The node whose block gives this value: numbers a row are drawn as they are."""
        while self.program.nodes[node].op == "broadcast":
            node = self.program.nodes[node].args[0]
        return node

    def block(self, node: int) -> int:
        """Make the block of a node, after those that it reads; return its node."""
        node = self.seen(node)
        if node not in self.of:
            made = self._made(node)
            self.of[node] = made
        return node

    def _made(self, node: int) -> Block:
        program, name = self.program, self.names.get(node, "")
        row = program.nodes[node]
        if row.op == "input":
            return Block(node, "given", "", str(row.attr), root=node)
        if row.op in _CONSTANT:
            return Block(node, "given", "", name or self._constant(node), root=node)
        mapped = self._map(node)
        if mapped is not None:
            return mapped
        if node in program.calls:
            call = program.calls[node]
            return self._chained(node, _FUNCTIONS.get(call.function, call.function) + f"({_HOLE})", call.operand)
        args = [self.seen(a) for a in row.args]
        varying = [a for a in args if program.nodes[a].op not in _CONSTANT]
        if len(varying) == 1:
            return self._chained(node, self._template(node), varying[0])
        label = _SYMBOLS.get(row.op, row.op)
        wires = tuple(Wire(self.block(a)) for a in args if program.nodes[a].op not in _CONSTANT)
        constants = [self._constant(a) for a in args if program.nodes[a].op in _CONSTANT]
        return Block(node, "operation", " ".join([label, *constants]), name, wires, node)

    def _constant(self, node: int) -> str:
        row = self.program.nodes[node]
        if row.op == "const":
            return f"{row.attr:g}".replace("-", "−")
        return f"|{row.attr}|" if row.op == "width" else str(row.attr)

    def _template(self, node: int) -> str:
        """Prints an operation on one value, with a dot for that value."""
        row = self.program.nodes[node]
        if row.op in ("neg", "not"):
            return f"{_FUNCTIONS[row.op]}{_HOLE}"
        if row.op == "square":
            return f"{_HOLE}²"
        if row.op == "clip":
            return f"clip({_HOLE})"
        if OPS[row.op].arity == 1:
            return f"{_FUNCTIONS.get(row.op, row.op)}({_HOLE})"
        shown = [
            self._constant(a) if self.program.nodes[a].op in _CONSTANT else _HOLE for a in map(self.seen, row.args)
        ]
        if row.op in ("maximum", "minimum", "where"):
            return f"{_SYMBOLS[row.op]}({', '.join(shown)})"
        return f" {_SYMBOLS[row.op]} ".join(shown)

    def _chained(self, node: int, template: str, operand: int) -> Block:
        """A function of one value, together with the functions that came before it on that value alone."""
        operand = self.seen(operand)
        inner = self.block(operand)
        name, before = self.names.get(node, ""), self.of[inner]
        if before.kind == "function" and self.alone(inner):
            del self.of[inner]
            return Block(node, "function", _nested(template, before.label), name, before.inputs, before.root)
        return Block(node, "function", template, name, (Wire(inner),), node)

    # Learned maps

    def _map(self, node: int) -> Block | None:
        functions: list[str] = []
        root = node
        while self._is_unary(root) and self.program.nodes[root].op not in ("product",) and root not in self._sums(root):
            argument = self._argument(root)
            if not self.alone(argument):
                return None
            functions.append(self._template(root))
            root = argument
        own = bool(functions)  # a weighted value alone is a map only under a function
        leaves: list[tuple[int, bool]] = []
        self._leaves(root, leaves, top=True)
        if not any(self._is_learned(leaf, own) for leaf, _ in leaves):
            return None
        label = _HOLE
        for template in reversed(functions):
            label = _nested(template, label)
        wires, normed = self._wires(leaves)
        short = label.removesuffix(f"({_HOLE})") if functions else "linear"
        terms = () if normed else tuple(leaf for leaf, _ in leaves)
        return Block(node, "map", short, self.names.get(node, ""), tuple(wires), root, normed, terms)

    def _is_unary(self, node: int) -> bool:
        row = self.program.nodes[node]
        if node in self.program.calls or OPS[row.op].result not in ("elementwise",):
            return False
        varying = [a for a in row.args if self.program.nodes[self.seen(a)].op not in _CONSTANT]
        constants = [a for a in row.args if self.program.nodes[self.seen(a)].op == "const"]
        return len(varying) == 1 and len(constants) == len(row.args) - 1 and not row.op == "broadcast"

    def _argument(self, node: int) -> int:
        row = self.program.nodes[node]
        return next(self.seen(a) for a in row.args if self.program.nodes[self.seen(a)].op not in _CONSTANT)

    def _sums(self, node: int) -> tuple[int, ...]:
        return (node,) if self.program.nodes[node].op == "add" else ()

    def _leaves(self, node: int, into: list[tuple[int, bool]], *, top: bool, normed: bool = False) -> None:
        """List the terms of a sum, each with whether it is normalised first."""
        node = self.seen(node)
        row, call = self.program.nodes[node], self.program.calls.get(node)
        if call is not None and call.function == "layer_norm" and (top or self.alone(node)):
            held: list[tuple[int, bool]] = []
            self._leaves(call.operand, held, top=False, normed=True)
            if any(self.program.nodes[leaf].op == "product" for leaf, _ in held):
                into.extend(held)
                return
        elif row.op == "add" and call is None and (top or self.alone(node)):
            for a in row.args:
                self._leaves(a, into, top=False, normed=normed)
            return
        into.append((node, normed))

    def _is_learned(self, leaf: int, own: bool) -> bool:
        return self.program.nodes[leaf].op == "product" or (own and self._own(leaf) is not None)

    def _own(self, leaf: int) -> tuple[int, str] | None:
        """The value and the weight of a term that is a value times one learned number a unit."""
        row = self.program.nodes[leaf]
        if row.op != "mul" or leaf in self.names:
            return None
        args = [self.seen(a) for a in row.args]
        weights = [a for a in args if self.program.nodes[a].op == "vector"]
        others = [a for a in args if self.program.nodes[a].op != "vector"]
        if len(weights) != 1 or self.program.nodes[others[0]].op in _CONSTANT:
            return None
        return others[0], str(self.program.nodes[weights[0]].attr)

    def _wires(self, leaves: list[tuple[int, bool]]) -> tuple[list[Wire], bool]:
        wires, normed = [], False
        for leaf, norm in leaves:
            row, own = self.program.nodes[leaf], self._own(leaf)
            normed = normed or norm
            if row.op == "product":
                matrix = self.program.matrix(row)
                assert isinstance(matrix, Matrix)
                wires.append(Wire(self.block(row.args[0]), "matrix", matrix.name))
            elif own is not None:
                wires.append(Wire(self.block(own[0]), "own", own[1]))
            elif row.op not in _CONSTANT:
                wires.append(Wire(self.block(leaf)))
        return wires, normed


def _nested(template: str, inner: str) -> str:
    """The label of a function on what another label says; brackets where they are needed."""
    bare = inner == _HOLE or f"({_HOLE})" in template or (inner.endswith(")") and " " not in inner.partition("(")[0])
    return template.replace(_HOLE, inner if bare else f"({inner})")
