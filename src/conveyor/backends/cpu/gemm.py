"""The product kernels: a register block of sums, and the two orders in which it goes over a matrix.

A packed matrix is a list of panels, each as many columns wide as a register block: `[panel][k][column]`, padded with
zeros to whole panels. A register block of `rows` x `panel` vectors holds sums while k runs, so that of three loads and
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

Of the last panel only the columns that the result has are stored. The weights of a product may also be a matrix as it
lies, (K, columns) with whole panels, where packing it would cost more than it saves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.loops import I64, POINTER, count, loop
from conveyor.backends.cpu.target import Width
from conveyor.backends.cpu.vector import Format, Vectors

# left, its stride, weights, result, its stride, rows, K, columns, strides of the weights from k to k and of panels
PRODUCT = ir.FunctionType(ir.VoidType(), [POINTER, I64, POINTER, POINTER, I64, I64, I64, I64, I64, I64])
# the same with packed weights, the k for which a panel has room, and whether to add to the result
OUTER = ir.FunctionType(ir.VoidType(), [POINTER, I64, POINTER, POINTER, I64, I64, I64, I64, I64, I64])
STRETCH = 256  # of k; 6 columns of 256 rows take 16 KiB of cache lines


def product_name(form: Format, width: Width) -> str:
    """The name of the kernel for rows by a weight."""
    return f"conveyor_product_{width.name}_f{form.integer.width}"


def outer_name(form: Format, width: Width) -> str:
    """The name of the kernel for a weight's gradient."""
    return f"conveyor_outer_{width.name}_f{form.integer.width}"


def emit(module: ir.Module, form: Format, width: Width) -> None:
    """Add both kernels to a module.

    Strides count numbers from row to row; `packed` is aligned to a vector.
    """
    _emit_product(module, form, width)
    _emit_outer(module, form, width)


def _emit_product(module: ir.Module, form: Format, width: Width) -> None:
    function = ir.Function(module, PRODUCT, product_name(form, width))
    left, left_stride, packed, result, result_stride, rows, inner, columns, k_stride, panel_stride = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    block = _Block(form, width, left_stride, count(1), result_stride, k_stride)

    panels = _panels(b, columns, block.columns)

    def panels_at_once(b: ir.IRBuilder, p: Any, wide: int, heights: Sequence[int]) -> None:
        first = b.mul(p, count(block.columns))
        weights = [
            b.gep(packed, [b.mul(b.add(p, count(q)), panel_stride)], source_etype=form.type) for q in range(wide)
        ]
        out = b.gep(result, [first], source_etype=form.type)

        def each_block(b: ir.IRBuilder, r: Any, height: int) -> None:
            at = b.gep(left, [b.mul(r, left_stride)], source_etype=form.type)
            to = b.gep(out, [b.mul(r, result_stride)], source_etype=form.type)
            block.emit(b, height, at, weights, to, inner, None, b.sub(columns, first))

        _in_blocks(b, rows, heights, each_block)

    # A register block of one row has too few sums to hide how long each takes, so it is made wider.
    alone = b.select(b.icmp_signed("==", rows, count(1)), panels, count(0))
    done = loop(b, count(0), alone, _WIDE, lambda b, p: panels_at_once(b, p, _WIDE, (1,)))
    loop(b, done, panels, 1, lambda b, p: panels_at_once(b, p, 1, _heights(width)))
    b.ret_void()


_WIDE = 4  # panels


def _heights(width: Width) -> list[int]:
    return [width.rows] + [m for m in (4, 2, 1) if m < width.rows]


def _emit_outer(module: ir.Module, form: Format, width: Width) -> None:
    function = ir.Function(module, OUTER, outer_name(form, width))
    left, left_stride, packed, result, result_stride, rows, inner, columns, room, more = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    block = _Block(form, width, count(1), left_stride, result_stride, None)
    panels = _panels(b, columns, block.columns)
    adds = b.icmp_signed("!=", more, count(0))

    def stretch(b: ir.IRBuilder, start: Any, length: Any) -> None:
        def each_block(b: ir.IRBuilder, r: Any, height: int) -> None:
            at = b.gep(left, [b.add(r, b.mul(start, left_stride))], source_etype=form.type)

            def each_panel(b: ir.IRBuilder, p: Any) -> None:
                k = b.add(b.mul(p, room), start)
                weights = b.gep(packed, [b.mul(k, count(block.columns))], source_etype=form.type)
                first = b.mul(p, count(block.columns))
                to = b.gep(result, [b.add(b.mul(r, result_stride), first)], source_etype=form.type)
                goes_on = b.or_(adds, b.icmp_signed(">", start, count(0)))
                block.emit(b, height, at, [weights], to, length, goes_on, b.sub(columns, first))

            loop(b, count(0), panels, 1, each_panel)

        _in_blocks(b, rows, _heights(width), each_block)

    def whole(b: ir.IRBuilder, start: Any) -> None:
        rest = b.sub(inner, start)
        short = b.icmp_signed("<", rest, count(STRETCH))
        stretch(b, start, b.select(short, rest, count(STRETCH)))

    stretches = b.sdiv(b.add(inner, count(STRETCH - 1)), count(STRETCH))
    loop(b, count(0), b.mul(stretches, count(STRETCH)), STRETCH, whole)
    b.ret_void()


def _panels(b: ir.IRBuilder, columns: Any, panel: int) -> Any:
    return b.sdiv(b.add(columns, count(panel - 1)), count(panel))


def _in_blocks(
    b: ir.IRBuilder, rows: Any, heights: Sequence[int], body: Callable[[ir.IRBuilder, Any, int], None]
) -> None:
    """Go over all rows in blocks of the first height, and over the rest in ever lower ones."""
    start: Any = count(0)
    for h in heights:
        start = loop(b, start, rows, h, lambda b, r, h=h: body(b, r, h))  # type: ignore[misc]


class _Block:
    """A register block; what is common to all of a kernel's."""

    def __init__(
        self, form: Format, width: Width, row_stride: Any, inner_stride: Any, result_stride: Any, k_stride: Any
    ) -> None:
        self.form = form
        self.lanes = width.lanes(form)
        self.panel = width.panel
        self.columns = self.lanes * width.panel
        self.row_stride = row_stride
        self.inner_stride = inner_stride
        self.result_stride = result_stride
        self.k_stride = count(self.columns) if k_stride is None else k_stride
        self.align = (self.lanes if k_stride is None else 1) * form.integer.width // 8

    def emit(
        self,
        b: ir.IRBuilder,
        height: int,
        left: Any,
        weights: Sequence[Any],
        result: Any,
        inner: Any,
        more: Any,
        columns: Any,
    ) -> None:
        """`height` rows by some panels of weights; of their columns as many as the result has from here on.

        The sums begin at zero, or at `result` where the condition `more` holds.
        """
        v = Vectors(b, self.form, self.lanes)
        wide = self.panel * len(weights)
        whole = b.icmp_signed(">=", columns, count(self.lanes * wide))
        places = [self._place(b, result, m, q) for m in range(height) for q in range(wide)]
        starts = [v.const(0.0) for _ in places]
        if more is not None:
            before = b.block
            with b.if_then(more):
                loaded = self._loads(b, places, wide, whole, columns)
                inside = b.block
            starts = [_phi(b, v.type, [(v.const(0.0), before), (x, inside)]) for x in loaded]
        sums = self._sums(b, height, left, weights, inner, starts)
        self._stores(b, places, sums, wide, whole, columns)

    def _sums(
        self, b: ir.IRBuilder, height: int, left: Any, weights: Sequence[Any], inner: Any, starts: list[Any]
    ) -> list[Any]:
        v = Vectors(b, self.form, self.lanes)
        before, body, after = b.block, b.append_basic_block("k"), b.append_basic_block("done")
        b.cbranch(b.icmp_signed(">", inner, count(0)), body, after)
        b.position_at_end(body)
        k = b.phi(I64)
        k.add_incoming(count(0), before)
        sums = [_phi(b, v.type, [(s, before)]) for s in starts]
        at = b.mul(k, self.k_stride)
        vectors = [
            b.load(
                b.gep(panel, [b.add(at, count(q * self.lanes))], source_etype=self.form.type),
                typ=v.type,
                align=self.align,
            )
            for panel in weights
            for q in range(self.panel)
        ]
        new = []
        for m in range(height):
            at = b.add(b.mul(count(m), self.row_stride), b.mul(k, self.inner_stride))
            one = v.splat(b.load(b.gep(left, [at], source_etype=self.form.type), typ=self.form.type))
            wide = len(vectors)
            new += [v.fma(one, vectors[q], sums[m * wide + q]) for q in range(wide)]
        following = b.add(k, count(1))
        k.add_incoming(following, body)
        for s, n in zip(sums, new, strict=True):
            s.add_incoming(n, body)
        b.cbranch(b.icmp_signed("<", following, inner), body, after)
        b.position_at_end(after)
        return [_phi(b, v.type, [(s, before), (n, body)]) for s, n in zip(starts, new, strict=True)]

    def _loads(self, b: ir.IRBuilder, places: list[Any], wide: int, whole: Any, columns: Any) -> list[Any]:
        """The block of the result."""
        size = self.form.integer.width // 8
        kind = Vectors(b, self.form, self.lanes).type
        with b.if_else(whole) as (all_of_it, part):
            with all_of_it:
                full = [b.load(at, typ=kind, align=size) for at in places]
                first = b.block
            with part:
                v = Vectors(b, self.form, self.lanes)
                masks = self._masks(b, wide, columns)
                some = [v.masked_load(at, masks[k % wide], size) for k, at in enumerate(places)]
                second = b.block
        return [_phi(b, kind, [(x, first), (y, second)]) for x, y in zip(full, some, strict=True)]

    def _stores(self, b: ir.IRBuilder, places: list[Any], sums: list[Any], wide: int, whole: Any, columns: Any) -> None:
        size = self.form.integer.width // 8
        with b.if_else(whole) as (all_of_it, part):
            with all_of_it:
                for at, s in zip(places, sums, strict=True):
                    b.store(s, at, align=size)
            with part:
                v = Vectors(b, self.form, self.lanes)
                masks = self._masks(b, wide, columns)
                for k, (at, s) in enumerate(zip(places, sums, strict=True)):
                    v.masked_store(s, at, masks[k % wide], size)

    def _masks(self, b: ir.IRBuilder, wide: int, columns: Any) -> list[Any]:
        v = Vectors(b, self.form, self.lanes)
        return [v.first(b.sub(columns, count(q * self.lanes))) for q in range(wide)]

    def _place(self, b: ir.IRBuilder, result: Any, m: int, q: int) -> Any:
        at = b.add(b.mul(count(m), self.result_stride), count(q * self.lanes))
        return b.gep(result, [at], source_etype=self.form.type)


def _phi(b: ir.IRBuilder, kind: ir.Type, incoming: list[tuple[Any, Any]]) -> Any:
    phi = b.phi(kind)
    for value, block in incoming:
        phi.add_incoming(value, block)
    return phi
