"""The memory use of the forward and backward pass, computed without compiling them."""

from __future__ import annotations

from collections.abc import Mapping

from conveyor.backends.cpu.runtime.launch_plan import CHUNK_BYTES, CHUNK_ROWS
from conveyor.backends.lowering.passes import lower_backward
from conveyor.backends.memory_model import MemoryUse, matrices
from conveyor.ir.program import Program


def memory_use_of_passes(
    program: Program, widths: Mapping[str, int], steps: int, batch: int, itemsize: int
) -> MemoryUse:
    """Estimate the memory of a forward and a backward pass; the arguments are those of `memory_use_of_loop`."""
    lowered = lower_backward(program, True)
    nodes = lowered.program.nodes

    def total(*chosen: int) -> int:
        return sum(widths.get(nodes[n].type.width, 1) for n in chosen)

    states = sum(widths[s.width] for s in program.states)
    saved = (steps * total(*lowered.saved) + (steps + 1) * states) * batch * itemsize
    left, operands = max(1, total(*lowered.left)), total(*{o.operand for o in lowered.outers})
    rows = min(max(CHUNK_BYTES // (left * itemsize), CHUNK_ROWS[0]), CHUNK_ROWS[1], steps * batch)
    # Weights are packed for each of the two passes, and their gradients are made.
    return MemoryUse(saved, (rows * (left + operands) + 3 * matrices(program, widths)) * itemsize)
