"""Autocast and layers of 16 bits: which types come and go, and that float32 is what is computed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import conveyor as cv
from layers.common import relative_error
from layers.features import BACKENDS

T, B, I, H = 9, 3, 4, 5  # noqa: E741
HALF = [pytest.param(d, id=str(d).removeprefix("torch.")) for d in (torch.bfloat16, torch.float16)]
F32 = torch.float32


def both(kind: Callable[..., nn.Module], backend: str, **options: object) -> tuple[nn.Module, nn.Module]:
    """A layer, and one with the same numbers in float32."""
    torch.manual_seed(0)
    layer = kind(I, H, backend=backend, **options)
    other = kind(I, H, backend="reference", **options)
    other.load_state_dict(layer.state_dict())
    return layer, other


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", HALF)
def test_autocast_computes_in_float32(dtype: torch.dtype, backend: str) -> None:
    layer, plain = both(cv.LSTM, backend, num_layers=2, bidirectional=True)
    x = torch.randn(T, B, I).to(dtype)
    want, (h, c) = plain(x.float())
    with torch.autocast("cpu", dtype=dtype):
        y, state = layer(x)
        theirs, _ = nn.LSTM(I, H, 2, bidirectional=True)(x)
    assert y.dtype == theirs.dtype == dtype and state.h.dtype == state.c.dtype == F32
    # The output is rounded once, and the states are not at all.
    assert relative_error(state.h, h) < 1e-5 and relative_error(state.c, c) < 1e-5
    assert (y.float() - want).abs().max() <= torch.finfo(dtype).eps * want.abs().max()
    y.float().square().sum().backward()
    plain(x.float())[0].to(dtype).float().square().sum().backward()
    for got, wanted in zip(layer.parameters(), plain.parameters(), strict=True):
        assert got.grad.dtype == F32 and relative_error(got.grad, wanted.grad) < 1e-2


@pytest.mark.parametrize("dtype", HALF)
def test_autocast_takes_mixed_types(dtype: torch.dtype) -> None:
    layer, plain = both(cv.LSTM, "cpu")
    x, h, c = torch.randn(T, B, I), torch.randn(1, B, H).to(torch.bfloat16), torch.randn(1, B, H)
    with torch.autocast("cpu", dtype=dtype):
        y, state = layer(x, (h, c))
        first, held = layer(x[:4], (h.float(), c))
        last, _ = layer(x[4:], held)
    want, _ = plain(x, (h.float(), c))
    assert y.dtype == dtype and state.h.dtype == torch.bfloat16 and state.c.dtype == F32
    assert relative_error(y, want) <= torch.finfo(dtype).eps
    assert held.h.dtype == F32 and torch.equal(torch.cat((first, last)), y)  # cut where it may be


def test_autocast_of_other_kinds_of_layers() -> None:
    x, lengths = torch.randn(T, B, I), torch.tensor([3, 9, 5])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, h = cv.GRU(I, H)(x, lengths=lengths)
        assert y.dtype == torch.bfloat16 and h.dtype == F32 and not y[3:, 0].any()
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        out, _ = cv.RNN(I, H)(packed)
        assert out.data.dtype == torch.bfloat16
        assert cv.LSTMCell(I, H)(x[0]).c.dtype == nn.LSTMCell(I, H)(x[0])[1].dtype == F32
        y, _ = cv.GRU(I, H, dtype=torch.float64)(x.double())
        assert y.dtype == torch.float64  # torch's autocast leaves it alone
        y, state = cv.Recurrent("mgu", I, H, learn_initial_state=True)(x.half())
        assert y.dtype == torch.bfloat16 and state.h.dtype == F32
    with pytest.raises(cv.ArgumentError, match="input has dtype torch.float64 but the layer's parameters have"):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            cv.GRU(I, H)(x.double())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", HALF)
def test_layers_of_16_bits(dtype: torch.dtype, backend: str) -> None:
    layer, plain = both(cv.LSTM, backend, num_layers=2, learn_initial_state=True)
    layer.to(dtype)
    with torch.no_grad():
        for p, q in zip(plain.parameters(), layer.parameters(), strict=True):
            p.copy_(q)
    x = torch.randn(T, B, I).to(dtype)
    y, state = layer(x)
    want, (h, c) = plain(x.float())
    assert layer.backend_used == backend
    assert y.dtype == state.h.dtype == state.c.dtype == dtype  # as torch.nn's
    for got, wanted in ((y, want), (state.h, h), (state.c, c)):
        assert (got.float() - wanted).abs().max() <= torch.finfo(dtype).eps * wanted.abs().max()
    y.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == dtype and p.grad.isfinite().all() for p in layer.parameters())
    # Given in float32, a state comes back so, and nothing is lost between chunks.
    start = tuple(torch.zeros(2, B, H) for _ in range(2))
    whole, _ = layer(x, start)
    first, held = layer(x[:4], start)
    assert held.c.dtype == F32 and torch.equal(torch.cat((first, layer(x[4:], held)[0])), whole)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", HALF)
def test_streams_of_16_bits(dtype: torch.dtype, backend: str) -> None:
    layer, _ = both(cv.GRU, backend, num_layers=2)
    layer.to(dtype)
    x = torch.randn(T, B, I).to(dtype)
    with torch.no_grad():
        want, h = layer(x, torch.zeros(2, B, H))
    stream = layer.stream(B)
    for other in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=other):
            stream.reset()
            steps = [stream.step(s) for s in x]
            held = stream.state.h
            stream.state = (torch.zeros(2, B, H, dtype=dtype),)
            whole = stream.run(x)
        assert held.dtype == F32 and torch.equal(whole, want)
        if backend == "cpu":  # the reference makes its products by BLAS, which rounds by the number of rows
            assert torch.equal(torch.stack(steps), want) and torch.equal(held, h)
        assert relative_error(held, h) < 1e-6 and relative_error(torch.stack(steps), want) < torch.finfo(dtype).eps


def test_steps_of_16_bits() -> None:
    cell = cv.GRUCell(I, H, dtype=torch.bfloat16)
    x, h = torch.randn(B, I).bfloat16(), torch.randn(B, H)
    assert cell(x).dtype == torch.bfloat16 and cell(x, h).dtype == F32
    want: Tensor = cell.float()(x.float(), h)
    assert torch.equal(cell(x.float(), h), want)


def test_training_goes_on_with_a_gradient_scaler() -> None:
    layer = cv.LSTM(I, H)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    before = layer.weight_hh_l0.detach().clone()
    with torch.autocast("cpu", dtype=torch.float16):
        loss = layer(torch.randn(T, B, I))[0].square().mean()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    assert not torch.equal(layer.weight_hh_l0, before) and layer.weight_hh_l0.isfinite().all()
