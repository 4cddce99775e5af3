"""The parts of a program: types of values, inputs, parameters, nodes, results; and the rule that types a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conveyor.errors import ProgramError
from conveyor.ir.ops import OPS

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
    """An input of a step: x, a state, an auxiliary input, or (backward) a gradient of a result.

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
        """The name by which nodes refer to the matrix."""
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
    """One learned number per unit; `initial` is its first value, or None for the layer's initialisation."""

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
    """A result: the value that it belongs to, and its nodes.

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


def op_of(param: Param) -> str:
    """Return the op by which a node reads this parameter."""
    return "product" if isinstance(param, Matrix) else "bias" if isinstance(param, Bias) else "vector"


def infer(op: str, types: tuple[Type, ...], attr: Any, inputs: Mapping[str, Input], param: Mapping[Any, Param]) -> Type:
    """Infer the type of `op` applied to arguments of these types; raises `ProgramError` where the rule is broken."""
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
