"""Describes the measures of a trace in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from conveyor.inspect.activity import all_parts, dead_units, memory_length, saturation, update_size
from conveyor.inspect.flow import GradientFlow, LayerFlow
from conveyor.ir.transforms.gate_analysis import keep_gates
from conveyor.layers.recording.trace import Trace

_VANISHED, _EXPLODED = 1e-4, 1e2  # of the first step's gradient against the last one's
_STUCK = 0.9  # share of values near 0 or 1 from which a gate is a switch
_IDLE = 0.01  # and up to which it is never one


def sentences_of(trace: Trace, flow: GradientFlow | None, prefix: str = "") -> list[str]:
    """Describe a trace and the gradient flow, layer by layer."""
    said = []
    for (k, back), title in all_parts(trace).items():
        lines = [*_dead(trace, k, back), *_gates(trace, k, back), *_memory(trace, k, back), *_updates(trace, k, back)]
        if flow is not None:
            part = flow.layer(k)
            one = part.reverse if back else part
            gated = bool(keep_gates(trace.layer(k).program))
            lines += [] if one is None else list(_gradient(one, gated, back, trace.lengths))
        said += [f"{prefix}{title}: {line}" for line in lines]
    return said


def _dead(trace: Trace, k: int, back: bool) -> Iterator[str]:
    dead = dead_units(trace, k, reverse=back)
    if dead.any():
        yield f"{int(dead.sum())} of {len(dead)} units are dead: their output is the same at every step of every row."


def _gates(trace: Trace, k: int, back: bool) -> Iterator[str]:
    shares = {n: (float(v.shut.mean()), float(v.open.mean())) for n, v in saturation(trace, k, reverse=back).items()}
    shares = {n: v for n, v in shares.items() if v[0] == v[0]}
    if not shares:
        return
    told = ", ".join(f"{n} {shut:.0%} and {wide:.0%}" for n, (shut, wide) in shares.items())
    line = f"share of the gates' values below 0.1 and above 0.9: {told}"
    stuck = [n for n, (shut, wide) in shares.items() if shut + wide >= _STUCK]
    idle = [n for n, (shut, wide) in shares.items() if shut + wide < _IDLE]
    if stuck:
        line += f"; {_are(stuck, 'a switch', 'switches')}, through which hardly any gradient passes"
    if idle:
        line += f"; {_are(idle, 'half open throughout', 'half open throughout')}"
    yield line + "."


def _are(names: list[str], one: str, several: str) -> str:
    if len(names) == 1:
        return f"{names[0]} is {one}"
    return f"{', '.join(names[:-1])} and {names[-1]} are {several}"


def _memory(trace: Trace, k: int, back: bool) -> Iterator[str]:
    for state, steps in memory_length(trace, k, reverse=back).items():
        known = steps[~steps.isnan()]
        if len(known):
            middle, longest = float(known.median()), float(known.max())
            yield (
                f"the median unit loses half of {state} within {_steps(middle)}, the one that holds longest within"
                f" {_steps(longest)}."
            )


def _updates(trace: Trace, k: int, back: bool) -> Iterator[str]:
    found = update_size(trace, k, reverse=back).items()
    sizes = {n: float(v.nanmedian()) for n, v in found if not v.isnan().all()}
    if sizes:
        yield f"a step changes {' and '.join(f'{n} by {v:.0%}' for n, v in sizes.items())} of its size (median)."


def _gradient(flow: LayerFlow, gated: bool, back: bool, lengths: Tensor | None) -> Iterator[str]:
    shares: dict[str, float] = {}
    count = 0
    for state in flow:
        first, last, count = _ends(flow.rows[state], back, lengths)
        if count > 1 and not last == 0:
            shares[state] = first / last
    if not shares:
        return
    begin, end = (count, 1) if back else (1, count)
    told = ", ".join(f"by {state} {share:.0e}" for state, share in shares.items())
    line = f"gradient at step {begin}, as a share of step {end}'s: {told}"
    longest = max(shares.values(), key=lambda share: float("inf") if share != share else share)
    if not math.isfinite(longest):
        line += "; it is not finite on the way: clip it, or start from smaller recurrent matrices"
    elif longest > _EXPLODED:
        line += "; it explodes: clip it, or start from smaller recurrent matrices"
    elif longest < _VANISHED:
        line += "; it vanishes, so what comes first is not learned from: " + (
            'open the gate that keeps (forget_bias=, init="chrono"), or shorten the sequence'
            if gated
            else "take a cell with a gate that keeps its state, or shorten the sequence"
        )
    else:
        line += "; it arrives"
    yield line + "."


def _ends(rows: Tensor, back: bool, lengths: Tensor | None) -> tuple[float, float, int]:
    """Return the gradient's norm at both ends of the pass, over the longest rows, and their number of steps."""
    steps, batch = rows.shape
    ends = torch.full((batch,), steps) if lengths is None else lengths.to(rows.device, torch.int64)
    count = int(ends.max()) if batch else 0
    if not count:
        return 0.0, 0.0, 0
    longest = rows[:, ends.to(rows.device) == count]
    sizes = float(longest[0].norm()), float(longest[count - 1].norm())
    return (sizes[1], sizes[0], count) if back else (*sizes, count)


def _steps(number: float) -> str:
    if number == float("inf"):
        return "no number of steps"
    return f"{number:.1f} steps" if number < 100 else f"{number:,.0f} steps"
