"""Emits the barrier between threads, with three counters: arrived threads, the round, and sleeping threads.

One that waits spins for some 40 µs, which is longer than any thread that runs lets the others wait, and then sleeps:
whom it waits for may not be running, and needs a core. On Linux the last to come wakes the sleepers (a futex), so that
they go on at once; one that only gave its core away would have it back when another process's turn is over, after
milliseconds. Elsewhere it gives its core away.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64

NUMBERS = 3  # that threads share, zero at the start of a pass
SPINS = 4000  # times a thread looks before it sleeps
_FUTEX = {"x86_64": 202, "aarch64": 98}  # the number of the system call, on Linux
_SLEEP, _WAKE = 128, 129  # FUTEX_WAIT and FUTEX_WAKE between threads of one process
_I32 = ir.IntType(32)


def emit(function: ir.Function) -> None:
    """Emit the body of the barrier: it returns when `team` threads have called it."""
    module = function.module
    arrived, team = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    turn = b.gep(arrived, [i64(1)], source_etype=I64)
    asleep = b.gep(arrived, [i64(2)], source_etype=I64)
    relax, pause, wake = pausing(module), *sleeping(module, turn, asleep)
    seen = b.load_atomic(turn, "acquire", 8, typ=I64)
    before = b.atomic_rmw("add", arrived, i64(1), "acq_rel")
    last = b.icmp_signed("==", b.add(before, i64(1)), team)
    with b.if_else(last) as (open_it, wait):
        with open_it:
            b.atomic_rmw("xchg", arrived, i64(0), "monotonic")
            # In one order with the sleepers' counting: either the new round is seen before sleep, or the sleeper here.
            b.atomic_rmw("add", turn, i64(1), "seq_cst")
            wake(b)
        with wait:
            _spin(b, turn, seen, relax, pause)
    b.ret_void()


def _spin(
    b: ir.IRBuilder,
    turn: Any,
    seen: Any,
    relax: Callable[[ir.IRBuilder], Any],
    pause: Callable[[ir.IRBuilder, Any], None],
) -> None:
    before = b.block
    head, body, after = (b.append_basic_block(n) for n in ("spin", "relax", "go"))
    b.branch(head)
    b.position_at_end(head)
    spins = b.phi(I64)
    spins.add_incoming(i64(0), before)
    now = b.load_atomic(turn, "acquire", 8, typ=I64)
    b.cbranch(b.icmp_signed("==", now, seen), body, after)
    b.position_at_end(body)
    with b.if_else(b.icmp_signed("<", spins, i64(SPINS))) as (few, many):
        with few:
            relax(b)
        with many:
            pause(b, seen)
    spins.add_incoming(b.add(spins, i64(1)), b.block)
    b.branch(head)
    b.position_at_end(after)


def sleeping(
    module: ir.Module, turn: Any, asleep: Any
) -> tuple[Callable[[ir.IRBuilder, Any], None], Callable[[ir.IRBuilder], None]]:
    """Return the emitters of a sleep until a counter changes, and of the call that wakes the sleepers."""
    number = _FUTEX.get(platform.machine())
    if not sys.platform.startswith("linux") or number is None:
        give_way = _declared(module, ir.FunctionType(_I32, []), "sched_yield")
        return (lambda b, seen: b.call(give_way, []), lambda b: None)
    ask = _declared(module, ir.FunctionType(I64, [I64], var_arg=True), "syscall")
    # A round's lower half, which a futex looks at, stands first: both processors are little-endian.
    none = ir.Constant(POINTER, None)

    def sleep(b: ir.IRBuilder, seen: Any) -> None:
        b.atomic_rmw("add", asleep, i64(1), "seq_cst")
        b.call(ask, [i64(number), turn, i64(_SLEEP), b.and_(seen, i64(2**32 - 1)), none, none, i64(0)])
        b.atomic_rmw("sub", asleep, i64(1), "seq_cst")

    def wake(b: ir.IRBuilder) -> None:
        sleepers = b.load_atomic(asleep, "seq_cst", 8, typ=I64)
        with b.if_then(b.icmp_signed(">", sleepers, i64(0)), likely=False):
            b.call(ask, [i64(number), turn, i64(_WAKE), i64(2**31 - 1), none, none, i64(0)])

    return sleep, wake


def pausing(module: ir.Module) -> Callable[[ir.IRBuilder], Any]:
    """Return the emitter of the CPU's spin-wait hint."""
    if platform.machine() in ("aarch64", "arm64"):
        hint = _declared(module, ir.FunctionType(ir.VoidType(), [ir.IntType(32)]), "llvm.aarch64.hint")
        return lambda b: b.call(hint, [ir.Constant(ir.IntType(32), 1)])
    pause = _declared(module, ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause")
    return lambda b: b.call(pause, [])


def _declared(module: ir.Module, kind: ir.FunctionType, name: str) -> ir.Function:
    known = module.globals
    return known[name] if name in known else ir.Function(module, kind, name)
