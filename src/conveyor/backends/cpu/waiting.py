"""Emits the function by which threads wait for each other: a counter of those who came, and one of the rounds.

One that waits spins for some 40 µs, which is longer than any thread that runs lets the others wait, and then gives its
core away: whom it waits for may not be running.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.loops import I64, count

_SPINS = 4000


def emit(function: ir.Function) -> None:
    """Emit the body of a function that returns when so many threads have called it."""
    module = function.module
    relax = _pause(module)
    give_way = ir.Function(module, ir.FunctionType(ir.IntType(32), []), "sched_yield")
    arrived, team = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    turn = b.gep(arrived, [count(1)], source_etype=I64)
    seen = b.load_atomic(turn, "acquire", 8, typ=I64)
    before = b.atomic_rmw("add", arrived, count(1), "acq_rel")
    last = b.icmp_signed("==", b.add(before, count(1)), team)
    with b.if_else(last) as (open_it, wait):
        with open_it:
            b.atomic_rmw("xchg", arrived, count(0), "monotonic")
            b.atomic_rmw("add", turn, count(1), "release")
        with wait:
            _spin(b, turn, seen, relax, give_way)
    b.ret_void()


def _spin(b: ir.IRBuilder, turn: Any, seen: Any, relax: Callable[[ir.IRBuilder], Any], give_way: ir.Function) -> None:
    before = b.block
    head, body, after = (b.append_basic_block(n) for n in ("spin", "relax", "go"))
    b.branch(head)
    b.position_at_end(head)
    spins = b.phi(I64)
    spins.add_incoming(count(0), before)
    now = b.load_atomic(turn, "acquire", 8, typ=I64)
    b.cbranch(b.icmp_signed("==", now, seen), body, after)
    b.position_at_end(body)
    with b.if_else(b.icmp_signed("<", spins, count(_SPINS))) as (few, many):
        with few:
            relax(b)
        with many:
            b.call(give_way, [])
    spins.add_incoming(b.add(spins, count(1)), b.block)
    b.branch(head)
    b.position_at_end(after)


def _pause(module: ir.Module) -> Callable[[ir.IRBuilder], Any]:
    """What tells a core that its thread only waits."""
    if platform.machine() in ("aarch64", "arm64"):
        hint = ir.Function(module, ir.FunctionType(ir.VoidType(), [ir.IntType(32)]), "llvm.aarch64.hint")
        return lambda b: b.call(hint, [ir.Constant(ir.IntType(32), 1)])
    pause = ir.Function(module, ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause")
    return lambda b: b.call(pause, [])
