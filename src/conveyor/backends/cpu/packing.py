"""The kernel that copies a matrix into panels.

    for each stretch of k:
        for n in columns:                     its panel and column there are found by division
            for k in the stretch:
                packed[panel][k][column] = matrix[k, n]

A stretch is as long as a cache line holds numbers, so that of a transposed matrix each line is read once, and the lines
that are written stay in the cache until they are full.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.loops import I64, POINTER, count, loop
from conveyor.backends.cpu.target import Width
from conveyor.backends.cpu.vector import Format, Vectors

# matrix, strides of k and of n, K, N, packed, first column
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, I64, I64, POINTER, I64])
LINE = 64  # bytes


def name(form: Format, width: Width) -> str:
    """The name of the kernel."""
    return f"conveyor_pack_{width.name}_f{form.integer.width}"


def emit(module: ir.Module, form: Format, width: Width) -> None:
    """Add the kernel to a module."""
    function = ir.Function(module, SIGNATURE, name(form, width))
    matrix, k_stride, n_stride, inner, columns, packed, first = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    lanes = width.lanes(form)
    panel = lanes * width.panel
    line = LINE * 8 // form.integer.width
    size = form.integer.width // 8

    def place(b: ir.IRBuilder, k: Any, n: Any) -> Any:
        column = b.add(first, n)
        row = b.add(b.mul(b.udiv(column, count(panel)), inner), k)
        at = b.add(b.mul(row, count(panel)), b.urem(column, count(panel)))
        return b.gep(packed, [at], source_etype=form.type)

    def source(b: ir.IRBuilder, k: Any, n: Any) -> Any:
        return b.gep(matrix, [b.add(b.mul(k, k_stride), b.mul(n, n_stride))], source_etype=form.type)

    def by_rows(b: ir.IRBuilder, k: Any) -> None:
        def vector(b: ir.IRBuilder, n: Any) -> None:
            kind = Vectors(b, form, lanes).type
            b.store(b.load(source(b, k, n), typ=kind, align=size), place(b, k, n), align=size)

        # A whole vector never straddles two panels: results begin at whole vectors.
        rest = loop(b, count(0), columns, lanes, vector)
        loop(b, rest, columns, 1, lambda b, n: _move(b, form, source(b, k, n), place(b, k, n)))

    def by_columns(b: ir.IRBuilder, start: Any) -> None:
        left = b.sub(inner, start)
        short = b.icmp_signed("<", left, count(line))
        stop = b.add(start, b.select(short, left, count(line)))

        def column(b: ir.IRBuilder, n: Any) -> None:
            to = place(b, count(0), n)

            def one(b: ir.IRBuilder, k: Any) -> None:
                target = b.gep(to, [b.mul(k, count(panel))], source_etype=form.type)
                _move(b, form, source(b, k, n), target)

            loop(b, start, stop, 1, one)

        loop(b, count(0), columns, 1, column)

    with b.if_else(b.icmp_signed("==", n_stride, count(1))) as (rows, transposed):
        with rows:
            loop(b, count(0), inner, 1, by_rows)
        with transposed:
            lines = b.sdiv(b.add(inner, count(line - 1)), count(line))
            loop(b, count(0), b.mul(lines, count(line)), line, by_columns)
    b.ret_void()


def _move(b: ir.IRBuilder, form: Format, source: Any, target: Any) -> None:
    b.store(b.load(source, typ=form.type), target)
