"""Measures of units over time: memory length, gate saturation, dead units, update size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from conveyor.backends.reference.evaluate import POINTWISE
from conveyor.errors import ArgumentError
from conveyor.ir.program import Program
from conveyor.ir.transforms.gate_analysis import keep_factor
from conveyor.layers.recording.trace import LayerTrace, Trace

SHUT, OPEN = 0.1, 0.9
_STILL = 1e-4  # range of a unit's output over all steps and rows up to which it tells nothing


@dataclass(frozen=True)
class Saturation:
    """The saturation of a gate: for each unit the share of steps and rows at which it is shut or open.

    Attributes:
        shut: Share of values below 0.1, (H,).
        open: Share of values above 0.9, (H,).
    """

    shut: Tensor
    open: Tensor

    def __repr__(self) -> str:
        return f"Saturation(shut {float(self.shut.mean()):.0%}, open {float(self.open.mean()):.0%})"


def memory_length(trace: Trace, layer: int = 0, *, reverse: bool = False) -> dict[str, Tensor]:
    """Measures memory lengths: the time steps until half of a unit's state is left.

    The old state's factor in the new one is found in the equations: for `c = f * c + i * g` it is f, for
    `h = (1 - z) * n + z * h` it is z. Other uses of the old state are ignored.

    Args:
        trace: With all values, or those from which the factor is computed.
        layer: The layer's index.
        reverse: Whether to measure the reverse direction.

    Returns:
        By state, for those whose equations show such a factor, steps for each unit (H,): ln ½ / mean(ln |factor|), the
        mean over all steps and rows; infinite where nothing is lost, 0 where nothing is kept.

    Raises:
        ArgumentError: There is no such layer.
    """
    part = _part(trace, layer, reverse)
    found = {}
    for state in part.program.states:
        factor = kept_share(part, state.name)
        if factor is not None:
            rate = inside(factor, trace.lengths).abs().double().log().mean(0)
            steps = torch.where(rate < -1e-12, torch.tensor(0.5).double().log() / rate, torch.inf)
            found[state.name] = torch.where(rate.isnan(), torch.nan, steps)
    return found


def saturation(trace: Trace, layer: int = 0, *, reverse: bool = False) -> dict[str, Saturation]:
    """Measure how often each gate is nearly shut (below 0.1) or nearly open (above 0.9).

    A gate is a value that the equations name and that a sigmoid, or a clip to the range from 0 to 1, yields.

    Args:
        trace: With the gates.
        layer: The layer's index.
        reverse: Whether to measure the reverse direction.

    Returns:
        By gate, shares for each unit.

    Raises:
        ArgumentError: There is no such layer.
    """
    part = _part(trace, layer, reverse)
    found = {}
    for name in gates_of(part.program):
        if name in part:
            values = inside(part[name], trace.lengths)
            shut, wide = (values < SHUT).double().mean(0), (values > OPEN).double().mean(0)
            found[name] = Saturation(shut, wide)
    return found


def dead_units(trace: Trace, layer: int = 0, *, reverse: bool = False) -> Tensor:
    """Returns the units whose output hardly changes (by at most 1e-4) over all steps and rows, as booleans (H,).

    Args:
        trace: With the output's state.
        layer: The layer's index.
        reverse: Whether to measure the reverse direction.

    Raises:
        ArgumentError: There is no such layer, or the trace is without the state.
    """
    part = _part(trace, layer, reverse)
    values = inside(part[part.program.states[0].name], trace.lengths)
    if not len(values):
        return torch.zeros(values.shape[-1], dtype=torch.bool)
    return (values.amax(0) - values.amin(0)) <= _STILL


def update_size(trace: Trace, layer: int = 0, *, reverse: bool = False) -> dict[str, Tensor]:
    """Measure the change of a state in a step: ‖s_t − s_{t−1}‖ / ‖s_t‖ over all rows and units.

    Args:
        trace: With the states.
        layer: The layer's index.
        reverse: Whether to measure the reverse direction.

    Returns:
        By state, for each step (T,) at the input's time index; 0 where the state is 0, nan past all ends.

    Raises:
        ArgumentError: There is no such layer.
    """
    part = _part(trace, layer, reverse)
    found = {}
    for state in part.program.states:
        if state.name not in part:
            continue
        values, start = part[state.name].double(), part.initial[state.name].double().unsqueeze(0)
        steps = len(values)
        time = torch.arange(steps, device=values.device).unsqueeze(1)
        ends = torch.full((values.shape[1],), steps) if trace.lengths is None else trace.lengths.to(torch.int64)
        if reverse:
            before = torch.cat((values[1:], start)) if steps else values
            before = torch.where((time == ends.to(values.device) - 1).unsqueeze(-1), start, before)
        else:
            before = torch.cat((start, values[:-1])) if steps else values
        valid = (time < ends.to(values.device)).unsqueeze(-1)
        change = torch.where(valid, values - before, 0.0).flatten(1).norm(dim=1)
        size = values.flatten(1).norm(dim=1)
        share = torch.where(size > 0, change / size, 0.0)
        found[state.name] = torch.where(valid.flatten(1).any(1), share, torch.nan)
    return found


# What the measures are made of


def gates_of(program: Program) -> tuple[str, ...]:
    """Returns the names of the gates: values from 0 to 1 that a sigmoid or a clip yields, by their last binding."""
    nodes = {name: program.nodes[n] for name, n in program.names.items() if "@" not in name and ".pre" not in name}
    return tuple(
        name for name, node in nodes.items() if node.op == "sigmoid" or (node.op == "clip" and node.attr == (0.0, 1.0))
    )


def kept_share(part: LayerTrace, state: str) -> Tensor | None:
    """Returns the old state's factor in the new one, (T, B, H); None if the equations or the trace lack it."""
    terms = keep_factor(part.program, state)
    found: dict[int, Tensor | None] = {part.program.names[n]: v for n, v in part.items()}
    whole: Tensor | None = None
    for sign, nodes in terms:
        product: Tensor | None = torch.tensor(sign, dtype=torch.float64)
        for n in nodes:
            value = _value(part.program, n, found)
            product = None if value is None or product is None else product * value
        if product is None:
            return None
        whole = product if whole is None else whole + product
    if whole is not None and whole.dim() < 3:  # the same always
        return whole.expand(part[state].shape) if state in part else None
    return whole


def _value(program: Program, n: int, found: dict[int, Tensor | None]) -> Tensor | None:
    """Computes a node's value from the recorded ones; None if one is missing."""
    if n not in found:
        node = program.nodes[n]
        args = [_value(program, a, found) for a in node.args]
        known = [a for a in args if a is not None]
        if node.op == "const":
            found[n] = torch.tensor(node.attr)
        elif node.op in POINTWISE and len(known) == len(args) and node.op not in ("sum", "max", "where"):
            found[n] = POINTWISE[node.op](*known)
        else:
            found[n] = None
    return found[n]


def inside(values: Tensor, lengths: Tensor | None) -> Tensor:
    """Returns values (T, B, H) as (N, H), without those past the ends of sequences."""
    if lengths is None:
        return values.flatten(0, 1)
    time = torch.arange(len(values), device=values.device).unsqueeze(1)
    return values[time < lengths.to(values.device)]


def _part(trace: Trace, layer: int, reverse: bool) -> LayerTrace:
    if not isinstance(trace, Trace):
        raise ArgumentError(f"trace is what layer.record gives, got {type(trace).__name__}")
    part = trace.layer(layer)
    if reverse and part.reverse is None:
        raise ArgumentError("trace has no reverse direction; leave out reverse=True")
    return part.reverse if reverse and part.reverse is not None else part


def all_parts(trace: Trace) -> Mapping[tuple[int, bool], str]:
    """Label each layer and direction of a trace for readers, counted from 1."""
    both = any(layer.reverse is not None for layer in trace.layers)
    return {(k, way == "reverse"): f"layer {k + 1}" + (f", {way}" if both else "") for k, way, _ in trace.directions()}
