"""Plans a program: the nodes hoisted out of the time loop, those of each step, and the packs of products."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from conveyor.ir.ops import OPS
from conveyor.ir.program import Program


@dataclass(frozen=True)
class Pack:
    """Products of several matrices with one operand, computed as one product.

    Attributes:
        op: `product` or `product_t`.
        operand: The node that is multiplied.
        blocks: The diagonal blocks of every matrix.
        members: The product nodes, in program order.
    """

    op: str
    operand: int
    blocks: int
    members: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The planned order of a program's nodes.

    Attributes:
        program: The program.
        hoisted: Nodes that run once, for all steps: inputs, and products that no state and no gradient reaches,
            with their arguments. Pointwise work stays in the loop, where its operands are in registers anyway.
        stepped: Nodes that run at each step, in order.
        packs: For each member the pack of products that are computed together.
    """

    program: Program
    hoisted: tuple[int, ...]
    stepped: tuple[int, ...]
    packs: dict[int, Pack]


def plan(program: Program, wanted: Collection[int] = ()) -> Plan:
    """Plan a program.

    Args:
        program: A forward or backward program.
        wanted: Nodes to compute although no output needs them, such as named values that are recorded.
    """
    live = program.live([n for out in program.outputs for n in out.args] + list(wanted))
    carried: set[int] = set()
    recurrent = {i.key for i in program.inputs if i.role in ("state", "grad", "grad_output")}
    for index in live:
        node = program.nodes[index]
        if (node.op == "input" and node.attr in recurrent) or any(a in carried for a in node.args):
            carried.add(index)
    free = [n for n in live if n not in carried]
    products = [n for n in free if OPS[program.nodes[n].op].result == "product"]
    out = {*program.live(products), *(n for n in free if not program.nodes[n].args)}
    hoisted = tuple(n for n in live if n in out)
    stepped = tuple(n for n in live if n not in out)
    # What is only recorded is packed apart: a larger pack could round otherwise.
    needed = set(program.live())
    ordinary, extra = (tuple(n for n in live if (n in needed) == told) for told in (True, False))
    return Plan(program, hoisted, stepped, _packs(program, ordinary) | _packs(program, extra))


def _packs(program: Program, live: tuple[int, ...]) -> dict[int, Pack]:
    groups: dict[tuple[str, int, int], list[int]] = {}
    for index in live:
        node = program.nodes[index]
        if node.op in ("product", "product_t"):
            groups.setdefault((node.op, node.args[0], program.matrix(node).blocks), []).append(index)
    # Transposed products of one operand stand in different programs' columns, so only plain products are stacked.
    packs = [Pack(op, arg, blocks, tuple(m)) for (op, arg, blocks), m in groups.items() if op == "product"]
    return {member: pack for pack in packs for member in pack.members}
