"""What a record says of a layer's units: how long they remember, how open their gates are, which are dead."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from conveyor.gates import kept_by
from conveyor.layers.trace import LayerTrace

Numbers = NDArray[np.float64]
SHUT, OPEN = 0.1, 0.9  # a gate below the one is shut, above the other open
_ALIVE = 1e-4  # spread over time and rows from which a unit says something


def inside(value: Tensor, lengths: Tensor | None = None) -> Numbers:
    """The numbers (N, width) of all steps within sequences, of a value (T, B, width)."""
    whole: Numbers = value.detach().double().numpy(force=True)
    if lengths is None:
        return whole.reshape(-1, whole.shape[-1])
    within: NDArray[np.bool_] = np.arange(len(whole))[:, None] < lengths.numpy(force=True)
    found: Numbers = whole[within]
    return found


def memory_lengths(layer: LayerTrace, lengths: Tensor | None = None) -> dict[str, Numbers]:
    """Steps until half of what a unit holds is left, by state, (width,), from what scales it (a forget gate).

    The factor's geometric mean over steps and rows decides; a unit that keeps all of it forever has infinity, and one
    whose state turns its sign counts by its size. States that nothing scales are left out, and values that were not
    recorded.
    """
    by_node = {n: name for name, n in layer.program.names.items()}
    found = {}
    for state, (node, sign) in kept_by(layer.program).items():
        name = by_node.get(node)
        if name is None or name not in layer:
            continue
        value = inside(layer[name], lengths)
        factor = np.abs(value if sign > 0 else 1.0 - value)
        with np.errstate(divide="ignore"):
            rate = np.log(np.maximum(factor, 1e-300)).mean(0)
            steps = np.where(rate < 0, np.log(0.5) / np.minimum(rate, -1e-300), np.inf)
        width = layer[state].shape[-1] if state in layer else len(steps)
        found[state] = np.broadcast_to(steps, (width,)).copy()
    return found


def gates(layer: LayerTrace) -> tuple[str, ...]:
    """The recorded values that are gates by the equations: between 0 and 1, since a sigmoid gives them."""
    nodes = layer.program.nodes
    return tuple(n for n in layer if nodes[layer.program.names[n]].op == "sigmoid")


def saturation(layer: LayerTrace, lengths: Tensor | None = None) -> dict[str, tuple[float, float]]:
    """For each gate the share of its values below 0.1, and of those above 0.9."""
    found = {}
    for name in gates(layer):
        value = inside(layer[name], lengths)
        found[name] = (float((value < SHUT).mean()), float((value > OPEN).mean())) if value.size else (0.0, 0.0)
    return found


def dead_units(layer: LayerTrace, lengths: Tensor | None = None) -> NDArray[np.int64]:
    """The units whose output never changes, over all steps and rows."""
    output = inside(layer[layer.program.states[0].name], lengths)
    if not output.size:
        return np.empty(0, np.int64)
    with np.errstate(invalid="ignore"):
        found: NDArray[np.int64] = np.flatnonzero(output.std(0) < _ALIVE)
    return found


def update_sizes(layer: LayerTrace, lengths: Tensor | None = None) -> Mapping[str, float]:
    """For each state how much a step changes it: the mean of ‖s_t − s_{t−1}‖ over that of ‖s_t‖."""
    found = {}
    for state in layer.program.states:
        if state.name not in layer or not len(layer[state.name]):
            continue
        value = layer[state.name]
        change = inside(value[1:] - value[:-1], None if lengths is None else lengths - 1)
        size = np.linalg.norm(inside(value, lengths), axis=-1).mean() if value.numel() else 0.0
        moved = np.linalg.norm(change, axis=-1).mean() if change.size else 0.0
        found[state.name] = float(moved / size) if size > 0 else 0.0
    return found
