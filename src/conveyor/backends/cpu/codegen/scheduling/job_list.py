"""The job array of a pass: a head and then lists of jobs, all integers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from conveyor.backends.cpu.codegen.loops import I64, POINTER
from conveyor.backends.cpu.codegen.scheduling import barrier

HEAD = (
    "steps",
    "batch",
    "chunk",
    "backwards",
    "flat before",
    "flat after",
    "flat operands",
    "by units",
    "few",
    "before",
    "loop",
    "after",
    "table",
    "starts",
)
# After the head, for each kind of job how many there are and where the first stands; then the jobs themselves.
JOBS = {
    "copy": ("from base", "from offset", "from stride", "base", "offset", "stride", "rows", "columns"),
    "add": ("one base", "one offset", "other base", "other offset", "base", "offset", "columns"),
    "pack": ("from base", "from offset", "k stride", "n stride", "inner", "columns", "base", "offset", "first", "room"),
    "weave": (
        *("from base", "from offset", "k stride", "n stride", "inner", "units", "base", "offset"),
        *("k", "result", "results", "room", "vectors"),
    ),
    "operand": ("array", "column", "columns", "base", "offset", "room"),
    "outer": ("array", "column", "rows", "from base", "from offset", "room", "base", "offset", "columns", "adds"),
    "sum": ("array", "columns", "base", "offset", "adds"),
    "finish": ("from base", "from offset", "from stride", "base", "offset", "stride", "rows", "columns"),
}
WAITING = barrier.NUMBERS  # the first bases: numbers by which threads wait for each other, zero at the start of a pass
ASKED = ("omp_get_thread_num", "omp_get_num_threads")

# job array, bases, number of this thread, of all
SIGNATURE = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64, I64])
# the same of a part of a pass, then the first step, the step after the last, and what the part says
PART = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64, I64, I64, I64, I64])


def number_of(b: ir.IRBuilder, jobs: Any, place: Any) -> Any:
    """Load an entry of a job array."""
    return b.load(b.gep(jobs, [place], source_etype=I64), typ=I64)


def least(b: ir.IRBuilder, x: Any, y: Any) -> Any:
    """Return the smaller of two integers."""
    return b.select(b.icmp_signed("<", x, y), x, y)
