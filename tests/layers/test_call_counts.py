"""How many function calls of Python a call of a layer takes: they don't depend on the machine, as times do."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import conveyor as cv
from conveyor.backends.cpu.runtime import workspace

FORWARD, TRAINING, CELL = 45, 110, 100  # at most, sum().backward() among them
FURTHER, FURTHER_TRAINING = 10, 25  # for each further layer or direction


@pytest.fixture(autouse=True)
def without_poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that is filled for tests is asked for in another way."""
    monkeypatch.setattr(workspace, "poison", False)


def count(call: Callable[[], Any]) -> int:
    """The function calls of a call that has been made before, those of C among them."""
    for _ in range(3):
        call()
    profile = cProfile.Profile()
    profile.enable()
    call()
    profile.disable()
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def train(module: nn.Module, x: Tensor) -> Callable[[], None]:
    def step() -> None:
        found = module(x)
        (found if isinstance(found, Tensor) else found[0]).sum().backward()

    return step


@torch.no_grad()
def infer(module: nn.Module, x: Tensor) -> int:
    return count(lambda: module(x))


@pytest.mark.parametrize("steps", [1, 10])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_a_layer(kind: str, steps: int) -> None:
    layer, x = getattr(cv, kind)(64, 64), torch.randn(steps, 2, 64)
    assert infer(layer, x) <= FORWARD
    assert count(train(layer, x)) <= TRAINING


def test_any_cell() -> None:
    layer, x = cv.Recurrent("mgu", 24, 40), torch.randn(10, 2, 24)
    assert infer(layer, x) <= FORWARD
    assert count(train(layer, x)) <= TRAINING


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_further_layers_and_directions(num_layers: int, bidirectional: bool) -> None:
    layer, x = cv.LSTM(64, 64, num_layers, bidirectional=bidirectional), torch.randn(10, 2, 64)
    further = num_layers * (1 + bidirectional) - 1
    assert infer(layer, x) <= FORWARD + FURTHER * further
    assert count(train(layer, x)) <= TRAINING + FURTHER_TRAINING * further


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_a_cell(kind: str) -> None:
    cell, x = getattr(cv, kind)(64, 64), torch.randn(2, 64)
    assert infer(cell, x) <= FORWARD
    assert count(train(cell, x)) <= CELL


def test_a_length_that_comes_again_is_no_work() -> None:
    layer = cv.LSTM(64, 64)
    steps = [train(layer, torch.randn(t, 2, 64)) for t in range(5, 12)]
    for step in steps:
        step()
    assert all(count(step) <= TRAINING for step in steps)
