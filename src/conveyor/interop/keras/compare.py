"""The numeric difference between converted layers and Keras's, on random input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.report import BATCH, TIME, Report, outputs, random_like
from conveyor.interop.common.rounding import TWO_LIBRARIES, compare, evaluating, measured
from conveyor.interop.keras.equations import run
from conveyor.interop.keras.layer import KerasLayer
from conveyor.interop.keras.spec import LayerSpec, Plain
from conveyor.interop.torch import describe
from conveyor.layers.core.stack import Stack


def inner(layer: Any) -> Any:
    """Return the layer inside a `KerasLayer`."""
    return layer.layer if isinstance(layer, KerasLayer) else layer


def with_equations(
    name: str,
    before: str,
    modules: Sequence[nn.Module],
    specs: Sequence[LayerSpec | Plain],
    model: nn.Module | None = None,
) -> Report:
    """Compare a chain of modules with Keras's equations; returns the report.

    Args:
        name: The layer's name in Keras.
        before: The source's description.
        modules: The conveyor modules.
        specs: The Keras layers.
        model: The model made of the modules, if it is not the first of them.
    """
    x = _random(modules[0])
    want = run(specs, x.cpu(), torch.float64)
    return _report(name, before, modules, x, want, model or modules[0], _lost(modules, specs, x))


def _lost(modules: Sequence[nn.Module], specs: Sequence[LayerSpec | Plain], x: Tensor) -> float:
    """Measure the rounding error of Keras's equations in the layer's dtype."""
    dtype = next(p.dtype for m in modules for p in m.parameters())
    want, rounded = (run(specs, x.cpu(), d) for d in (torch.float64, dtype))
    return compare(want, [y.double() for y in rounded])[0]


def with_equations_alone(name: str, before: str, layer: nn.Module, specs: Sequence[LayerSpec]) -> Report:
    """Compare a layer's full sequences with Keras's equations, without Keras's output settings."""
    plain = [replace(s, go_backwards=False, return_sequences=True, merge_mode="concat") for s in specs]
    return with_equations(name, before, [inner(layer)], plain)


def with_live(spec: LayerSpec, layer: nn.Module, alive: Any) -> Report:
    """Compare a layer with the live Keras layer that it was made of; returns the report.

    A stateful one, or one that computes in less precision than its weights have, is compared by its equations.
    """
    if getattr(alive, "stateful", False) or getattr(alive, "compute_dtype", None) != getattr(
        alive, "variable_dtype", 0
    ):
        return with_equations(spec.name, str(spec), [layer], [spec])
    x = _random(layer)
    returned = alive(x.numpy(), training=False)
    listed = list(returned) if isinstance(returned, list | tuple) else [returned]
    count = 2 if spec.backward and spec.merge_mode is None else 1  # what follows are states
    want = [torch.tensor(np.asarray(y.detach().cpu() if hasattr(y, "detach") else y)) for y in listed[:count]]
    return _report(spec.name, str(spec), [layer], x, want, layer, _lost([layer], [spec], x))


def _random(first: nn.Module) -> Tensor:
    """Draw random input, batch first."""
    if isinstance(first, nn.Embedding):
        generator = torch.Generator().manual_seed(1)
        return torch.randint(first.num_embeddings, (BATCH, TIME), generator=generator).to(first.weight.device)
    width = inner(first).input_size if isinstance(inner(first), Stack) else first.weight.shape[1]  # type: ignore[index]
    return random_like(next(first.parameters()), BATCH, TIME, int(width), seed=1)


def _report(
    name: str,
    before: str,
    modules: Sequence[nn.Module],
    x: Tensor,
    want: list[Tensor],
    model: nn.Module,
    lost: float,
) -> Report:
    got = _ours(modules, x)[: len(want)]
    if [g.shape for g in got] != [w.shape for w in want]:
        raise ArgumentError(f"{name}: Keras returns {[*want[0].shape]}, the layer {[*got[0].shape]}")
    # Keras's equations are run in float64: what counts is the precision of ours.
    rounded = [w.to(g.dtype) for w, g in zip(want, got, strict=True)]
    found = measured(rounded, [g.cpu() for g in got], lambda: lost, TWO_LIBRARIES, bounded=False)
    return Report(name, before, after(model), *found)


def _ours(modules: Sequence[nn.Module], x: Tensor) -> list[Tensor]:
    """Run a chain of modules on a batch-first input; returns batch-first outputs."""
    found = [x]
    for module in modules:
        held = inner(module)
        turned = isinstance(held, Stack) and not held.batch_first
        with evaluating(module):
            found = outputs(module, (found[0].transpose(0, 1) if turned else found[0],))
        found = [y.transpose(0, 1) if turned and y.dim() == 3 else y for y in found]
    return found


def after(layer: nn.Module) -> str:
    """Describe a layer or model as a user writes it."""
    if isinstance(layer, KerasLayer):
        return f"KerasLayer({describe(layer.layer)}, {layer.extra_repr()})"
    return describe(layer) if isinstance(layer, Stack) else type(layer).__name__
