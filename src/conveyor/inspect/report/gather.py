"""Collects what a report shows, from a layer and what it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from conveyor.diagram.blocks import blocks_of
from conveyor.inspect.draw.heat import heat_maps
from conveyor.inspect.draw.roles import Roles
from conveyor.inspect.draw.walk import Walk, walk
from conveyor.inspect.report.content import Cell, LayerValues, Report, Telling
from conveyor.layers.stack import Stack
from conveyor.program import ROW
from conveyor.inspect.report.interim import record

Say = Callable[[str], None]
_HEAT_STEPS = 120


@dataclass(frozen=True)
class Subject:
    """What is inspected.

    Attributes:
        title: Of the page.
        facts: What the model is: label and value.
        layer: Its recurrent layers.
        x: What they read, (N, 1, I).
        tokens: The same as readers see it, N of them.
        shown: How many of them the page shows.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    layer: Stack
    x: Tensor
    tokens: Sequence[str]
    shown: int


def gather(subject: Subject, say: Say) -> Report:
    """Measure everything that the report shows.

    Args:
        subject: What is inspected.
        say: Told what is being done, as it takes a while.
    """
    shown = min(subject.shown, len(subject.tokens))
    say(f"recording {shown:,} steps")
    layers = _layers(subject.layer, record(subject.layer, subject.x[:shown]))
    at = _interesting(subject.tokens[:shown])
    say("walking through one step")
    told, walked = _walk(subject, layers, at)
    say("drawing")
    heats = [_heat(k, layer, subject.tokens[: min(shown, _HEAT_STEPS)]) for k, layer in enumerate(layers)]
    return Report(
        subject.title,
        subject.facts,
        _cells(subject.layer),
        ["…"],
        walked,
        told,
        subject.tokens[:shown],
        layers,
        [Telling(0, "c" if "c" in layers[0].values else "h", u, "…") for u in (3, 17, 40)],
        {"gates": heats},
        {f"values-{k + 1}": _table(layer, subject.tokens[:shown]) for k, layer in enumerate(layers)},
    )


def _layers(layer: Stack, recorded: Sequence[Mapping[str, NDArray[np.float32]]]) -> list[LayerValues]:
    found = []
    for k, (unit, values) in enumerate(zip(layer.units, recorded, strict=True)):
        roles = Roles(blocks_of(unit.program))
        names = unit.program.names
        wide = {n: v for n, v in values.items() if unit.program.nodes[names[n]].type.width != ROW}
        states = [s.name for s in unit.program.states]
        order = sorted(wide, key=lambda n: (states.index(n) if n in states else len(states), names[n]))
        titles = {b.name: roles.title(b) for b in roles.blocks.of.values() if b.name and b.kind != "given"}
        direction = ", reverse" if unit.suffix.endswith("_reverse") else ""
        label = f"layer {k // layer.num_directions + 1}{direction}"
        gates = tuple(g.name for g in roles.gates if g.name in wide)
        found.append(LayerValues(label, unit.program, {n: wide[n] for n in order}, gates, titles))
    return found


def _cells(layer: Stack) -> list[Cell]:
    """The cells, each once, with the layers that have it."""
    found: dict[object, tuple[list[int], Cell]] = {}
    for k, unit in enumerate(layer.units):
        number = k // layer.num_directions + 1
        numbers, _ = found.setdefault(unit.program, ([], Cell("", unit.cell.name, unit.program)))
        if number not in numbers:
            numbers.append(number)
    return [
        Cell(f"Layer{'s' if len(n) > 1 else ''} {', '.join(map(str, n))}", c.name, c.program) for n, c in found.values()
    ]


def _interesting(tokens: Sequence[str]) -> int:
    """A step amid the text that begins a word, where a model has something to decide."""
    begin = len(tokens) // 4
    for t in range(begin, len(tokens) - 1):
        if t and not tokens[t - 1].strip() and tokens[t].strip():
            return t
    return begin


def _walk(subject: Subject, layers: Sequence[LayerValues], at: int) -> tuple[str, Walk]:
    unit = subject.layer.units[0]
    held = {s.name: torch.from_numpy(layers[0].values[s.name][at - 1].copy()) for s in unit.program.states if s.name in layers[0].values}
    walked = walk(subject.layer, subject.x[at, 0], held)
    before = "".join(subject.tokens[max(0, at - 40) : at]).split()
    told = " ".join(before[1:] if len(before) > 2 else before)
    layer = "" if len(layers) == 1 else f" of {layers[0].label}"
    return f"Step {at + 1}{layer}: the model reads “{subject.tokens[at].strip()}” after “… {told}”.", walked


def _heat(index: int, layer: LayerValues, tokens: Sequence[str]):
    names = layer.gates or tuple(layer.values)[:1]
    width = layer.values[names[0]].shape[1]
    values = {n: layer.values[n][: len(tokens)] for n in names if layer.values[n].shape[1] == width}
    titles = {n: f"{n}: {t[0].lower()}{t[1:]}" for n, t in layer.titles.items()}
    return heat_maps(values, tokens, name=f"gates-{index + 1}", title=f"Gates over time, {layer.label}", titles=titles)


def _table(layer: LayerValues, tokens: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    steps = len(tokens)
    columns: dict[str, NDArray[np.generic]] = {}
    for name, v in layer.values.items():
        width = v.shape[1]
        part = {f"{name}[{u}]": v[:, u] for u in range(width)}
        columns |= part
    return {"step": np.arange(1, steps + 1), "token": np.asarray(tokens, dtype=object), **columns}
