"""Truncated backpropagation through time: parts of a sequence, the state between them, and forgetting to detach it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

import conveyor as cv
from layers.features import BACKENDS, F64, SOME, STARTS, B, I, T, assert_same, flat, layer_of
from support import Case

LENGTHS = torch.tensor([3, 7, 0, 5])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", SOME, ids=lambda c: c.id)
def test_parts_are_the_whole(case: Case, backend: str) -> None:
    """Outputs part by part, and the last state, are those of one call, with lengths and resets."""
    layer = layer_of(case, backend, num_layers=2, learn_initial_state=True)
    x, aux = torch.randn(T, B, I, dtype=F64), {n: torch.rand(T, B, dtype=F64).round() for n in layer.aux_names}
    want, final = layer(x, lengths=LENGTHS, reset=STARTS, **aux)
    for length in (3, T, 100):
        parts = cv.tbptt(x, length, lengths=LENGTHS, reset=STARTS, **aux)
        outputs = []
        for part in parts:
            own = {n: getattr(part, n) for n in aux}
            y, parts.state = layer(part.x, parts.state, lengths=part.lengths, reset=part.reset, **own)
            outputs.append(y)
        assert len(outputs) == len(parts) == -(-T // length)
        assert_same([torch.cat(outputs), *flat(parts.state)], [want, *flat(final)], 1e-12, f"by {length}")


def test_the_gradient_ends_at_the_border() -> None:
    layer = cv.LSTM(I, 5)
    x = torch.randn(T, B, I, requires_grad=True)
    parts = cv.tbptt(x, 3, targets=torch.zeros(T, B, 5))
    grads = []
    for part in parts:
        y, parts.state = layer(part.x, parts.state)
        assert part.targets.shape == y.shape and len(part) == part.stop - part.start == len(y)
        assert type(parts.state) is type(layer(part.x)[1]) and not any(s.requires_grad for s in parts.state)
        grads.append(torch.autograd.grad(y.square().sum(), x)[0])
    for grad, part in zip(grads, cv.tbptt(x, 3), strict=False):
        assert grad[part.start : part.stop].all() and not grad[: part.start].any() and not grad[part.stop :].any()
        break


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["lstm", "gru", "slstm"])
def test_forgetting_to_detach_names_the_state(name: str, backend: str) -> None:
    for options in ({}, {"num_layers": 2}, {"checkpoint_every": 2}):
        layer = layer_of(name, backend, **options)
        x = torch.randn(T, B, I, dtype=F64)
        y, state = layer(x)
        y.sum().backward()
        y, _ = layer(x, state)
        names = ", ".join(layer.state_fields)
        with pytest.raises(cv.ArgumentError, match=rf"state {names} was carried over from a call through which backward"):
            y.sum().backward()
        layer(x, state.detach())[0].sum().backward()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_graph_that_is_still_there_is_no_mistake(backend: str) -> None:
    """One gradient through two calls, and a second backward through a graph that was kept."""
    layer = layer_of("gru", backend)
    x = torch.randn(T, B, I, dtype=F64, requires_grad=True)
    whole = torch.autograd.grad(layer(x)[0][-1].sum(), x)[0]
    first, state = layer(x[:3])
    later, _ = layer(x[3:], state)
    assert_same([torch.autograd.grad(later[-1].sum(), x, retain_graph=True)[0]], [whole], 1e-10, "gradient")
    first.sum().backward(retain_graph=True)
    later[-1].sum().backward()
    with torch.no_grad():
        layer(x, state)


def test_only_the_state_that_was_not_detached() -> None:
    layer = cv.LSTM(I, 5)
    y, state = layer(torch.randn(T, B, I))
    y.sum().backward()
    y, _ = layer(torch.randn(T, B, I), (state.h.detach(), state.c))
    with pytest.raises(cv.ArgumentError, match="state c was carried over"):
        y.sum().backward()


def test_the_state_must_be_carried() -> None:
    layer, x = cv.GRU(I, 5), torch.randn(T, B, I)
    parts = cv.tbptt(x, 3)
    with pytest.raises(cv.ArgumentError, match="state was not carried from the part before; write y, parts.state = "):
        for part in parts:
            layer(part.x, parts.state)
    start = torch.randn(1, B, 5)
    parts = cv.tbptt(x, T, state=start)
    for part in parts:
        assert torch.equal(layer(part.x, parts.state)[0], layer(x, start)[0])


def test_batch_first_and_names() -> None:
    layer = cv.GRU(I, 5, batch_first=True)
    x = torch.randn(B, T, I)
    parts = cv.tbptt(x, 4, batch_first=True, reset=STARTS.t(), mine=torch.arange(B * T).view(B, T))
    outputs = []
    for part in parts:
        y, parts.state = layer(part.x, parts.state, reset=part.reset)
        assert torch.equal(part.mine, torch.arange(B * T).view(B, T)[:, part.start : part.stop])
        outputs.append(y)
    assert torch.allclose(torch.cat(outputs, 1), layer(x, reset=STARTS.t())[0])
    with pytest.raises(AttributeError, match="this part has no 'targets'; it has x, start, stop, lengths, reset, mine"):
        part.targets  # noqa: B018


X = torch.zeros(T, B, I)
WRONG: dict[str, Any] = {
    "no steps": (lambda: cv.tbptt(X, 0), "length is a number of steps from 1, got 0"),
    "no tensor": (lambda: cv.tbptt([1], 3), "x is a tensor (T, B, …), got list"),
    "other steps": (
        lambda: cv.tbptt(X, 3, targets=torch.zeros(3, B)),
        f"targets has the steps and rows of x, (T, B, …) = ({T}, {B}), got (3, {B})",
    ),
    "lengths": (lambda: cv.tbptt(X, 3, lengths=torch.tensor([9] * B)), f"lengths are from 0 to T = {T}, got 9 to 9"),
    "lengths of another batch": (
        lambda: cv.tbptt(X, 3, lengths=torch.tensor([1])),
        f"lengths is a tensor of whole numbers (B,) = ({B},), got (1,) of torch.int64",
    ),
    "a name that a part has": (
        lambda: cv.tbptt(X, 3, start=X),
        "a part has 'start' for something else; give the sequence another name",
    ),
    "state": (
        lambda: cv.tbptt(X, 3, state={}),
        "state is what the layer returns, a tensor or a tuple of tensors, got dict",
    ),
    "window": (lambda: cv.StreamSampler(10, 2, 0), "window is a whole number from 1, got 0"),
    "too few": (lambda: cv.StreamSampler(3, 4), "4 streams need as many entries, and there are 3; lower batch_size"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors(name: str) -> None:
    call, message = WRONG[name]
    with pytest.raises(cv.ArgumentError) as caught:
        call()
    assert str(caught.value) == message


@given(st.integers(1, 200), st.integers(1, 9), st.none() | st.integers(1, 12))
def test_streams_are_contiguous(size: int, batch: int, window: int | None) -> None:
    if size < batch:
        return
    sampler = cv.StreamSampler(size, batch, window)
    found = torch.cat([i if window else i.unsqueeze(0) for i in sampler])
    assert len(list(sampler)) == len(sampler)
    assert torch.equal(found, torch.arange(batch * (size // batch)).view(batch, -1).t())


def test_batches_of_a_loader_go_on_where_the_ones_before_ended() -> None:
    data = TensorDataset(torch.arange(21))
    loader = DataLoader(data, batch_sampler=cv.StreamSampler(len(data), 4))
    rows = torch.stack([batch for (batch,) in loader])
    assert rows.tolist() == [[k + 5 * b for b in range(4)] for k in range(5)]


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 9), st.floats(), st.text(max_size=3), st.just([]), st.just({}),
    st.just(object()), st.just(torch.zeros(T, B)), st.just(torch.zeros(T, B, I)), st.just(torch.zeros(B)),
    st.just(torch.tensor([1, 9, 2, 3])), st.just(torch.ones(T, B, dtype=torch.bool)), st.just((torch.zeros(1, B, 5),)),
)  # fmt: skip


@given(st.data())
def test_anything_is_refused_or_understood(data: st.DataObject) -> None:
    given_by_name = data.draw(st.dictionaries(st.sampled_from("state lengths reset batch_first y stop".split()), JUNK, max_size=2))
    x, length = (data.draw(st.just(right) | JUNK) for right in (torch.zeros(T, B, I), 3))
    sizes = [data.draw(st.just(right) | JUNK) for right in (20, 4, 3)]
    calls = (
        lambda: [repr(part) for part in _kept(cv.tbptt(x, length, **given_by_name))],
        lambda: list(cv.StreamSampler(*sizes)),
        lambda: str(cv.GRU(3, 4).memory_estimate(sizes[0], sizes[1])),
    )
    for call in calls:
        try:
            call()
        except cv.ConveyorError as error:
            assert "\n" not in str(error) and len(str(error)) > 20


def _kept(parts: Any) -> Any:
    for part in parts:
        parts.state = parts.state
        yield part
