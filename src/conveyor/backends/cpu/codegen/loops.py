"""Loops and integers in LLVM IR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

I64 = ir.IntType(64)
POINTER = ir.PointerType()


def i64(number: int) -> Any:
    """Make a 64-bit integer constant."""
    return ir.Constant(I64, number)


def loop(b: ir.IRBuilder, start: Any, stop: Any, step: int, body: Callable[[ir.IRBuilder, Any], None]) -> Any:
    """Emit a loop over start, start + step, … while index + step ≤ stop; returns the first index not covered."""
    before = b.block
    head, inside, after = (b.append_basic_block(name) for name in ("head", "body", "after"))
    b.branch(head)
    b.position_at_end(head)
    index = b.phi(I64)
    index.add_incoming(start, before)
    following = b.add(index, i64(step))
    b.cbranch(b.icmp_signed("<=", following, stop), inside, after)
    b.position_at_end(inside)
    body(b, index)
    index.add_incoming(following, b.block)
    b.branch(head)
    b.position_at_end(after)
    return index
