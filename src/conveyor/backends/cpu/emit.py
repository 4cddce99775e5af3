"""Emits the time loop of a scheduled program.

for t in the order that is asked for:
for each stage:
for each product: call the product kernel on all rows
for each row:
for each group of a width:
for u in 0 … width−1, a vector at a time:      the last vector is masked
load, compute in registers, store, add to reductions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu import gemm, table
from conveyor.backends.cpu.loops import I64, POINTER, count, loop
from conveyor.backends.cpu.schedule import Group, Product, Schedule, Stage
from conveyor.backends.cpu.table import FIELDS, Table
from conveyor.backends.cpu.target import Width
from conveyor.backends.cpu.vector import Format, Vectors
from conveyor.ops import OPS
from conveyor.program import ROW

NAME = "steps"
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, I64, I64, I64])

# One table keyed by the names of conveyor.ops; what reads memory or needs a whole row is emitted by _Steps.
POINTWISE: dict[str, Callable[..., Any]] = {
    "add": lambda v, a, b: v.b.fadd(a, b),
    "sub": lambda v, a, b: v.b.fsub(a, b),
    "mul": lambda v, a, b: v.b.fmul(a, b),
    "div": lambda v, a, b: v.b.fdiv(a, b),
    "neg": lambda v, a: v.b.fneg(a),
    "sigmoid": lambda v, a: v.sigmoid(a),
    "tanh": lambda v, a: v.tanh(a),
    "relu": lambda v, a: v.above(a, 0.0),
    "exp": lambda v, a: v.exp(a),
    "log": lambda v, a: v.log(a),
    "log1p": lambda v, a: v.log1p(a),
    "softplus": lambda v, a: v.softplus(a),
    "sin": lambda v, a: v.call("sin", a),
    "cos": lambda v, a: v.call("cos", a),
    "sqrt": lambda v, a: v.call("sqrt", a),
    "abs": lambda v, a: v.fabs(a),
    "square": lambda v, a: v.b.fmul(a, a),
    "maximum": lambda v, a, b: v.larger(a, b),
    "minimum": lambda v, a, b: v.smaller(a, b),
    "detach": lambda v, a: a,
    "broadcast": lambda v, a: a,
    "where": lambda v, p, a, b: v.b.select(p, a, b),
    "lt": lambda v, a, b: v.b.fcmp_ordered("<", a, b),
    "le": lambda v, a, b: v.b.fcmp_ordered("<=", a, b),
    "gt": lambda v, a, b: v.b.fcmp_ordered(">", a, b),
    "ge": lambda v, a, b: v.b.fcmp_ordered(">=", a, b),
    "eq": lambda v, a, b: v.b.fcmp_ordered("==", a, b),
    "ne": lambda v, a, b: v.b.fcmp_unordered("!=", a, b),
    "and": lambda v, a, b: v.b.and_(a, b),
    "or": lambda v, a, b: v.b.or_(a, b),
    "not": lambda v, a: v.b.not_(a),
}
READERS = ("input", "const", "width", "bias", "vector", "product", "product_t", "clip", "sum", "max")


def emit(schedule: Schedule, form: Format, width: Width) -> tuple[ir.Module, Table]:
    """A module with the function `steps(table, first, count, stride, row, stop)`, and the table's layout.

    It runs `count` steps from `first`, `stride` (1 or −1) apart, on the rows from `row` to before `stop`.
    """
    steps = _Steps(schedule, form, width)
    return steps.module, steps.table


class _Steps:
    def __init__(self, schedule: Schedule, form: Format, width: Width) -> None:
        self.schedule = schedule
        self.nodes = schedule.program.nodes
        self.form = form
        self.lanes = width.lanes(form)
        self.vector = ir.VectorType(form.type, self.lanes)
        self.table = Table()
        self.module = ir.Module(NAME)
        # The kernel stands in a module of its own, so that it is compiled once for all programs.
        self.kernel = ir.Function(self.module, gemm.SIGNATURE, gemm.product_name(form, width))
        function = ir.Function(self.module, SIGNATURE, NAME)
        self.entries, first, steps, stride, self.row, self.stop = function.args
        b = ir.IRBuilder(function.append_basic_block("entry"))

        def step(b: ir.IRBuilder, k: Any) -> None:
            t = b.add(first, b.mul(k, stride))
            for index, stage in enumerate(schedule.stages):
                self._stage(b, index, stage, t)

        loop(b, count(0), steps, 1, step)
        b.ret_void()

    # Memory

    def _entry(self, b: ir.IRBuilder, place: int, kind: ir.Type = I64) -> Any:
        return b.load(b.gep(self.entries, [count(place)], source_etype=I64), typ=kind)

    def _row_of(self, b: ir.IRBuilder, name: str, t: Any, row: Any) -> Any:
        """The address of an array's row at a step."""
        place = self.table.array(name)
        pointer = self._entry(b, place, POINTER)
        step, stride, mask, shift = (self._entry(b, place + FIELDS.index(f)) for f in FIELDS[1:])
        at = b.mul(b.and_(b.add(t, shift), mask), step)
        return b.gep(pointer, [b.add(at, b.mul(row, stride))], source_etype=self.form.type)

    def _home(self, node: int) -> str:
        """The array in which a value that is in memory lies."""
        if node in self.schedule.given:
            return table.given(node)
        if node in self.schedule.scratch:
            return table.scratch(node)
        return next(table.wanted(label) for label, n in self.schedule.wanted if n == node)

    # Stages

    def _stage(self, b: ir.IRBuilder, index: int, stage: Stage, t: Any) -> None:
        for product in stage.products:
            self._product(b, product, t)
        if not stage.groups:
            return

        def each_row(b: ir.IRBuilder, row: Any) -> None:
            for group in stage.groups:
                _Rows(self, b, index, group, t, row).emit()

        loop(b, self.row, self.stop, 1, each_row)

    def _product(self, b: ir.IRBuilder, product: Product, t: Any) -> None:
        first = product.results[0]
        place = self.table.product(first)
        packed, inner, panels = (self._entry(b, place + k, kind) for k, kind in enumerate((POINTER, I64, I64)))
        operand, result = self._home(product.operand), table.scratch(first)
        stride = FIELDS.index("stride")
        b.call(
            self.kernel,
            [
                self._row_of(b, operand, t, self.row),
                self._entry(b, self.table.array(operand) + stride),
                packed,
                self._row_of(b, result, t, self.row),
                self._entry(b, self.table.array(result) + stride),
                b.sub(self.stop, self.row),
                inner,
                panels,
            ],
        )
        for other in product.results[1:]:
            self.table.array(table.scratch(other))


class _Rows:
    """The work of one group on one row."""

    def __init__(self, steps: _Steps, b: ir.IRBuilder, stage: int, group: Group, t: Any, row: Any) -> None:
        self.steps = steps
        self.b = b
        self.stage = stage
        self.group = group
        self.nodes = steps.nodes
        self.addresses: dict[str, Any] = {}
        self.row_values: dict[int, Any] = {}
        self.t = t
        self.row = row

    def emit(self) -> None:
        """Emit the group."""
        group = self.group
        needed = self._needed()
        for name in self._arrays(needed):
            self.addresses[name] = self.steps._row_of(self.b, name, self.t, self.row)
        v = Vectors(self.b, self.steps.form, self.steps.lanes)
        for n in needed:
            if self.nodes[n].type.width == ROW:
                self.row_values[n] = self._compute(v, n, self.row_values, None, None)
        if group.width == ROW:
            self._store_row(v)
        else:
            self._units(needed)

    def _is_memory(self, n: int) -> bool:
        """Whether a value is read from memory rather than computed here."""
        schedule = self.steps.schedule
        if n in schedule.given:
            return True
        if OPS[self.nodes[n].op].result in ("product", "reduction"):
            return True
        stored = n in schedule.scratch or any(n == node for _, node in schedule.wanted)
        return stored and 0 <= schedule.level[n] < self.stage

    def _needed(self) -> list[int]:
        todo = [*self.group.stores, *(self.nodes[r].args[0] for r in self.group.reduces)]
        seen: set[int] = set()
        while todo:
            n = todo.pop()
            if n not in seen:
                seen.add(n)
                if not self._is_memory(n):
                    todo.extend(self.nodes[n].args)
        return sorted(seen)

    def _arrays(self, needed: list[int]) -> list[str]:
        read = [self.steps._home(n) for n in needed if self._is_memory(n)]
        return list(dict.fromkeys(read + [name for n in self.group.stores for name in self._targets(n)]))

    def _targets(self, n: int) -> list[str]:
        """Where a stored value goes."""
        schedule = self.steps.schedule
        names = [table.wanted(label) for label, node in schedule.wanted if node == n]
        own = n in schedule.scratch and not self._is_memory(n)
        return names + ([table.scratch(n)] if own else [])

    def _compute(self, v: Vectors, n: int, values: dict[int, Any], unit: Any, mask: Any) -> Any:
        """The vector of a node at `unit`; its operands are in `values`."""
        node = self.nodes[n]
        if self._is_memory(n):
            loaded = self._load(v, n, unit, mask)
            return v.b.fcmp_unordered("!=", loaded, v.const(0.0)) if node.type.boolean else loaded
        if node.op == "const":
            return v.const(node.attr)
        if node.op == "width":
            number = self.steps._entry(v.b, self.steps.table.width(str(node.attr)))
            return v.splat(v.b.sitofp(number, self.steps.form.type))
        args = [values[a] for a in node.args]
        if node.op == "clip":
            return v.below(v.above(args[0], node.attr[0]), node.attr[1])
        return POINTWISE[node.op](v, *args)

    def _load(self, v: Vectors, n: int, unit: Any, mask: Any) -> Any:
        address = self.addresses[self.steps._home(n)]
        form = self.steps.form
        if self.nodes[n].type.width == ROW:
            return v.splat(v.b.load(address, typ=form.type))
        at = v.b.gep(address, [unit], source_etype=form.type)
        size = form.integer.width // 8
        if mask is None:
            return v.b.load(at, typ=v.type, align=size)
        return v.masked_load(at, mask, size)

    def _units(self, needed: list[int]) -> None:
        b, steps, group = self.b, self.steps, self.group
        lanes = steps.lanes
        width = steps._entry(b, steps.table.width(group.width))
        with b.goto_entry_block():
            sums = [b.alloca(steps.vector) for _ in group.reduces]
        v = Vectors(b, steps.form, lanes)
        for s, r in zip(sums, group.reduces, strict=True):
            b.store(v.const(0.0 if self.nodes[r].op == "sum" else float("-inf")), s)

        def body(b: ir.IRBuilder, unit: Any, mask: Any = None) -> None:
            v = Vectors(b, steps.form, lanes)
            values = dict(self.row_values)
            for n in needed:
                if n not in values:
                    values[n] = self._compute(v, n, values, unit, mask)
            for n in group.stores:
                self._store(v, n, values[n], unit, mask)
            for s, r in zip(sums, group.reduces, strict=True):
                self._accumulate(v, s, r, values[self.nodes[r].args[0]], mask)

        done = loop(b, count(0), width, lanes, body)
        rest = b.sub(width, done)
        with b.if_then(b.icmp_signed(">", rest, count(0))):
            body(b, done, Vectors(b, steps.form, lanes).first(rest))
        for s, r in zip(sums, group.reduces, strict=True):
            v = Vectors(b, steps.form, lanes)
            total = v.across(b.load(s, typ=steps.vector), v.larger if self.nodes[r].op == "max" else b.fadd)
            b.store(total, steps._row_of(b, table.scratch(r), self.t, self.row))

    def _store(self, v: Vectors, n: int, value: Any, unit: Any, mask: Any) -> None:
        size = self.steps.form.integer.width // 8
        if self.nodes[n].type.boolean:
            value = v.b.select(value, v.const(1.0), v.const(0.0))
        for name in self._targets(n):
            at = v.b.gep(self.addresses[name], [unit], source_etype=self.steps.form.type)
            if mask is None:
                v.b.store(value, at, align=size)
            else:
                v.masked_store(value, at, mask, size)

    def _store_row(self, v: Vectors) -> None:
        for n in self.group.stores:
            value = self.row_values[n]
            if self.nodes[n].type.boolean:
                value = v.b.select(value, v.const(1.0), v.const(0.0))
            for name in self._targets(n):
                v.b.store(v.b.extract_element(value, ir.Constant(ir.IntType(32), 0)), self.addresses[name])

    def _accumulate(self, v: Vectors, total: Any, reduction: int, value: Any, mask: Any) -> None:
        so_far = v.b.load(total, typ=v.type)
        if self.nodes[reduction].op == "max":
            new = v.larger(so_far, value)
        else:
            new = v.b.fadd(so_far, value)
        v.b.store(new if mask is None else v.b.select(mask, new, so_far), total)
