"""Whatever lengths, resets, auxiliary inputs and streams are given: an error of ours in one line, or a right answer."""

from __future__ import annotations

import math
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

import conveyor as cv

T, B, I, H = 5, 3, 4, 6  # noqa: E741

torch.manual_seed(0)
LAYERS = [
    cv.LSTM(I, H),
    cv.GRU(I, H, num_layers=2, bidirectional=True, batch_first=True),
    cv.Recurrent("lstm_peephole", I, H, learn_initial_state=True, backend="reference"),
    cv.Recurrent("gru_d", I, H),
]
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 9), st.floats(), st.text(max_size=3), st.just([]), st.just({}),
    st.lists(st.integers(-2, 7), max_size=4), st.just(object()), st.just([[True]]),
)  # fmt: skip
DTYPES = st.sampled_from([torch.int64, torch.int32, torch.uint8, torch.bool, torch.float32, torch.float64])
SHAPES = st.lists(st.integers(0, 6), max_size=4).map(tuple)
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 3.0, 5.0, 6.0, 2.0**40, math.nan, math.inf])


def filled(shape: tuple[int, ...], dtype: torch.dtype, number: float, device: str) -> Tensor:
    value = number if dtype.is_floating_point else int(number) if math.isfinite(number) else 1
    limit = torch.iinfo(dtype).max if not (dtype.is_floating_point or dtype == torch.bool) else None
    return torch.full(shape, value if limit is None else min(max(value, -100), limit), dtype=dtype, device=device)


DEVICES = st.sampled_from(["cpu"] * 9 + ["meta"])
ANY = st.builds(filled, SHAPES, DTYPES, NUMBERS, DEVICES) | JUNK
LENGTHS = st.builds(filled, st.just((B,)), DTYPES, NUMBERS, DEVICES) | st.lists(
    st.integers(-1, T + 1), min_size=B, max_size=B
).map(torch.tensor)
RESETS = st.builds(filled, st.sampled_from([(T, B), (B, T), (T,), (B,), (T, B, 1)]), DTYPES, NUMBERS, DEVICES)
AUX = st.dictionaries(st.sampled_from(["mask", "delta", "x", "lengths ", "gap"]), ANY, max_size=2)


def is_told(error: Exception) -> bool:
    return "\n" not in str(error) and len(str(error)) > 20


def expected_shape(layer: Any, x: Tensor) -> tuple[int, ...]:
    return (*x.shape[:-1], layer.output_size)


@settings(max_examples=500)
@given(st.sampled_from(LAYERS), st.none() | LENGTHS | ANY, st.none() | RESETS | ANY, AUX, st.booleans(), st.booleans())
def test_calls(layer: Any, lengths: Any, reset: Any, aux: dict[str, Any], packed: bool, right_aux: bool) -> None:
    x: Any = torch.randn((B, T, I) if layer.batch_first else (T, B, I))
    if right_aux:
        aux = {n: torch.rand(*x.shape[:2], I) for n in layer.aux_names}
    if packed:
        x = pack_padded_sequence(x, torch.tensor([5, 2, 3]), batch_first=layer.batch_first, enforce_sorted=False)
    try:
        y, _ = layer(x, lengths=lengths, reset=reset, **aux)
    except cv.ConveyorError as error:
        assert is_told(error), str(error)
        return
    except TypeError as error:  # a keyword that Python itself refuses
        assert "unexpected keyword argument" in str(error) or "multiple values" in str(error)
        return
    if packed:
        assert y.data.shape == expected_shape(layer, x.data) and lengths is None
        return
    assert y.shape == expected_shape(layer, x)
    if lengths is not None:
        ends = torch.as_tensor(lengths).tolist()
        assert len(ends) == B and all(0 <= end <= T for end in ends)
        by_row = y if layer.batch_first else y.transpose(0, 1)
        assert all(not row[int(end) :].any() for row, end in zip(by_row, ends, strict=True))


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["step", "run", "reset", "reorder", "state", "out"]),
        ANY | st.sampled_from([torch.zeros(B, I), torch.zeros(2, B, I), torch.tensor([2, 0, 1]), torch.ones(B) > 0]),
    ),
    max_size=6,
)


@settings(max_examples=300)
@given(st.sampled_from([LAYERS[0], LAYERS[2]]), ACTIONS, st.integers(-1, 4) | JUNK)
def test_streams(layer: Any, actions: list[tuple[str, Any]], rows: Any) -> None:
    try:
        stream = layer.stream(rows)
    except cv.ArgumentError as error:
        assert is_told(error) and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 1)
        return
    assert isinstance(rows, int) and rows >= 1
    for action, value in actions:
        try:
            if action == "step":
                assert stream.step(value).shape == (rows, H) and value.shape == (rows, I)
            elif action == "run":
                assert stream.run(value).shape == (len(value), rows, H)
            elif action == "out":
                out = stream.step(torch.zeros(rows, I), out=value)
                assert out is value or value is None
            elif action == "state":
                stream.state = value
            else:
                getattr(stream, action)(value)
        except cv.ConveyorError as error:
            assert is_told(error), str(error)
        assert stream.state[0].shape == (1, rows, H)


@settings(max_examples=200)
@given(st.sampled_from(["lstm", "gru", "gru_d"]), ANY, st.lists(ANY, max_size=3).map(tuple) | ANY, AUX)
def test_cells(name: str, x: Any, state: Any, aux: dict[str, Any]) -> None:
    cell = cv.Cell(name, I, H)
    try:
        found = cell(x, state, **aux)
    except cv.ConveyorError as error:
        assert is_told(error), str(error)
        return
    except TypeError as error:
        assert "unexpected keyword argument" in str(error) or "multiple values" in str(error)
        return
    assert found[0].shape == (*x.shape[:-1], H)
