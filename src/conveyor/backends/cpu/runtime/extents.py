"""Checks that tensors still have the shapes that a pass was planned for, before compiled code reads from addresses.

A tensor that torch has saved for the backward pass may get other memory in between (`tensor.data = …`), which torch
does not notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

import torch
from torch import Tensor

from conveyor.backends.interface import ParamLayout
from conveyor.errors import TensorError

_shape = attrgetter("shape")


def shapes_of(layout: ParamLayout, tensors: Sequence[Tensor]) -> list[torch.Size]:
    """Finds the shapes that the parameter tensors had at the first run."""
    known: list[torch.Size] = layout.__dict__.setdefault("_shapes", list(map(_shape, tensors)))
    return known


def check_parameters(tensors: Sequence[Tensor], shapes: list[torch.Size]) -> None:
    """Checks the shapes of the parameter tensors.

    Raises:
        TensorError: A shape differs from that of the first run.
    """
    found = list(map(_shape, tensors))
    if found != shapes:
        wrong = next((a, b) for a, b in zip(found, shapes, strict=True) if a != b)
        raise TensorError(
            f"a parameter has shape {tuple(wrong[0])}, expected {tuple(wrong[1])}; its .data was replaced since the"
            " layer was made or called: leave it as it is between forward and backward"
        )


def check_backward(x: Tensor, aux: Mapping[str, Tensor], history: Tensor, sizes: Sequence[int], batch: int) -> None:
    """Checks the inputs that a backward pass reads again against the residuals of its forward pass.

    Args:
        x: The input.
        aux: The auxiliary inputs.
        history: The history of the first state.
        sizes: The expected sizes of its axes but the last, from the shape of x.
        batch: The expected rows of the auxiliary inputs, their last axis but one.

    Raises:
        TensorError: The dtype or a size differs from that of the forward pass.
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
