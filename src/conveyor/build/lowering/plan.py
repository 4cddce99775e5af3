"""All that a writer of code needs to know of a step: the order of work, tilings, packed weights and memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conveyor.build.lowering import pack, tiling
from conveyor.build.lowering.graph import Graph
from conveyor.build.lowering.memory import Memory, lay_out
from conveyor.build.lowering.pack import Blob, Packed
from conveyor.build.lowering.stages import Loop, Stages, schedule
from conveyor.build.lowering.tiling import Tiling
from conveyor.build.targets.table import Target


@dataclass(frozen=True)
class Work:
    """A loop, how it runs, and its weights."""

    loop: Loop
    tiling: Tiling
    packed: Packed


@dataclass(frozen=True)
class Level:
    """The operations that can be computed once the levels before are done."""

    concats: tuple[int, ...]
    numbers: tuple[int, ...]
    works: tuple[Work, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """A step, ready to be written as code.

    Attributes:
        graph: The step.
        stages: The order of work.
        levels: The same, with tilings and weights.
        memory: The layout of the state.
        blob: The constants.
        arrays: Arrays that are read as they are, and where they start.
        initial: For each state that does not start with zeros: its slot, where its first value starts, and how long.
    """

    graph: Graph
    stages: Stages
    levels: tuple[Level, ...]
    memory: Memory
    blob: Blob
    arrays: dict[int, int]
    initial: tuple[tuple[int, int, int], ...]

    @property
    def weight_count(self) -> int:
        """Count the weights that the step reads, without those that only fill vectors."""
        return sum(a.size for a in self.graph.arrays)


def make_plan(graph: Graph, target: Target, weights: str) -> Plan:
    """Plans a step for a target, with weights stored in a format."""
    stages, blob = schedule(graph), Blob()
    tilings = {
        (loop.level, loop.width): tiling.choose(
            target, loop.width, len(loop.sums), pack.weight_bytes(graph, loop, weights), weights == pack.INT8
        )
        for level in stages.levels
        for loop in level.loops
    }
    levels = tuple(
        Level(
            level.concats,
            level.numbers,
            tuple(
                Work(loop, found, pack.pack(graph, loop, found, weights, blob, target.dot))
                for loop in level.loops
                for found in [tilings[loop.level, loop.width]]
            ),
        )
        for level in stages.levels
    )
    memory = lay_out(
        stages,
        lambda width: tiling.padded_width(target, width, weights == pack.INT8),
        lambda loop: tilings[loop.level, loop.width].groups == 1,
        any(r.turns_round for r in tilings.values()),
        dict.fromkeys(g.operand for level in levels for work in level.works for g in work.packed.groups if g.is_dot),
    )
    arrays = {graph.nodes[n].attr: 0 for n in _whole_arrays(graph)}
    arrays = {number: blob.add(graph.arrays[number]) for number in arrays}
    initial = tuple(
        (memory.states[k], blob.add(np.asarray(s.initial, np.float32)), len(s.initial))
        for k, s in enumerate(graph.states)
        if np.any(s.initial)
    )
    return Plan(graph, stages, levels, memory, blob, arrays, initial)


def _whole_arrays(graph: Graph) -> list[int]:
    """Nodes whose array is read as it is: tables of tokens, and arrays that are copied or multiplied."""
    nodes, live = graph.nodes, graph.live()
    found = [n for n in live if nodes[n].op == "token"]
    read = [a for m in live if nodes[m].op in ("affine", "concat") for a in nodes[m].args]
    return found + [n for n in (*read, *graph.roots) if nodes[n].op == "array"]
