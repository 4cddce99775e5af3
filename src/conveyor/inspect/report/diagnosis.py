"""What the measures say, in plain sentences with their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from conveyor.inspect.draw.numbers import set_number
from conveyor.inspect.report.content import LayerValues
from conveyor.inspect.report.measures import Flow

_DEAD = 1e-4  # spread over time below which a unit's output says nothing


def sentences(
    layers: Sequence[LayerValues], memory: Mapping[str, NDArray[np.float64]], flows: Sequence[Flow]
) -> list[str]:
    """The diagnosis: what is not finite, dead or stuck first, then memory and gradients."""
    found = [s for layer in layers for s in _not_finite(layer)]
    for layer in layers:
        found += _dead(layer) + _saturated(layer)
    found += [_memory(label, steps) for label, steps in memory.items()]
    for flow in flows:
        found += [_flow(flow.layer, state, norms) for state, norms in flow.states.items()]
    return found


def _not_finite(layer: LayerValues) -> list[str]:
    worst = [(int(np.argmin(np.isfinite(v).all(1))), n) for n, v in layer.values.items() if not np.isfinite(v).all()]
    if not worst:
        return []
    step, name = min(worst)
    return [f"{_upper(layer.label)}: {name} is not finite from step {step + 1} on; everything after it is lost."]


def _dead(layer: LayerValues) -> list[str]:
    output = layer.values.get(layer.program.states[0].name)
    if output is None:
        return []
    dead = int((output.std(0) < _DEAD).sum())
    width = output.shape[1]
    if not dead:
        return [f"{_upper(layer.label)}: all {width} units are alive; each changes its output with the text."]
    return [f"{_upper(layer.label)}: {dead} of {width} units are dead: their output does not change with the text."]


def _saturated(layer: LayerValues) -> list[str]:
    found = []
    for name in layer.gates:
        v = layer.values[name]
        shut, wide = float((v < 0.1).mean()), float((v > 0.9).mean())
        title = layer.titles.get(name, name)
        found.append(
            f"{_upper(layer.label)}: {title[0].lower()}{title[1:]} {name} is nearly shut (below 0.1) {shut:.0%} of the"
            f" time and nearly open (above 0.9) {wide:.0%}{_meaning(shut, wide)}."
        )
    return found


def _meaning(shut: float, wide: float) -> str:
    if shut + wide > 0.9:
        return "; it works as a switch, and hardly any gradient passes through it"
    if shut + wide < 0.05:
        return "; it stays half open and decides little"
    return ""


def _memory(label: str, steps: NDArray[np.float64]) -> str:
    long = float((steps > 100).mean())
    return (
        f"{_upper(label)}: half of the units forget half of what they hold within {np.median(steps):.1f} steps;"
        f" {long:.0%} hold on for more than 100."
    )


def _flow(label: str, state: str, norms: NDArray[np.float64]) -> str:
    if not np.isfinite(norms).all():
        return f"{_upper(label)}: the gradient along {state} is not finite; training cannot go on."
    share = norms[0] / norms[-1] if norms[-1] > 0 else 0.0
    judged = (
        "it vanishes: what was read then can hardly be learned from"
        if share < 1e-4
        else "it grows: expect unstable training without clipping"
        if share > 1e2
        else "it arrives"
    )
    return (
        f"{_upper(label)}: {len(norms) - 1} steps back, the gradient along {state} is {set_number(share)} of the last"
        f" step's; {judged}."
    )


def _upper(label: str) -> str:
    return label[0].upper() + label[1:]
