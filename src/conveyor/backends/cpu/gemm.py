"""The product kernel: rows of an operand by a packed matrix.

The packed matrix is a list of panels, each as many columns wide as a register block has lanes: `[panel][k][column]`,
columns and rows of the matrix being padded with zeros to whole panels. A register block of `rows` x `panel` vectors
holds sums while k runs over the operand's width, so that the packed matrix streams from the cache exactly once for
each block of rows. Every sum runs over k in order, whatever the block: a row's result does not depend on the others.

    for p in panels:                       packed: stays in L1 while the rows pass
        for r in rows, `rows` at a time:
            sums = 0                       rows x panel registers
            for k in 0 … K−1:
                sums += operand[r, k] · packed[p, k, :]
            result[r, p, :] = sums
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.loops import I64, POINTER, count, loop
from conveyor.backends.cpu.target import Width
from conveyor.backends.cpu.vector import Format, Vectors

SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, I64, POINTER, POINTER, I64, I64, I64, I64])


def name(form: Format, width: Width) -> str:
    """The name of the kernel for a format and instructions."""
    return f"conveyor_product_{width.name}_f{form.integer.width}"


def emit(form: Format, width: Width) -> ir.Module:
    """A module with the function `conveyor_product_…(operand, operand_stride, packed, result, result_stride, rows, K, panels)`.

    Strides count numbers from row to row. `packed` is aligned to a vector.
    """
    module = ir.Module(name(form, width))
    function = ir.Function(module, SIGNATURE, module.name)
    operand, operand_stride, packed, result, result_stride, rows, inner, panels = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    lanes = width.lanes(form)
    columns = lanes * width.panel
    blocks = [width.rows] + [m for m in (4, 2, 1) if m < width.rows]

    def panel(b: ir.IRBuilder, p: Any) -> None:
        weights = b.gep(packed, [b.mul(b.mul(p, inner), count(columns))], source_etype=form.type)
        out = b.gep(result, [b.mul(p, count(columns))], source_etype=form.type)
        start: Any = count(0)
        for height in blocks:

            def block(b: ir.IRBuilder, r: Any, height: int = height) -> None:
                a = b.gep(operand, [b.mul(r, operand_stride)], source_etype=form.type)
                c = b.gep(out, [b.mul(r, result_stride)], source_etype=form.type)
                _block(b, form, lanes, width.panel, height, a, operand_stride, weights, c, result_stride, inner)

            start = loop(b, start, rows, height, block)

    loop(b, count(0), panels, 1, panel)
    b.ret_void()
    return module


def _block(
    b: ir.IRBuilder,
    form: Format,
    lanes: int,
    panel: int,
    height: int,
    a: Any,
    a_stride: Any,
    weights: Any,
    c: Any,
    c_stride: Any,
    inner: Any,
) -> None:
    """One register block: `height` rows by `panel` vectors."""
    v = Vectors(b, form, lanes)
    columns = lanes * panel
    before, body, after = b.block, b.append_basic_block("k"), b.append_basic_block("done")
    zero = v.const(0.0)
    b.cbranch(b.icmp_signed(">", inner, count(0)), body, after)
    b.position_at_end(body)
    k = b.phi(I64)
    k.add_incoming(count(0), before)
    sums = [b.phi(v.type) for _ in range(height * panel)]
    for s in sums:
        s.add_incoming(zero, before)
    row = b.gep(weights, [b.mul(k, count(columns))], source_etype=form.type)
    vectors = [
        b.load(b.gep(row, [count(q * lanes)], source_etype=form.type), typ=v.type, align=width_bytes(form, lanes))
        for q in range(panel)
    ]
    new = []
    for m in range(height):
        at = b.gep(a, [b.add(b.mul(count(m), a_stride), k)], source_etype=form.type)
        one = v.splat(b.load(at, typ=form.type))
        new += [v.fma(one, vectors[q], sums[m * panel + q]) for q in range(panel)]
    following = b.add(k, count(1))
    k.add_incoming(following, body)
    for s, n in zip(sums, new, strict=True):
        s.add_incoming(n, body)
    b.cbranch(b.icmp_signed("<", following, inner), body, after)
    b.position_at_end(after)
    ends = [b.phi(v.type) for _ in sums]
    for end, n in zip(ends, new, strict=True):
        end.add_incoming(zero, before)
        end.add_incoming(n, body)
    for m in range(height):
        for q in range(panel):
            at = b.gep(c, [b.add(b.mul(count(m), c_stride), count(q * lanes))], source_etype=form.type)
            b.store(ends[m * panel + q], at, align=form.integer.width // 8)


def width_bytes(form: Format, lanes: int) -> int:
    """Bytes of a vector."""
    return lanes * form.integer.width // 8
