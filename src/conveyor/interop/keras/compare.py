"""How far layers that were brought over are from Keras's, on random input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.interop.common.report import BATCH, TIME, Report, compare, outputs, random_like
from conveyor.interop.keras.equations import run
from conveyor.interop.keras.layer import KerasLayer
from conveyor.interop.keras.spec import LayerSpec, Plain
from conveyor.interop.torch import describe
from conveyor.layers.core.stack import Stack

_TOLERANCE = 10.0  # times that of Report: 1e-5, two libraries' float32


def inner(layer: Any) -> Any:
    """The layer itself, without the settings of Keras."""
    return layer.layer if isinstance(layer, KerasLayer) else layer


def with_equations(
    name: str,
    before: str,
    modules: Sequence[nn.Module],
    specs: Sequence[LayerSpec | Plain],
    model: nn.Module | None = None,
) -> Report:
    """The report of modules on top of each other beside Keras's equations.

    Args:
        name: Of the layer in Keras.
        before: What it was.
        modules: Ours.
        specs: Keras's.
        model: What the modules make up, if it is not the first of them.
    """
    x = _random(modules[0])
    want = run(specs, x.cpu(), torch.float64)
    return _report(name, before, modules, x, want, model or modules[0], _lost(modules, specs, x))


def _lost(modules: Sequence[nn.Module], specs: Sequence[LayerSpec | Plain], x: Tensor) -> float:
    """What Keras's equations themselves lose in the precision of the layer; large weights lose more."""
    dtype = next(p.dtype for m in modules for p in m.parameters())
    want, rounded = (run(specs, x.cpu(), d) for d in (torch.float64, dtype))
    return compare(want, [y.double() for y in rounded])[0]


def with_equations_alone(name: str, before: str, layer: nn.Module, specs: Sequence[LayerSpec]) -> Report:
    """The same of a layer's sequences, whatever Keras then does with them."""
    plain = [replace(s, go_backwards=False, return_sequences=True, merge_mode="concat") for s in specs]
    return with_equations(name, before, [inner(layer)], plain)


def with_live(spec: LayerSpec, layer: nn.Module, alive: Any) -> Report:
    """The report of a layer beside the Keras layer that it was made of.

    One that keeps its state, or computes in less precision than its weights have, is compared by its equations.
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
    """Random input, batch first."""
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
    difference, tolerance = compare([w.to(g.dtype) for w, g in zip(want, got, strict=True)], [g.cpu() for g in got])
    return Report(name, before, after(model), difference, max(tolerance * _TOLERANCE, 4 * lost))


def _ours(modules: Sequence[nn.Module], x: Tensor) -> list[Tensor]:
    """What modules on top of each other make of an input, batch first whichever way they are laid out."""
    found = [x]
    for module in modules:
        held = inner(module)
        turned = isinstance(held, Stack) and not held.batch_first
        with _evaluating(module):
            found = outputs(module, (found[0].transpose(0, 1) if turned else found[0],))
        found = [y.transpose(0, 1) if turned and y.dim() == 3 else y for y in found]
    return found


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Dropout off, also that of a layer within; each module's mode is then as it was."""
    modes = {m: m.training for m in module.modules()}
    for m in modes:
        m.training = False
    try:
        yield
    finally:
        for m, mode in modes.items():
            m.training = mode


def after(layer: nn.Module) -> str:
    """A layer or model as a user writes it."""
    if isinstance(layer, KerasLayer):
        return f"KerasLayer({describe(layer.layer)}, {layer.extra_repr()})"
    return describe(layer) if isinstance(layer, Stack) else type(layer).__name__
