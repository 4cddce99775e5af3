"""The kernel that packs a matrix into panels.

    for each stretch of k as long as a vector:                  for k:
        for n in columns, as many as a vector has:                  for n in columns, a vector at a time:
            a square of the matrix, transposed in registers             packed[panel][k][column] = matrix[k, n]
            packed[panel][k][column] = its rows

The first form is for a matrix whose stride along k is 1, the second for one whose columns are contiguous. The edges,
and a matrix of any other layout, are copied element by element.

A second kernel copies columns that lie within one panel of any width (`conveyor.backends.cpu.codegen.few_rows`).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64, loop
from conveyor.backends.cpu.codegen.vector import Format

# matrix, strides of k and of n, K, N, packed, first column, the k for which a panel has room; for the second kernel, in
# place of the last, the columns of the panel
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, I64, I64, POINTER, I64, I64])


def name(form: Format, width: ISA) -> str:
    """Return the name of the kernel."""
    return f"conveyor_pack_{width.name}_f{form.integer.width}"


def within_name(form: Format, width: ISA) -> str:
    """Return the name of the kernel for columns within one panel."""
    return f"conveyor_weave_{width.name}_f{form.integer.width}"


def emit(module: ir.Module, form: Format, width: ISA) -> None:
    """Add both kernels to a module. The first column is a multiple of a vector's lanes."""
    for kind, named in ((_Pack, name), (_Within, within_name)):
        kind(ir.Function(module, SIGNATURE, named(form, width)), form, width).emit()


class _Pack:
    def __init__(self, function: ir.Function, form: Format, width: ISA) -> None:
        self.function = function
        self.matrix, self.k_stride, self.n_stride, self.inner, self.columns, self.packed, self.first, self.room = (
            function.args
        )
        self.form = form
        self.lanes = width.lanes(form)
        self.panel: Any = i64(self.lanes * width.panel)
        self.size = form.integer.width // 8
        self.kind = ir.VectorType(form.type, self.lanes)

    def emit(self) -> None:
        """Emit the function."""
        b = ir.IRBuilder(self.function.append_basic_block("entry"))
        with b.if_else(b.icmp_signed("==", self.n_stride, i64(1))) as (rows, others):
            with rows:
                loop(b, i64(0), self.inner, 1, self._row)
            with others:
                transposed = b.icmp_signed("==", self.k_stride, i64(1))
                whole = b.select(transposed, self.columns, i64(0))
                rest = loop(b, i64(0), whole, self.lanes, self._band)
                loop(b, rest, self.columns, 1, lambda b, n: self._column(b, n, i64(0)))
        b.ret_void()

    def _place(self, b: ir.IRBuilder, k: Any, n: Any) -> Any:
        column = b.add(self.first, n)
        row = b.add(b.mul(b.udiv(column, self.panel), self.room), k)
        at = b.add(b.mul(row, self.panel), b.urem(column, self.panel))
        return b.gep(self.packed, [at], source_etype=self.form.type)

    def _source(self, b: ir.IRBuilder, k: Any, n: Any) -> Any:
        at = b.add(b.mul(k, self.k_stride), b.mul(n, self.n_stride))
        return b.gep(self.matrix, [at], source_etype=self.form.type)

    def _row(self, b: ir.IRBuilder, k: Any) -> None:
        def vector(b: ir.IRBuilder, n: Any) -> None:
            value = b.load(self._source(b, k, n), typ=self.kind, align=self.size)
            # A whole vector never straddles two panels: matrices begin at whole vectors.
            b.store(value, self._place(b, k, n), align=self.size)

        rest = loop(b, i64(0), self.columns, self.lanes, vector)
        loop(b, rest, self.columns, 1, lambda b, n: self._move(b, self._source(b, k, n), self._place(b, k, n)))

    def _band(self, b: ir.IRBuilder, n: Any) -> None:
        """Emit the packing of as many columns as a vector has lanes."""
        to = self._place(b, i64(0), n)

        def square(b: ir.IRBuilder, k: Any) -> None:
            lines = []
            for m in range(self.lanes):
                lines.append(b.load(self._source(b, k, b.add(n, i64(m))), typ=self.kind, align=self.size))
            for m, line in enumerate(_transpose(b, lines)):
                at = b.mul(b.add(k, i64(m)), self.panel)
                b.store(line, b.gep(to, [at], source_etype=self.form.type), align=self.size)

        rest = loop(b, i64(0), self.inner, self.lanes, square)
        loop(b, i64(0), i64(self.lanes), 1, lambda b, m: self._column(b, b.add(n, m), rest))

    def _column(self, b: ir.IRBuilder, n: Any, start: Any) -> None:
        to = self._place(b, i64(0), n)

        def one(b: ir.IRBuilder, k: Any) -> None:
            target = b.gep(to, [b.mul(k, self.panel)], source_etype=self.form.type)
            self._move(b, self._source(b, k, n), target)

        loop(b, start, self.inner, 1, one)

    def _move(self, b: ir.IRBuilder, source: Any, target: Any) -> None:
        b.store(b.load(source, typ=self.form.type), target)


class _Within(_Pack):
    def __init__(self, function: ir.Function, form: Format, width: ISA) -> None:
        super().__init__(function, form, width)
        self.panel = self.room

    def _place(self, b: ir.IRBuilder, k: Any, n: Any) -> Any:
        at = b.add(b.mul(k, self.panel), b.add(self.first, n))
        return b.gep(self.packed, [at], source_etype=self.form.type)


def _transpose(b: ir.IRBuilder, lines: list[Any]) -> list[Any]:
    """Transpose a square of vectors in registers: exchange halves, then quarters, down to single elements."""
    lanes = len(lines)
    step = lanes // 2
    i32 = ir.IntType(32)
    while step:
        low = [k if not k & step else k - step + lanes for k in range(lanes)]
        high = [k + step if not k & step else k + lanes for k in range(lanes)]
        masks = [ir.Constant(ir.VectorType(i32, lanes), order) for order in (low, high)]
        new = list(lines)
        for m in range(lanes):
            if not m & step:
                pair = lines[m], lines[m + step]
                new[m] = b.shuffle_vector(*pair, masks[0])
                new[m + step] = b.shuffle_vector(*pair, masks[1])
        lines = new
        step //= 2
    return lines
