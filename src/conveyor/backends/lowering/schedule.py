"""The stages of a time step: products, then pointwise work on their results, then reductions over a row.

A product reads a whole row of its operand, and a reduction's result needs one, so each ends a stage. What a later stage
reads is kept in memory; within a stage, values stay in registers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from conveyor.backends.lowering import array_names
from conveyor.ir.ops import OPS
from conveyor.ir.program import Program
from conveyor.ir.types import ROW, Node


@dataclass(frozen=True)
class Product:
    """One call of the GEMM kernel: adjacent operands times matrices that are packed side by side.

    Attributes:
        op: `product` or `product_t`.
        operands: The nodes that are multiplied; they lie side by side in memory.
        results: The product nodes, in the order of their columns.
        matrices: For each result the keys of its matrices, one an operand.
        blocks: Of a block-diagonal matrix, which is multiplied block by block; it stands alone.
    """

    op: str
    operands: tuple[int, ...]
    results: tuple[int, ...]
    matrices: tuple[tuple[str, ...], ...]
    blocks: int


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
    """Products, followed by pointwise work."""

    products: tuple[Product, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, eq=False)
class Schedule:
    """The stages of a step.

    Attributes:
        program: The program.
        nodes: Its nodes, with joined products.
        given: The arguments of the step, in memory before it: hoisted and saved values, states, gradients.
        wanted: The results that the step stores: the name of an array, and the node; several may share one.
        scratch: Nodes that the step stores for itself: results of products and reductions, and values that a
            later stage reads.
        stages: In order.
        level: The stage in which a node is computed, or −1 for an argument.
        order: The nodes that are computed or read, an argument before its reader.
        name: Returns the name of a scratch array.
        carried: The arguments that come from the time step executed before.
    """

    program: Program
    nodes: tuple[Node, ...]
    given: frozenset[int]
    wanted: tuple[tuple[str, int], ...]
    scratch: tuple[int, ...]
    stages: tuple[Stage, ...]
    level: dict[int, int]
    order: tuple[int, ...]
    name: Callable[[int], str]
    carried: frozenset[int]

    def home(self, n: int) -> str:
        """Return the name of the array that holds a value in memory."""
        if n in self.carried:
            return array_names.carried(n)
        if n in self.given:
            return array_names.node(n)
        if n in self.scratch:
            return self.name(n)
        return next(label for label, m in self.wanted if m == n)

    @property
    def products(self) -> Iterable[Product]:
        """The products of all stages."""
        return (p for stage in self.stages for p in stage.products)


def schedule(
    program: Program,
    given: Collection[int],
    wanted: Iterable[tuple[str, int]],
    *,
    nodes: Sequence[Node] | None = None,
    name: Callable[[int], str] = array_names.step,
    keep: Collection[int] = (),
    carried: Collection[int] = (),
) -> Schedule:
    """Build the schedule of a time step.

    Args:
        program: The program.
        given: Nodes whose values are in memory at each step.
        wanted: Arrays and the nodes whose values the step must store there.
        nodes: The program's nodes as they are to be computed, if not as they stand there.
        name: Returns the name of a scratch array.
        keep: Nodes that the step must store.
        carried: The arguments that come from the time step executed before.
    """
    work = _Work(program, tuple(nodes or program.nodes), frozenset(given), tuple(wanted), name, keep)
    return work.schedule(frozenset(carried))


class _Work:
    def __init__(
        self,
        program: Program,
        nodes: tuple[Node, ...],
        given: frozenset[int],
        wanted: tuple[tuple[str, int], ...],
        name: Callable[[int], str],
        keep: Collection[int],
    ) -> None:
        self.program = program
        self.nodes = nodes
        self.given = given
        self.wanted = wanted
        self.name = name
        self.stored = tuple(dict.fromkeys((*(n for _, n in wanted), *keep)))
        self.order = self._order()
        self.level = self._levels()
        self.kept = self._kept() | {n for n in keep if self._kind(n) not in ("product", "reduction")}

    def schedule(self, carried: frozenset[int]) -> Schedule:
        last = max((self._computed_in(n) for n in self.order), default=0)
        stages = tuple(self._stage(k) for k in range(last + 1))
        labels: dict[int, int] = {}
        for _, n in self.wanted:
            labels[n] = labels.get(n, 0) + 1
        scratch = []
        for n in self.order:
            if n in self.given:
                continue
            kind = self._kind(n)
            if kind == "product":
                # A product that is alone and wanted in one place is made there.
                direct = labels.get(n) == 1 and any(p.results == (n,) for p in self._products(self.level[n]))
                scratch += [] if direct else [n]
            elif kind == "reduction" or (n in self.kept and n not in labels):
                scratch.append(n)
        found = (self.program, self.nodes, self.given, self.wanted, tuple(scratch), stages)
        return Schedule(*found, self.level, self.order, self.name, carried)

    def _kind(self, n: int) -> str:
        return OPS[self.nodes[n].op].result

    def _order(self) -> tuple[int, ...]:
        """Return the needed nodes, each after its arguments."""
        seen: dict[int, None] = {}
        todo = [(n, False) for n in reversed(self.stored)]
        while todo:
            n, ready = todo.pop()
            if n in seen:
                continue
            if ready or n in self.given:
                seen[n] = None
            else:
                todo.append((n, True))
                todo += [(a, False) for a in reversed(self.nodes[n].args)]
        return tuple(seen)

    def _levels(self) -> dict[int, int]:
        level: dict[int, int] = {}
        for n in self.order:
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
        """Return the stage in whose pointwise work a node is computed, or copied to its result array."""
        return max(self.level[n], 0)

    def _kept(self) -> frozenset[int]:
        """Return the pointwise values that a later stage or a product reads."""
        kept = set()
        for n in self.order:
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
        packs: dict[tuple[str, tuple[int, ...], int | None], list[int]] = {}
        for n in self.order:
            if n not in self.given and self._kind(n) == "product" and self.level[n] == k:
                node = self.nodes[n]
                alone = n if self._blocks(n) > 1 else None
                packs.setdefault((node.op, node.args, alone), []).append(n)
        for (op, operands, _), results in packs.items():
            attrs = [self.nodes[n].attr for n in results]
            keys = tuple(a if isinstance(a, tuple) else (a,) for a in attrs)
            yield Product(op, operands, tuple(results), keys, self._blocks(results[0]))

    def _blocks(self, n: int) -> int:
        node = self.nodes[n]
        return 1 if isinstance(node.attr, tuple) else self.program.matrix(node).blocks

    def _groups(self, k: int) -> Iterable[Group]:
        stores: dict[str, list[int]] = {}
        reduces: dict[str, list[int]] = {}
        alone = {p.results[0] for p in self._products(k) if len(p.results) == 1}
        for n in dict.fromkeys((*(n for n in self.order if n in self.kept), *self.stored)):
            if n in self.given and not any(m == n for _, m in self.wanted):
                continue
            if self._computed_in(n) == k and not self._is_in_place(n, alone):
                stores.setdefault(self.nodes[n].type.width, []).append(n)
        for n in self.order:
            if n not in self.given and self._kind(n) == "reduction" and self.level[n] == k + 1:
                reduces.setdefault(self.nodes[self.nodes[n].args[0]].type.width, []).append(n)
        # Numbers a row are stored first, since what follows in the stage may be wide.
        order = sorted({*stores, *reduces}, key=lambda w: (w != ROW, w))
        return (Group(w, tuple(stores.get(w, ())), tuple(reduces.get(w, ()))) for w in order)

    def _is_in_place(self, n: int, alone: set[int]) -> bool:
        """Tell whether the kernel itself stores a product in its result array."""
        if n in self.given or self._kind(n) not in ("product", "reduction"):
            return False
        labels = sum(m == n for _, m in self.wanted)
        return labels == 0 or (self._kind(n) == "product" and labels == 1 and n in alone)
