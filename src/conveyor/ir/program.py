"""The intermediate representation: an immutable list of operations that computes one time step of a recurrence.

A program is in static single assignment form. Its values are vectors of a symbolic width (`H`, `I`, a named size),
one number a row of the batch (width `1`), or booleans of either. It knows operations, not cells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from conveyor.ir.ops import Operand
from conveyor.ir.printer import print_program, print_structure
from conveyor.ir.types import (
    ROW,
    Call,
    Input,
    Matrix,
    Node,
    Output,
    Param,
    Role,
    Type,
    infer,
    op_of,
)
from conveyor.ir.verify import verify


@dataclass(frozen=True)
class Program:
    """One time step of a recurrence, or of its gradient.

    Attributes:
        inputs: The inputs of the step, in the order of the cell function's parameters.
        params: The learned parameters, in order of appearance.
        nodes: The operations; an argument always comes before its reader.
        outputs: The results; a forward program has one `state` output per state, the first of which is the output.
        names: Named values: name to node. Beside the program: it does not take part in equality or the hash.
        calls: Functions that are made of several nodes: result node to function call. Beside the program, too.
        lines: The line of the equation of each node in the cell's source, or None. Beside the program, too.
    """

    inputs: tuple[Input, ...]
    params: tuple[Param, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    names: Mapping[str, int] = field(default_factory=dict, compare=False)
    calls: Mapping[int, Call] = field(default_factory=dict, compare=False)
    lines: tuple[int | None, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", MappingProxyType(dict(self.names)))
        object.__setattr__(self, "calls", MappingProxyType(dict(self.calls)))
        if not self.lines:
            object.__setattr__(self, "lines", (None,) * len(self.nodes))

    def __hash__(self) -> int:
        return self._structure

    @cached_property
    def _structure(self) -> int:
        # Layers look programs up at each call, and hashing every node each time would cost more than a step.
        return hash((self.inputs, self.params, self.nodes, self.outputs))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy does not pickle; the plain mappings do, and the constructor wraps them again.
        plain = (self.inputs, self.params, self.nodes, self.outputs, dict(self.names), dict(self.calls), self.lines)
        return Program, plain

    def __str__(self) -> str:
        return self.text

    @cached_property
    def text(self) -> str:
        """The program as text: versioned, complete, and read back by `conveyor.ir.parser.parse`."""
        return print_program(self)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the structure alone: two programs that differ only in the names of their values share it."""
        return hashlib.sha256(print_structure(self).encode()).hexdigest()

    def verify(self) -> None:
        """Raise `ProgramError` at the first rule of the representation that this program breaks."""
        verify(self)

    def of_role(self, role: Role) -> tuple[Input, ...]:
        """Return the inputs of one role, in order."""
        return tuple(i for i in self.inputs if i.role == role)

    @cached_property
    def states(self) -> tuple[Input, ...]:
        """The states, in order; the first is the output."""
        return self.of_role("state")

    @cached_property
    def aux(self) -> tuple[Input, ...]:
        """The auxiliary inputs, in order."""
        return self.of_role("aux")

    @cached_property
    def param(self) -> Mapping[tuple[str, str], Param]:
        """Parameters by the op that reads them (`product`, `bias`, `vector`) and their key."""
        return MappingProxyType({(op_of(p), p.key): p for p in self.params})

    def matrix(self, node: Node) -> Matrix:
        """Return the matrix that a product node multiplies by."""
        found = self.param[("product", node.attr)]
        assert isinstance(found, Matrix)
        return found

    @property
    def widths(self) -> tuple[str, ...]:
        """Every symbolic width but `1`, in order of appearance."""
        seen: dict[str, None] = {}
        for item in self.inputs:
            seen[item.width] = None
        for p in self.params:
            for w in (p.rows, p.cols) if isinstance(p, Matrix) else (p.width,):
                seen[w] = None
        for node in self.nodes:
            seen[node.type.width] = None
        return tuple(w for w in seen if w != ROW)

    def live(self, roots: Iterable[int] | None = None) -> tuple[int, ...]:
        """Return the nodes that the outputs (or `roots`) need, in program order."""
        todo = [n for out in self.outputs for n in out.args] if roots is None else list(roots)
        seen: set[int] = set()
        while todo:
            n = todo.pop()
            if n not in seen:
                seen.add(n)
                todo.extend(self.nodes[n].args)
        return tuple(sorted(seen))


class Builder:
    """Adds nodes to a program; equal operations become one node."""

    def __init__(self, inputs: Iterable[Input], params: Iterable[Param], nodes: Iterable[Node] = ()) -> None:
        self.inputs = tuple(inputs)
        self.params = tuple(params)
        self.nodes: list[Node] = list(nodes)
        self._by_key = {i.key: i for i in self.inputs}
        self._param: dict[Any, Param] = {(op_of(p), p.key): p for p in self.params}
        self._known: dict[Any, int] = {(n.op, n.args, _hashable(n.attr)): k for k, n in enumerate(self.nodes)}

    def add(self, op: str, args: tuple[int, ...] = (), attr: Any = None) -> int:
        """Return the index of the node for this operation, which is new unless an equal one exists."""
        key = (op, args, _hashable(attr))
        if key not in self._known:
            kind = infer(op, tuple(self.nodes[a].type for a in args), attr, self._by_key, self._param)
            self.nodes.append(Node(op, args, attr, kind))
            self._known[key] = len(self.nodes) - 1
        return self._known[key]

    def operand(self, node: int) -> Handle:
        """Return a handle on a node, for writing arithmetic."""
        return Handle(self, node)


def _hashable(attr: Any) -> Any:
    # 0.0 and -0.0 are equal but not the same constant, and NaN equals nothing: repr tells them apart.
    return repr(attr) if isinstance(attr, float | tuple) else attr


class Handle(Operand):
    """A node of a builder, with arithmetic."""

    __slots__ = ("builder", "node")

    def __init__(self, builder: Builder, node: int) -> None:
        self.builder = builder
        self.node = node

    @property
    def type(self) -> Type:
        """The node's type."""
        return self.builder.nodes[self.node].type

    def apply(self, name: str, args: tuple[Operand | float, ...], attr: Any = None) -> Handle:
        """Add an operation; plain numbers among `args` become constants."""
        b = self.builder
        nodes = tuple(a.node if isinstance(a, Handle) else b.add("const", attr=float(a)) for a in args)  # type: ignore[arg-type]
        return Handle(b, b.add(name, nodes, attr))
