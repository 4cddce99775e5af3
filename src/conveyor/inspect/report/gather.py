"""Measures the contents of a report, from a layer and its input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from conveyor.cells import cells
from conveyor.inspect.activity import memory_length
from conveyor.inspect.draw.figure import Drawn
from conveyor.inspect.draw.flow import flow
from conveyor.inspect.draw.heat import heat_maps
from conveyor.inspect.draw.memory import memory_lengths
from conveyor.inspect.draw.roles import Roles
from conveyor.inspect.draw.walk import Walk, walk
from conveyor.inspect.finite import first_in_trace
from conveyor.inspect.flow import GradientFlow, gradient_flow
from conveyor.inspect.report.content import Cell, LayerValues, Report
from conveyor.inspect.report.informative_units import telling_units
from conveyor.inspect.summary import sentences_of
from conveyor.ir.transforms.gate_analysis import keep_gates
from conveyor.ir.types import ROW
from conveyor.layers import Recurrent
from conveyor.layers.core.stack import Stack
from conveyor.layers.recording.trace import Trace
from conveyor.views.diagram.blocks import blocks_of

Say = Callable[[str], None]
FLOW_STEPS = 101
_HEAT_STEPS = 120


@dataclass(frozen=True)
class Subject:
    """A model and the sequence that it reads.

    Attributes:
        title: The page's title.
        facts: Facts about the model: label and value.
        layer: Its recurrent layers.
        x: Their input, (N, 1, I).
        tokens: The N input tokens as readers see them.
        shown: The number of tokens on the page.
        loss: From the layers' output over some steps up to the last but one, (T, 1, H), the loss of the last token.
        beside: Cells whose gradient flow, untrained, is shown for comparison.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    layer: Stack
    x: Tensor
    tokens: Sequence[str]
    shown: int
    loss: Callable[[Tensor], Tensor]
    beside: Sequence[str] = ()


def gather(subject: Subject, say: Say) -> Report:
    """Measure the contents of a report.

    Args:
        subject: The model and its input.
        say: Called with progress messages.
    """
    shown = min(subject.shown, len(subject.tokens))
    say(f"recording {len(subject.tokens):,} steps")
    trace = subject.layer.record(subject.x)
    whole = _layers(trace)
    layers = [replace(layer, values={n: v[:shown] for n, v in layer.values.items()}) for layer in whole]
    say("looking for units that tell something")
    telling = telling_units(trace, whole, subject.tokens)
    say("walking through one step")
    told, walked = _walk(subject, layers, _interesting(subject.tokens[:shown]))
    say("following the gradient back")
    memory = _memory(trace)
    back = min(FLOW_STEPS, len(subject.tokens) - 1)
    flows = gradient_flow(subject.layer, subject.x[-back - 1 : -1], subject.loss, jacobians=0)
    reaching = _norms(flows)
    beside = {name: _untrained(subject, name, back) for name in subject.beside}
    say("drawing")
    heat_steps = min(shown, _HEAT_STEPS)
    figures = {
        "gates": [_heat(k, layer, subject.tokens[:heat_steps]) for k, layer in enumerate(layers)],
        "memory": [memory_lengths(memory)] if memory else [],
        "flow": [
            flow(reaching, name="flow-model", title="This model, from a loss at the last step"),
            *([flow(beside, name="flow-cells", title="Untrained cells side by side")] if beside else []),
        ],
    }
    tables: dict[str, Mapping[str, NDArray[Any]]] = {
        f"values-{k + 1}": _table(layer, subject.tokens[:shown]) for k, layer in enumerate(layers)
    }
    if memory:
        tables["memory"] = _columns(memory)
    tables["flow-model"] = _columns({f"{of}, {s}": n for of, norms in reaching.items() for s, n in norms.items()})
    if beside:
        tables["flow-cells"] = _columns({f"{c}, {s}": n for c, curves in beside.items() for s, n in curves.items()})
    tables["walk"] = _walk_table(walked)
    return Report(
        subject.title,
        subject.facts,
        _cells(subject.layer),
        _diagnosis(trace, flows),
        walked,
        told,
        subject.tokens[:shown],
        layers,
        telling,
        figures,
        tables,
    )


def _diagnosis(trace: Trace, flows: GradientFlow) -> list[str]:
    bad = first_in_trace(trace, "The model")
    said = [*([] if bad is None else [bad.sentence()]), *sentences_of(trace, flows)]
    return [sentence[:1].upper() + sentence[1:] for sentence in said]


def _label(k: int, way: str) -> str:
    return f"layer {k + 1}" + (", reverse" if way == "reverse" else "")


def _memory(trace: Trace) -> dict[str, NDArray[np.float64]]:
    """Return memory lengths in time steps, by layer, and by state if the layer has several."""
    found = {}
    for k, way, _ in trace.directions():
        lengths = memory_length(trace, k, reverse=way == "reverse")
        for state, steps in lengths.items():
            found[_label(k, way) + (f", {state}" if len(lengths) > 1 else "")] = steps.numpy(force=True)
    return found


def _norms(flows: GradientFlow) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return gradient norms by the layer's label, and by state."""
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for (k, way, state), norms in flows.to_numpy().items():
        found.setdefault(_label(k, way), {})[state] = norms
    return found


def _untrained(subject: Subject, name: str, steps: int) -> dict[str, NDArray[np.float64]]:
    """Measure the gradient flow of new layers of another cell, of the same size and on the same input.

    Cells with a gate that keeps are shown with the usual first values, and with those meant for lags of that length
    (Tallec & Ollivier 2018, "Can recurrent neural networks warp time?").
    """
    unit = subject.layer.units[0]
    x = subject.x[-steps - 1 : -1]
    found: dict[str, NDArray[np.float64]] = {}
    gated = bool(keep_gates(cells[name].program))
    for init, told in (("torch", ""), ("chrono", ", chrono")) if gated else (("torch", ""),):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            fresh = Recurrent(name, unit.input_size, unit.output_size, init=init, max_lag=steps)
        states = next(iter(_norms(gradient_flow(fresh, x, lambda y: y[-1].sum(), jacobians=0)).values()))
        found |= {f"{s}{told}": norms for s, norms in states.items() if not told or s == list(states)[-1]}
    return found


def _layers(trace: Trace) -> list[LayerValues]:
    found = []
    for k, way, part in trace.directions():
        program = part.program
        roles = Roles(blocks_of(program))
        names = program.names
        states = [s.name for s in program.states]
        wide = {
            n: v[:, 0].float().numpy(force=True)
            for n, v in part.items()
            if not n.endswith(".pre") and (n in states or program.nodes[names[n]].type.width != ROW)
        }
        order = sorted(wide, key=lambda n: (states.index(n) if n in states else len(states), names.get(n, 0)))
        titles = {b.name: roles.title(b) for b in roles.blocks.of.values() if b.name and b.kind != "given"}
        gates = tuple(g.name for g in roles.gates if g.name in wide)
        found.append(LayerValues(_label(k, way), program, {n: wide[n] for n in order}, gates, titles))
    return found


def _cells(layer: Stack) -> list[Cell]:
    """Return the distinct cells, with the layers that have them."""
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
    """Choose a time step amid the text that begins a word."""
    begin = len(tokens) // 4
    for t in range(begin, len(tokens) - 1):
        if t and not tokens[t - 1].strip() and tokens[t].strip():
            return t
    return begin


def _walk(subject: Subject, layers: Sequence[LayerValues], at: int) -> tuple[str, Walk]:
    unit = subject.layer.units[0]
    held = {
        s.name: torch.from_numpy(layers[0].values[s.name][at - 1].copy())
        for s in unit.program.states
        if s.name in layers[0].values
    }
    walked = walk(subject.layer, subject.x[at, 0], held)
    before = "".join(subject.tokens[max(0, at - 40) : at]).split()
    told = " ".join(before[1:] if len(before) > 2 else before)
    layer = "" if len(layers) == 1 else f" of {layers[0].label}"
    return f"Step {at + 1}{layer}: the model reads “{subject.tokens[at].strip()}” after “… {told}”.", walked


def _heat(index: int, layer: LayerValues, tokens: Sequence[str]) -> Drawn:
    names = layer.gates or tuple(layer.values)[:1]
    width = layer.values[names[0]].shape[1]
    values = {n: layer.values[n][: len(tokens)] for n in names if layer.values[n].shape[1] == width}
    titles = {n: f"{n}: {t[0].lower()}{t[1:]}" for n, t in layer.titles.items()}
    return heat_maps(values, tokens, name=f"gates-{index + 1}", title=f"Gates over time, {layer.label}", titles=titles)


def _table(layer: LayerValues, tokens: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Make a table with a row per time step, a column per value and unit."""
    columns = {f"{name}[{u}]": v[:, u] for name, v in layer.values.items() for u in range(v.shape[1])}
    return {
        "step": np.arange(1, len(tokens) + 1),
        "token": np.asarray([_storable(t) for t in tokens], dtype=object),
        **columns,
    }


def _storable(token: str) -> str:
    """Make a token encodable as UTF-8: lone surrogates become escapes."""
    return token.encode("utf-8", "backslashreplace").decode("utf-8")


def _columns(named: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[Any]]:
    """Make a long table with one row per entry."""
    return {
        "of": np.concatenate([np.full(len(v), n, dtype=object) for n, v in named.items()]),
        "index": np.concatenate([np.arange(len(v)) for v in named.values()]),
        "value": np.concatenate([np.asarray(v, np.float64) for v in named.values()]),
    }


def _walk_table(walked: Walk) -> dict[str, NDArray[Any]]:
    rows = [
        (s.number, s.title, c.text, u, float(c.numbers[u]))
        for s in walked.steps
        for c in s.columns
        for u in walked.units
        if u < len(c.numbers)
    ]
    names = ("step", "title", "value", "unit", "number")
    return {
        n: np.array(column, dtype=object if k in (1, 2) else None)
        for k, (n, column) in enumerate(zip(names, zip(*rows, strict=True), strict=True))
    }
