"""What a model does inside, in plain sentences with the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from conveyor.errors import ArgumentError
from conveyor.inspect.flow import GradientFlow, gradient_flow
from conveyor.inspect.memory import dead_units, memory_lengths, saturation, update_sizes
from conveyor.layers.connections import KINDS
from conveyor.layers.record import recording
from conveyor.layers.stack import Stack
from conveyor.layers.trace import LayerTrace, Trace

_STUCK = 0.9  # share of a gate's values at one end from which it works as a switch that hardly learns
_VANISHED, _EXPLODED = 1e-4, 1e3  # the first step's gradient by the last's
_SILENT, _RESTLESS = 1e-3, 1.0  # a state's change a step by its size


@dataclass(frozen=True)
class NotFinite:
    """The first value that is not finite.

    Attributes:
        where: The layer and direction, in words.
        step: The step, from 0.
        value: The value's name in the equations.
        row: The row of the batch.
        unit: The unit.
        number: What it is.
    """

    where: str
    step: int
    value: str
    row: int
    unit: int
    number: float

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.value} of unit {self.unit} is {self.number} at step {self.step}, row {self.row}, and"
            " is the first value that is not finite."
        )


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        sentences: In words, what needs attention first.
        figures: The numbers behind them, by what they are of.
        not_finite: The first value that is not finite, or None.
        healthy: Whether nothing needs attention.
    """

    sentences: tuple[str, ...]
    figures: Mapping[str, float]
    not_finite: NotFinite | None
    healthy: bool

    def __str__(self) -> str:
        return "\n".join(self.sentences)


@dataclass
class _Findings:
    troubles: list[str]
    facts: list[str]
    figures: dict[str, float]


def diagnose(model: nn.Module, batch: Any, loss: Callable[[Any], Tensor] | None = None) -> Diagnosis:
    """Run a model on a batch and say what its recurrent layers do.

    Args:
        model: A layer of conveyor's, or a module that has some.
        batch: What the model is called with: a tensor, or a tuple of its arguments.
        loss: For a single layer: a number from its output, for the gradient that reaches the first step; None is the
            sum of the last step's outputs. In a model, the layers' own last outputs are taken.

    Returns:
        Sentences with figures: values that are not finite, dead units, gates that are stuck, how long units remember,
        how much a step changes the states, and how much of the gradient reaches the first step.

    Raises:
        ArgumentError: The model has no layer of conveyor's, or the batch does not fit it.
    """
    if loss is not None and not isinstance(model, Stack):
        raise ArgumentError("loss is a function of a layer's output; diagnose the layer itself, or leave it out")
    arguments = batch if isinstance(batch, tuple) and not isinstance(batch, PackedSequence) else (batch,)
    with torch.no_grad(), recording(model) as traces, _inputs_of(model) as inputs:
        model(*arguments)
    if not len(traces):
        raise ArgumentError("model: none of its layers was called with this batch")
    found = _Findings([], [], {})
    bad = _first_bad(traces.calls)
    if bad is not None:
        found.troubles.append(str(bad))
    seen = dict(model.named_modules())
    for name in traces:
        trace, layer = traces[name], seen[name]
        for where, part in _parts(name, trace):
            _inspect(found, where, part, trace.lengths)
        if bad is None and isinstance(layer, Stack):
            _follow(found, name, layer, inputs[name], loss, trace.lengths)
    sentences = (*found.troubles, *found.facts)
    return Diagnosis(sentences, found.figures, bad, not found.troubles)


class _inputs_of:
    """What the layers of a model were called with, by name; the last call of each."""

    def __init__(self, model: nn.Module) -> None:
        self.found: dict[str, tuple[Any, dict[str, Any]]] = {}
        self._handles = [
            layer.register_forward_pre_hook(self._hear(name), with_kwargs=True)
            for name, layer in model.named_modules()
            if isinstance(layer, Stack)
        ]

    def _hear(self, name: str) -> Callable[[nn.Module, Any, dict[str, Any]], None]:
        def hear(_: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
            x = args[0] if args else kwargs.get("x", kwargs.get("input"))
            self.found[name] = x, {n: a for n, a in kwargs.items() if n not in ("x", "input", "state", "hx")}

        return hear

    def __enter__(self) -> dict[str, tuple[Any, dict[str, Any]]]:
        return self.found

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()


def _parts(name: str, trace: Trace) -> list[tuple[str, LayerTrace]]:
    found = []
    for k, way, part in trace.directions():
        inner = f"layer {k}" if len(trace) > 1 else "" if name else "the layer"
        where = " ".join(w for w in (name, inner) if w)
        found.append((where + (" (reverse)" if way == "reverse" else ""), part))
    return found


def _first_bad(calls: list[tuple[str, Trace]]) -> NotFinite | None:
    """Lower layers come first, since what is above only takes a bad value over; in a layer the earliest step counts."""
    for name, trace in calls:
        for where, part in _parts(name, trace):
            found: list[tuple[int, int, str]] = []
            for value_name, value in part.items():
                bad = (~value.isfinite()).flatten(1).any(1)
                if bad.any():
                    steps = bad.nonzero()
                    first = int(steps[-1] if where.endswith("(reverse)") else steps[0])
                    order = -first if where.endswith("(reverse)") else first
                    found.append((order, part.program.names[value_name], value_name))
            if found:
                order, _, value_name = min(found)
                step = abs(order)
                row, unit = (int(k) for k in (~part[value_name][step].isfinite()).nonzero()[0])
                number = float(part[value_name][step, row, unit])
                return NotFinite(where[:1].upper() + where[1:], step, value_name, row, unit, number)
    return None


def _inspect(found: _Findings, where: str, layer: LayerTrace, lengths: Tensor | None) -> None:
    title = where[:1].upper() + where[1:]
    output = layer.program.states[0].name
    dead, width = len(dead_units(layer, lengths)), layer[output].shape[-1]
    found.figures[f"{where}: dead units"] = dead / width
    if dead:
        found.troubles.append(f"{title}: {dead} of {width} units are dead: their output {output} never changes.")
    for gate, (shut, wide) in saturation(layer, lengths).items():
        found.figures[f"{where}: {gate} below 0.1"] = shut
        found.figures[f"{where}: {gate} above 0.9"] = wide
        said = f"{title}: {shut:.0%} of {gate} are below 0.1 and {wide:.0%} above 0.9"
        if max(shut, wide) > _STUCK:
            end = "shut" if shut > wide else "open"
            found.troubles.append(f"{said}: the gate is stuck {end} and hardly learns; look at its bias.")
        else:
            found.facts.append(f"{said}.")
    for state, steps in memory_lengths(layer, lengths).items():
        middle = float(np.median(steps))
        found.figures[f"{where}: steps to half of {state}"] = middle
        longest = float(steps.max())
        found.facts.append(
            f"{title}: half of what {state} holds is left after {_number(middle)} steps (the median unit), or"
            f" {_number(longest)} (the one that remembers longest)."
        )
    for state, size in update_sizes(layer, lengths).items():
        found.figures[f"{where}: change of {state}"] = size
        said = f"{title}: a step changes {state} by {_number(size)} of its size"
        if size < _SILENT:
            found.troubles.append(f"{said}: it stands still.")
        elif size > _RESTLESS:
            found.facts.append(f"{said}: it holds little from step to step.")


def _follow(
    found: _Findings,
    name: str,
    layer: Stack,
    called: tuple[Any, dict[str, Any]],
    loss: Callable[[Any], Tensor] | None,
    lengths: Tensor | None,
) -> None:
    x, given = called
    given = {n: a for n, a in given.items() if n in layer.aux_names}
    if not isinstance(x, Tensor) or x.dim() != 3 or x.numel() == 0 or layer.connections != KINDS[0]:
        return
    flow: GradientFlow = gradient_flow(layer, x.detach(), loss, jacobians=False, **given)
    for k, part in enumerate(flow.layers):
        where = " ".join(w for w in (name, f"layer {k}" if len(flow.layers) > 1 else "" if name else "the layer") if w)
        for state, norms in part.gradients.items():
            last = norms[-1] if norms[-1] > 0 else norms.max(initial=0.0)
            if len(norms) < 2 or not last > 0:
                continue
            share = float(norms[0] / last)
            found.figures[f"{where}: gradient along {state}, first step by last"] = share
            said = (
                f"{where[:1].upper()}{where[1:]}: the gradient along {state} at step 1 is {_number(share)} of step"
                f" {len(norms)}'s"
            )
            if share < _VANISHED:
                found.troubles.append(f"{said}: it vanishes, and nothing that far back can be learned.")
            elif share > _EXPLODED or not np.isfinite(share):
                found.troubles.append(f"{said}: it explodes; clip gradients, or lower the recurrent weights.")
            else:
                found.facts.append(f"{said}.")


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "endlessly many" if value > 0 else "no"
    return f"{value:.3g}" if value < 1e4 else f"{value:.1e}"
