"""Checks of a module's parameter tensors, any of which may have been replaced since the module was made.

Compiled code reads from addresses, with the sizes that the layer was made for. So wherever addresses are taken, the
shapes of the parameters are checked, and that all are on one device. Their dtypes may differ; a call converts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import torch
from torch import Tensor

from conveyor.errors import TensorError

_shape_and_device = attrgetter("shape", "device")


def check_held(names: Sequence[str], tensors: Sequence[Tensor], shapes: Sequence[torch.Size]) -> None:
    """Checks that parameter tensors have the expected shapes and are on one device.

    Args:
        names: The names of the parameters.
        tensors: The module's tensors of these names.
        shapes: The shapes that they were made with.

    Raises:
        TensorError: One has another shape, or is on another device.
    """
    if not tensors or torch._C._get_tracing_state() is not None:  # a trace's sizes are tensors, not numbers
        return
    device = tensors[0].device
    # Mapped, this is one call from Python for all of them: every call of a layer asks. torch.compile can't read it.
    if not torch.compiler.is_compiling() and list(map(_shape_and_device, tensors)) == [(s, device) for s in shapes]:
        return
    for name, tensor, shape in zip(names, tensors, shapes, strict=True):
        if tensor.shape != shape:
            raise TensorError(
                f"parameter {name} has shape {tuple(tensor.shape)}, but this layer was made for {tuple(shape)}; it was"
                " replaced: put back one of that shape, or make a layer of the other sizes"
            )
        if tensor.device != device:
            raise TensorError(
                f"parameter {name} is on {tensor.device} but {names[0]} is on {device}; move the layer as a whole with"
                f" .to({str(device)!r})"
            )
