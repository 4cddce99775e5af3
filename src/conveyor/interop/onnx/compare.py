"""Runs an exported graph beside its model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from conveyor.errors import ConveyorError
from conveyor.interop.onnx.options import Options
from conveyor.interop.onnx.stages import Stage

_SIZES = ((4, 2), (7, 3))  # steps and rows, where they are not fixed
_BOUND = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-8}


def compare(model: nn.Module, stages: Sequence[Stage], data: bytes, options: Options) -> float | None:
    """The largest difference between a model's output and its graph's, on random input.

    Returns:
        The difference, or None without onnxruntime.

    Raises:
        ConveyorError: They are too far apart for rounding.
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
    with _evaluating(model), torch.no_grad():
        for sizes in _SIZES:
            given = {i.name: _random(i, sizes, stages, generator) for i in session.get_inputs()}
            got = session.run(["y"], {n: v.numpy() for n, v in given.items()})[0]
            want = _run(model, given, options).cpu().numpy()
            difference = _difference(got, want)
            if difference > _BOUND[want.dtype] * max(1.0, np.abs(want[np.isfinite(want)]).max(initial=0.0)):
                raise ConveyorError(
                    f"the graph gives other numbers than {type(model).__name__}, by {difference:.1e}: its forward does"
                    " something else than its modules in the order in which chain() or nn.Sequential has them"
                )
            largest = max(largest, difference)
    return largest


def _random(given: Any, sizes: tuple[int, int], stages: Sequence[Stage], generator: torch.Generator) -> torch.Tensor:
    known = {"time": sizes[0], "batch": sizes[1]}
    shape = [known[d] if isinstance(d, str) else d for d in given.shape]
    if given.name == "lengths":
        return torch.full(shape, 2**31 - 1)
    if given.name == "tokens":
        embedding: Any = stages[0].module
        return torch.randint(0, embedding.num_embeddings, shape, generator=generator)
    dtype = torch.float64 if given.type == "tensor(double)" else torch.float32
    if given.name.startswith("x"):
        return torch.randn(shape, generator=generator, dtype=dtype)
    return torch.rand(shape, generator=generator, dtype=dtype)


def _run(model: nn.Module, given: dict[str, torch.Tensor], options: Options) -> torch.Tensor:
    place = next(model.parameters(), torch.empty(0)).device
    on_device = {n: v.to(place) for n, v in given.items()}
    return on_device


def _difference(got: np.ndarray[Any, Any], want: np.ndarray[Any, Any]) -> float:
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(got - want))
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
