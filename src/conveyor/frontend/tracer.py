"""The tracer: runs a cell's function on traced values and records its operations."""

from __future__ import annotations

import linecache
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from types import CodeType
from typing import Any, NoReturn

from conveyor.errors import CellError
from conveyor.frontend.naming import Namer
from conveyor.frontend.widths import Width, WidthMismatch
from conveyor.ir.ops import OPS, Operand
from conveyor.ir.types import ROW, Bias, Call, Matrix, Param, Vector

_active = threading.local()


def active() -> Tracer:
    """Return the tracer of the cell that is being traced in this thread; raises `CellError` outside a cell."""
    stack = getattr(_active, "stack", None)
    if not stack:
        raise CellError("cv.affine, cv.weight and the functions of the language only work inside a @cv.cell function")
    tracer: Tracer = stack[-1]
    return tracer


@dataclass(frozen=True)
class _Draft:
    """A node whose width may still be unknown."""

    op: str
    args: tuple[int, ...]
    attr: Any
    width: Width
    boolean: bool
    line: int | None


@dataclass
class _Learned:
    """A parameter whose widths may still be unknown, as it is declared by the function that reads it."""

    param: Param
    widths: tuple[Width, ...]


class Value(Operand):
    """A traced value of the step: a node of the program, without numbers."""

    __slots__ = ("boolean", "node", "tracer", "width")
    __array_ufunc__ = None
    __hash__ = object.__hash__

    def __init__(self, tracer: Tracer, node: int, width: Width, boolean: bool) -> None:
        self.tracer = tracer
        self.node = node
        self.width = width
        self.boolean = boolean

    def apply(self, name: str, args: tuple[Any, ...], attr: Any = None) -> Value:
        """Add an operation to the program."""
        # In the cell that runs now: a value that leaked out of another is that cell's mistake, on its own line.
        return active().emit(name, args, attr)

    def __repr__(self) -> str:
        return f"<traced value %{self.node}, width {self.width.symbol or 'not known yet'}>"

    def __eq__(self, other: object) -> Any:
        return self.apply("eq", (self, other))

    def __ne__(self, other: object) -> Any:
        return self.apply("ne", (self, other))

    def __abs__(self) -> Value:
        return self.apply("abs", (self,))

    def __pow__(self, power: object) -> Value:
        if isinstance(power, Value):
            self.tracer.fail("** takes a Python number as its power, got a traced value; write cv.exp(b * cv.log(a))")
        if power == 2:
            return self.apply("square", (self,))
        if power == 0.5:
            return self.apply("sqrt", (self,))
        self.tracer.fail(f"** is known for powers 2 and 0.5, got {power!r}; write cv.exp({power!r} * cv.log(v))")

    def __bool__(self) -> bool:
        self.tracer.fail(
            "a Python if, and, or, while, max or min needs the number of a traced value, which differs from row to row;"
            " choose with cv.where(condition, a, b), cv.maximum or cv.minimum, and combine conditions with & | ~"
        )

    def _no_number(self) -> NoReturn:
        self.tracer.fail("a traced value has no number yet, so math and float() can't read it; use cv.tanh, cv.exp, …")

    def __float__(self) -> float:
        self._no_number()

    def __int__(self) -> int:
        self._no_number()

    def __index__(self) -> int:
        self._no_number()

    def _no_units(self) -> NoReturn:
        self.tracer.fail(
            "the units of a value can't be picked, iterated or multiplied as a matrix: every value is one vector a row,"
            " and matrix-valued states are not supported; use cv.affine, or cv.sum, cv.mean and cv.max over the units"
        )

    def __getitem__(self, index: object) -> NoReturn:
        self._no_units()

    def __setitem__(self, index: object, value: object) -> NoReturn:
        self._no_units()

    def __iter__(self) -> NoReturn:
        self._no_units()

    def __len__(self) -> int:
        self._no_units()

    def __matmul__(self, other: object) -> NoReturn:
        self._no_units()

    def __rmatmul__(self, other: object) -> NoReturn:
        self._no_units()

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        # numpy would take a value for an array of one object, and np.dot(h, c) for h * c.
        name = function.__name__
        active().fail(f"unknown function np.{name}: a cell is made of conveyor's own; use cv.{name} if it is there")

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(function, "__name__", str(function))
        tensor = next((a for a in args if type(a).__module__.partition(".")[0] == "torch"), None)
        if tensor is not None:
            active().operand(tensor, name)
        active().fail(f"unknown function torch.{name}: a cell is made of conveyor's own; use cv.{name} if it is there")


class Tracer:
    """The nodes and parameters of a cell while its function runs."""

    def __init__(self, cell: str, code: CodeType | None) -> None:
        self.cell = cell
        self.nodes: list[_Draft] = []
        self.learned: dict[Any, _Learned] = {}
        self.calls: dict[int, Call] = {}
        self.namer = Namer(code, Value)
        self._code = code
        self._known: dict[Any, int] = {}
        self._operands: dict[tuple[str, str], int] = {}
        self._used: dict[str, tuple[str, Any]] = {}

    def __enter__(self) -> Tracer:
        _active.stack = [*getattr(_active, "stack", []), self]
        return self

    def __exit__(self, *exception: object) -> None:
        _active.stack = _active.stack[:-1]

    # Errors

    def fail(self, message: str, line: int | None = None) -> NoReturn:
        """Raise `CellError` with the line of the equation that is running, or `line`."""
        raise CellError(f"{self.where(line)}: {message}")

    def where(self, line: int | None = None) -> str:
        """Return the cell and the running line, with its text if the source is available."""
        line = line or self._line()
        if line is None or self._code is None:
            return f"cell {self.cell}"
        source = linecache.getline(self._code.co_filename, line).strip()
        return f"cell {self.cell}, line {line}" + (f" `{source}`" if source else f" of {self._code.co_filename}")

    def _line(self) -> int | None:
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code is self._code:
                return frame.f_lineno
            frame = frame.f_back  # type: ignore[assignment]
        # A generator function has not started when it returns.
        return self.namer.last_line or (self._code.co_firstlineno if self._code else None)

    # Nodes

    def value(self, node: int) -> Value:
        """Return a handle on a node."""
        draft = self.nodes[node]
        return Value(self, node, draft.width, draft.boolean)

    def read(self, name: str, width: Width) -> Value:
        """Add an input of the step."""
        return self._add("input", (), name, width, False)

    def operand(self, item: Any, what: str) -> Value:
        """Return `item` as a traced value; plain numbers become constants."""
        if isinstance(item, Value):
            if item.tracer is not self:
                self.fail(f"{what} got a value that was traced in another cell or call; pass it as an argument")
            return item
        if isinstance(item, Real):
            try:
                return self._add("const", (), float(item), Width(ROW), False)
            except OverflowError:
                self.fail(f"{what} got a whole number that no float holds; write it as a float, such as 1e300")
        self.fail(f"{what} takes traced values and Python numbers, got {type(item).__name__}{_fix_for(item)}")

    def emit(self, op: str, args: Sequence[Any], attr: Any = None) -> Value:
        """Add the operation `op`, checking kinds and unifying widths; an equal operation is shared."""
        row = OPS[op]
        values = [self.operand(a, op) for a in args]
        wants = [row.result == "logical" or (row.result == "select" and k == 0) for k in range(row.arity)]
        for value, boolean in zip(values, wants, strict=True):
            if value.boolean != boolean:
                self.fail(
                    f"{op} takes a condition here, such as a > b, got numbers"
                    if boolean
                    else f"{op} takes numbers, got a condition; turn it into numbers with cv.where(condition, 1, 0)"
                )
        if row.result == "reduction":
            if values[0].width.is_row:
                self.fail(
                    f"cv.{op} goes over the units of a vector, got one number a row, which has none; leave it out"
                )
            width = Width(ROW)
        else:
            width = self._common(op, values)
        return self._add(op, tuple(v.node for v in values), attr, width, row.result in ("comparison", "logical"))

    def product(self, matrix: str, operand: Value, rows: Width) -> Value:
        """Add the product of a declared matrix and a value."""
        return self._add("product", (operand.node,), matrix, rows, False)

    def source(self, op: str, attr: Any, width: Width) -> Value:
        """Add a parameter, or the number of units of a width."""
        return self._add(op, (), attr, width, False)

    def _common(self, op: str, values: Sequence[Value]) -> Width:
        vectors = [v.width for v in values if not v.width.is_row]
        if not vectors:
            return Width(ROW)
        for other in vectors[1:]:
            self.unify(vectors[0], other, op)
        return vectors[0]

    def unify(self, first: Width, second: Width, what: str) -> None:
        """Unify two widths, or fail with the line."""
        try:
            first.unify(second)
        except WidthMismatch as error:
            self.fail(
                f"{what} mixes values of widths {error.first} and {error.second}, which need not be equal;"
                f' bring one to the other\'s width with cv.affine("name", v, size=…)'
            )

    def _add(self, op: str, args: tuple[int, ...], attr: Any, width: Width, boolean: bool) -> Value:
        key = (op, args, id(attr) if isinstance(attr, Width) else repr(attr))
        if key not in self._known:
            self.nodes.append(_Draft(op, args, attr, width, boolean, self._line()))
            self._known[key] = len(self.nodes) - 1
        return self.value(self._known[key])

    # Parameters

    def claim(self, name: str, kind: str, what: Any = None) -> None:
        """Reserve `name` for `kind`; using it for anything else is an error."""
        if not isinstance(name, str) or not name.isidentifier():
            self.fail(f"{kind} takes its name first, a word such as 'f', got {name!r}")
        earlier = self._used.setdefault(name, (kind, what))
        if earlier != (kind, what):
            said = kind if earlier[0] != kind else f"another {kind}, of another size or operand"
            self.fail(
                f"the name '{name}' already belongs to a cv.{earlier[0]}, used here for {said}; choose another name"
            )

    def matrix(self, name: str, operand: Value, rows: Width, blocks: int) -> Value:
        """Declare (or find) the matrix of (name, operand) and multiply by it."""
        label = self._label(name, operand)
        if self._operands.setdefault((name, label), operand.node) != operand.node:
            self.fail(
                f"the name '{name}' is used for two different values called '{label}';"
                " give one of the two affine maps another name"
            )
        symbol = rows.symbol or ""
        key = f"{name}.{label}"
        found = self.learned.get(("product", key))
        if found is None:
            found = _Learned(Matrix(name, label, symbol, "", blocks), (rows, operand.width))
            self.learned[("product", key)] = found
        elif isinstance(found.param, Matrix) and found.param.blocks != blocks:
            self.fail(f"the matrix of ('{name}', {label}) has blocks={found.param.blocks}, used here with {blocks}")
        return self.product(key, operand, rows)

    def bias(self, name: str, width: Width, operands: tuple[str, ...]) -> Value:
        """Declare the bias of one call of affine."""
        index = sum(1 for op, p in self.learned if op == "bias" and (p == name or p.startswith(f"{name}#")))
        param = Bias(name, index, "", operands)
        self.learned[("bias", param.key)] = _Learned(param, (width,))
        return self.source("bias", param.key, width)

    def vector(self, name: str, width: Width, initial: float | None = None) -> Value:
        """Declare (or find) a parameter with one number per unit."""
        found = self.learned.setdefault(("vector", name), _Learned(Vector(name, "", initial), (width,)))
        return self.source("vector", name, found.widths[0])

    def label(self, name: str, operand: Value) -> str:
        """Give the name under which the matrix of (name, operand) knows its operand."""
        return self._label(name, operand)

    def _label(self, name: str, operand: Value) -> str:
        draft = self.nodes[operand.node]
        if draft.op == "input":
            return str(draft.attr)
        # First what this pair was called before: a value that gets a variable only later is still the same operand.
        used = [label for (n, label), node in self._operands.items() if n == name and node == operand.node]
        if used:
            return used[0]
        variable = self.namer.current(lambda v: v.node == operand.node)
        if variable is not None:
            return variable
        count = sum(1 for n, label in self._operands if n == name and label.startswith("value"))
        return "value" if count == 0 else f"value{count + 1}"


def _fix_for(item: Any) -> str:
    kind = type(item).__module__.partition(".")[0]
    if kind in ("torch", "numpy"):
        return "; learned numbers are cv.weight or cv.affine, and data comes in as x, a state or an auxiliary input"
    return "; the name of an affine map or weight comes first" if isinstance(item, str) else ""
