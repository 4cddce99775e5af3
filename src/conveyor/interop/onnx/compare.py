"""Runs an exported graph beside its model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from conveyor.errors import ConversionError
from conveyor.interop.onnx.graph import Array
from conveyor.interop.onnx.options import Options
from conveyor.interop.onnx.recurrence import Recurrence
from conveyor.interop.onnx.stages import Stage

_SIZES = ({"time": 4, "batch": 2}, {"time": 7, "batch": 3})  # where they are not fixed
# What rounding may come to where outputs are of size 1.
_BOUND = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-8}


def compare(model: nn.Module, stages: Sequence[Stage], data: bytes, options: Options) -> float | None:
    """The largest difference between a model's output and its graph's, on random input of two sizes.

    Returns:
        The difference, or None without onnxruntime.

    Raises:
        ConversionError: They are too far apart for rounding.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3  # it warns of every input that has a default
    session = onnxruntime.InferenceSession(data, quiet, providers=["CPUExecutionProvider"])
    largest = 0.0
    generator = torch.Generator().manual_seed(0)
    with _evaluating(model):
        for sizes in _SIZES:
            given = {i.name: _random(i, sizes, stages, generator) for i in session.get_inputs()}
            read = {n: v for n, v in given.items() if n in ("x", "tokens") or n in _auxiliary(stages)}
            want = _run(model, stages, read, options)
            got = session.run(["y"], {n: v.numpy() for n, v in given.items()})[0]
            off = difference(got, want)
            if not off <= _BOUND[got.dtype] * max(1.0, np.abs(want[np.isfinite(want)]).max(initial=0.0)):
                raise ConversionError(
                    f"the graph gives other numbers than {type(model).__name__}, by {off:.1e}: its forward does"
                    " something else than its modules one after the other, as chain() or nn.Sequential has them"
                )
            largest = max(largest, off)
    return largest


def _auxiliary(stages: Sequence[Stage]) -> set[str]:
    return {name for stage in stages if isinstance(stage, Recurrence) for name in stage.aux_widths}


def _random(given: Any, sizes: Mapping[str, int], stages: Sequence[Stage], generator: torch.Generator) -> Tensor:
    shape = [sizes[d] if isinstance(d, str) else d for d in given.shape]
    if given.name == "lengths":
        return torch.full(shape, 2**31 - 1)
    if given.name == "tokens":
        embedding: Any = stages[0].module
        return torch.randint(0, embedding.num_embeddings, shape, generator=generator)
    dtype = torch.float64 if given.type == "tensor(double)" else torch.float32
    if given.name == "x":
        return torch.randn(shape, generator=generator, dtype=dtype)
    if given.name in _auxiliary(stages):
        return torch.rand(shape, generator=generator, dtype=dtype)
    return torch.zeros(shape, dtype=dtype)  # an initial state


def _run(model: nn.Module, stages: Sequence[Stage], given: Mapping[str, Tensor], options: Options) -> Any:
    """The model's output, of the shape of the graph's."""
    layers = [s for s in stages if isinstance(s, Recurrence) and s.batch_first is not None]
    device = next(model.parameters(), torch.empty(0)).device
    # A step of a layer is a sequence of one step.
    axis = (1 if layers[0].batch_first else 0) if options.step and layers else None
    values = [v.to(device) if axis is None else v.to(device).unsqueeze(axis) for v in given.values()]
    first, *aux = values
    with torch.no_grad():
        result = model(first, **dict(zip(list(given)[1:], aux, strict=True)))
    y = result[0] if isinstance(result, tuple) else result
    return (y if axis is None else y.squeeze(axis)).cpu().numpy()


def difference(got: Array, want: Array) -> float:
    """The largest difference; infinite where shapes or numbers that are not finite differ."""
    if got.shape != want.shape:
        return float("inf")
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(got - want))
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Without dropout; what each module was set to comes back."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode
