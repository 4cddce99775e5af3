"""Streams: step by step what the whole sequence gives, and everything that may happen between steps."""

from __future__ import annotations

import copy
import gc
import resource
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

import conveyor as cv
from support import BUILT_IN, Case, assert_near

BACKENDS = ("cpu", "reference")
STEPS, ROWS, WIDE = 8, 3, 5


def layer_of(case: Case, backend: str = "cpu", **options: Any) -> cv.Recurrent:
    torch.manual_seed(0)
    hidden = 6 * case.multiple
    return cv.Recurrent(
        case.cell, WIDE, hidden, sizes=case.sizes(hidden), backend=backend, strict_backend=True, **options
    )


def aux_of(layer: cv.Recurrent) -> dict[str, Tensor]:
    return {a.name: torch.rand(STEPS, ROWS).round() for a in layer.units[0].program.aux}


def whole(layer: cv.Recurrent, x: Tensor, state: Any = None, **aux: Tensor) -> tuple[Tensor, Any]:
    with torch.no_grad():
        return layer(x, state, **aux)


def assert_same_state(got: Any, want: Any) -> None:
    assert type(got) is type(want)
    for a, b in zip(got, want, strict=True):
        for s, t in zip(a if isinstance(a, tuple) else (a,), b if isinstance(b, tuple) else (b,), strict=True):
            assert (s is None and t is None) or torch.equal(s, t)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_step_by_step_is_the_whole_sequence(case: Case, backend: str) -> None:
    for options in ({}, {"num_layers": 2, "batch_first": True}):
        layer = layer_of(case, backend, **options)
        x, aux = torch.randn(STEPS, ROWS, WIDE), aux_of(layer)
        turn = {n: a.transpose(0, 1) for n, a in aux.items()} if options else aux
        want, final = whole(layer, x.transpose(0, 1) if options else x, **turn)
        stream = layer.stream(ROWS)
        got = torch.stack([stream.step(x[t], **{n: a[t] for n, a in aux.items()}) for t in range(STEPS)])
        got = got.transpose(0, 1) if options else got
        if backend == "cpu":
            assert torch.equal(got, want)
            assert_same_state(stream.state, final)
        else:  # BLAS sums in an order that depends on the number of rows
            assert_near(got, want, 1e-5, "output")


def test_run_is_several_steps() -> None:
    layer, x = cv.LSTM(4, 7, num_layers=2), torch.randn(5, 2, 4)
    want, final = whole(layer, x)
    stream = layer.stream(2)
    got = torch.cat([stream.run(x[:2]), stream.step(x[2]).unsqueeze(0), stream.run(x[3:])])
    assert torch.equal(got, want)
    assert_same_state(stream.state, final)


def test_state_is_got_set_and_reset() -> None:
    layer, x = cv.Recurrent("lstm_projection", 4, 7, proj_size=3), torch.randn(5, 3, 4)
    stream = layer.stream(3)
    stream.run(x)
    before = stream.state
    stream.step(x[0])
    assert not torch.equal(stream.state.h, before.h)
    stream.state = before
    assert_same_state(stream.state, before)
    assert torch.equal(stream.step(x[1]), whole(layer, x[1:2], before)[0][0])
    stream.state = before
    stream.reset(torch.tensor([False, True, False]))
    for now, then in zip(stream.state, before, strict=True):
        assert torch.equal(now[:, [0, 2]], then[:, [0, 2]]) and not now[:, 1].any()
    stream.reset()
    assert not any(s.any() for s in stream.state)
    stream.state = tuple(before)
    stream.state = None
    assert not any(s.any() for s in stream.state)


def test_reorder_goes_on_from_other_rows() -> None:
    layer, x = cv.GRU(4, 6), torch.randn(3, 3, 4)
    stream = layer.stream(3)
    stream.run(x)
    before = stream.state
    stream.reorder(torch.tensor([2, 0, 0]))
    assert torch.equal(stream.state[0], before[0][:, [2, 0, 0]])


def test_the_output_is_a_tensor_of_its_own() -> None:
    layer, x = cv.LSTM(4, 6), torch.randn(3, 2, 4)
    stream, other = layer.stream(2), layer.stream(2)
    for t in range(3):
        stream.step(x[t]).fill_(torch.nan)  # what a caller does to it does not reach the state
        out = torch.full((2, 6), torch.nan)
        assert other.step(x[t], out=out) is out
    assert_same_state(stream.state, other.state)
    assert torch.isfinite(out).all()


def test_input_that_lies_anyhow() -> None:
    layer, x = cv.LSTM(4, 6), torch.randn(2, 4)
    want = layer.stream(2).step(x)
    wide = torch.full((2, 9), torch.nan)
    wide[:, 1::2] = x
    for laid in (x.t().contiguous().t(), wide[:, 1::2]):
        assert torch.equal(layer.stream(2).step(laid), want)


def changes() -> dict[str, Any]:
    def written(layer: cv.LSTM) -> None:
        with torch.no_grad():
            layer.weight_hh_l0.mul_(0.5)

    def stepped(layer: cv.LSTM) -> None:
        optimizer = torch.optim.SGD(layer.parameters(), 0.1)
        layer(torch.randn(3, 2, 4))[0].sum().backward()
        optimizer.step()

    def stepped_at_once(layer: cv.LSTM) -> None:
        optimizer = torch.optim.Adam(layer.parameters(), 0.1, fused=True)
        layer(torch.randn(3, 2, 4))[0].sum().backward()
        optimizer.step()

    def loaded(layer: cv.LSTM) -> None:
        layer.load_state_dict(cv.LSTM(4, 6).state_dict())

    def assigned(layer: cv.LSTM) -> None:
        layer.load_state_dict(cv.LSTM(4, 6).state_dict(), assign=True)

    def replaced(layer: cv.LSTM) -> None:
        layer.weight_ih_l0 = nn.Parameter(torch.randn(24, 4))

    def biased(layer: cv.LSTM) -> None:
        with torch.no_grad():
            layer.bias_hh_l0.add_(1.0)

    def converted(layer: cv.LSTM) -> None:
        layer.double()

    def parametrized(layer: cv.LSTM) -> None:
        weight_norm(layer, "weight_hh_l0")
        with torch.no_grad():
            layer.parametrizations.weight_hh_l0.original0.mul_(0.5)

    return {
        f.__name__: f
        for f in (written, stepped, stepped_at_once, loaded, assigned, replaced, biased, converted, parametrized)
    }


@pytest.mark.parametrize("change", changes().values(), ids=changes())
def test_changed_parameters_are_read_afresh(change: Any) -> None:
    torch.manual_seed(1)
    layer, x = cv.LSTM(4, 6), torch.randn(2, 4)
    stream = layer.stream(2)
    first = stream.step(x)
    state = stream.state
    change(layer)
    x = x.to(next(layer.parameters()).dtype)
    state = tuple(s.to(x.dtype) for s in state)
    want = whole(layer, x.unsqueeze(0), state)[0][0]
    got = stream.step(x)
    assert torch.equal(got, want) and not torch.equal(got.to(first.dtype), first)


def test_writing_through_data_needs_a_refresh() -> None:
    layer, x = cv.LSTM(4, 6), torch.randn(2, 4)
    stream = layer.stream(2)
    stream.step(x)
    layer.weight_hh_l0.data.mul_(0.5)
    state = stream.state
    stream.refresh()
    assert_same_state(stream.state, state)
    assert torch.equal(stream.step(x), whole(layer, x.unsqueeze(0), state)[0][0])


def test_parameters_of_inference_mode() -> None:
    with torch.inference_mode():
        layer = cv.LSTM(4, 6)
        stream, x = layer.stream(2), torch.randn(2, 4)
        stream.step(x)
        state = stream.state
        layer.weight_hh_l0.mul_(0.5)
        assert torch.equal(stream.step(x), whole(layer, x.unsqueeze(0), state)[0][0])


def test_signs_put_off_and_versions() -> None:
    layer, x = cv.LSTM(4, 6), torch.randn(2, 4)
    want, out = layer.stream(2).step(x), torch.zeros(2, 6)
    assert torch.equal(layer.stream(2).step(torch._neg_view(-x)), want)
    weight = torch.randn(6, requires_grad=True)
    loss = (out @ weight).sum()
    layer.stream(2).step(x, out=out)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    for wrong in (torch.zeros(2, 6, requires_grad=True), torch._neg_view(torch.zeros(2, 6))):
        with pytest.raises(cv.ArgumentError, match="out wants a gradient or is a negated view"):
            layer.stream(2).step(x, out=wrong)
    with pytest.raises(TypeError, match="a stream holds memory of this process"):
        copy.deepcopy(layer.stream(2))


def test_streams_of_one_layer_are_apart() -> None:
    layer, x = cv.GRU(4, 6), torch.randn(3, 1, 4)
    streams = [layer.stream() for _ in range(3)]
    got = [s.step(x[k]) for k, s in enumerate(streams)]
    assert all(torch.equal(g, whole(layer, x[k : k + 1])[0][0]) for k, g in enumerate(got))
    assert all(torch.equal(copy.deepcopy(layer).stream().step(x[0]), got[0]) for _ in range(2))


def test_memory_does_not_grow() -> None:
    layer, x = cv.LSTM(64, 64), torch.randn(64, 64)
    stream = layer.stream(64)
    for _ in range(500):
        stream.step(x)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(6000):  # a minute of a hundred frames a second
        stream.step(x)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024  # KiB


WRONG = {
    "both-ways": (
        lambda: cv.LSTM(3, 4, bidirectional=True).stream(),
        "a stream runs forwards in time and this layer runs both ways; make it with bidirectional=False",
    ),
    "no-rows": (
        lambda: cv.LSTM(3, 4).stream(0),
        "batch_size is a positive number of sequences, got 0",
    ),
    "rows": (
        lambda: cv.LSTM(3, 4).stream(2).step(torch.zeros(5, 3)),
        "input has 5 rows, but this stream feeds 2 sequences; make it with stream(batch_size=5)",
    ),
    "sequence": (
        lambda: cv.LSTM(3, 4).stream(2).step(torch.zeros(7, 2, 3)),
        "input is (B, input_size), got 3 dimensions of sizes (7, 2, 3)",
    ),
    "gradient": (
        lambda: cv.LSTM(3, 4).stream(2).step(torch.zeros(2, 3, requires_grad=True)),
        "input wants a gradient, and a stream gives none; pass x.detach()",
    ),
    "out": (
        lambda: cv.LSTM(3, 4).stream(2).step(torch.zeros(2, 3), out=torch.zeros(2, 3)),
        "out is a contiguous tensor of shape (2, 4) and torch.float32, got (2, 3), torch.float32",
    ),
    "run": (
        lambda: cv.LSTM(3, 4).stream(2).run(torch.zeros(7, 1, 3)),
        "input has shape (7, 1, 3), but this stream feeds 2 sequences",
    ),
    "mask": (
        lambda: cv.LSTM(3, 4).stream(2).reset(torch.zeros(2)),
        "mask is a tensor of shape (2,) of torch.bool, got (2,) of torch.float32",
    ),
    "index": (
        lambda: cv.LSTM(3, 4).stream(2).reorder(torch.tensor([0, 2])),
        "index has rows from 0 to 1, got 2",
    ),
    "aux": (
        lambda: cv.LSTM(3, 4).stream(2).step(torch.zeros(2, 3), gap=torch.zeros(2)),
        "cell lstm has no auxiliary input or argument 'gap'; its auxiliary inputs: none",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors(name: str) -> None:
    act, said = WRONG[name]
    with pytest.raises(cv.ArgumentError) as caught:
        act()
    assert str(caught.value) == said
