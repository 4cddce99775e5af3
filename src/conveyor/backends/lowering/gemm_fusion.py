"""The fusion of sums of matrix products into one product.

A gradient that flows back through several matrices is a sum of products, one a matrix. Where the operands lie side by
side in memory it is one product, of the operands side by side by the matrices on top of each other: one pass over the
sums instead of one a matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from conveyor.ir.program import Program
from conveyor.ir.types import Node


@dataclass(frozen=True)
class Join:
    """A fusible sum: its last addition, the products in it, and the other terms."""

    root: int
    products: tuple[int, ...]
    rest: tuple[int, ...]


def find(program: Program, nodes: Iterable[int], wanted: Iterable[int], beside: Callable[[int], bool]) -> list[Join]:
    """Find the sums of at least two products among some nodes.

    Args:
        program: A backward program.
        nodes: The nodes that are computed.
        wanted: The nodes whose values others read, too.
        beside: Tells whether an operand can be placed beside others.
    """
    computed = set(nodes)
    uses: dict[int, int] = dict.fromkeys(wanted, 2)
    for n in computed:
        for a in program.nodes[n].args:
            uses[a] = uses.get(a, 0) + 1
    inner: set[int] = set()
    found: list[Join] = []
    for n in sorted(computed, reverse=True):
        if program.nodes[n].op != "add" or n in inner:
            continue
        terms = _terms(program, n, lambda a: a in computed and uses[a] == 1, inner)
        products = tuple(t for t in terms if _is_product(program, t) and t in computed and uses[t] == 1)
        products = tuple(t for t in products if beside(program.nodes[t].args[0]))
        if len({program.nodes[t].args[0] for t in products}) > 1 and len(products) > 1:
            found.append(Join(n, products, tuple(t for t in terms if t not in products)))
    return found


def _terms(program: Program, n: int, single: Callable[[int], bool], inner: set[int]) -> list[int]:
    """Return the terms of a sum; additions within it that nobody else reads are added to `inner`."""
    terms: list[int] = []
    for a in program.nodes[n].args:
        node = program.nodes[a]
        if node.op == "add" and single(a) and node.type == program.nodes[n].type:
            inner.add(a)
            terms += _terms(program, a, single, inner)
        else:
            terms.append(a)
    return terms


def _is_product(program: Program, n: int) -> bool:
    node = program.nodes[n]
    return node.op == "product_t" and program.matrix(node).blocks == 1


def side_by_side(groups: Sequence[Sequence[int]], others: Iterable[int]) -> tuple[int, ...]:
    """Order operands so that those of each group are adjacent, as far as possible."""
    order: list[int] = []
    placed: list[set[int]] = []
    for group in sorted(groups, key=len, reverse=True):
        new = [n for n in group if n not in order]
        at = len(order)
        old = [order.index(n) for n in group if n in order]
        if old and new:
            after, before = max(old) + 1, min(old)
            at = next((k for k in (after, before) if not _divides(order, placed, k)), len(order))
        order[at:at] = new
        placed.append(set(group))
    return tuple(dict.fromkeys((*order, *others)))


def _divides(order: list[int], groups: list[set[int]], at: int) -> bool:
    """Tell whether an insertion at this position would separate members of a group."""
    return any(
        any(n in g for n in order[:at]) and any(n in g for n in order[at:]) for g in groups if g.intersection(order)
    )


def runs(operands: Iterable[int], order: Sequence[int]) -> list[tuple[int, ...]]:
    """Divide operands into runs that are adjacent in an order."""
    place = {n: k for k, n in enumerate(order)}
    found: list[list[int]] = []
    for n in sorted(operands, key=lambda n: place[n]):
        if found and place[n] == place[found[-1][-1]] + 1:
            found[-1].append(n)
        else:
            found.append([n])
    return [tuple(run) for run in found]


def rewrite(program: Program, joins: Sequence[Join], order: Sequence[int]) -> tuple[Node, ...]:
    """Return the program's nodes with fused products, which read several operands by as many matrices.

    The indices of nodes stay; new nodes come after them. An addition may thereby come before its arguments.
    """
    nodes = list(program.nodes)

    def new(node: Node) -> int:
        nodes.append(node)
        return len(nodes) - 1

    for join in joins:
        by_operand = {program.nodes[p].args[0]: p for p in join.products}
        if len(by_operand) < len(join.products):
            continue  # one operand by two matrices that are added: rare, and right as it stands
        parts: list[Node] = []
        for run in runs(by_operand, order):
            first = program.nodes[by_operand[run[0]]]
            keys = tuple(program.nodes[by_operand[n]].attr for n in run)
            parts.append(first if len(run) == 1 else Node("product_t", run, keys, first.type))
        kind = program.nodes[join.root].type
        if len(parts) == 1 and not join.rest:
            nodes[join.root] = parts[0]
            continue
        total, *terms = [*(new(p) for p in parts), *join.rest]
        for term in terms[:-1]:
            total = new(Node("add", (total, term), None, kind))
        nodes[join.root] = Node("add", (total, terms[-1]), None, kind)
    return tuple(nodes)
