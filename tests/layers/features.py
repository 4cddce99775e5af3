"""Layers of every built-in cell with random numbers, for tests of what layers do with sequences."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import conveyor as cv
from support import BUILT_IN, Case, assert_near

T, B, I = 7, 4, 3  # noqa: E741
F64 = torch.float64
BACKENDS = ("cpu", "reference")
# One state and several, a width of its own, auxiliary inputs, blocks; tests/test_conformance.py runs every cell.
SOME = [c for c in BUILT_IN if c.id in ("lstm", "gru", "lstm_projection", "gru_d", "slstm-2heads-exp")]
LENGTHS = torch.tensor([3, 7, 0, 5])
STARTS = torch.tensor([[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]) > 0


def by_name(name: str) -> Case:
    return next(c for c in BUILT_IN if c.id == name)


def layer_of(case: Case | str, backend: str, **options: Any) -> cv.Recurrent:
    case = by_name(case) if isinstance(case, str) else case
    torch.manual_seed(0)
    hidden = 4 * case.multiple
    options = {"sizes": case.sizes(hidden), "dtype": F64, "strict_backend": True} | options
    layer = cv.Recurrent(case.cell, I, options.pop("hidden_size", hidden), backend=backend, **options)
    with torch.no_grad():
        for name, p in layer.named_parameters():
            if name.startswith("initial_"):
                # A normaliser is a sum of positive numbers.
                p.copy_(torch.rand_like(p) + 0.5 if name.startswith("initial_n") else torch.randn_like(p))
    return layer


def aux_of(layer: cv.Recurrent) -> dict[str, Tensor]:
    return {n: torch.rand(T, B, dtype=F64).round() for n in layer.aux_names}


def state_of(layer: cv.Recurrent) -> tuple[Any, ...]:
    """Random initial states as the layer takes them; leaves."""
    fields: list[Any] = []
    for field in layer._fields:
        shapes = [(len(units), B, layer.units[units[0]].state_width(field.name)) for units in field.layers]
        made = [torch.rand(*s, dtype=F64).add(0.5) for s in shapes]  # type: ignore[arg-type]
        fields.append(torch.cat(made).requires_grad_() if field.even else tuple(t.requires_grad_() for t in made))
    return tuple(fields)


def flat(value: Any) -> list[Tensor]:
    """All tensors in nested tuples."""
    if isinstance(value, Tensor):
        return [value]
    return [] if value is None else [t for part in value for t in flat(part)]


def gradients(results: list[Tensor], leaves: list[Tensor]) -> list[Tensor]:
    """Gradients with cotangents that are the same at each call."""
    g = torch.Generator().manual_seed(5)
    cotangents = [torch.randn(r.shape, generator=g, dtype=torch.float32).to(r) for r in results]
    reached = [(r, c) for r, c in zip(results, cotangents, strict=True) if r.requires_grad]
    found = torch.autograd.grad([r for r, _ in reached], leaves, [c for _, c in reached], allow_unused=True)
    return [torch.zeros_like(leaf) if d is None else d for leaf, d in zip(leaves, found, strict=True)]


def assert_same(got: list[Tensor], want: list[Tensor], tolerance: float, what: str) -> None:
    for k, (a, b) in enumerate(zip(got, want, strict=True)):
        assert_near(a, b, tolerance, f"{what} {k}")
