"""Checks whether an output was written to before the backward pass, which reads it as the states.

torch.nn's layers of one state return a copy, and allow it; its layers of two refuse. Here the version of a one-state
output is checked, and the forward pass runs again for the gradient if it was written to: a copy would cost time at
each call. Layers of more states refuse, by torch's own check of saved tensors.
"""

from __future__ import annotations

from torch import Tensor

Watched = tuple[Tensor, int]


def watch_output(output: Tensor, states: int) -> Watched | None:
    """Save the version of the output of a one-state cell; None where torch's own check applies."""
    if states != 1:
        return None
    alias = output.detach()  # counts with the output, and does not keep its graph
    return alias, alias._version


def is_written(watched: Watched | None) -> bool:
    """Tell whether an output was written to since."""
    return watched is not None and watched[0]._version != watched[1]
