"""Emission of the division of a batch of sequences of unequal length between threads."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64

# where each step's rows begin, first step, step after the last, rows of the batch, part, parts: the part's first row
SIGNATURE = ir.FunctionType(I64, [POINTER, I64, I64, I64, I64, I64])


def emit(module: ir.Module, name: str) -> ir.Function:
    """Add the function that divides a batch, sorted by descending length, into parts of equal work.

    The work of a row is the number of these time steps in which it takes part; a part begins at the row before which
    the rows have their share of the total.
    """
    function = ir.Function(module, SIGNATURE, name)
    function.linkage = "internal"
    starts, low, high, batch, part, parts = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    row_at, step_at, work_at = (b.alloca(I64) for _ in range(3))
    for place, value in ((row_at, i64(0)), (step_at, high), (work_at, i64(0))):
        b.store(value, place)

    def begin(b: ir.IRBuilder, t: Any) -> Any:
        return b.load(b.gep(starts, [t], source_etype=I64), typ=I64)

    whole = b.sub(begin(b, high), begin(b, low))
    wanted = b.mul(whole, part)
    rows, shrink, drop, count_it, found = (
        function.append_basic_block(n) for n in ("rows", "shrink", "drop", "count", "found")
    )
    b.branch(rows)
    b.position_at_end(rows)
    row, work = b.load(row_at, typ=I64), b.load(work_at, typ=I64)
    enough = b.or_(b.icmp_signed(">=", b.mul(work, parts), wanted), b.icmp_signed(">=", row, batch))
    b.cbranch(enough, found, shrink)
    # Steps that no longer have this row are the last ones.
    b.position_at_end(shrink)
    step = b.load(step_at, typ=I64)
    goes_on = b.append_basic_block("look")
    b.cbranch(b.icmp_signed(">", step, low), goes_on, count_it)
    b.position_at_end(goes_on)
    last = b.sub(step, i64(1))
    size = b.sub(begin(b, step), begin(b, last))
    b.cbranch(b.icmp_signed("<=", size, row), drop, count_it)
    b.position_at_end(drop)
    b.store(last, step_at)
    b.branch(shrink)
    b.position_at_end(count_it)
    b.store(b.add(work, b.sub(b.load(step_at, typ=I64), low)), work_at)
    b.store(b.add(row, i64(1)), row_at)
    b.branch(rows)
    b.position_at_end(found)
    b.ret(b.select(b.icmp_signed(">=", part, parts), batch, b.load(row_at, typ=I64)))
    return function
