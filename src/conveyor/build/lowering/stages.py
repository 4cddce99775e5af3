"""The order of work of a step: loops over the units of one width, and single numbers and copies between them.

    for each level:
        copies     operands put side by side
        numbers    operations on single numbers, such as what follows a sum over the units
        loops      for each width, a panel of units at a time: sums of products, then pointwise work on them in
                   registers, stores of what is read later, reductions

A product reads a whole row of its operand and a reduction's result needs one, so what reads either stands on a later
level. A state is written over in place where nobody reads its old value any more; else it has a second buffer, which is
copied at the end of the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conveyor.build.lowering.graph import Graph, Node

REDUCTIONS = ("sum", "max")


@dataclass(frozen=True)
class Loop:
    """Work over the units of one width.

    Attributes:
        level: The level.
        width: How many units.
        sums: The `affine` nodes.
        pointwise: The other nodes that are computed, in order.
        reads: Nodes that are read from memory, one number a unit.
        stores: Nodes that are kept in memory.
        reductions: Reductions of a node of this width.
    """

    level: int
    width: int
    sums: tuple[int, ...]
    pointwise: tuple[int, ...]
    reads: tuple[int, ...]
    stores: tuple[int, ...]
    reductions: tuple[int, ...]


@dataclass(frozen=True)
class Level:
    """The operations that can be computed once the levels before are done."""

    concats: tuple[int, ...]
    numbers: tuple[int, ...]
    loops: tuple[Loop, ...]


@dataclass(frozen=True, eq=False)
class Stages:
    """A step's order of work.

    Attributes:
        graph: The step.
        copied: Nodes `input` and `token` that are copied to memory before all else, since units read them one by one.
        levels: In order.
        level: Of each node.
    """

    graph: Graph
    copied: tuple[int, ...]
    levels: tuple[Level, ...]
    level: dict[int, int]

    def is_overwritten(self, state: int, at_once: Callable[[Loop], bool]) -> bool:
        """Tell whether a state's next value may be written over the old one.

        Args:
            state: The number of the state.
            at_once: Whether a loop makes all its sums before it stores anything.
        """
        nodes, following = self.graph.nodes, self.graph.states[state].next
        old = next((n for n, node in enumerate(nodes) if node.op == "state" and node.attr == state), None)
        if old is None or old == following or nodes[old].width is None:
            return True  # single numbers are read when the step begins and written when it ends
        written = max(self.level[following], 0)
        if old in self.graph.roots[len(self.graph.states) :]:
            return False
        readers = [m for m in self.graph.live() if old in nodes[m].args]
        return all(self._reads_in_time(m, following, written, at_once) for m in readers)

    def _reads_in_time(self, m: int, following: int, written: int, at_once: Callable[[Loop], bool]) -> bool:
        """Tell whether a node reads a state before its next value, which is made on the level `written`, is stored."""
        node, level = self.graph.nodes[m], self.level[m]
        if node.op != "affine":
            return level - (node.op in REDUCTIONS) <= written
        loop = self._loop_of(m)
        assert loop is not None
        return level < written or (level == written and loop is self._loop_of(following) and at_once(loop))

    def _loop_of(self, n: int) -> Loop | None:
        level, width = max(self.level[n], 0), self.graph.nodes[n].width
        return next((loop for loop in self.levels[level].loops if loop.width == width), None)


def schedule(graph: Graph) -> Stages:
    """Plans a step."""
    return _Scheduler(graph).stages()


class _Scheduler:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.live = graph.live()
        self.level: dict[int, int] = {}
        for n in self.live:
            self.level[n] = self._level(self.nodes[n])
        self.vectors = [n for n in self.live if self.nodes[n].width is not None]
        self.stored = self._stored()

    def _level(self, node: Node) -> int:
        if not node.args:
            return -1
        if node.op in ("affine", "concat"):
            return max(self._ready(a) for a in node.args)
        highest = max(max(self.level[a] for a in node.args), 0)
        return highest + 1 if node.op in REDUCTIONS else highest

    def _ready(self, operand: int) -> int:
        """The first level at which a whole vector lies in memory."""
        if self.nodes[operand].op == "concat":
            return self.level[operand]
        return self.level[operand] + 1

    def _home(self, n: int) -> int:
        """The level whose loop computes or copies a vector."""
        return max(self.level[n], 0)

    def _stored(self) -> set[int]:
        """Vectors that are computed and that a later loop, a product, a copy or the caller reads."""
        graph, nodes = self.graph, self.nodes
        found = {s.next for s in graph.states}
        found |= {graph.output} if isinstance(graph.output, int) else set()
        for m in self.live:
            for a in nodes[m].args:
                later = self._at(m) > self._home(a)
                if nodes[a].width is not None and (nodes[m].op in ("affine", "concat") or later):
                    found.add(a)
        held = ("state", "input", "token", "concat", "array")
        nexts = {s.next for s in graph.states}
        return {n for n in found if nodes[n].width is not None and (nodes[n].op not in held or n in nexts)}

    def _at(self, m: int) -> int:
        """The level at which a node reads its arguments, element by element."""
        return self.level[m] - 1 if self.nodes[m].op in REDUCTIONS else self.level[m]

    def stages(self) -> Stages:
        levels = max((self._home(n) for n in self.live), default=0) + 1
        return Stages(self.graph, self._copied(), tuple(self._stage(k) for k in range(levels)), self.level)

    def _copied(self) -> tuple[int, ...]:
        nodes, found = self.nodes, dict[int, None]()
        for m in self.live:
            for a in nodes[m].args:
                vector = nodes[a].width is not None
                if vector and (nodes[a].op == "token" or (nodes[a].op == "input" and nodes[m].op != "affine")):
                    found[a] = None
        for n in self.graph.roots:
            if nodes[n].op in ("input", "token") and nodes[n].width is not None:
                found[n] = None
        return tuple(found)

    def _stage(self, k: int) -> Level:
        nodes = self.nodes
        concats = tuple(n for n in self.live if nodes[n].op == "concat" and self.level[n] == k)
        numbers = tuple(
            n for n in self.live
            if nodes[n].width is None and nodes[n].op not in REDUCTIONS and self._home(n) == k
        )  # fmt: skip
        widths = dict.fromkeys(nodes[n].width for n in self.vectors)
        loops = tuple(loop for w in widths if w is not None and (loop := self._loop(k, w)) is not None)
        return Level(concats, numbers, loops)

    def _loop(self, k: int, width: int) -> Loop | None:
        nodes = self.nodes
        stores = tuple(n for n in self.live if n in self.stored and nodes[n].width == width and self._home(n) == k)
        reductions = tuple(
            n for n in self.live
            if nodes[n].op in REDUCTIONS and self.level[n] == k + 1 and nodes[nodes[n].args[0]].width == width
        )  # fmt: skip
        todo = [*stores, *(nodes[r].args[0] for r in reductions)]
        seen: set[int] = set()
        reads: set[int] = set()
        while todo:
            n = todo.pop()
            if n in seen or nodes[n].width is None:
                continue
            seen.add(n)
            if self._is_read(n, k):
                reads.add(n)
            elif nodes[n].op != "affine":
                todo.extend(nodes[n].args)
        if not seen:
            return None
        order = sorted(seen - reads)
        sums = tuple(n for n in order if nodes[n].op == "affine")
        pointwise = tuple(n for n in order if nodes[n].op != "affine")
        return Loop(k, width, sums, pointwise, tuple(sorted(reads)), stores, reductions)

    def _is_read(self, n: int, k: int) -> bool:
        node = self.nodes[n]
        if node.op in ("state", "input", "token", "concat", "array"):
            return True
        return n in self.stored and self._home(n) < k
