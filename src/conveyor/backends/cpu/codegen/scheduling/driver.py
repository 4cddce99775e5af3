"""Emits the function that runs a pass; all programs share it, so that it is compiled once.

    every thread:
        its part of the jobs at the start: states copied, biases added, matrices packed         wait for the others
        for each chunk of steps, in the order of the pass:
            before   its part of the chunk's rows                                               wait
            loop     step by step its part of the batch, or, if that is small, of the units
                                                                                                wait
            after    its part of the chunk's rows                                               wait
            operands of the weights' gradients packed, its part                                 wait
            gradients of weights and biases, its part of their rows                             wait
        its part of the jobs at the end: final states copied

A pass reads its work from one array of integers, the job array of `job_list`. Threads wait for
each other by a counter; one that waits spins for a while and then sleeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen import emit as work
from conveyor.backends.cpu.codegen.isa import ISA
from conveyor.backends.cpu.codegen.loops import I64, POINTER, i64, loop
from conveyor.backends.cpu.codegen.scheduling import barrier, row_division
from conveyor.backends.cpu.codegen.scheduling.job_list import (
    ASKED,
    HEAD,
    JOBS,
    PART,
    SIGNATURE,
    WAITING,
    least,
    number_of,
)
from conveyor.backends.cpu.codegen.scheduling.pass_parts import PARTS, Part
from conveyor.backends.cpu.codegen.vector import Format

__all__ = ["ASKED", "HEAD", "JOBS", "WAITING", "Chunks", "Functions", "emit"]


def name(form: Format, width: ISA) -> str:
    """Return the name of the function."""
    return f"conveyor_pass_{width.name}_f{form.integer.width}"


def part_name(form: Format, width: ISA) -> str:
    """Return the name of the function that each OpenMP thread runs."""
    return f"conveyor_part_{width.name}_f{form.integer.width}"


@dataclass(frozen=True)
class Functions:
    """The functions of a module that run a pass.

    Attributes:
        whole: Runs a whole pass, by all threads together.
        parts: Run parts of it.
        wait: The barrier.
    """

    whole: ir.Function
    parts: Mapping[str, ir.Function]
    wait: ir.Function


def emit(module: ir.Module, form: Format, width: ISA) -> Functions:
    """Add the functions to a module that has the kernels."""
    wait = ir.Function(module, work.WAIT, work.wait_name(form, width))
    barrier.emit(wait)
    parts = emit_parts(module, wait, form, width)
    function = ir.Function(module, SIGNATURE, name(form, width))
    _emit_pass(function, parts, wait)
    part = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), part_name(form, width))
    b = ir.IRBuilder(part.append_basic_block("entry"))
    given = [b.load(b.gep(part.args[0], [i64(k)], source_etype=POINTER), typ=POINTER) for k in range(2)]
    b.call(function, [*given, *asked(b)])
    b.ret_void()
    return Functions(function, parts, wait)


def emit_parts(module: ir.Module, wait: ir.Function, form: Format, width: ISA) -> dict[str, ir.Function]:
    """Add the functions of a pass's parts to a module."""
    shared = row_division.emit(module, f"conveyor_share_{width.name}_f{form.integer.width}")
    parts = {}
    for part in PARTS:
        function = ir.Function(module, PART, f"conveyor_{part}_{width.name}_f{form.integer.width}")
        function.linkage = "internal"
        Part(function, wait, shared, form, width).emit(part)
        parts[part] = function
    return parts


def asked(b: ir.IRBuilder) -> list[Any]:
    """Emit calls that return the OpenMP number of this thread, and the number of threads."""
    known = b.module.globals
    kind = ir.FunctionType(ir.IntType(32), [])
    functions = [known[n] if n in known else ir.Function(b.module, kind, n) for n in ASKED]
    return [b.zext(b.call(f, []), I64) for f in functions]


def _emit_pass(function: ir.Function, parts: dict[str, ir.Function], wait: ir.Function) -> None:
    jobs, bases, thread, team = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))

    def call(b: ir.IRBuilder, part: str, low: Any = None, high: Any = None, more: Any = None) -> None:
        zero = i64(0)
        b.call(parts[part], [jobs, bases, thread, team, *(zero if n is None else n for n in (low, high, more))])

    def meet(b: ir.IRBuilder) -> None:
        with b.if_then(b.icmp_signed(">", team, i64(1))):
            b.call(wait, [bases, team])

    call(b, "start")
    meet(b)
    chunks = Chunks(b, jobs)
    ends = b.or_(chunks.has_after, chunks.has_sums)

    def each_chunk(b: ir.IRBuilder, k: Any) -> None:
        low, high = chunks.edges(b, k)
        call(b, "steps", low, high, low)
        with b.if_then(ends):
            with b.if_then(chunks.has_after):
                meet(b)
            with b.if_then(chunks.has_sums):
                call(b, "operands", low, high)
                meet(b)
                call(b, "sums", low, high, b.zext(b.icmp_signed(">", k, i64(0)), I64))
                meet(b)

    loop(b, i64(0), chunks.number, 1, each_chunk)
    call(b, "finish")
    b.ret_void()


class Chunks:
    """The division of a pass into chunks of time steps; the values that all chunks share are loaded at `b`.

    Attributes:
        steps: T.
        number: The number of chunks.
        is_back: Whether time runs down.
        has_after: Whether there is work after the loop.
        has_sums: Whether gradients are summed over the rows.
    """

    def __init__(self, b: ir.IRBuilder, jobs: Any) -> None:
        head = {n: number_of(b, jobs, i64(k)) for k, n in enumerate(HEAD)}
        self.steps, self.chunk = head["steps"], head["chunk"]
        self.number = b.sdiv(b.add(self.steps, b.sub(self.chunk, i64(1))), self.chunk)
        self.is_back = b.icmp_signed("!=", head["backwards"], i64(0))
        self.has_after = b.icmp_signed("!=", head["after"], i64(0))
        kinds = [number_of(b, jobs, i64(len(HEAD) + 2 * list(JOBS).index(k))) for k in ("operand", "outer", "sum")]
        self.has_sums = b.icmp_signed("!=", b.or_(b.or_(kinds[0], kinds[1]), kinds[2]), i64(0))

    def edges(self, b: ir.IRBuilder, k: Any) -> tuple[Any, Any]:
        """Return a chunk's first time step, and the step after its last; chunks are numbered in execution order."""
        place = b.select(self.is_back, b.sub(b.sub(self.number, i64(1)), k), k)
        low = b.mul(place, self.chunk)
        return low, least(b, b.add(low, self.chunk), self.steps)
