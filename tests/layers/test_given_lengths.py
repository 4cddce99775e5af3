"""Lengths as lists, tuples, NumPy arrays and nested tensors; sparse tensors are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.errors import ArgumentTypeError, TensorError
from layers.common import random

LENGTHS = (3, 5, 0, 1)
KINDS: dict[str, Any] = {
    "list": list(LENGTHS),
    "tuple": LENGTHS,
    "NumPy's int64": np.array(LENGTHS),
    "NumPy's uint8": np.array(LENGTHS, dtype=np.uint8),
    "list of NumPy's": [np.int32(n) for n in LENGTHS],
    "list of tensors": [torch.tensor(n) for n in LENGTHS],
    "int32": torch.tensor(LENGTHS, dtype=torch.int32),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("both_ways", [False, True])
def test_every_kind_is_the_tensor_of_the_same_numbers(kind: str, both_ways: bool) -> None:
    layer = cv.LSTM(4, 3, num_layers=2, bidirectional=both_ways, dtype=torch.float64)
    x = random(0, 5, len(LENGTHS), 4)
    y, state = layer(x, lengths=KINDS[kind])
    wanted, final = layer(x, lengths=torch.tensor(LENGTHS))
    assert torch.equal(y, wanted) and all(torch.equal(a, b) for a, b in zip(state, final, strict=True))
    trace = layer.record(x, lengths=KINDS[kind])
    assert trace.lengths is not None and trace.lengths.tolist() == list(LENGTHS)
    parts, left = cv.tbptt(x, 2, lengths=KINDS[kind]), []
    for part in parts:
        left.append(part.lengths.tolist())
        parts.state = None
    assert left == [[2, 2, 0, 1], [1, 2, 0, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize(
    "lengths",
    ["3501", {3: 1}, 5, [1, 2, 3, None], [1.0, 2.0, 3.0, 0.0], [True, False, True, True], np.ones(4), [[1]] * 4],
)
def test_what_are_no_lengths(lengths: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"^lengths is a tensor of whole numbers \(B,\) = \(4,\), got "):
        cv.GRU(4, 3)(random(0, 5, 4, 4, dtype=torch.float32), lengths=lengths)


def test_lengths_out_of_range() -> None:
    with pytest.raises(cv.ArgumentError, match="lengths are from 0 to T = 5, got 6"):
        cv.GRU(4, 3)(random(0, 5, 2, 4, dtype=torch.float32), lengths=[1, 6])


# Nested tensors


def sequences(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    return [random(k, n, 4, dtype=dtype).requires_grad_() for k, n in enumerate((3, 5, 1))]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("make", ["LSTM", "GRU", "lstm_peephole"])
def test_nested_is_each_sequence_alone(layout: torch.layout, batch_first: bool, make: str) -> None:
    """Values and gradients of each sequence, computed by itself without any padding."""
    options: dict[str, Any] = {
        "bidirectional": True,
        "num_layers": 2,
        "dtype": torch.float64,
        "batch_first": batch_first,
    }
    layer = cv.Recurrent(make, 4, 6, **options) if make in cv.cells else getattr(cv, make)(4, 6, **options)
    alone = sequences()
    together = sequences()
    y, state = layer(torch.nested.as_nested_tensor(together, layout=layout))
    assert y.is_nested and y.layout is layout and y.size(-1) == 12
    fields = state if isinstance(state, tuple) else (state,)
    for b, (part, sequence) in enumerate(zip(y.unbind(), alone, strict=True)):
        wanted, final = layer(sequence)
        torch.testing.assert_close(part, wanted, rtol=1e-12, atol=1e-14)
        for ours, theirs in zip(fields, final if isinstance(final, tuple) else (final,), strict=True):
            torch.testing.assert_close(ours[:, b], theirs, rtol=1e-12, atol=1e-14)
        (wanted.square().sum() + sum(f.sum() for f in (final if isinstance(final, tuple) else (final,)))).backward()
    (sum(p.square().sum() for p in y.unbind()) + sum(f.sum() for f in fields)).backward()
    for ours, theirs in zip(together, alone, strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-11, atol=1e-13)


def test_jagged_output_adds_to_its_input() -> None:
    """Both have the same ragged size for torch, so that a residual connection is one `+`."""
    nested = torch.nested.as_nested_tensor(sequences(torch.float32), layout=torch.jagged)
    y, _ = cv.GRU(4, 4)(nested)
    for total, out, given in zip((y + nested).unbind(), y.unbind(), nested.unbind(), strict=True):
        assert torch.equal(total, out + given)


def test_nested_with_states_records_and_every_layer() -> None:
    layer = cv.LSTM(4, 3, num_layers=2, dtype=torch.float64)
    nested = torch.nested.as_nested_tensor(sequences(), layout=torch.jagged)
    state = (random(7, 2, 3, 3), random(8, 2, 3, 3))
    padded = torch.nested.to_padded_tensor(nested, 0.0).transpose(0, 1)
    outputs, final = layer(nested, state, every_layer=True)
    wanted, theirs = layer(padded, state, lengths=[3, 5, 1], every_layer=True)
    for ours, whole in zip(outputs, wanted, strict=True):
        for b, (part, n) in enumerate(zip(ours.unbind(), (3, 5, 1), strict=True)):
            assert torch.equal(part, whole[:n, b])
    assert all(torch.equal(a, b) for a, b in zip(final, theirs, strict=True))
    trace = layer.record(nested)
    assert trace.lengths is not None and trace.lengths.tolist() == [3, 5, 1]


def test_nested_that_does_not_fit() -> None:
    layer = cv.GRU(4, 3)
    nested = torch.nested.as_nested_tensor([torch.zeros(2, 4), torch.zeros(3, 4)], layout=torch.jagged)
    with pytest.raises(cv.ArgumentError, match="lengths were given twice: a nested tensor has its own"):
        layer(nested, lengths=[2, 3])
    with pytest.raises(TensorError, match=r"input_size = 4, got one of shape \(2, 5\)"):
        layer(torch.nested.as_nested_tensor([torch.zeros(2, 5)], layout=torch.jagged))
    with pytest.raises(TensorError, match="input has dtype torch.float64"):
        layer(nested.double())


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
def test_sparse_input_is_refused(layout: torch.layout) -> None:
    layer, step, stream = cv.LSTM(4, 3), cv.GRUCell(4, 3), cv.GRU(4, 3).stream(2)
    x = torch.eye(4)[:2].to_sparse(layout=layout)
    for call in (layer, step, stream.step):
        with pytest.raises(TensorError, match=r"^input is a sparse tensor \(torch.sparse_c"):
            call(x)
    with pytest.raises(TensorError, match=r"^state h is a sparse tensor .*expected a dense one; .to_dense\(\) makes"):
        step(torch.zeros(3, 4), torch.eye(3).to_sparse(layout=layout))
