"""Detects writes into an output before the backward pass, which reads it as the states.

torch.nn's layers of one state give a copy, and allow it; its layers of two refuse. Here the version of the output
of one state is checked, and the forward pass runs again for the gradient if it was written into: a copy would cost at
each call. Layers of more states refuse, by torch's own check of what was saved.
"""

from __future__ import annotations

from torch import Tensor

Watched = tuple[Tensor, int]


def watch_output(output: Tensor, states: int) -> Watched | None:
    """Notes the version of the output of a layer with one state; None for more states, where torch refuses."""
    if states != 1:
        return None
    alias = output.detach()  # counts with the output, and does not keep its graph
    return alias, alias._version


def is_written(watched: Watched | None) -> bool:
    """Tests whether an output has been written into since."""
    return watched is not None and watched[0]._version != watched[1]
