"""Runs compiled code on several threads: those of torch's own pool.

torch's threads spin for milliseconds after each of its parallel operations, waiting for the next. Threads of our own
would have to share the cores with them (measured: two threads were no faster than one), so the work is handed to the
pool that is there, by the entry that compilers use, `GOMP_parallel`. There is one such call a pass over a sequence,
never one a step: what one waits for in a step, with another process on the cores, is what makes a parallel region slow.

Work is split into parts that never wait for each other. Small work is not split.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.loops import I64, POINTER, count, loop
from conveyor.backends.fork import forked


@dataclass(frozen=True)
class Kernel:
    """A compiled function: its address, and a way to call it that releases the GIL."""

    address: int
    call: Callable[..., None]


ARGUMENTS = 8  # of a kernel, at most; one that takes fewer leaves the rest alone
NAME = "conveyor_part"
ASKED = ("omp_get_thread_num", "omp_get_num_threads")  # what the emitted function asks OpenMP


def emit(module: ir.Module) -> None:
    """Add the function that each thread runs: it calls the kernels of its parts with their arguments.

    What it is given is the number of parts, then for each the address of a kernel and its arguments. OpenMP may start
    fewer threads than it is asked for (`OMP_DYNAMIC`, `OMP_THREAD_LIMIT`, a call from within another region), so a
    thread does every part whose number, divided by that of threads, leaves the thread's own:

        for (part = omp_get_thread_num(); part < parts; part += omp_get_num_threads())
            kernel[part](arguments[part])
    """
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), NAME)
    thread, team = (ir.Function(module, ir.FunctionType(ir.IntType(32), []), name) for name in ASKED)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    parts = b.load(function.args[0], typ=I64)
    number, threads = (b.zext(b.call(f, []), I64) for f in (thread, team))
    kind = ir.FunctionType(ir.VoidType(), [I64] * ARGUMENTS)

    def one(b: ir.IRBuilder, k: Any) -> None:
        start = b.add(b.mul(b.add(number, b.mul(k, threads)), count(1 + ARGUMENTS)), count(1))
        entries = [b.gep(function.args[0], [b.add(start, count(k))], source_etype=I64) for k in range(1 + ARGUMENTS)]
        kernel = b.load(entries[0], typ=kind.as_pointer())
        b.call(kernel, [b.load(at, typ=I64) for at in entries[1:]])

    rounds = b.sdiv(b.add(b.sub(parts, number), b.sub(threads, count(1))), threads)
    loop(b, count(0), rounds, 1, one)
    b.ret_void()


@lru_cache(maxsize=1)
def openmp() -> ctypes.CDLL | None:
    """The OpenMP library that torch has loaded; None where it has none with GNU's entry."""
    torch = sys.modules.get("torch")
    home = Path(torch.__file__ or "").parent / "lib" if torch else None
    for place in (None, *(sorted(map(str, home.glob("lib*omp*"))) if home else ())):
        try:
            library = ctypes.CDLL(place)
        except OSError:
            continue
        if all(hasattr(library, name) for name in ("GOMP_parallel", *ASKED)):
            return library
    return None


def split(rows: int, parts: int, unit: int) -> list[tuple[int, int]]:
    """Ranges of rows, as equal as whole units allow."""
    blocks = -(-rows // unit)
    parts = min(parts, blocks)
    edges = [min(rows, unit * (blocks * k // parts)) for k in range(parts + 1)] if parts else []
    return [(a, b) for a, b in zip(edges, edges[1:], strict=False) if b > a]


def usable(threads: int, operations: float) -> int:
    """How many threads are worth their while for so many floating-point operations.

    In a child of a fork the pool of the parent is gone, and waiting for it would never end; there it is one.
    """
    if forked() or openmp() is None or operations < _WORTHWHILE:
        return 1
    return max(1, threads)


_WORTHWHILE = 2e6  # about ten microseconds on one core; handing work over takes two or three


def run(part: int, kernel: Kernel, arguments: Sequence[Sequence[int]]) -> None:
    """Call a kernel once for each list of arguments, at the same time.

    Args:
        part: The address of the function that `emit` makes.
        kernel: The kernel, which is called directly if there is one list.
        arguments: At most as many lists as there are threads.
    """
    if len(arguments) == 1:
        kernel.call(*arguments[0])
        return
    table = (ctypes.c_int64 * (1 + len(arguments) * (1 + ARGUMENTS)))(len(arguments))
    for k, values in enumerate(arguments):
        start = 1 + k * (1 + ARGUMENTS)
        table[start : start + 1 + len(values)] = [kernel.address, *values]
    library = openmp()
    assert library is not None
    library.GOMP_parallel(
        ctypes.c_void_p(part), ctypes.c_void_p(ctypes.addressof(table)), ctypes.c_uint(len(arguments)), ctypes.c_uint(0)
    )
