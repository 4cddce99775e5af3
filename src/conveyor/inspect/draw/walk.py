"""The walk: one real time step of a layer, in numbered steps, each with its equation and the values of a few units.

The steps are the blocks of the cell's program, in the order in which they are computed; inputs come first, results
last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from conveyor.backends.interface import Parameters
from conveyor.backends.reference.evaluate import Evaluator
from conveyor.errors import ArgumentError
from conveyor.inspect.draw.roles import Roles
from conveyor.ir.program import Program
from conveyor.ir.transforms.plan import plan
from conveyor.layers.core.stack import Stack
from conveyor.views.diagram.blocks import Block, Blocks, blocks_of
from conveyor.views.diagram.palette import tones
from conveyor.views.equations import print_equation, print_value

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """One value of a step.

    Attributes:
        text: Its expression, as plain text.
        latex: The same as LaTeX.
        name: Its name in the equations, or empty.
        numbers: Its values, of every unit.
        result: Whether it is the step's result.
    """

    text: str
    latex: str
    name: str
    numbers: Numbers
    result: bool = False


@dataclass(frozen=True)
class Step:
    """One step of a walk.

    Attributes:
        number: From 1.
        title: A title.
        words: The same in a sentence.
        text: The equation, or empty.
        latex: The same as LaTeX.
        name: The name of its result, or empty.
        columns: The values, inputs first.
    """

    number: int
    title: str
    words: str
    text: str
    latex: str
    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Walk:
    """One time step of one layer.

    Attributes:
        steps: In order.
        units: The units whose values are shown.
        tones: The palette's number for each named value.
    """

    steps: tuple[Step, ...]
    units: tuple[int, ...]
    tones: Mapping[str, int]

    def __str__(self) -> str:
        parts = []
        for step in self.steps:
            parts.append(f"{step.number}. {step.title}. {step.words}")
            if step.text:
                parts.append(f"   {step.text}")
            wide = max([12, *(len(c.text) for c in step.columns)])
            for column in step.columns:
                numbers = "".join(
                    f"{column.numbers[u]:10.4f}" if u < len(column.numbers) else " " * 10 for u in self.units
                )
                parts.append(f"     {column.text:{wide}}{numbers}")
        return f"   units {', '.join(map(str, self.units))}\n" + "\n".join(parts) + "\n"


def walk(
    layer: Stack,
    x: Tensor,
    state: Mapping[str, Tensor] | None = None,
    *,
    index: int = 0,
    units: Sequence[int] | int = 4,
    aux: Mapping[str, Tensor] | None = None,
) -> Walk:
    """Compute the walk through one step of one layer.

    Args:
        layer: A conveyor layer.
        x: The layer's input at this step, (I,).
        state: Its states before the step by name, (width,) each; zeros for those that are missing.
        index: The index in `layer.units`: layer by layer, forward direction first.
        units: The units whose values are shown, or their number: then those that the step changes most.
        aux: Auxiliary inputs by name, (width,) each.

    Returns:
        The steps.

    Raises:
        ArgumentError: A shape, name or number is wrong.
    """
    if not isinstance(layer, Stack):
        raise ArgumentError(f"layer: expected a conveyor layer, got {type(layer).__name__}; cv.from_torch makes one")
    if not 0 <= index < len(layer.units):
        raise ArgumentError(f"index: expected 0 to {len(layer.units) - 1}, got {index}; the layer has no such unit")
    unit = layer.units[index]
    given: dict[str, Tensor] = {}
    known = {i.name: unit.widths[i.width] for i in unit.program.inputs}
    told = {"x": x, **(state or {}), **(aux or {})}
    for name in told:
        if name not in known:
            raise ArgumentError(f"walk: the cell reads {', '.join(known)}, got {name}; leave it out")
    for name, width in known.items():
        value = told.get(name, torch.zeros(width) if name in {s.name for s in unit.program.states} else None)
        if value is None:
            raise ArgumentError(f"aux: expected {name}, ({width},), got none; pass aux={{'{name}': …}}")
        if tuple(value.shape) != (width,):
            raise ArgumentError(
                f"{name}: expected shape ({width},), got {tuple(value.shape)}; give one step of one row"
            )
        given[name] = value.detach().double()
    values = evaluate(unit.program, unit.bind(layer), unit.widths, given)
    return _Telling(unit.program, values, units).run()


def evaluate(
    program: Program, params: Parameters, widths: Mapping[str, int], given: Mapping[str, Tensor]
) -> dict[int, Numbers]:
    """Evaluate every node of one time step in float64, (width,) each, by the reference backend's operations."""
    planned = plan(program, range(len(program.nodes)))
    like = torch.zeros((), dtype=torch.float64)
    exact = {key: value.detach().double() for key, value in params.items()}
    run = Evaluator(planned, exact, widths, like)
    rows = {name: value.double().reshape(1, -1) for name, value in given.items()}
    with torch.no_grad():
        found = run.whole(rows, sorted({*planned.hoisted, *planned.stepped}))
    return {n: np.atleast_1d(v.double().squeeze(0).cpu().numpy()) for n, v in found.items()}


def _begin(numbers: Numbers, most: int = 6) -> str:
    """Format the first values of a vector."""
    told = ", ".join(f"{round(float(v), 2) + 0.0:.2f}".replace("-", "−") for v in numbers[:most])
    return told


class _Telling:
    def __init__(self, program: Program, values: Mapping[int, Numbers], units: Sequence[int] | int) -> None:
        self.program = program
        self.values = values
        self.blocks: Blocks = blocks_of(program)
        self.roles = Roles(self.blocks)
        self.units = self._chosen(units)

    def _chosen(self, units: Sequence[int] | int) -> tuple[int, ...]:
        state = self.program.states[-1].name if len(self.blocks.results) > 1 else self.program.states[0].name
        new = self.values[self.blocks.results[state]]
        if not isinstance(units, int):
            for u in units:
                if not 0 <= u < len(new):
                    raise ArgumentError(f"units: expected 0 to {len(new) - 1}, got {u}; the layer has no such unit")
            return tuple(units)
        if units < 1:
            raise ArgumentError(f"units: expected at least 1, got {units}; 4 are easily read")
        old = self.values[self.blocks.old[state]] if state in self.blocks.old else np.zeros_like(new)
        order = np.argsort(-np.abs(new - old), kind="stable")
        return tuple(sorted(int(u) for u in order[:units]))

    def run(self) -> Walk:
        steps = [self._joined()]
        for block in self.blocks.of.values():
            if block.kind != "given":
                steps.append(self._step(len(steps) + 1, block))
        steps.append(self._leaving(len(steps) + 1))
        return Walk(tuple(steps), self.units, tones(self.blocks))

    def _column(self, node: int, *, result: bool = False) -> Column:
        block = self.blocks.of.get(node)
        name = block.name if block else ""
        numbers = np.asarray(self.values[node], dtype=np.float64)
        return Column(
            print_value(self.program, node), print_value(self.program, node, latex=True), name, numbers, result
        )

    def _joined(self) -> Step:
        read = [b for b in self.blocks.of.values() if b.kind == "given"]
        mapped = {w.source for b in self.blocks.of.values() if b.kind == "map" for w in b.inputs if w.by == "matrix"}
        joined = [b for b in read if b.node in mapped] or read
        names = " and ".join(f"the old {b.name}" if b.name in self.blocks.results else b.name for b in joined)
        sizes = " and ".join(str(len(self.values[b.node])) for b in joined)
        many = len(joined) > 1
        words = f"{names[0].upper() if names.startswith('the') else names[0]}{names[1:]}, {sizes} numbers, " + (
            "stand side by side; the learned maps read both." if many else "are what the learned maps read."
        )
        width = max(len(self.values[n]) for n in self.blocks.results.values())
        by_unit = [b for b in read if len(self.values[b.node]) == width and b.name in self.blocks.results]
        words += "".join(f" {b.name} begins {_begin(self.values[b.node])}." for b in read if b not in by_unit)
        return Step(
            1,
            "Inputs joined" if many else "Input read",
            words,
            "",
            "",
            "",
            tuple(self._column(b.node) for b in by_unit),
        )

    def _step(self, number: int, block: Block) -> Step:
        columns = []
        if block.terms:
            columns = [self._column(n) for n in block.terms]
            if block.root != block.node and len(columns) > 1:
                columns.append(self._sum(block))
        elif block.kind == "map":
            columns = [self._column(n) for n in dict.fromkeys(w.source for w in block.inputs)] + [self._sum(block)]
        else:
            columns = [self._column(n) for n in dict.fromkeys(w.source for w in block.inputs)]
        result = self._column(block.node, result=True)
        program = self.program
        text, latex = print_equation(program, block.node), print_equation(program, block.node, latex=True)
        if not block.name:
            result = Column(text, latex, "", result.numbers, True)
        return Step(
            number, self.roles.title(block), self.roles.sentence(block), text, latex, block.name, (*columns, result)
        )

    def _sum(self, block: Block) -> Column:
        name = f"{block.name}.pre" if block.name else "sum"
        return Column(name, r"\text{sum}", "", np.asarray(self.values[block.root], dtype=np.float64))

    def _leaving(self, number: int) -> Step:
        results = self.blocks.results
        output = self.program.states[0].name
        belts = [s for s in results if s in self.blocks.belts and s != output]
        parts = [f"{s} goes to the next step, along the belt." for s in belts]
        parts += [f"{s} goes to the next step." for s in results if s != output and s not in belts]
        parts.append(f"{output} goes to the next step and, as the output, to the layer above.")
        columns = tuple(
            Column(f"{s}[t]", f"{s}_t" if len(s) == 1 else print_value(self.program, n, latex=True), s, self.values[n])
            for s, n in results.items()
        )
        return Step(number, "What goes where", " ".join(parts), "", "", "", columns)
