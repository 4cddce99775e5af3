"""Outputs written into before the backward pass: allowed where torch.nn allows it, with torch.nn's gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import conveyor as cv
from layers.common import random

WRITES: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "output": lambda y, h: y.mul_(2),
    "a step of it": lambda y, h: y[1].add_(1),
    "output without a graph": lambda y, h: torch.no_grad()(y.mul_)(2),
    "state": lambda y, h: h.mul_(3),
    "both": lambda y, h: (y.sub_(1), h.mul_(3)),
    "relu": lambda y, h: nn.functional.relu_(y),
}
SHAPES: list[dict[str, Any]] = [{}, {"num_layers": 2}, {"bidirectional": True}, {"batch_first": True, "num_layers": 2}]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("options", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["GRU", "RNN"])
@pytest.mark.parametrize("steps", [1, 5])
def test_gradients_are_torchs(kind: str, options: dict[str, Any], write: str, steps: int) -> None:
    theirs = getattr(nn, kind)(3, 4, **options, dtype=torch.float64)
    ours = getattr(cv, kind)(3, 4, **options, dtype=torch.float64)
    ours.load_state_dict(theirs.state_dict())
    found = []
    for layer in (theirs, ours):
        shape = (2, max(steps, 2), 3) if options.get("batch_first") else (max(steps, 2), 2, 3)
        x = random(0, *shape).requires_grad_()
        h0 = random(1, (2 if "num_layers" in options or "bidirectional" in options else 1), 2, 4).requires_grad_()
        y, h = layer(x, h0)
        WRITES[write](y, h)
        ((y * random(2, *y.shape)).sum() + (h * random(3, *h.shape)).sum()).backward()
        found.append([y.detach(), h.detach(), x.grad, h0.grad, *(p.grad for p in layer.parameters())])
    for mine, wanted in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    "given", [{"lengths": [3, 5]}, {"reset": torch.tensor([[0, 1], [1, 0], [0, 0], [1, 1], [0, 0]]) > 0}]
)
def test_with_lengths_and_resets(given: dict[str, Any]) -> None:
    """As if the output had been copied first."""
    layer, x = cv.GRU(3, 4, dtype=torch.float64, zoneout=0.3), random(0, 5, 2, 3)
    gradients = []
    for copies in (True, False):
        torch.manual_seed(7)
        layer.zero_grad()
        y, _ = layer(x, **given)
        y = y.clone() if copies else y
        y.mul_(2)
        y.square().sum().backward()
        gradients.append([p.grad for p in layer.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_a_layer_of_two_states_refuses_as_torchs_does() -> None:
    for layer in (nn.LSTM(3, 4), cv.LSTM(3, 4)):
        y, _ = layer(torch.randn(5, 2, 3))
        y.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()


def test_what_the_gradient_reads_is_still_watched() -> None:
    layer, x = cv.GRU(3, 4), torch.randn(5, 2, 3, requires_grad=True)
    for tensor in (x, layer.weight_hh_l0):
        y, _ = layer(x)
        y.mul_(2)
        with torch.no_grad():
            tensor.zero_()
        with pytest.raises(RuntimeError, match="modified .*inplace"):
            y.sum().backward()


def test_no_cycle_is_left_behind() -> None:
    """The watch holds the output's memory, but not what hangs on it."""
    import gc
    import weakref

    layer, x = cv.GRU(3, 4), torch.randn(5, 2, 3)
    gc.collect()
    gc.disable()
    try:
        y, h = layer(x)
        gone = weakref.ref(y.grad_fn)
        del y, h
        assert gone() is None
    finally:
        gc.enable()
