"""Batches without a row and sequences without a step: right shapes, gradients of zero, with lengths and without."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

import conveyor as cv

MAKES: dict[str, tuple[Any, dict[str, Any]]] = {
    "LSTM": (cv.LSTM, {}),
    "GRU": (cv.GRU, {}),
    "RNN": (cv.RNN, {}),
    "projected": (cv.LSTM, {"proj_size": 3}),
    "learned start": (cv.LSTM, {"learn_initial_state": True}),
    "dropped": (cv.LSTM, {"zoneout": 0.2, "variational_dropout": 0.2}),
    "chunks": (cv.GRU, {"checkpoint_every": 2}),
    "Recurrent": (lambda *a, **o: cv.Recurrent("slstm", *a, **o), {}),
}
SHAPES = [(0, 0), (0, 3), (4, 0)]


def every(make: str, depth: int, both_ways: bool, backend: str) -> nn.Module:
    cls, options = MAKES[make]
    layer: nn.Module = cls(5, 6, num_layers=depth, bidirectional=both_ways, backend=backend, **options)
    return layer


def fields(state: Any) -> tuple[Tensor, ...]:
    return tuple(state) if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"T{s[0]}-B{s[1]}")
def test_nothing_in_nothing_out(make: str, backend: str, shape: tuple[int, int]) -> None:
    steps, batch = shape
    for depth, both_ways, training in itertools.product((1, 2), (False, True), (False, True)):
        layer: Any = every(make, depth, both_ways, backend).train(training)
        x = torch.randn(steps, batch, 5, requires_grad=True)
        lengths = torch.zeros(batch, dtype=torch.int64)
        starts = torch.zeros(steps, batch, dtype=torch.bool)
        plain, start = layer(x)
        for given in ({"lengths": lengths}, {"reset": starts}, {"lengths": lengths, "reset": starts}):
            layer.zero_grad()
            y, state = layer(x, **given)
            assert y.shape == plain.shape == (steps, batch, layer.output_size) and y.dtype == x.dtype
            for ours, without in zip(fields(state), fields(start), strict=True):
                assert ours.shape == without.shape and torch.equal(ours, without)
            (y.sum() + sum(s.sum() for s in fields(state))).backward()
            assert x.grad is not None and x.grad.shape == x.shape
            for name, parameter in layer.named_parameters():
                assert parameter.grad is not None, name
                # A learned start is the final state of a sequence of no steps.
                assert name.startswith("initial_") or not parameter.grad.any(), name
            trace = layer.record(x.detach(), **given)
            assert trace.layer(0)["h"].shape[:2] == (steps, batch)


@pytest.mark.parametrize("training", [False, True])
def test_torch_gives_the_same_of_an_empty_batch(training: bool) -> None:
    """torch.nn takes a batch of no rows, without lengths."""
    ours, theirs = cv.LSTM(5, 6, 2, bidirectional=True), nn.LSTM(5, 6, 2, bidirectional=True)
    x = torch.randn(4, 0, 5)
    y, state = ours.train(training)(x, lengths=[])
    wanted, final = theirs.train(training)(x)
    assert y.shape == wanted.shape and [s.shape for s in state] == [s.shape for s in final]


def test_packed_without_a_row() -> None:
    layer = cv.LSTM(5, 6, 2, bidirectional=True)
    packed = PackedSequence(torch.zeros(0, 5), torch.zeros(0, dtype=torch.int64))
    y, state = layer(packed)
    assert isinstance(y, PackedSequence) and y.data.shape == (0, 12)
    assert [s.shape for s in state] == [(4, 0, 6), (4, 0, 6)]


def test_batch_first_and_every_layer() -> None:
    layer = cv.GRU(5, 6, 2, batch_first=True)
    (first, second), state = layer(torch.zeros(0, 4, 5), lengths=[], every_layer=True)
    assert first.shape == second.shape == (0, 4, 6) and state.shape == (2, 0, 6)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"T{s[0]}-B{s[1]}")
@pytest.mark.parametrize("both_ways", [False, True])
def test_in_graphs(shape: tuple[int, int], both_ways: bool) -> None:
    steps, batch = shape
    layer = cv.LSTM(5, 6, 2, bidirectional=both_ways)
    torch._dynamo.reset()
    compiled = torch.compile(lambda x, n: layer(x, lengths=n), backend="aot_eager", fullgraph=True)
    x = torch.randn(steps, batch, 5, requires_grad=True)
    y, state = compiled(x, torch.zeros(batch, dtype=torch.int64))
    assert y.shape == (steps, batch, layer.output_size)
    assert [s.shape for s in state] == [(2 * layer.num_directions, batch, 6)] * 2
    (y.sum() + state.c.sum()).backward()
    assert x.grad is not None and x.grad.shape == x.shape


def test_streams_and_steps_without_a_row() -> None:
    state = cv.LSTMCell(5, 6)(torch.zeros(0, 5))
    assert state.h.shape == state.c.shape == (0, 6)
