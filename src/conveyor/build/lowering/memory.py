"""The memory plan of a step in the caller's state: slots, counted in float32 numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from conveyor.build.lowering.graph import Graph
from conveyor.build.lowering.stages import Loop, Stages


@dataclass(frozen=True, eq=False)
class Memory:
    """The layout of the state.

    Attributes:
        graph: The step.
        states: Where each state lies.
        second: Where the next value of a state is kept until the end of the step, if it is not written over.
        slots: Where nodes are read.
        quantised: Where operands lie in 8 bits.
        turn: Where the number lies that is 1 at every other step; −1 if nothing needs it.
        size: Numbers in all.
    """

    graph: Graph
    states: tuple[int, ...]
    second: Mapping[int, int]
    slots: Mapping[int, int]
    quantised: Mapping[int, int]
    turn: int
    size: int

    def targets(self, n: int) -> tuple[int, ...]:
        """List the places that the value of a node is stored in."""
        graph = self.graph
        found = [self.second.get(k, self.states[k]) for k, s in enumerate(graph.states) if s.next == n]
        return tuple(found) or (self.slots[n],)


def lay_out(
    stages: Stages,
    padded: Callable[[int], int],
    at_once: Callable[[Loop], bool],
    has_turn: bool,
    in_bytes: Iterable[int] = (),
) -> Memory:
    """Lays out the state.

    Args:
        stages: The order of work.
        padded: Numbers that a vector of so many takes.
        at_once: Whether a loop makes all its sums before it stores anything.
        has_turn: Whether a number tells every other step.
        in_bytes: Operands that are multiplied in 8 bits.
    """
    graph, nodes = stages.graph, stages.graph.nodes
    end = 0

    def take(width: int | None) -> int:
        nonlocal end
        start = end
        end += 1 if width is None else padded(width)
        return start

    states = tuple(take(s.width) for s in graph.states)
    second = {
        k: take(s.width)
        for k, s in enumerate(graph.states)
        if s.width is not None and not stages.is_overwritten(k, at_once)
    }
    slots = {n: states[node.attr] for n, node in enumerate(nodes) if node.op == "state"}
    for k, s in enumerate(graph.states):
        if s.width is not None:
            slots.setdefault(s.next, second.get(k, states[k]))
    kept = [*stages.copied, *(n for level in stages.levels for n in level.concats)]
    kept += [n for level in stages.levels for loop in level.loops for n in loop.stores]
    for n in kept:
        if n not in slots or (nodes[n].op in ("input", "token", "concat") and n in stages.copied):
            slots[n] = take(nodes[n].width)
    turn = take(None) if has_turn else -1
    quantised = {n: take(-(-(nodes[n].width or 0) // 4)) for n in in_bytes}
    return Memory(graph, states, second, slots, quantised, turn, max(end, 1))
