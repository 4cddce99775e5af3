"""Emits the code of a schedule for the rows of a step.

    for each stage:
        for each product: call the product kernel on the rows, for this part of the columns
        wait for the other parts
        for each row:
            for each group of a width:
                for u in this part of the units, a vector at a time:      the last vector is masked
                    load, compute in registers, store, add to reductions
        wait for the other parts

The argument table and the indices of the step give the addresses of its rows (see `argument_table`), so that the same
code serves for one step of the loop and for a chunk of steps at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen import argument_table as table
from conveyor.backends.cpu.codegen import gemm
from conveyor.backends.cpu.codegen.argument_table import FIELDS, PRODUCT_FIELDS, Table
from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64, loop
from conveyor.backends.cpu.codegen.vector import Format, Vectors
from conveyor.backends.lowering.schedule import Group, Product, Schedule, Stage
from conveyor.ir.ops import OPS
from conveyor.ir.types import ROW

# table, bases, indices, first row, row after the last, number of this part of the units, of all
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, POINTER, I64, I64, I64, I64])
# bases, number of parts
WAIT = ir.FunctionType(ir.VoidType(), [POINTER, I64])

# One table keyed by the names of conveyor.ir.ops; what reads memory or needs a whole row is emitted by Rows.
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
    "sin": lambda v, a: v.sin(a),
    "cos": lambda v, a: v.cos(a),
    "sqrt": lambda v, a: v.call("sqrt", a),
    "abs": lambda v, a: v.fabs(a),
    "square": lambda v, a: v.b.fmul(a, a),
    "maximum": lambda v, a, b: v.larger(a, b),
    "minimum": lambda v, a, b: v.smaller(a, b),
    "detach": lambda v, a: a,
    "clip_gradient": lambda v, a: a,
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


def emit(
    work: Iterable[tuple[str, Schedule]], form: Format, width: ISA, loop: Callable[..., Work] | None = None
) -> tuple[ir.Module, Table]:
    """Emit a module with a function for each schedule, by its name, and the layout of their argument table.

    Args:
        work: The schedules by name.
        form: The floating-point format.
        width: The instruction set.
        loop: Makes the emitter of the schedule named `loop`; `Work` by default.
    """
    module = ir.Module("work")
    # The kernel stands in a module of its own, so that it is compiled once for all programs.
    kernel = ir.Function(module, gemm.PRODUCT, gemm.product_name(form, width))
    wait = ir.Function(module, WAIT, wait_name(form, width))
    table = Table()
    for name, schedule in work:
        make = loop if loop is not None and name == "loop" else Work
        make(module, name, kernel, wait, schedule, table, form, width).emit()
    return module, table


def wait_name(form: Format, width: ISA) -> str:
    """Return the name of the barrier function."""
    return f"conveyor_wait_{width.name}_f{form.integer.width}"


def splits(schedule: Schedule) -> bool:
    """Tell whether the units of a schedule can be divided between threads: no reduction goes over a row's units."""
    groups = [g for stage in schedule.stages for g in stage.groups]
    return not any(g.reduces or g.width == ROW for g in groups) and all(p.blocks == 1 for p in schedule.products)


class Work:
    """The emitter of one schedule as a function."""

    signature = SIGNATURE
    divides = False  # whether quotients are made by divisions

    def __init__(
        self,
        module: ir.Module,
        name: str,
        kernel: ir.Function,
        wait: ir.Function,
        schedule: Schedule,
        table: Table,
        form: Format,
        width: ISA,
    ) -> None:
        self.function = ir.Function(module, self.signature, name)
        self.kernel = kernel
        self.wait = wait
        self.schedule = schedule
        self.nodes = schedule.nodes
        self.table = table
        self.form = form
        self.lanes = width.lanes(form)
        self.unit = self.lanes  # in whole multiples of which parts share the units of a width
        self.panel = self.lanes * width.panel
        self.vector = ir.VectorType(form.type, self.lanes)
        self.entries, self.bases = self.function.args[:2]
        self.row, self.stop, self.part, self.parts = self.function.args[-4:]
        self.indices = self.function.args[2]
        self.splits = splits(schedule)

    def emit(self) -> None:
        """Emit the function."""
        b = ir.IRBuilder(self.function.append_basic_block("entry"))
        for index, stage in enumerate(self.schedule.stages):
            self.stage(b, index, stage)
        b.ret_void()

    # Memory

    def entry(self, b: ir.IRBuilder, place: int) -> Any:
        """Load an entry of the argument table."""
        return b.load(b.gep(self.entries, [i64(place)], source_etype=I64), typ=I64)

    def base(self, b: ir.IRBuilder, place: int) -> Any:
        """Return the address of a base plus an offset, which are adjacent entries of the argument table."""
        base = b.load(b.gep(self.bases, [self.entry(b, place)], source_etype=POINTER), typ=POINTER)
        return b.gep(base, [self.entry(b, place + 1)], source_etype=ir.IntType(8))

    def array(self, b: ir.IRBuilder, name: str) -> tuple[Any, Any]:
        """Return the address of an array at this step, and its stride from row to row."""
        place = self.table.array(name)
        index, step, stride = (self.entry(b, place + FIELDS.index(f)) for f in FIELDS[2:])
        at = b.load(b.gep(self.indices, [index], source_etype=I64), typ=I64)
        return b.gep(self.base(b, place), [b.mul(at, step)], source_etype=self.form.type), stride

    def operations(self, b: ir.IRBuilder) -> Vectors:
        """Return the vector operations at a builder."""
        return Vectors(b, self.form, self.lanes, self.divides)

    def row_of(self, b: ir.IRBuilder, array: tuple[Any, Any], row: Any) -> Any:
        """Return the address of a row."""
        return b.gep(array[0], [b.mul(row, array[1])], source_etype=self.form.type)

    # Stages

    def stage(self, b: ir.IRBuilder, index: int, stage: Stage) -> None:
        """Emit the work of a stage."""
        for product in stage.products:
            self.product(b, product)
        if stage.products and self.splits:
            self.meet(b)
        groups = [Rows(self, b, index, group) for group in stage.groups]
        if groups:

            def each_row(b: ir.IRBuilder, row: Any) -> None:
                for group in groups:
                    group.emit(b, row)

            loop(b, self.row, self.stop, 1, each_row)
            if self.splits:
                self.meet(b)

    def meet(self, b: ir.IRBuilder) -> None:
        """Emit a barrier."""
        with b.if_then(b.icmp_signed(">", self.parts, i64(1))):
            b.call(self.wait, [self.bases, self.parts])

    def range(self, b: ir.IRBuilder, total: Any, unit: int) -> tuple[Any, Any]:
        """Return the range of this part when `total` is divided in multiples of `unit`."""
        if not self.splits:
            return i64(0), total
        blocks = b.sdiv(b.add(total, i64(unit - 1)), i64(unit))
        edges = [
            b.mul(b.sdiv(b.mul(blocks, part), self.parts), i64(unit)) for part in (self.part, b.add(self.part, i64(1)))
        ]
        first, last = (b.select(b.icmp_signed("<", e, total), e, total) for e in edges)
        return first, last

    def product(self, b: ir.IRBuilder, product: Product) -> None:
        """Emit a product, of all columns or of this part's."""
        place = self.table.product(table.product(self.function.name, product.results[0]))
        inner, columns, *strides = (self.entry(b, place + PRODUCT_FIELDS.index(f)) for f in PRODUCT_FIELDS[2:])
        left = self.array(b, self.schedule.home(product.operands[0]))
        result = self.array(b, self.schedule.home(product.results[0]))
        rows = b.sub(self.stop, self.row)
        packed = self.base(b, place)
        to, at = self.row_of(b, result, self.row), self.row_of(b, left, self.row)

        def block(b: ir.IRBuilder, k: Any) -> None:
            own = [
                b.gep(start, [b.mul(k, step)], source_etype=self.form.type)
                for start, step in ((at, inner), (packed, b.mul(panels, strides[1])), (to, columns))
            ]
            b.call(self.kernel, [own[0], left[1], own[1], own[2], result[1], rows, inner, columns, *strides])

        panels = b.sdiv(b.add(columns, i64(self.panel - 1)), i64(self.panel))
        if product.blocks == 1:
            first, last = self.range(b, columns, self.panel)
            skipped = b.mul(b.sdiv(first, i64(self.panel)), strides[1])
            weights = b.gep(packed, [skipped], source_etype=self.form.type)
            there = b.gep(to, [first], source_etype=self.form.type)
            b.call(self.kernel, [at, left[1], weights, there, result[1], rows, inner, b.sub(last, first), *strides])
        else:
            loop(b, i64(0), i64(product.blocks), 1, block)


class Rows:
    """The emitter of one group's pointwise work; loads at `b`, before the loop over rows, what all rows share."""

    def __init__(self, work: Work, b: ir.IRBuilder, stage: int, group: Group) -> None:
        self.work = work
        self.schedule = work.schedule
        self.stage = stage
        self.group = group
        self.nodes = work.nodes
        self.needed = self._needed()
        self.arrays = {name: work.array(b, name) for name in self._arrays()}
        self.first = self.last = i64(0)
        if group.width != ROW:
            self.first, self.last = work.range(b, work.entry(b, work.table.width(group.width)), work.unit)
        self.widths = {
            n: work.entry(b, work.table.width(str(self.nodes[n].attr)))
            for n in self.needed
            if self.nodes[n].op == "width" and not self._is_memory(n)
        }
        with b.goto_entry_block():
            self.sums = [b.alloca(work.vector) for _ in group.reduces]

    def emit(self, b: ir.IRBuilder, row: Any, span: tuple[Any, Any] | None = None) -> None:
        """Emit the pointwise work on one row, for this part's units or those of a span."""
        self.b = b
        first, last = span if span is not None else (self.first, self.last)
        self.addresses = {name: self.work.row_of(b, array, row) for name, array in self.arrays.items()}
        self.row_values: dict[int, Any] = {}
        v = self.work.operations(b)
        for n in self.needed:
            if self.nodes[n].type.width == ROW:
                self.row_values[n] = self._compute(v, n, self.row_values, None, None)
        if self.group.width == ROW:
            self._store_row(v)
        else:
            self._units(first, last)

    def _is_memory(self, n: int) -> bool:
        """Tell whether a value is loaded from memory rather than computed in this stage."""
        schedule = self.schedule
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
        return [n for n in self.schedule.order if n in seen]

    def _arrays(self) -> list[str]:
        read = [self.schedule.home(n) for n in self.needed if self._is_memory(n)]
        made = [self.schedule.home(r) for r in self.group.reduces]
        return list(dict.fromkeys(read + made + [name for n in self.group.stores for name in self._targets(n)]))

    def _targets(self, n: int) -> list[str]:
        """Return the names of the arrays in which a value is stored."""
        schedule = self.schedule
        names = [label for label, node in schedule.wanted if node == n]
        own = n in schedule.scratch and not self._is_memory(n)
        return names + ([schedule.name(n)] if own else [])

    def _compute(self, v: Vectors, n: int, values: dict[int, Any], unit: Any, mask: Any) -> Any:
        """Emit the vector of a node at `unit`; `values` holds its operands."""
        node = self.nodes[n]
        if self._is_memory(n):
            loaded = self._load(v, n, unit, mask)
            return v.b.fcmp_unordered("!=", loaded, v.const(0.0)) if node.type.boolean else loaded
        if node.op == "const":
            return v.const(node.attr)
        if node.op == "width":
            return v.splat(v.b.sitofp(self.widths[n], self.work.form.type))
        args = [values[a] for a in node.args]
        if node.op == "clip":
            return v.below(v.above(args[0], node.attr[0]), node.attr[1])
        return POINTWISE[node.op](v, *args)

    def _load(self, v: Vectors, n: int, unit: Any, mask: Any) -> Any:
        address = self.addresses[self.schedule.home(n)]
        form = self.work.form
        if self.nodes[n].type.width == ROW:
            return v.splat(v.b.load(address, typ=form.type))
        at = v.b.gep(address, [unit], source_etype=form.type)
        size = form.integer.width // 8
        if mask is None:
            return v.b.load(at, typ=v.type, align=size)
        return v.masked_load(at, mask, size)

    def _units(self, first: Any, last: Any) -> None:
        b, group = self.b, self.group
        lanes = self.work.lanes
        v = self.work.operations(b)
        for s, r in zip(self.sums, group.reduces, strict=True):
            b.store(v.const(0.0 if self.nodes[r].op == "sum" else float("-inf")), s)

        def body(b: ir.IRBuilder, unit: Any, mask: Any = None) -> None:
            v = self.work.operations(b)
            values = dict(self.row_values)
            for n in self.needed:
                if n not in values:
                    values[n] = self._compute(v, n, values, unit, mask)
            for n in group.stores:
                self._store(v, n, values[n], unit, mask)
            for s, r in zip(self.sums, group.reduces, strict=True):
                self._accumulate(v, s, r, values[self.nodes[r].args[0]], mask)

        done = loop(b, first, last, lanes, body)
        rest = b.sub(last, done)
        with b.if_then(b.icmp_signed(">", rest, i64(0))):
            body(b, done, self.work.operations(b).first(rest))
        for s, r in zip(self.sums, group.reduces, strict=True):
            v = self.work.operations(b)
            total = v.across(b.load(s, typ=self.work.vector), v.larger if self.nodes[r].op == "max" else b.fadd)
            b.store(total, self.addresses[self.schedule.home(r)])

    def _store(self, v: Vectors, n: int, value: Any, unit: Any, mask: Any) -> None:
        size = self.work.form.integer.width // 8
        if self.nodes[n].type.boolean:
            value = v.b.select(value, v.const(1.0), v.const(0.0))
        for name in self._targets(n):
            at = v.b.gep(self.addresses[name], [unit], source_etype=self.work.form.type)
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
