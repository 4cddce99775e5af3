"""Sequences of unequal length: each is what it is alone, and padding is never touched."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import conveyor as cv
from conveyor.backends.cpu.runtime import launch_plan, threads
from support import BUILT_IN, Case, assert_near

T, B, I = 7, 5, 4  # noqa: E741
LENGTHS = torch.tensor([3, 7, 0, 5, 3])
BACKENDS = ("cpu", "reference")
F64 = torch.float64


def layer_of(case: Case, backend: str, **options: Any) -> cv.Recurrent:
    torch.manual_seed(0)
    hidden = 6 * case.multiple
    return cv.Recurrent(
        case.cell, I, hidden, sizes=case.sizes(hidden), backend=backend, strict_backend=True, dtype=F64, **options
    )


def by_name(name: str) -> Case:
    return next(c for c in BUILT_IN if c.id == name)


def padded(x: Tensor, lengths: Tensor = LENGTHS) -> Tensor:
    """The same with NaN behind each sequence's end."""
    late = torch.arange(len(x)).unsqueeze(1) >= lengths
    return x.detach().masked_fill(late.unsqueeze(-1), torch.nan)


def alone(layer: cv.Recurrent, x: Tensor, state: tuple[Tensor, ...], aux: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """Each sequence by a call of its own; outputs behind its end are zero."""
    outputs, finals = [], []
    for row, length in enumerate(LENGTHS.tolist()):
        own = tuple(s[:, row : row + 1] for s in state)
        given = {n: a[:length, row : row + 1] for n, a in aux.items()}
        y, final = layer(x[:length, row : row + 1], own, **given)
        outputs.append(torch.cat([y, y.new_zeros(T - length, *y.shape[1:])]))
        finals.append(final)
    return torch.cat(outputs, 1), *(torch.cat(s, 1) for s in zip(*finals, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_each_sequence_is_what_it_is_alone(case: Case, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch_plan, "CHUNK_ROWS", (6, 6))  # several chunks
    for options in ({}, {"bidirectional": True, "learn_initial_state": True}):
        layer = layer_of(case, backend, **options)
        unit, directions = layer.units[0], layer.num_directions
        aux = {a.name: torch.rand(T, B, dtype=F64).round() for a in unit.program.aux}
        x = torch.randn(T, B, I, dtype=F64)
        laid = padded(x).requires_grad_()
        x.requires_grad_()
        state = tuple(
            torch.rand(directions, B, unit.widths[s.width], dtype=F64).add(0.5).requires_grad_()
            for s in unit.program.states
        )
        y, final = layer(laid, state, lengths=LENGTHS, **aux)
        got, want = (y, *final), alone(layer, x, state, aux)
        for a, b in zip(got, want, strict=True):
            assert_near(a, b, 1e-12, "result")
        cotangents = [torch.randn_like(w) for w in want]
        grads = [
            torch.autograd.grad(r, [of, *state, *layer.parameters()], cotangents, allow_unused=True)
            for r, of in ((got, laid), (want, x))
        ]
        for leaf, a, b in zip([x, *state, *layer.parameters()], *grads, strict=True):
            assert_near(*(torch.zeros_like(leaf) if g is None else g for g in (a, b)), 1e-10, "gradient")


@pytest.mark.parametrize("threads_used", [1, 2, 3])
def test_threads_and_chunks_change_no_bit(threads_used: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_WORTHWHILE", 0)
    monkeypatch.setattr(threads, "is_oversubscribed", lambda: False)
    layer, x, lengths = cv.LSTM(9, 20, num_layers=2), torch.randn(30, 13, 9), torch.randint(0, 31, (13,))
    torch.set_num_threads(1)
    want, final = layer(x, lengths=lengths)
    rows = [layer(x[:n, k : k + 1])[0][:, 0] for k, n in enumerate(lengths)]
    assert all(torch.equal(want[: len(r), k], r) for k, r in enumerate(rows))
    monkeypatch.setattr(launch_plan, "CHUNK_ROWS", (17, 17))
    again = cv.LSTM(9, 20, num_layers=2)
    again.load_state_dict(layer.state_dict())
    try:
        torch.set_num_threads(threads_used)
        y, state = again(x, lengths=lengths)
    finally:
        torch.set_num_threads(1)
    assert torch.equal(y, want) and all(torch.equal(a, b) for a, b in zip(state, final, strict=True))


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("backend", BACKENDS)
def test_with_resets(backend: str, both_ways: bool) -> None:
    layer = layer_of(by_name("lstm_peephole"), backend, bidirectional=both_ways, learn_initial_state=True)
    with torch.no_grad():
        for name, p in layer.named_parameters():
            if name.startswith("initial"):
                p.normal_()
    x, starts = torch.randn(T, B, I, dtype=F64), torch.rand(T, B) < 0.3
    y, final = layer(padded(x), lengths=LENGTHS, reset=starts)
    for row, length in enumerate(LENGTHS.tolist()):
        own, state = layer(x[:length, row : row + 1], reset=starts[:length, row : row + 1])
        assert_near(y[:length, row], own[:, 0], 1e-12, f"row {row}")
        assert not y[length:, row].any()
        for a, b in zip(final, state, strict=True):
            assert_near(a[:, row], b[:, 0], 1e-12, f"state of row {row}")


KINDS = [(cv.LSTM, torch.nn.LSTM, {}), (cv.GRU, torch.nn.GRU, {}), (cv.RNN, torch.nn.RNN, {})]
KINDS.append((cv.LSTM, torch.nn.LSTM, {"proj_size": 3}))


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("ours, theirs, options", KINDS, ids=["lstm", "gru", "rnn", "projection"])
def test_packed_sequences_as_torch_takes_them(ours: Any, theirs: Any, options: dict[str, int], ordered: bool) -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([7, 5, 3, 3, 1]) if ordered else torch.tensor([3, 7, 1, 5, 3])
    options = options | {"num_layers": 2, "bidirectional": True}
    mine, other = ours(I, 6, **options, dtype=F64), theirs(I, 6, **options, dtype=F64)
    other.load_state_dict(mine.state_dict())
    x = torch.randn(T, B, I, dtype=F64)
    found = []
    for layer in (mine, other):
        packed = pack_padded_sequence(x, lengths, enforce_sorted=ordered)
        y, state = layer(packed)
        assert type(y) is type(packed) and torch.equal(y.batch_sizes, packed.batch_sizes)
        states = state if isinstance(state, tuple) else (state,)
        loss = y.data.square().sum() + sum(s.sum() for s in states)
        grads = torch.autograd.grad(loss, list(layer.parameters()))
        found.append([pad_packed_sequence(y)[0], *states, *grads])
    for a, b in zip(*found, strict=True):
        assert_near(a, b, 1e-10, "value")
    padded_y, padded_state = mine(x, lengths=lengths)
    first = padded_state[0] if isinstance(padded_state, tuple) else padded_state
    assert torch.equal(padded_y, found[0][0]) and torch.equal(first, found[0][1])


def test_batch_first_and_any_integers() -> None:
    layer, x = cv.GRU(I, 6, batch_first=True, bidirectional=True), torch.randn(B, T, I)
    want, final = layer(x, lengths=LENGTHS)
    turned = cv.GRU(I, 6, bidirectional=True)
    turned.load_state_dict(layer.state_dict())
    assert torch.equal(turned(x.transpose(0, 1), lengths=LENGTHS)[0].transpose(0, 1), want)
    for dtype in (torch.int32, torch.int16, torch.int8, torch.uint8):
        y, state = layer(x, lengths=LENGTHS.to(dtype))
        assert torch.equal(y, want) and torch.equal(state, final)


def test_nothing_and_everything_is_padding() -> None:
    layer, x, state = cv.LSTM(I, 6), torch.randn(T, B, I), tuple(torch.randn(1, B, 6) for _ in range(2))
    full, final = layer(x, state, lengths=torch.full((B,), T))
    want, wanted = layer(x, state)
    assert torch.equal(full, want) and all(torch.equal(a, b) for a, b in zip(final, wanted, strict=True))
    none, left = layer(x * torch.nan, state, lengths=torch.zeros(B, dtype=torch.int64))
    assert not none.any() and all(torch.equal(a, b) for a, b in zip(left, state, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
def test_second_derivatives(backend: str) -> None:
    layer = layer_of(by_name("gru"), backend)
    x = torch.randn(3, 2, I, dtype=F64, requires_grad=True)
    lengths = torch.tensor([3, 1])
    assert torch.autograd.gradgradcheck(lambda x: layer(x, lengths=lengths)[0], (x,))


WRONG = {
    "too-long": (torch.tensor([1, 8, 1, 1, 1]), "lengths are from 0 to T = 7, got 8"),
    "negative": (torch.tensor([1, -1, 1, 1, 1]), "lengths are from 0 to T = 7, got -1"),
    "few": (torch.tensor([1, 2]), "lengths is a tensor of whole numbers (B,) = (5,), got (2,) of torch.int64"),
    "real": (torch.ones(5), "lengths is a tensor of whole numbers (B,) = (5,), got (5,) of torch.float32"),
    "text": ("12345", "lengths is a tensor of whole numbers (B,) = (5,), got str"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors(name: str) -> None:
    given, said = WRONG[name]
    with pytest.raises(cv.ArgumentError) as caught:
        cv.LSTM(I, 6)(torch.zeros(T, B, I), lengths=given)
    assert str(caught.value) == said


def test_lengths_that_make_no_sense() -> None:
    layer, x = cv.LSTM(I, 6), torch.zeros(T, B, I)
    with pytest.raises(cv.ArgumentError, match="lengths are those of a batch, and input is one sequence"):
        layer(x[:, 0], lengths=torch.tensor([3]))
    with pytest.raises(cv.ArgumentError, match="lengths were given twice"):
        layer(pack_padded_sequence(x, LENGTHS.clamp(min=1), enforce_sorted=False), lengths=LENGTHS)
