"""The order of work inside a step: products, then pointwise work on their results, then what needs a whole row.

A product reads a whole row of its operand, and a reduction's result needs one, so each ends a stage. What a later stage
reads is kept in memory; within a stage, values stay in registers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from conveyor.ops import OPS
from conveyor.program import ROW, Program


@dataclass(frozen=True)
class Product:
    """One call of the product kernel: an operand by matrices of one kind that are packed side by side.

    Attributes:
        op: `product` or `product_t`.
        operand: The node that is multiplied; its rows lie in memory.
        results: The product nodes, in the order of their columns.
    """

    op: str
    operand: int
    results: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """Pointwise work over the units of one width.

    Attributes:
        width: The symbolic width; `1` for numbers a row.
        stores: Nodes whose values are stored.
        reduces: Reductions whose operand has this width; their results are stored as numbers a row.
    """

    width: str
    stores: tuple[int, ...]
    reduces: tuple[int, ...]


@dataclass(frozen=True)
class Stage:
    """Products, then pointwise work."""

    products: tuple[Product, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, eq=False)
class Schedule:
    """The stages of a step.

    Attributes:
        program: The program.
        given: Nodes that are in memory before the step: hoisted and saved values, states, gradients.
        wanted: What the step stores for its caller: a label of the array, and the node; several labels may share one.
        scratch: Nodes that the step keeps in memory for itself: results of products and reductions, and values that a
            later stage reads.
        stages: In order.
        level: The stage in which a node is computed, or −1 for what is given.
    """

    program: Program
    given: frozenset[int]
    wanted: tuple[tuple[str, int], ...]
    scratch: tuple[int, ...]
    stages: tuple[Stage, ...]
    level: dict[int, int]


def schedule(program: Program, given: Collection[int], wanted: Iterable[tuple[str, int]]) -> Schedule:
    """Plan a step.

    Args:
        program: The program.
        given: Nodes whose values are in memory at each step.
        wanted: Labels and nodes whose values the step must store.
    """
    work = _Work(program, frozenset(given), tuple(wanted))
    return work.schedule()


class _Work:
    def __init__(self, program: Program, given: frozenset[int], wanted: tuple[tuple[str, int], ...]) -> None:
        self.program = program
        self.nodes = program.nodes
        self.given = given
        self.wanted = wanted
        self.stored = tuple(dict.fromkeys(n for _, n in wanted))
        self.needed = self._needed()
        self.level = self._levels()
        self.kept = self._kept()

    def schedule(self) -> Schedule:
        last = max((self._computed_in(n) for n in self.needed), default=0)
        stages = tuple(self._stage(k) for k in range(last + 1))
        computed = [n for n in self.needed if n not in self.given]
        kept = self.kept.difference(self.stored)
        scratch = tuple(n for n in computed if self._kind(n) in ("product", "reduction") or n in kept)
        return Schedule(self.program, self.given, self.wanted, scratch, stages, self.level)

    def _kind(self, n: int) -> str:
        return OPS[self.nodes[n].op].result

    def _needed(self) -> tuple[int, ...]:
        todo, seen = list(self.stored), set()
        while todo:
            n = todo.pop()
            if n not in seen:
                seen.add(n)
                if n not in self.given:
                    todo.extend(self.nodes[n].args)
        return tuple(sorted(seen))

    def _levels(self) -> dict[int, int]:
        level: dict[int, int] = {}
        for n in self.needed:
            if n in self.given or not self.nodes[n].args:
                level[n] = -1
                continue
            highest = max(level[a] for a in self.nodes[n].args)
            if self._kind(n) == "product":
                level[n] = highest + 1
            elif self._kind(n) == "reduction":
                level[n] = max(highest, 0) + 1
            else:
                level[n] = max(highest, 0)
        return level

    def _computed_in(self, n: int) -> int:
        """The stage in whose pointwise work a node is computed, or copied to where it is wanted."""
        return max(self.level[n], 0)

    def _kept(self) -> frozenset[int]:
        """Pointwise values that a later stage or a product reads."""
        kept = set()
        for n in self.needed:
            if n in self.given:
                continue
            reads_in = self.level[n] - 1 if self._kind(n) == "reduction" else self.level[n]
            for a in self.nodes[n].args:
                pointwise = self.level[a] >= 0 and self._kind(a) not in ("product", "reduction")
                if pointwise and (self._kind(n) == "product" or self.level[a] < reads_in):
                    kept.add(a)
        return frozenset(kept)

    def _stage(self, k: int) -> Stage:
        return Stage(tuple(self._products(k)), tuple(self._groups(k)))

    def _products(self, k: int) -> Iterable[Product]:
        packs: dict[tuple[str, int], list[int]] = {}
        for n in self.needed:
            if n not in self.given and self._kind(n) == "product" and self.level[n] == k:
                packs.setdefault((self.nodes[n].op, self.nodes[n].args[0]), []).append(n)
        return (Product(op, operand, tuple(results)) for (op, operand), results in packs.items())

    def _groups(self, k: int) -> Iterable[Group]:
        stores: dict[str, list[int]] = {}
        reduces: dict[str, list[int]] = {}
        for n in dict.fromkeys((*sorted(self.kept), *self.stored)):
            if self._computed_in(n) == k:
                stores.setdefault(self.nodes[n].type.width, []).append(n)
        for n in self.needed:
            if n not in self.given and self._kind(n) == "reduction" and self.level[n] == k + 1:
                reduces.setdefault(self.nodes[self.nodes[n].args[0]].type.width, []).append(n)
        # Numbers a row are stored first, since what follows in the stage may be wide.
        order = sorted({*stores, *reduces}, key=lambda w: (w != ROW, w))
        return (Group(w, tuple(stores.get(w, ())), tuple(reduces.get(w, ()))) for w in order)
