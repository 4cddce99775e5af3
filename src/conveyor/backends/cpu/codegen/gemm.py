"""The kernels of matrix products: a register block of sums, and the two loop orders over a matrix.

A packed matrix is a list of panels, each as many columns wide as a register block: `[panel][k][column]`, padded with
zeros to full panels. A register block of `rows` x `panel` vectors holds sums while k runs, so that of three loads and
stores a multiplication would need, almost none is left. Every sum runs over k in order, whatever the block: a result
does not depend on which other rows there are, nor on how they are split between threads.

    product: rows by a weight              outer: the sum over many rows of pairs, for a weight's gradient

    for p in panels:                       for a stretch of k that fits the first-level cache:
        for r in rows, `rows` at a time:       for r in rows, `rows` at a time:
            sums = 0                               for p in panels:
            for k in 0 … K−1:                          sums = result[r, p]
                sums += left[r, k] · packed[p, k]      for k in the stretch:
            result[r, p] = sums                            sums += left[k, r] · packed[p, k]
                                                       result[r, p] = sums

Of the last panel only the columns that the result has are stored. The weights of a product may also be an unpacked
matrix, (K, columns) with full panels, where packing it would cost more than it saves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64, loop
from conveyor.backends.cpu.codegen.vector import Format, Vectors

# left, its stride, weights, result, its stride, rows, K, columns, strides of the weights from k to k and of panels
PRODUCT = ir.FunctionType(ir.VoidType(), [POINTER, I64, POINTER, POINTER, I64, I64, I64, I64, I64, I64])
# the same with packed weights, the k for which a panel has room, and whether to add to the result
OUTER = ir.FunctionType(ir.VoidType(), [POINTER, I64, POINTER, POINTER, I64, I64, I64, I64, I64, I64])
STRETCH = 256  # of k; 6 columns of 256 rows take 16 KiB of cache lines


def product_name(form: Format, width: ISA) -> str:
    """Return the name of the kernel that multiplies rows by a weight."""
    return f"conveyor_product_{width.name}_f{form.integer.width}"


def outer_name(form: Format, width: ISA) -> str:
    """Return the name of the kernel for a weight's gradient."""
    return f"conveyor_outer_{width.name}_f{form.integer.width}"


def emit(module: ir.Module, form: Format, width: ISA) -> None:
    """Add both kernels to a module.

    Strides count elements from row to row; `packed` is aligned to a vector.
    """
    _emit_product(module, form, width)
    _emit_outer(module, form, width)


def _emit_product(module: ir.Module, form: Format, width: ISA) -> None:
    function = ir.Function(module, PRODUCT, product_name(form, width))
    left, left_stride, packed, result, result_stride, rows, inner, columns, k_stride, panel_stride = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    block = Block(form, width, left_stride, i64(1), result_stride, k_stride)

    def panels_at_once(
        b: ir.IRBuilder, p: Any, panels: int, height: int, first: Any, part: _Part | None = None
    ) -> None:
        weights = [
            b.gep(packed, [b.mul(b.add(p, i64(q)), panel_stride)], source_etype=form.type) for q in range(panels)
        ]
        out = b.gep(result, [b.mul(p, i64(block.columns))], source_etype=form.type)
        at = b.gep(left, [b.mul(first, left_stride)], source_etype=form.type)
        to = b.gep(out, [b.mul(first, result_stride)], source_etype=form.type)
        block.emit(b, height, at, weights, to, inner, None, part)

    def one_panel(b: ir.IRBuilder, p: Any, part: _Part | None = None) -> None:
        start: Any = i64(0)
        for height, stop in zip(range(width.rows, 0, -1), stops, strict=True):

            def at(b: ir.IRBuilder, r: Any, height: int = height) -> None:
                panels_at_once(b, p, 1, height, r, part)

            start = loop(b, start, stop, height, at)

    stops = _blocks(b, rows, width.rows)
    whole = b.sdiv(columns, i64(block.columns))
    # A register block of one row or two has too few sums to hide how long each takes, so it is made wider.
    done: Any = i64(0)
    for height, panels in _WIDE.items():
        these = b.select(b.icmp_signed("==", rows, i64(height)), whole, done)

        def wide(b: ir.IRBuilder, p: Any, height: int = height, panels: int = panels) -> None:
            panels_at_once(b, p, panels, height, i64(0))

        done = loop(b, done, these, panels, wide)
    done = loop(b, done, whole, 1, one_panel)
    block.rest(b, columns, lambda b, part: one_panel(b, done, part))
    b.ret_void()


def _blocks(b: ir.IRBuilder, rows: Any, most: int) -> list[Any]:
    """Return for each block height, highest first, the row where its register blocks end: few blocks, of like heights.

    A lower block takes nearly as long as a high one: its sums wait for each other.
    """
    number = b.sdiv(b.add(rows, i64(most - 1)), i64(most))
    divisor = b.select(b.icmp_signed(">", number, i64(0)), number, i64(1))
    low = b.sdiv(rows, divisor)
    higher = b.mul(b.srem(rows, divisor), b.add(low, i64(1)))  # rows in blocks one row higher than the others
    stops = []
    for height in range(most, 0, -1):
        is_lower = b.icmp_signed("<=", i64(height), low)
        is_higher = b.icmp_signed("==", i64(height), b.add(low, i64(1)))
        stops.append(b.select(is_lower, rows, b.select(is_higher, higher, i64(0))))
    return stops


_WIDE = {1: 4, 2: 2}  # panels at once, of blocks of so many rows


def _heights(width: ISA) -> list[int]:
    return [width.rows] + [m for m in (4, 2, 1) if m < width.rows]


def _emit_outer(module: ir.Module, form: Format, width: ISA) -> None:
    function = ir.Function(module, OUTER, outer_name(form, width))
    left, left_stride, packed, result, result_stride, rows, inner, columns, room, more = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    block = Block(form, width, i64(1), left_stride, result_stride, None)
    adds = b.icmp_signed("!=", more, i64(0))

    def stretch(b: ir.IRBuilder, start: Any, length: Any) -> None:
        def each_block(b: ir.IRBuilder, r: Any, height: int) -> None:
            at = b.gep(left, [b.add(r, b.mul(start, left_stride))], source_etype=form.type)

            def panel(b: ir.IRBuilder, p: Any, part: _Part | None = None) -> None:
                k = b.add(b.mul(p, room), start)
                weights = b.gep(packed, [b.mul(k, i64(block.columns))], source_etype=form.type)
                first = b.mul(p, i64(block.columns))
                to = b.gep(result, [b.add(b.mul(r, result_stride), first)], source_etype=form.type)
                goes_on = b.or_(adds, b.icmp_signed(">", start, i64(0)))
                block.emit(b, height, at, [weights], to, length, goes_on, part)

            done = loop(b, i64(0), b.sdiv(columns, i64(block.columns)), 1, panel)
            block.rest(b, columns, lambda b, part: panel(b, done, part))

        in_blocks(b, rows, _heights(width), each_block)

    def whole(b: ir.IRBuilder, start: Any) -> None:
        rest = b.sub(inner, start)
        short = b.icmp_signed("<", rest, i64(STRETCH))
        stretch(b, start, b.select(short, rest, i64(STRETCH)))

    stretches = b.sdiv(b.add(inner, i64(STRETCH - 1)), i64(STRETCH))
    loop(b, i64(0), b.mul(stretches, i64(STRETCH)), STRETCH, whole)
    b.ret_void()


def in_blocks(
    b: ir.IRBuilder, rows: Any, heights: Sequence[int], body: Callable[[ir.IRBuilder, Any, int], None]
) -> None:
    """Emit a loop over all rows in blocks of the first height, and over the remaining rows in lower ones."""
    start: Any = i64(0)
    for h in heights:
        start = loop(b, start, rows, h, lambda b, r, h=h: body(b, r, h))  # type: ignore[misc]


@dataclass(frozen=True)
class _Part:
    """The last panel where it is partial.

    Attributes:
        vectors: The number of its vectors.
        columns: The number of its columns.
    """

    vectors: int
    columns: Any


class Block:
    """A register block: the values that all blocks of a kernel share."""

    def __init__(
        self, form: Format, width: ISA, row_stride: Any, inner_stride: Any, result_stride: Any, k_stride: Any
    ) -> None:
        self.form = form
        self.lanes = width.lanes(form)
        self.panel = width.panel
        self.columns = self.lanes * width.panel
        self.row_stride = row_stride
        self.inner_stride = inner_stride
        self.result_stride = result_stride
        self.k_stride = i64(self.columns) if k_stride is None else k_stride
        self.align = (self.lanes if k_stride is None else 1) * form.integer.width // 8

    def rest(self, b: ir.IRBuilder, columns: Any, body: Callable[[ir.IRBuilder, _Part], None]) -> None:
        """Emit the columns after the last full panel, in a block of as many vectors as they need."""
        rest = b.srem(columns, i64(self.columns))
        with b.if_then(b.icmp_signed(">", rest, i64(0))):
            for vectors in range(1, self.panel + 1):
                more = b.icmp_signed(">", rest, i64((vectors - 1) * self.lanes))
                with b.if_then(b.and_(more, b.icmp_signed("<=", rest, i64(vectors * self.lanes)))):
                    body(b, _Part(vectors, rest))

    def emit(
        self,
        b: ir.IRBuilder,
        height: int,
        left: Any,
        weights: Sequence[Any],
        result: Any,
        inner: Any,
        more: Any,
        part: _Part | None,
    ) -> None:
        """Emit the product of `height` rows and some panels of weights, or a partial panel.

        The sums begin at zero, or at `result` where the condition `more` holds.
        """
        v = Vectors(b, self.form, self.lanes)
        vectors = self.panel if part is None else part.vectors
        wide = vectors * len(weights)
        places = [self._place(b, result, m, q) for m in range(height) for q in range(wide)]
        size = self.form.integer.width // 8
        mask = None if part is None else v.first(b.sub(part.columns, i64((wide - 1) * self.lanes)))
        is_last = [mask is not None and k % wide == wide - 1 for k in range(len(places))]
        starts = [v.const(0.0) for _ in places]
        if more is not None:
            before = b.block
            with b.if_then(more):
                loaded = [
                    v.masked_load(at, mask, size) if last else b.load(at, typ=v.type, align=size)
                    for at, last in zip(places, is_last, strict=True)
                ]
                inside = b.block
            starts = [_phi(b, v.type, [(v.const(0.0), before), (x, inside)]) for x in loaded]
        sums = self.sums(b, height, left, weights, vectors, inner, starts)
        for at, last, total in zip(places, is_last, sums, strict=True):
            if last:
                v.masked_store(total, at, mask, size)
            else:
                b.store(total, at, align=size)

    def sums(
        self,
        b: ir.IRBuilder,
        height: int,
        left: Any,
        weights: Sequence[Any],
        vectors: int,
        inner: Any,
        starts: list[Any],
    ) -> list[Any]:
        """Emit the sums over k of `height` rows and `vectors` of each panel, starting at `starts`."""
        v = Vectors(b, self.form, self.lanes)
        before, body, after = b.block, b.append_basic_block("k"), b.append_basic_block("done")
        b.cbranch(b.icmp_signed(">", inner, i64(0)), body, after)
        b.position_at_end(body)
        k = b.phi(I64)
        k.add_incoming(i64(0), before)
        sums = [_phi(b, v.type, [(s, before)]) for s in starts]
        at = b.mul(k, self.k_stride)
        loaded = [
            b.load(
                b.gep(panel, [b.add(at, i64(q * self.lanes))], source_etype=self.form.type),
                typ=v.type,
                align=self.align,
            )
            for panel in weights
            for q in range(vectors)
        ]
        new = []
        for m in range(height):
            at = b.add(b.mul(i64(m), self.row_stride), b.mul(k, self.inner_stride))
            one = v.splat(b.load(b.gep(left, [at], source_etype=self.form.type), typ=self.form.type))
            wide = len(loaded)
            new += [v.fma(one, loaded[q], sums[m * wide + q]) for q in range(wide)]
        following = b.add(k, i64(1))
        k.add_incoming(following, body)
        for s, n in zip(sums, new, strict=True):
            s.add_incoming(n, body)
        b.cbranch(b.icmp_signed("<", following, inner), body, after)
        b.position_at_end(after)
        return [_phi(b, v.type, [(s, before), (n, body)]) for s, n in zip(starts, new, strict=True)]

    def _place(self, b: ir.IRBuilder, result: Any, m: int, q: int) -> Any:
        at = b.add(b.mul(i64(m), self.result_stride), i64(q * self.lanes))
        return b.gep(result, [at], source_etype=self.form.type)


def _phi(b: ir.IRBuilder, kind: ir.Type, incoming: list[tuple[Any, Any]]) -> Any:
    phi = b.phi(kind)
    for value, block in incoming:
        phi.add_incoming(value, block)
    return phi
