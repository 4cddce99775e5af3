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
from typing import Any, Literal

from conveyor.errors import ProgramError
from conveyor.ir.ops import OPS, Operand

ROW = "1"  # the width of a value that is one number a row
HIDDEN = "H"
INPUT = "I"

Role = Literal["input", "state", "aux", "grad", "grad_output"]


@dataclass(frozen=True)
class Type:
    """The kind of a value: its symbolic width, and whether it is boolean."""

    width: str
    boolean: bool = False

    def __str__(self) -> str:
        return f"bool {self.width}" if self.boolean else self.width


@dataclass(frozen=True)
class Input:
    """A value that a step is given: the input, a state, an auxiliary input, or (backward) a gradient of a result.

    `grad` is the gradient with respect to a state's new value that comes from later steps, `grad_output` the one that
    comes from outside, through the output of this step.
    """

    role: Role
    name: str
    width: str

    @property
    def key(self) -> str:
        """The name by which nodes refer to it; gradients have a namespace of their own."""
        return f"{self.role}.{self.name}" if self.role in ("grad", "grad_output") else self.name


@dataclass(frozen=True)
class Matrix:
    """A learned matrix, `rows` x `cols`; with `blocks` > 1 it is block-diagonal and stored as (rows, cols / blocks)."""

    name: str
    operand: str
    rows: str
    cols: str
    blocks: int = 1

    @property
    def key(self) -> str:
        """The name by which nodes refer to it."""
        return f"{self.name}.{self.operand}"


@dataclass(frozen=True)
class Bias:
    """A learned bias of one call of `affine`; `operands` are what that call reads, and `index` counts such calls."""

    name: str
    index: int
    width: str
    operands: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name by which nodes refer to it."""
        return self.name if self.index == 0 else f"{self.name}#{self.index + 1}"


@dataclass(frozen=True)
class Vector:
    """One learned number a unit; `initial` is its first value, or None for the layer's initialisation."""

    name: str
    width: str
    initial: float | None = None

    @property
    def key(self) -> str:
        """The name by which nodes refer to it."""
        return self.name


Param = Matrix | Bias | Vector


@dataclass(frozen=True)
class Node:
    """One operation: its name in the table, the indices of its arguments, its attribute and its type."""

    op: str
    args: tuple[int, ...]
    attr: Any
    type: Type


@dataclass(frozen=True)
class Output:
    """A result: what it is the result for, and the nodes that make it.

    `state` gives the next value of a state. In a backward program `grad_state`, `grad_input` and `grad_aux` give the
    gradient of a value that the step read; `grad_bias` and `grad_vector` a term of a parameter's gradient, to be summed
    over time and batch; `grad_matrix` a pair (of the result, of the operand) whose outer products are that sum.
    """

    role: str
    name: str
    args: tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """A function of the language that is made of several operations (`layer_norm`, `mean`), kept for printing."""

    function: str
    name: str
    operand: int


@dataclass(frozen=True)
class Program:
    """One time step of a recurrence, or of its gradient.

    Attributes:
        inputs: What the step reads, in the order of the cell's parameters.
        params: What it learns, in order of appearance.
        nodes: The operations; an argument always stands before its reader.
        outputs: The results; a forward program has one `state` output a state, the first of which is the output.
        names: Named values: name to node. Beside the program: it does not take part in equality or the hash.
        calls: Functions that are made of several nodes: node to what it is the result of. Beside the program, too.
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
        """The program as text: versioned, complete, and read back by `conveyor.ir.text.parse`."""
        from conveyor.ir.text import print_program

        return print_program(self)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the structure alone: two programs that differ only in the names of their values share it."""
        from conveyor.ir.text import print_structure

        return hashlib.sha256(print_structure(self).encode()).hexdigest()

    def verify(self) -> None:
        """Raise `ProgramError` at the first rule of the representation that this program breaks."""
        from conveyor.ir.verify import verify

        verify(self)

    def of_role(self, role: Role) -> tuple[Input, ...]:
        """The inputs of one role, in order."""
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
        """The matrix that a product node multiplies by."""
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
        """The nodes that the outputs (or `roots`) need, in program order."""
        todo = [n for out in self.outputs for n in out.args] if roots is None else list(roots)
        seen: set[int] = set()
        while todo:
            n = todo.pop()
            if n not in seen:
                seen.add(n)
                todo.extend(self.nodes[n].args)
        return tuple(sorted(seen))


def op_of(param: Param) -> str:
    """The op by which a node reads this parameter."""
    return "product" if isinstance(param, Matrix) else "bias" if isinstance(param, Bias) else "vector"


def infer(op: str, types: tuple[Type, ...], attr: Any, inputs: Mapping[str, Input], param: Mapping[Any, Param]) -> Type:
    """The type of `op` applied to arguments of these types; raises `ProgramError` where the rule is broken."""
    row = OPS.get(op)
    if row is None:
        raise ProgramError(f"unknown operation '{op}'; known are {', '.join(OPS)}")
    if len(types) != row.arity:
        raise ProgramError(f"{op} takes {row.arity} arguments, got {len(types)}")
    if row.result == "source":
        return _source_type(op, attr, inputs, param)
    if row.result == "product":
        return _product_type(op, types[0], attr, param)
    booleans = [t.boolean for t in types]
    wants = [True] * row.arity if row.result == "logical" else [row.result == "select"] + [False] * (row.arity - 1)
    if booleans != wants:
        said = ", ".join("boolean" if b else "real" for b in booleans)
        want = ", ".join("boolean" if b else "real" for b in wants)
        raise ProgramError(f"{op} takes ({want}) operands, got ({said}); cv.where(condition, 1, 0) makes numbers")
    if row.result == "reduction":
        return Type(ROW)
    if row.result == "broadcast":
        if types[0].width != ROW:
            raise ProgramError(f"broadcast takes one number a row, got width {types[0].width}")
        return Type(str(attr))
    widths = list(dict.fromkeys(t.width for t in types if t.width != ROW))
    if len(widths) > 1:
        raise ProgramError(f"{op} of unequal widths {' and '.join(widths)}")
    return Type(widths[0] if widths else ROW, row.result in ("comparison", "logical"))


def _source_type(op: str, attr: Any, inputs: Mapping[str, Input], param: Mapping[Any, Param]) -> Type:
    if op in ("const", "width"):
        return Type(ROW)
    if op == "input":
        if attr not in inputs:
            raise ProgramError(f"unknown input '{attr}'; the program reads {', '.join(inputs)}")
        return Type(inputs[attr].width)
    found = param.get((op, attr))
    if found is None or isinstance(found, Matrix):
        raise ProgramError(f"unknown {op} '{attr}'")
    return Type(found.width)


def _product_type(op: str, operand: Type, attr: Any, param: Mapping[Any, Param]) -> Type:
    found = param.get(("product", attr))
    if not isinstance(found, Matrix):
        raise ProgramError(f"unknown matrix '{attr}'")
    wants, gives = (found.cols, found.rows) if op == "product" else (found.rows, found.cols)
    if operand.boolean or operand.width != wants:
        raise ProgramError(f"{op} by {attr} takes a vector of width {wants}, got {operand}")
    return Type(gives)


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
        """The index of the node for this operation, which is new unless an equal one exists."""
        key = (op, args, _hashable(attr))
        if key not in self._known:
            kind = infer(op, tuple(self.nodes[a].type for a in args), attr, self._by_key, self._param)
            self.nodes.append(Node(op, args, attr, kind))
            self._known[key] = len(self.nodes) - 1
        return self._known[key]

    def operand(self, node: int) -> Handle:
        """A handle on a node, for writing arithmetic."""
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
