"""Checks that tensors still have the sizes that a pass was prepared for, before compiled code reads from addresses.

A tensor that torch has saved for the backward pass may be given other memory in between (`tensor.data = …`), of which
torch takes no note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

import torch
from torch import Tensor

from conveyor.backends.parameters import Parameters
from conveyor.errors import TensorError

_shape = attrgetter("shape")


def shapes_of(params: Parameters) -> list[torch.Size]:
    """Finds the shapes of the tensors that held parameters when they were first run, whatever holds them now."""
    known: list[torch.Size] = params.places.__dict__.setdefault("_shapes", [t.shape for t in params.tensors])
    return known


def check_parameters(tensors: Sequence[Tensor], shapes: list[torch.Size]) -> None:
    """Checks the shapes of the tensors that hold parameters.

    Raises:
        TensorError: One has another shape than when the pass was prepared.
    """
    found = list(map(_shape, tensors))
    if found != shapes:
        wrong = next((a, b) for a, b in zip(found, shapes, strict=True) if a != b)
        raise TensorError(
            f"a parameter has shape {tuple(wrong[0])}, expected {tuple(wrong[1])}; its .data was replaced since the"
            " layer was made or called: leave it as it is between forward and backward"
        )


def check_backward(x: Tensor, aux: Mapping[str, Tensor], history: Tensor, sizes: Sequence[int], batch: int) -> None:
    """Checks what a backward pass reads again against what its forward pass left.

    Args:
        x: The input.
        aux: The auxiliary inputs.
        history: The first state at each step.
        sizes: Its sizes but the last, as those of x say.
        batch: Rows that auxiliary inputs have before their width.

    Raises:
        TensorError: The type or a size is not that of the forward pass.
    """
    if history.dtype is not x.dtype or list(history.shape[:-1]) != list(sizes):
        raise TensorError(
            f"input has shape {tuple(x.shape)} and dtype {x.dtype}, not those of the forward pass; its .data was"
            " replaced since: leave it as it is between forward and backward"
        )
    for name, value in aux.items():
        if value.shape[-2] != batch:
            raise TensorError(
                f"auxiliary input '{name}' has {value.shape[-2]} rows, expected {batch} as in the forward pass; its"
                " .data was replaced since"
            )
