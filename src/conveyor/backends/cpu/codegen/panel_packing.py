"""The kernel that copies a matrix into panels.

    for each stretch of k as long as a vector:                  for k:
        for n in columns, as many as a vector has:                  for n in columns, a vector at a time:
            a square of the matrix, transposed in registers             packed[panel][k][column] = matrix[k, n]
            packed[panel][k][column] = its rows

The first form is for a matrix whose k lie side by side in memory, the second for one whose columns do. What is left
over at the edges, and a matrix of any other layout, is copied number by number.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen.isa import Width
from conveyor.backends.cpu.codegen.loops import I64, POINTER, count, loop
from conveyor.backends.cpu.codegen.vector import Format

# matrix, strides of k and of n, K, N, packed, first column, the k for which a panel has room
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, I64, I64, POINTER, I64, I64])


def name(form: Format, width: Width) -> str:
    """The name of the kernel."""
    return f"conveyor_pack_{width.name}_f{form.integer.width}"


def emit(module: ir.Module, form: Format, width: Width) -> None:
    """Add the kernel to a module. The first column is a multiple of a vector's lanes."""
    function = ir.Function(module, SIGNATURE, name(form, width))
    _Pack(function, form, width).emit()


class _Pack:
    def __init__(self, function: ir.Function, form: Format, width: Width) -> None:
        self.function = function
        self.matrix, self.k_stride, self.n_stride, self.inner, self.columns, self.packed, self.first, self.room = (
            function.args
        )
        self.form = form
        self.lanes = width.lanes(form)
        self.panel = self.lanes * width.panel
        self.size = form.integer.width // 8
        self.kind = ir.VectorType(form.type, self.lanes)

    def emit(self) -> None:
        """Emit the function."""
        b = ir.IRBuilder(self.function.append_basic_block("entry"))
        with b.if_else(b.icmp_signed("==", self.n_stride, count(1))) as (rows, others):
            with rows:
                loop(b, count(0), self.inner, 1, self._row)
            with others:
                transposed = b.icmp_signed("==", self.k_stride, count(1))
                whole = b.select(transposed, self.columns, count(0))
                rest = loop(b, count(0), whole, self.lanes, self._band)
                loop(b, rest, self.columns, 1, lambda b, n: self._column(b, n, count(0)))
        b.ret_void()

    def _place(self, b: ir.IRBuilder, k: Any, n: Any) -> Any:
        column = b.add(self.first, n)
        row = b.add(b.mul(b.udiv(column, count(self.panel)), self.room), k)
        at = b.add(b.mul(row, count(self.panel)), b.urem(column, count(self.panel)))
        return b.gep(self.packed, [at], source_etype=self.form.type)

    def _source(self, b: ir.IRBuilder, k: Any, n: Any) -> Any:
        at = b.add(b.mul(k, self.k_stride), b.mul(n, self.n_stride))
        return b.gep(self.matrix, [at], source_etype=self.form.type)

    def _row(self, b: ir.IRBuilder, k: Any) -> None:
        def vector(b: ir.IRBuilder, n: Any) -> None:
            value = b.load(self._source(b, k, n), typ=self.kind, align=self.size)
            # A whole vector never straddles two panels: matrices begin at whole vectors.
            b.store(value, self._place(b, k, n), align=self.size)

        rest = loop(b, count(0), self.columns, self.lanes, vector)
        loop(b, rest, self.columns, 1, lambda b, n: self._move(b, self._source(b, k, n), self._place(b, k, n)))

    def _band(self, b: ir.IRBuilder, n: Any) -> None:
        """As many columns as a vector has lanes."""
        to = self._place(b, count(0), n)

        def square(b: ir.IRBuilder, k: Any) -> None:
            lines = []
            for m in range(self.lanes):
                lines.append(b.load(self._source(b, k, b.add(n, count(m))), typ=self.kind, align=self.size))
            for m, line in enumerate(_transpose(b, lines)):
                at = b.mul(b.add(k, count(m)), count(self.panel))
                b.store(line, b.gep(to, [at], source_etype=self.form.type), align=self.size)

        rest = loop(b, count(0), self.inner, self.lanes, square)
        loop(b, count(0), count(self.lanes), 1, lambda b, m: self._column(b, b.add(n, m), rest))

    def _column(self, b: ir.IRBuilder, n: Any, start: Any) -> None:
        to = self._place(b, count(0), n)

        def one(b: ir.IRBuilder, k: Any) -> None:
            target = b.gep(to, [b.mul(k, count(self.panel))], source_etype=self.form.type)
            self._move(b, self._source(b, k, n), target)

        loop(b, start, self.inner, 1, one)

    def _move(self, b: ir.IRBuilder, source: Any, target: Any) -> None:
        b.store(b.load(source, typ=self.form.type), target)


def _transpose(b: ir.IRBuilder, lines: list[Any]) -> list[Any]:
    """A square of vectors, transposed: halves, quarters, … are exchanged until single numbers are."""
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
