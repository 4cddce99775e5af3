"""The run of compiled code on several threads, those of torch's own pool.

torch's threads spin for milliseconds after each of its parallel operations, waiting for the next. A second
pool would have to share the cores with them (measured: two threads were no faster than one), so the work is handed
to that pool by the entry that compilers use, `GOMP_parallel`. There is one such call a pass over a sequence,
never one a step. Inside it threads wait for each other between the parts of a chunk, and, where rows are few, twice a
step; that they do only as long as no other process wants the cores. Small work is not split.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from conveyor.backends.cpu.codegen.scheduling.openmp import openmp
from conveyor.backends.cpu.runtime.oversubscription import cores, is_oversubscribed
from conveyor.backends.fork import forked

if TYPE_CHECKING:
    from conveyor.backends.cpu.codegen.compile import Kernels


def usable(threads: int, operations: float, coupled: bool = False) -> int:
    """Return the number of threads that pay off for a pass.

    In a child of a fork the pool of the parent is gone, and waiting for it would never end; there it is one.

    While other processes want the cores, one of several threads is often not running. Those that wait for each other
    some dozen times a pass lose little by that, since whoever waits sleeps; those that wait at every step lose more
    than they gain, and so does a pass that is shorter than another process's turn.

    Args:
        threads: The maximum number.
        operations: Floating-point operations of the pass.
        coupled: Whether there is a barrier at every time step.
    """
    if operations < _WORTHWHILE or threads < 2 or forked() or openmp() is None:
        return 1
    threads = min(threads, cores())
    if threads < 2:
        return 1
    return 1 if (coupled or operations < _WORTH_SHARING) and is_oversubscribed() else threads


_WORTH_SHARING = 5e8  # about 2 ms on one core; a thread that is not running comes back after some 4 ms
_WORTHWHILE = 2e7  # about 0.1 ms on one core; less is over before the other threads are of use


def run(kernels: Kernels, jobs: int, bases: int, team: int) -> None:
    """Run a pass on a number of threads; OpenMP may use fewer.

    Args:
        kernels: The compiled functions.
        jobs: The address of the job array.
        bases: The address of the base array.
        team: The number of threads.
    """
    if team == 1:
        kernels.run(jobs, bases, 0, 1)
        return
    run_on(kernels.part, (ctypes.c_int64 * 2)(jobs, bases), team)


def run_on(function: int, given: ctypes.Array[ctypes.c_int64], team: int) -> None:
    """Run the function at an address on several OpenMP threads, each with the same arguments."""
    library = openmp()
    assert library is not None
    library.GOMP_parallel(ctypes.c_void_p(function), given, ctypes.c_uint(team), ctypes.c_uint(0))
