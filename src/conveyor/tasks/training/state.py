"""A recurrent state is tensors in nested tuples: map over it, and take it apart for a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

State = Any
"""None, a tensor, or a tuple of states; named tuples are tuples."""


def map_state(function: Callable[[Tensor], Tensor], state: State) -> State:
    """Apply `function` to every tensor of `state`; the result is in plain tuples, which every layer takes."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return function(state)
    return tuple(map_state(function, part) for part in state)


def detach(state: State) -> State:
    """Cut `state` from the graph: the gradient of truncated BPTT ends here."""
    return map_state(lambda tensor: tensor.detach(), state)


def state_tensors(state: State, prefix: str = "state") -> dict[str, Tensor]:
    """Return the tensors of `state`, each under its path: `state`, or `state.0`, `state.1.0` in tuples."""
    if state is None:
        return {}
    if isinstance(state, Tensor):
        return {prefix: state}
    parts = (state_tensors(part, f"{prefix}.{i}") for i, part in enumerate(state))
    return {name: tensor for part in parts for name, tensor in part.items()}


def state_from_tensors(tensors: dict[str, Tensor], prefix: str = "state") -> State:
    """Build again, in plain tuples, the state that `state_tensors` took apart; None where it held none."""
    if prefix in tensors:
        return tensors[prefix]
    below = f"{prefix}."
    size = len({name.removeprefix(below).partition(".")[0] for name in tensors if name.startswith(below)})
    return tuple(state_from_tensors(tensors, f"{below}{index}") for index in range(size)) or None
