"""Layers on layers: sizes and cells of their own, outputs of every layer, residual and skip connections."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import conveyor as cv
from layers.features import BACKENDS, F64, LENGTHS, SOME, STARTS, B, I, T, assert_same, flat, gradients, layer_of
from support import Case


def alone(layer: cv.Recurrent, k: int) -> cv.Recurrent:
    """One layer of a stack by itself, with its parameters."""
    unit = layer.units[k * layer.num_directions]
    named = {n: w for n, w in unit.widths.items() if n in unit.plain.widths and n not in "IH1"}
    one = cv.Recurrent(
        unit.cell, unit.input_size, unit.widths["H"], sizes=named, bidirectional=layer.bidirectional, dtype=F64,
        backend=layer.backend,
    )  # fmt: skip
    for name, _ in list(one.named_parameters()):
        setattr(one, name, getattr(layer, name.replace("_l0", f"_l{k}")))
    return one


def by_hand(layer: cv.Recurrent, x: Tensor, given: dict[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
    """Each layer by a call of its own, connected by hand."""
    outputs: list[Tensor] = []
    finals: list[Tensor] = []
    below = x
    for k in range(layer.num_layers):
        read = torch.cat((below, x), -1) if layer.connections == "skip" and k else below
        y, final = alone(layer, k)(read, **given)
        below = y + below if layer.connections == "residual" and k else y
        outputs.append(below)
        finals += flat(final)
    return outputs, finals


@pytest.mark.parametrize("kind", ["plain", "residual", "skip"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", SOME, ids=lambda c: c.id)
def test_layers_are_connected_as_by_hand(case: Case, backend: str, kind: str) -> None:
    both = case.multiple == 1
    layer = layer_of(case, backend, num_layers=3, connections=kind, bidirectional=both)
    x = torch.randn(T, B, I, dtype=F64, requires_grad=True)
    given = {"lengths": LENGTHS, "reset": STARTS} | {n: torch.rand(T, B, dtype=F64).round() for n in layer.aux_names}
    want, finals = by_hand(layer, x, given)
    got, final = layer(x, every_layer=True, **given)
    assert isinstance(got, tuple) and len(got) == 3
    # What stands below is added behind a sequence's end too, where all outputs are zero.
    assert_same(list(got), want, 1e-12, "output")
    assert_same([layer(x, **given)[0]], want[-1:], 1e-12, "output")
    d = layer.num_directions
    states = [f[k] if isinstance(f, tuple) else f[k * d : (k + 1) * d] for k in range(3) for f in final]
    assert_same(states, finals, 1e-12, "state")
    leaves = [x, *layer.parameters()]
    assert_same(gradients(list(got), leaves), gradients(want, leaves), 1e-10, "gradient")


@pytest.mark.parametrize("backend", BACKENDS)
def test_sizes_and_cells_of_their_own(backend: str) -> None:
    layer = cv.Recurrent(["lstm", "gru", "rnn"], I, [4, 5, 6], bidirectional=True, connections="skip", dtype=F64, backend=backend)
    x = torch.randn(T, B, I, dtype=F64)
    outputs, state = layer(x, every_layer=True)
    assert [y.shape[-1] for y in outputs] == [8, 10, 12] and layer.output_size == 12
    assert_same(list(outputs), by_hand(layer, x, {})[0], 1e-12, "output")
    assert [h.shape for h in state.h] == [(2, B, 4), (2, B, 5), (2, B, 6)] and state.c[1] is None
    lstm = cv.LSTM(I, [4, 5], num_layers=2)
    with pytest.raises(cv.ArgumentError, match="torch's modules have one hidden size in all layers"):
        cv.to_torch(lstm)
    assert [tuple(h.shape) for h in lstm(x.float())[1].c] == [(1, B, 4), (1, B, 5)]


def test_every_layer_packed_unbatched_and_batch_first() -> None:
    layer = cv.GRU(I, 5, num_layers=2, batch_first=True)
    x = torch.randn(B, T, I)
    outputs, _ = layer(x, every_layer=True)
    assert [y.shape for y in outputs] == [(B, T, 5)] * 2 and torch.equal(outputs[1], layer(x)[0])
    one, _ = layer(x[0], every_layer=True)
    assert all(map(torch.allclose, one, [y[0] for y in outputs]))
    lengths = LENGTHS.clamp(min=1)
    packed, _ = layer(pack_padded_sequence(x, lengths, True, False), every_layer=True)
    assert all(isinstance(p, PackedSequence) for p in packed)
    padded, _ = layer(x, lengths=lengths, every_layer=True)
    for p, y in zip(packed, padded, strict=True):
        assert torch.equal(pad_packed_sequence(p, batch_first=True)[0], y)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["residual", "skip"])
def test_a_stream_is_connected_alike(kind: str, backend: str) -> None:
    layer = layer_of("lstm", backend, num_layers=3, connections=kind, zoneout=0.1).eval()
    x = torch.randn(T, B, I, dtype=F64)
    with torch.no_grad():
        want, final = layer(x)
        stream = layer.stream(B)
        got = torch.stack([stream.step(row) for row in x])
    if backend == "cpu":
        assert torch.equal(got, want) and all(map(torch.equal, stream.state, final))
    assert_same([got], [want], 1e-12, "output")


def test_a_residual_is_not_dropped() -> None:
    layer = cv.Recurrent("lstm", I, 5, num_layers=2, dropout=1.0, connections="residual")
    x = torch.randn(T, B, I)
    (first, second), state = layer(x, every_layer=True)
    upper = alone(layer.double(), 1)(torch.zeros(T, B, 5, dtype=F64))[0]
    assert_same([second.double()], [first.double() + upper], 1e-6, "output")
    assert torch.equal(state.h[1], (second - first)[-1]) or torch.allclose(state.h[1], (second - first)[-1], atol=1e-6)


def test_errors() -> None:
    with pytest.raises(cv.ArgumentError) as caught:
        cv.Recurrent("gru", I, [4, 5], num_layers=2, connections="residual")
    assert str(caught.value) == (
        "connections='residual' adds what layer 1 gives, of width 5, to the output of layer 0, of width 4; give both"
        " one hidden_size, or take connections='skip'"
    )
    with pytest.raises(cv.ArgumentError, match="connections is one of plain, residual, skip, got 'dense'"):
        cv.LSTM(I, 5, connections="dense")
    with pytest.raises(cv.ArgumentError, match="every_layer is True or False, got 'yes'"):
        cv.LSTM(I, 5)(torch.randn(T, B, I), every_layer="yes")
    with pytest.raises(cv.ArgumentError, match="hidden_size has 2 entries for 3 layers; give one a layer"):
        cv.Recurrent("gru", I, [4, 5], num_layers=3)


def test_one_layer_has_nothing_to_connect() -> None:
    layer, x = cv.GRU(I, 5), torch.randn(T, B, I)
    for kind in ("residual", "skip"):
        other: Any = cv.GRU(I, 5, connections=kind)
        other.load_state_dict(layer.state_dict())
        assert torch.equal(other(x)[0], layer(x)[0])
