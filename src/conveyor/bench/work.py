"""Counts of a cell's work from its program alone: operations, bytes, kinds of products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conveyor.ir.ops import OPS
from conveyor.ir.program import Program
from conveyor.ir.transforms.autodiff import differentiate
from conveyor.ir.transforms.plan import plan

_FREE = ("source", "broadcast")


@dataclass(frozen=True)
class Work:
    """The work of a forward and a backward pass on one row of one step, the gradient of x included.

    Attributes:
        flops: FLOPs of the products; each matrix is used three times: forward, for its operand's gradient, its own.
        pointwise: The number of elements that each other operation computes, by its name.
        bytes: The least memory traffic, in float32: the input and its gradient, products of the input,
            residuals, the output and its gradient, the gradients before the products.
    """

    flops: float
    pointwise: dict[str, int]
    bytes: int


def forward_flops(program: Program, widths: Mapping[str, int]) -> float:
    """Count the FLOPs of a forward pass on one row of one step."""
    total = 0.0
    for n in program.live():
        node = program.nodes[n]
        if node.op == "product":
            matrix = program.matrix(node)
            total += 2.0 * widths[matrix.rows] * widths[matrix.cols] / matrix.blocks
    return total


def work(program: Program, widths: Mapping[str, int]) -> Work:
    """Count the work of a program."""
    derived = differentiate(program)
    own = len(program.nodes)  # nodes from here on are the gradient's
    live, forward = derived.live(), plan(program)
    pointwise: dict[str, int] = {}
    for n in sorted({*program.live(), *(n for n in live if n >= own)}):
        node = derived.nodes[n]
        kind = OPS[node.op].result
        if kind in (*_FREE, "product") or node.op in ("detach", "clip_gradient"):
            continue
        of = node.args[0] if kind == "reduction" else n
        pointwise[node.op] = pointwise.get(node.op, 0) + widths[derived.nodes[of].type.width]

    def wide(nodes: set[int]) -> int:
        return sum(widths[derived.nodes[n].type.width] for n in nodes)

    stepped = set(forward.stepped)
    again = {a for n in live if n >= own for a in derived.nodes[n].args if a < own and a in stepped}
    saved = {n for n in again if derived.nodes[n].op != "input"}
    # A product of the input is added to what it meets, so that several of them are one array for each sum they enter.
    met = {_sum_of(program, n) for n in forward.hoisted if program.nodes[n].op == "product"}
    before = {o.args[0] for o in derived.outputs if o.role == "grad_matrix"}
    inputs = sum(widths[i.width] for i in program.inputs if i.role != "state")
    output = widths[program.states[0].width]
    numbers = 3 * inputs + 2 * wide(met) + 2 * wide(saved) + 3 * output + 2 * wide(before)
    return Work(3 * forward_flops(program, widths), pointwise, 4 * numbers)


def _sum_of(program: Program, n: int) -> int:
    """Return the last of the successive additions that a value enters."""
    while True:
        users = [m for m in program.live() if n in program.nodes[m].args]
        if len(users) != 1 or program.nodes[users[0]].op != "add":
            return n
        n = users[0]


def has_recurrent_matrix(program: Program) -> bool:
    """Tells whether the time loop has a matrix product."""
    return any(program.nodes[n].op == "product" for n in plan(program).stepped)


def is_in_sequence(program: Program) -> bool:
    """Tells whether a step has dependent products or reductions, so that it has more than one stage."""
    stepped = set(plan(program).stepped)
    depth: dict[int, int] = {}
    for n in program.live():
        node = program.nodes[n]
        before = max((depth[a] for a in node.args), default=0)
        waits = n in stepped and OPS[node.op].result in ("product", "reduction")
        depth[n] = before + waits
    return max(depth.values(), default=0) > 1
