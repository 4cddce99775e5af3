"""What a report measures on a record: how long units remember, how open gates are, what reaches the steps before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from conveyor.backends.evaluate import Evaluator
from conveyor.diagram.blocks import Blocks, blocks_of
from conveyor.inspect.report.content import LayerValues
from conveyor.layers.stack import Stack
from conveyor.plan import plan

Numbers = NDArray[np.float64]


def kept(layer: LayerValues) -> dict[str, Numbers]:
    """For each state that a gate scales on its belt: the factor at every step, (T, width)."""
    blocks, found = blocks_of(layer.program), {}
    for state, path in blocks.belts.items():
        old, factor = blocks.old.get(state), None
        for node in path:
            block = blocks.of[node]
            if block.label == "×" and any(w.source == old for w in block.inputs):
                other = next((w.source for w in block.inputs if w.source != old), None)
                factor = None if other is None else _value(blocks, other, layer)
        if factor is not None and factor.ndim == 2:
            found[state] = factor
    return found


def _value(blocks: Blocks, node: int, layer: LayerValues) -> Numbers | None:
    """A block's recorded value, or one minus it where the block is a gate's complement."""
    block = blocks.of[node]
    if block.name in layer.values:
        return np.asarray(layer.values[block.name], dtype=np.float64)
    if block.kind == "function" and block.label == "1 − ·":
        whole = _value(blocks, block.inputs[0].source, layer)
        return None if whole is None else 1.0 - whole
    return None


def half_lives(factor: Numbers) -> Numbers:
    """Steps until half of what a unit holds is left, (H,), at the factor's geometric mean over time, (T, H)."""
    with np.errstate(divide="ignore"):
        rate = np.log(np.clip(factor, 1e-12, None)).mean(0)
        return np.where(rate < -1e-9, np.log(0.5) / rate, np.inf)


@dataclass(frozen=True)
class Flow:
    """Gradient norms.

    Attributes:
        layer: What readers call the layer.
        states: By state, the norm of the loss's gradient with respect to it after each step, (T,).
    """

    layer: str
    states: Mapping[str, Numbers]


def gradient_flow(layer: Stack, x: Tensor, loss: Callable[[Tensor], Tensor], labels: Sequence[str]) -> list[Flow]:
    """How much of a loss's gradient reaches every step.

    Args:
        layer: The layers.
        x: What they read, (T, B, I).
        loss: A number from the output, (T, B, H).
        labels: What readers call the layer's units.

    Returns:
        Norms over the batch and the units, a layer after the other.
    """
    held: list[dict[str, list[Tensor]]] = []
    with torch.enable_grad():
        y = x.detach()
        for k in range(0, len(layer.units), layer.num_directions):
            outputs = []
            for unit in layer.units[k : k + layer.num_directions]:
                back = unit.suffix.endswith("_reverse")
                trail, output = _states(layer, unit, y.flip(0) if back else y)
                held.append({n: s[::-1] if back else s for n, s in trail.items()})
                outputs.append(output.flip(0) if back else output)
            y = torch.cat(outputs, -1)
        every = [s for states in held for steps in states.values() for s in steps]
        grads = iter(torch.autograd.grad(loss(y), every, allow_unused=True))
    return [
        Flow(label, {n: np.array([_norm(next(grads)) for _ in steps]) for n, steps in states.items()})
        for label, states in zip(labels, held, strict=True)
    ]


def _states(layer: Stack, unit: object, x: Tensor) -> tuple[dict[str, list[Tensor]], Tensor]:
    """The states after each step, each a tensor of its own, and the output."""
    from conveyor.layers.unit import Unit

    assert isinstance(unit, Unit)
    run = Evaluator(plan(unit.program), unit.bind(layer), unit.widths, x)
    run.hoist({"x": x})
    now = {s.name: x.new_zeros(x.shape[1], unit.widths[s.width]).requires_grad_() for s in unit.program.states}
    trail: dict[str, list[Tensor]] = {n: [] for n in now}
    for t in range(len(x)):
        values = run.step(t, now)
        after = {o.name: values[o.args[0]] for o in unit.program.outputs}
        after = {n: v if v.shape == now[n].shape else v.expand_as(now[n]) for n, v in after.items()}
        # A state that a step leaves as it was is another value all the same.
        now = {n: v.view_as(v) if any(v is old for old in now.values()) else v for n, v in after.items()}
        for name, value in now.items():
            trail[name].append(value)
    return trail, torch.stack(trail[unit.program.states[0].name])


def _norm(grad: Tensor | None) -> float:
    return 0.0 if grad is None else float(grad.double().norm())
