"""Emission of the loop for a small batch: all steps of a chunk, products fused with pointwise work, by blocks of units.

    for each step, for each stage:
        for each block of units in this part, forwards and backwards in turn from step to step:
            for each product: sums of all its results for these units, `rows` rows at once
            for each row: the pointwise work on these units
        wait for the other parts, if a product is going to read what was stored

With few rows a step reads each weight about once, so that the caches decide: going backwards at every second step finds
the last weights of the step before in the nearest cache. The weights of all results for the same units are interleaved
(*woven*): `[panel of units][k][result][unit]`, a panel being one or two vectors of units wide, and those behind the
last full panel one. Each sum runs over k in order as in `gemm`, and pointwise work is the same code, so that results
are bitwise those of the code for large batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen import argument_table, gemm
from conveyor.backends.cpu.codegen.argument_table import INDICES, PRODUCT_FIELDS
from conveyor.backends.cpu.codegen.emit import Rows, Work
from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64, loop
from conveyor.backends.cpu.codegen.vector import Vectors
from conveyor.backends.lowering.schedule import Group, Product, Schedule, Stage
from conveyor.ir.types import ROW

# table, bases, first step, step after the last, first step of the chunk, whether backwards, first row, row after the
# last, number of this part of the units, of all
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64, I64, I64, I64, I64, I64, I64, I64])
MOST_ROWS = 3  # of the batch: with more, the register blocks of the code for many rows are better


def rows_at_once(schedule: Schedule, batch: int, width: ISA, ragged: bool = False) -> int:
    """Return the rows of a register block for a batch of B rows; 0 if the code for many rows is to be used.

    Args:
        schedule: The schedule of the loop.
        batch: B.
        width: The instruction set.
        ragged: Whether sequences have unequal length, so that the number of rows varies from step to step.
    """
    if ragged or not 0 < batch <= MOST_ROWS or not any(is_woven(schedule, p, batch, width) for p in schedule.products):
        return 0
    return batch


def is_woven(schedule: Schedule, product: Product, rows: int, width: ISA) -> bool:
    """Tell whether the weights of a product are interleaved (woven) in the code for `rows` rows."""
    kinds = {schedule.nodes[n].type.width for n in product.results}
    fits = rows * len(product.results) <= _sums(width)
    return product.blocks == 1 and len(kinds) == 1 and kinds != {ROW} and fits


def panel_vectors(schedule: Schedule, rows: int, width: ISA) -> int:
    """Return the width of a panel of units, in vectors."""
    woven = [p for p in schedule.products if is_woven(schedule, p, rows, width)]
    return 2 if all(2 * rows * len(p.results) <= _sums(width) for p in woven) else 1


def _sums(width: ISA) -> int:
    """Return the number of vector accumulators that fit the registers beside the operands."""
    return width.rows * width.panel


def emitter(rows: int, width: ISA) -> Callable[..., Work]:
    """Return the constructor of the loop's emitter for `conveyor.backends.cpu.codegen.emit.emit`."""
    return lambda *given: FewRows(rows, width, *given)


@dataclass(frozen=True)
class _Kind:
    """A kind of block: its number of panels, and the vectors of each."""

    panels: int
    vectors: int
    is_masked: bool = False


class FewRows(Work):
    """The emitter of the loop's schedule as a function for few rows.

    Args:
        rows: The rows of a register block.
        chosen: The instruction set.
        given: The arguments of `conveyor.backends.cpu.codegen.emit.Work`.
    """

    signature = SIGNATURE
    divides = True

    def __init__(self, rows: int, chosen: ISA, *given: Any) -> None:
        super().__init__(*given)
        if rows == 1:
            self.row, self.stop = i64(0), i64(1)
        self.low, self.high, self.origin, self.backwards = self.function.args[2:6]
        self.rows = rows
        self.chosen = chosen
        self.vectors = panel_vectors(self.schedule, rows, chosen)
        self.unit = self.vectors * self.lanes
        self.meets = _meetings(self.schedule, self._is_woven)

    def emit(self) -> None:
        """Emit the function."""
        self.prologue = self.function.append_basic_block("entry")
        b = ir.IRBuilder(self.prologue)
        self.indices = b.alloca(I64, len(INDICES))
        is_back = b.icmp_signed("!=", self.backwards, i64(0))

        def step(b: ir.IRBuilder, k: Any) -> None:
            t = b.select(is_back, b.sub(b.sub(self.high, i64(1)), k), b.add(self.low, k))
            turn = b.and_(t, i64(1))
            places = (t, b.sub(t, i64(1)), b.sub(t, self.origin), turn, b.xor(turn, i64(1)))
            for j, place in enumerate(places):
                b.store(place, b.gep(self.indices, [i64(j)], source_etype=I64))
            self.turn = turn
            for index, stage in enumerate(self.schedule.stages):
                self.stage(b, index, stage)

        loop(b, i64(0), b.sub(self.high, self.low), 1, step)
        b.ret_void()

    # Values that all steps share are computed before the first.

    @contextmanager
    def _ahead(self, b: ir.IRBuilder) -> Iterator[None]:
        """Emit the instructions of the `with` block before the loop over steps."""
        if b.block is self.prologue:
            yield
        else:
            with b.goto_block(self.prologue):
                yield

    def entry(self, b: ir.IRBuilder, place: int) -> Any:
        """Load an entry of the argument table."""
        with self._ahead(b):
            return super().entry(b, place)

    def base(self, b: ir.IRBuilder, place: int) -> Any:
        """Return the address of a base plus an offset, which are adjacent entries of the argument table."""
        with self._ahead(b):
            return super().base(b, place)

    def range(self, b: ir.IRBuilder, total: Any, unit: int) -> tuple[Any, Any]:
        """Return the range of this part when `total` is divided in multiples of `unit`."""
        with self._ahead(b):
            return super().range(b, total, unit)

    def _is_woven(self, product: Product) -> bool:
        return is_woven(self.schedule, product, self.rows, self.chosen)

    def stage(self, b: ir.IRBuilder, index: int, stage: Stage) -> None:
        """Emit the work of a stage."""
        others = [p for p in stage.products if not self._is_woven(p)]
        for product in others:
            self.product(b, product)
        if others and self.splits:
            self.meet(b)
        woven: dict[str, list[Product]] = {}
        for product in stage.products:
            if self._is_woven(product):
                woven.setdefault(self.nodes[product.results[0]].type.width, []).append(product)
        groups = [(Rows(self, b, index, group), group) for group in stage.groups]
        within = {g.width: rows for rows, g in groups if g.width in woven and not g.reduces}
        self._each_row(b, [rows for rows, g in groups if g.width not in within and not _is_late(g, woven)])
        for symbol, products in woven.items():
            self._blocks(b, symbol, products, within.get(symbol))
        self._each_row(b, [rows for rows, g in groups if _is_late(g, woven)])
        if self.splits and self.meets[index]:
            self.meet(b)

    def _each_row(self, b: ir.IRBuilder, groups: Sequence[Rows]) -> None:
        def each(b: ir.IRBuilder, row: Any) -> None:
            for group in groups:
                group.emit(b, row)

        if groups:
            loop(b, self.row, self.stop, 1, each)

    def _kinds(self, products: Sequence[Product]) -> list[_Kind]:
        """List the kinds of blocks, the largest first."""
        sums = self.vectors * self.rows * max(len(p.results) for p in products)
        powers = [2**k for k in range(5) if sums * 2**k <= _sums(self.chosen)] or [1]
        return [*(_Kind(p, self.vectors) for p in reversed(powers)), _Kind(1, 1, True)]

    def _blocks(self, b: ir.IRBuilder, symbol: str, products: Sequence[Product], group: Rows | None) -> None:
        """Emit products and pointwise work, one block of units at a time."""
        first, last = self.range(b, self.entry(b, self.table.width(symbol)), self.unit)
        kinds = self._kinds(products)
        calls = [_Call(self, b, p) for p in products]
        at, done, starts, ends = first, i64(0), [], []
        with self._ahead(b):
            for kind in kinds:
                size = kind.panels * kind.vectors * self.lanes
                left = b.sub(last, at)
                number = b.sdiv(b.add(left, i64(size - 1)) if kind.is_masked else left, i64(size))
                starts.append((at, done))
                at, done = b.add(at, b.mul(number, i64(size))), b.add(done, number)
                ends.append(done)
        is_back = b.icmp_signed("!=", self.turn, i64(0))

        def block(b: ir.IRBuilder, k: Any) -> None:
            j = b.select(is_back, b.sub(b.sub(done, i64(1)), k), k)
            after = b.append_basic_block("units")
            spans = []
            for kind, start, end in zip(kinds, starts, ends, strict=True):
                inside, other = b.append_basic_block("block"), b.append_basic_block("kind")
                if kind is kinds[-1]:
                    b.branch(inside)
                else:
                    b.cbranch(b.icmp_signed("<", j, end), inside, other)
                b.position_at_end(inside)
                size = kind.panels * kind.vectors * self.lanes
                low = b.add(start[0], b.mul(b.sub(j, start[1]), i64(size)))
                high = b.add(low, i64(size))
                high = b.select(b.icmp_signed("<", high, last), high, last) if kind.is_masked else high
                for call in calls:
                    call.emit(b, kind, low, high)
                spans.append((low, high, b.block))
                b.branch(after)
                b.position_at_end(other)
            b.unreachable()
            b.position_at_end(after)
            span = b.phi(I64), b.phi(I64)
            for low, high, origin in spans:
                span[0].add_incoming(low, origin)
                span[1].add_incoming(high, origin)
            if group is not None:
                loop(b, self.row, self.stop, 1, lambda b, row: group.emit(b, row, span))

        loop(b, i64(0), done, 1, block)


class _Call:
    """The emitter of one product; loads at `b` the values that all its blocks share."""

    def __init__(self, work: FewRows, b: ir.IRBuilder, product: Product) -> None:
        self.work = work
        self.product = product
        place = work.table.product(argument_table.product(work.function.name, product.results[0]))
        fields = {f: work.entry(b, place + PRODUCT_FIELDS.index(f)) for f in PRODUCT_FIELDS[2:]}
        self.inner, self.k_stride, self.unit_stride = fields["inner"], fields["k stride"], fields["panel stride"]
        self.packed = work.base(b, place)
        self.left = work.array(b, work.schedule.home(product.operands[0]))
        self.results = [work.array(b, work.schedule.home(n)) for n in product.results]

    def emit(self, b: ir.IRBuilder, kind: _Kind, low: Any, high: Any) -> None:
        """Emit the accumulation of all rows for the units from `low` to before `high`."""
        work = self.work
        heights = [work.rows, 1] if work.rows > 1 else [1]
        gemm.in_blocks(
            b, b.sub(work.stop, work.row), heights, lambda b, r, height: self._rows(b, kind, low, high, r, height)
        )

    def _rows(self, b: ir.IRBuilder, kind: _Kind, low: Any, high: Any, above: Any, height: int) -> None:
        work, form, lanes = self.work, self.work.form, self.work.lanes
        size = kind.vectors * lanes
        row = b.add(work.row, above)
        weights = [
            b.gep(self.packed, [b.mul(b.add(low, i64(p * size)), self.unit_stride)], source_etype=form.type)
            for p in range(kind.panels)
        ]
        vectors = len(self.results) * kind.vectors
        k_stride = b.mul(self.k_stride, i64(vectors * lanes))
        block = gemm.Block(form, work.chosen, self.left[1], i64(1), None, k_stride)
        v = Vectors(b, form, lanes)
        starts = [v.const(0.0)] * (height * kind.panels * vectors)
        sums = iter(block.sums(b, height, work.row_of(b, self.left, row), weights, vectors, self.inner, starts))
        mask = v.first(b.sub(high, low)) if kind.is_masked else None
        for m in range(height):
            for p in range(kind.panels):
                for n, result in zip(self.product.results, self.results, strict=True):
                    to = work.row_of(b, result, b.add(row, i64(m)))
                    for q in range(kind.vectors):
                        at = b.gep(to, [b.add(low, i64(p * size + q * lanes))], source_etype=form.type)
                        self._store(b, n, next(sums), at, mask)

    def _store(self, b: ir.IRBuilder, n: int, value: Any, at: Any, mask: Any) -> None:
        size = self.work.form.integer.width // 8
        # Arrays of the workspace are padded to full vectors.
        if mask is None or n in self.work.schedule.scratch:
            b.store(value, at, align=size)
        else:
            Vectors(b, self.work.form, self.work.lanes).masked_store(value, at, mask, size)


def _is_late(group: Group, woven: dict[str, list[Product]]) -> bool:
    """Tell whether a group reduces over a width that is computed in blocks of units, so that it must run after them."""
    return group.width in woven and bool(group.reduces)


def _meetings(schedule: Schedule, is_woven: Callable[[Product], bool]) -> list[bool]:
    """Tell for each stage whether a barrier must follow it.

    A thread reads other threads' units only as operands of products, which are full rows. Pointwise it reads its own.
    """
    meets = [False] * len(schedule.stages)
    stored: set[int] = set()
    for k, stage in enumerate(schedule.stages):
        if k and stored.intersection(n for p in stage.products for n in p.operands):
            meets[k - 1] = True
            stored.clear()
        stored.update(n for g in stage.groups for n in g.stores)
        stored.update(n for p in stage.products for n in p.results)
    operands = {n for p in schedule.products for n in p.operands}
    # The next step multiplies states that this one stores, or stores where this one's products still read.
    carried = any(n in schedule.given and schedule.nodes[n].op == "input" for n in operands)
    again = any(n in schedule.scratch for n in operands)
    if meets and (carried or again or not all(is_woven(p) for p in schedule.products)):
        meets[-1] = True
    return meets
