"""Runs an exported graph in onnxruntime and compares it with its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from conveyor.errors import ConversionError
from conveyor.interop.common.rounding import TWO_LIBRARIES, evaluating, lost_by, measured, widened
from conveyor.interop.onnx import runtime
from conveyor.interop.onnx.exporter.chain import Stage
from conveyor.interop.onnx.exporter.recurrence import Recurrence
from conveyor.interop.onnx.options import Options

_SIZES = ({"time": 4, "batch": 2}, {"time": 7, "batch": 3})  # where they are not fixed
_NO_ROUNDING = 100.0  # tolerances


def compare(model: nn.Module, stages: Sequence[Stage], data: bytes, options: Options) -> tuple[float, float] | None:
    """Return (largest difference, tolerance) of a model's output and its graph's, on random input of two sizes.

    Returns:
        None without onnxruntime.

    Raises:
        ConversionError: They are too far apart for rounding, or onnxruntime does not run the graph.
    """
    session = runtime.session(data)
    if session is None:
        return None
    worst, tolerance = 0.0, 0.0
    generator = torch.Generator().manual_seed(0)
    beside = {name for stage in stages if isinstance(stage, Recurrence) for name in stage.aux_widths} | {"reset"}
    with evaluating(model):
        for sizes in _SIZES:
            needed = [i for i in session.get_inputs() if not i.type.startswith("optional(")]
            given = {i.name: _random(i, sizes, stages, beside, generator) for i in needed}
            read = {n: v for n, v in given.items() if n in ("x", "tokens") or n in beside}
            want = _run(model, stages, read, options)
            (got,) = runtime.run(session, ["y"], {n: v.numpy() for n, v in given.items()})
            if got.shape != want.shape:
                raise _other(model, f"of shape {got.shape} instead of {tuple(want.shape)}")
            lost = partial(_lost, model, stages, read, options)
            off, allowed = measured([want], [torch.from_numpy(got)], lost, TWO_LIBRARIES, bounded=True)
            if not off <= _NO_ROUNDING * allowed:
                raise _other(model, f"by {off:.1e}")
            worst, tolerance = max(worst, off), max(tolerance, allowed)
    return worst, tolerance


def _lost(model: nn.Module, stages: Sequence[Stage], given: Mapping[str, Tensor], options: Options) -> float:
    """Measure the model's rounding error on this input."""
    return lost_by(model, lambda module, dtype: [_run(module, stages, widened(dict(given), dtype), options)])


def _other(model: nn.Module, by: str) -> ConversionError:
    bad = next((n for n, p in model.named_parameters() if not p.isfinite().all()), None)
    if bad is not None:
        return ConversionError(f"the graph gives other numbers than {type(model).__name__}: '{bad}' is not finite")
    return ConversionError(
        f"the graph gives other numbers than {type(model).__name__}, {by}: its forward does something else than its"
        " modules one after the other, as chain() or nn.Sequential has them"
    )


def _random(
    given: Any, sizes: Mapping[str, int], stages: Sequence[Stage], beside: set[str], generator: torch.Generator
) -> Tensor:
    shape = [sizes[d] if isinstance(d, str) else d for d in given.shape]
    if given.name == "lengths":
        return torch.full(shape, 2**31 - 1)
    if given.name == "tokens":
        embedding: Any = stages[0].module
        return torch.randint(0, embedding.num_embeddings, shape, generator=generator)
    if given.type == "tensor(bool)":
        return torch.rand(shape, generator=generator) < 0.3
    dtype = torch.float64 if given.type == "tensor(double)" else torch.float32
    if given.name == "x":
        return torch.randn(shape, generator=generator, dtype=dtype)
    if given.name in beside:
        return torch.rand(shape, generator=generator, dtype=dtype)
    return torch.zeros(shape, dtype=dtype)  # an initial state


def _run(model: nn.Module, stages: Sequence[Stage], given: Mapping[str, Tensor], options: Options) -> Tensor:
    """Return the model's output, in the shape of the graph's."""
    layers = [s for s in stages if isinstance(s, Recurrence) and s.batch_first is not None]
    device = next(model.parameters(), torch.empty(0)).device
    time = 1 if layers and layers[0].batch_first else 0
    sequence = options.step and bool(layers)  # a step of a layer is a sequence of one step
    first, *_ = given.values()
    steps = 1 if sequence else first.shape[time]
    values = {}
    for name, value in given.items():
        static = name in options.static and not options.step
        value = value.unsqueeze(time).expand(*_with(value.shape, time, steps)) if static or sequence else value
        values[name] = value.to(device)
    first, *_ = values.values()
    try:
        with torch.no_grad():
            result = model(first, **{n: v for n, v in values.items() if v is not first})
    except (TypeError, AttributeError, RuntimeError) as error:
        raise ConversionError(
            f"{type(model).__name__} itself does not run on such input ({' '.join(str(error).split())[:200]}), so the"
            " graph can't be compared; if you run its modules in another way, pass check=False"
        ) from error
    y: Tensor = result[0] if isinstance(result, tuple) else result
    return (y.squeeze(time) if sequence else y).cpu()


def _with(shape: Sequence[int], axis: int, size: int) -> list[int]:
    return [*shape[:axis], size, *shape[axis:]]
