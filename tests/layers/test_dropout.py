"""What is dropped and kept in training: against loops in plain torch, on every backend, padded and packed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import conveyor as cv
from conveyor.backends import reference
from conveyor.backends.interface import RecurrenceArgs
from conveyor.ir.transforms.regularisation import dropout_key, recurrent_states, zoneout_key
from layers.features import (
    BACKENDS,
    F64,
    LENGTHS,
    SOME,
    STARTS,
    B,
    I,
    T,
    assert_same,
    aux_of,
    flat,
    gradients,
    layer_of,
    state_of,
)  # fmt: skip
from support import BUILT_IN, Case, assert_near

ALL = {"variational_dropout": 0.3, "zoneout": 0.25}


def masks_of(layer: cv.Recurrent, x: Tensor, seed: int) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return layer._draw(x, T, B, None)


def seeded(layer: cv.Recurrent, seed: int, *args: Any, **given: Any) -> Any:
    torch.manual_seed(seed)
    return layer(*args, **given)


# Zoneout


def steps(layer: cv.Recurrent, x: Tensor, state: tuple[Tensor, ...], aux: dict[str, Tensor], rest: Any) -> list[Tensor]:
    """Outputs and final states, a step at a time; `rest(name, t, before, new)` says what becomes of a new state."""
    unit = layer.units[0]
    held, outputs = [s[0] for s in state], []
    for t in range(len(x)):
        given = {a.name: aux[a.name][t, :, None].expand(1, B, unit.widths[a.width]) for a in unit.plain.aux}
        params = unit.bind(layer)
        new = reference.forward(RecurrenceArgs.of(unit.plain, x[t : t + 1], held, params, unit.widths, given)).states
        names = [s.name for s in unit.plain.states]
        held = [rest(n, t, a, b) for n, a, b in zip(names, held, new, strict=True)]
        outputs.append(held[0])
    return [torch.stack(outputs), *(s.unsqueeze(0) for s in held)]


@pytest.mark.parametrize("training", [True, False], ids=["training", "eval"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", SOME, ids=lambda c: c.id)
def test_zoneout_keeps_states_as_they_were(case: Case, backend: str, training: bool) -> None:
    layer = layer_of(case, backend, zoneout=0.4).train(training)
    x, state, aux = torch.randn(T, B, I, dtype=F64, requires_grad=True), state_of(layer), aux_of(layer)
    masks = masks_of(layer, x, 3).units.get(layer.units[0].suffix, {})

    def rest(name: str, t: int, before: Tensor, new: Tensor) -> Tensor:
        return torch.where(masks[zoneout_key(name)][t] > 0, before, new) if training else 0.4 * before + 0.6 * new

    got = flat(seeded(layer, 3, x, state, **aux))
    want = steps(layer, x, state, aux, rest)
    assert_same(got, want, 1e-12, "result")
    leaves = [x, *state, *layer.parameters()]
    assert_same(gradients(got, leaves), gradients(want, leaves), 1e-10, "gradient")


def test_zoneout_of_one_state_and_its_rate() -> None:
    layer = cv.LSTM(I, 50, zoneout={"c": 0.3, "h": 0})
    masks = masks_of(layer, torch.empty(T, B, I), 0).units[layer.units[0].suffix]
    assert list(masks) == [zoneout_key("c")]
    mask = masks[zoneout_key("c")]
    assert mask.shape == (T, B, 50) and set(mask.unique().tolist()) == {0.0, 1.0}
    assert abs(mask.mean().item() - 0.3) < 0.05
    assert not torch.equal(mask[0], mask[1]), "a draw of its own at each step"
    still = cv.LSTM(I, 5, zoneout=1.0)
    state = (torch.randn(1, B, 5), torch.randn(1, B, 5))
    for mode in (True, False):
        y, final = still.train(mode)(torch.randn(T, B, I), state)
        assert torch.equal(final.c, state[1]) and torch.equal(y[3], state[0][0])


# Recurrent connections


def lstm_loop(w: Any, x: Tensor, s: list[Tensor], m: dict[str, Tensor]) -> list[Tensor]:
    h, c = s
    peep = {k: (getattr(w, f"p_{k}_l0") if hasattr(w, f"p_{k}_l0") else 0.0) for k in "ifo"}
    z = x @ w.weight_ih_l0.t() + (h * m["h"]) @ w.weight_hh_l0.t() + w.bias_l0
    i, f, g, o = z.chunk(4, -1)
    seen = c * m.get("c", 1.0)
    # The packed order is that of appearance: i f g o.
    i, f = torch.sigmoid(i + peep["i"] * seen), torch.sigmoid(f + peep["f"] * seen)
    c = f * c + i * torch.tanh(g)
    h = torch.sigmoid(o + peep["o"] * c) * torch.tanh(c)
    return [h, c]


def gru_loop(w: Any, x: Tensor, s: list[Tensor], m: dict[str, Tensor]) -> list[Tensor]:
    (h,) = s
    a, b = x @ w.weight_ih_l0.t(), (h * m["h"]) @ w.weight_hh_l0.t()
    (ar, az, an), (br, bz, bn) = a.chunk(3, -1), b.chunk(3, -1)
    if w.bias_l0.shape[0] == 4 * h.shape[1]:
        dr, dz, dn, dm = w.bias_l0.chunk(4)
        r, z = torch.sigmoid(ar + br + dr), torch.sigmoid(az + bz + dz)
        n = torch.tanh(an + dn + r * (bn + dm))
    else:
        raise AssertionError(w.bias_l0.shape)
    return [(1 - z) * n + z * h]


def reset_before_loop(w: Any, x: Tensor, s: list[Tensor], m: dict[str, Tensor]) -> list[Tensor]:
    (h,) = s
    (ar, az, an), (dr, dz, dn) = (x @ w.weight_ih_l0.t()).chunk(3, -1), w.bias_l0.chunk(3)
    br, bz = ((h * m["h"]) @ w.weight_hh_l0.t()).chunk(2, -1)
    r, z = torch.sigmoid(ar + br + dr), torch.sigmoid(az + bz + dz)
    inner = next(p for n, p in w.named_parameters() if n.startswith("weight_n_"))
    n = torch.tanh(an + (r * (h * m["h"])) @ inner.t() + dn)
    return [(1 - z) * n + z * h]


def indrnn_loop(w: Any, x: Tensor, s: list[Tensor], m: dict[str, Tensor]) -> list[Tensor]:
    return [torch.relu(x @ w.weight_ih_l0.t() + w.bias_l0 + w.u_l0 * (s[0] * m["h"]))]


LOOPS = {
    "lstm": lstm_loop,
    "lstm_peephole": lstm_loop,
    "gru": gru_loop,
    "gru_reset_before": reset_before_loop,
    "indrnn": indrnn_loop,
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", LOOPS)
def test_one_mask_a_sequence_on_what_matrices_and_weights_read(name: str, backend: str) -> None:
    """Gal & Ghahramani 2016, eq. 7: on the input, and on the state of the step before wherever it is multiplied."""
    layer = layer_of(name, backend, variational_dropout={"input": 0.2, "recurrent": 0.5, "output": 0.3})
    x, state = torch.randn(T, B, I, dtype=F64, requires_grad=True), state_of(layer)
    masks = masks_of(layer, x, 3)
    own = masks.units[layer.units[0].suffix]
    assert set(own) == {dropout_key(s) for s in recurrent_states(layer.units[0].plain)}
    assert all(m.shape == (1, B, 4) and set(m.unique().tolist()) <= {0.0, 2.0} for m in own.values())
    held, outputs = [s[0] for s in state], []
    for t in range(T):
        m = {k.removeprefix("dropout."): v[0] for k, v in own.items()}
        held = LOOPS[name](layer, x[t] * masks.read[0][0], held, m)
        outputs.append(held[0])
    want = [torch.stack(outputs) * masks.output, *(s.unsqueeze(0) for s in held)]
    got = flat(seeded(layer, 3, x, state))
    assert_same(got, want, 1e-12, "result")
    leaves = [x, *state, *layer.parameters()]
    assert_same(gradients(got, leaves), gradients(want, leaves), 1e-10, "gradient")


def test_which_states_have_recurrent_connections() -> None:
    found = {c.id: recurrent_states(c.program) for c in BUILT_IN}
    assert found["lstm"] == found["gru"] == found["gru_reset_before"] == found["mgu"] == found["indrnn"] == ("h",)
    assert found["lstm_peephole"] == ("h", "c")
    assert found["min_gru"] == found["min_lstm"] == ()
    assert all(found[n] == ("h",) for n in ("lstm_projection", "lstm_layer_norm", "gru_d", "slstm", "janet", "ugrnn"))


# Everything together, on every backend


@pytest.mark.parametrize("case", SOME, ids=lambda c: c.id)
def test_backends_agree_on_everything_at_once(case: Case) -> None:
    found = []
    for backend in BACKENDS:
        options = {"num_layers": 2, "bidirectional": True, "learn_initial_state": True, "dropout": 0.3, **ALL}
        layer = layer_of(case, backend, **options)
        torch.manual_seed(1)
        x = torch.randn(T, B, I, dtype=F64)
        x = x.masked_fill((torch.arange(T).unsqueeze(1) >= LENGTHS).unsqueeze(-1), torch.nan).requires_grad_()
        aux = aux_of(layer)
        for given in ({}, {"lengths": LENGTHS}, {"reset": STARTS}, {"lengths": LENGTHS, "reset": STARTS}):
            sound = x if "lengths" in given else x.nan_to_num(0.5)
            results = flat(seeded(layer, 3, sound, **given, **aux))
            leaves = [x, *layer.parameters()]
            found.append((results, gradients(results, leaves)))
    half = len(found) // 2
    for (a, da), (b, db) in zip(found[:half], found[half:], strict=True):
        assert_same(a, b, 1e-12, "result")
        assert_same(da, db, 1e-10, "gradient")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["lstm", "gru_d", "slstm"])
def test_masks_are_packed_alike(name: str, backend: str) -> None:
    """With one seed, padded, packed by torch and alone by lengths are the same."""
    layer = layer_of(name, backend, num_layers=2, bidirectional=True, dropout=0.3, **ALL)
    x, aux = torch.randn(T, B, I, dtype=F64), aux_of(layer)
    full = torch.full((B,), T)
    assert_same(flat(seeded(layer, 3, x, lengths=full, **aux)), flat(seeded(layer, 3, x, **aux)), 1e-12, "full")
    lengths = torch.tensor([3, 7, 2, 7])
    y, final = seeded(layer, 3, x, lengths=lengths, **aux)
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    z, last = seeded(layer, 3, packed, **aux)
    assert_same([pad_packed_sequence(z)[0], *flat(last)], [y, *flat(final)], 1e-12, "packed")
    # Of a row that is as long as the others, padding changes nothing.
    assert_near(y[:, 1], seeded(layer, 3, x, **aux)[0][:, 1], 1e-12, "a whole row")


def test_a_mask_is_that_of_the_row_across_resets() -> None:
    layer = cv.RNN(I, 400, variational_dropout={"input": 0.5}, dtype=F64)
    with torch.no_grad():
        layer.weight_hh_l0.zero_()
    x = torch.ones(T, B, I, dtype=F64)
    y, _ = layer(x, reset=STARTS)
    assert torch.equal(y, y[:1].expand_as(y)), "every step reads the same units"
    assert len(torch.unique(y[0], dim=0)) > 1, "rows have masks of their own"


@pytest.mark.parametrize("backend", BACKENDS)
def test_seeds_and_eval(backend: str) -> None:
    layer = layer_of("lstm", backend, num_layers=2, dropout=0.3, **ALL)
    x = torch.randn(T, B, I, dtype=F64)
    assert torch.equal(seeded(layer, 1, x)[0], seeded(layer, 1, x)[0])
    assert not torch.equal(seeded(layer, 1, x)[0], seeded(layer, 2, x)[0])
    assert not torch.equal(layer(x)[0], layer(x)[0]), "a call has masks of its own"
    layer.eval()
    before = torch.get_rng_state()
    assert torch.equal(layer(x)[0], layer(x)[0]) and torch.equal(before, torch.get_rng_state())
    plain = layer_of("lstm", backend, num_layers=2, zoneout=0.25).eval()
    assert torch.equal(layer(x)[0], plain(x)[0]), "dropout leaves evaluation alone, zoneout takes its mean"
    x.requires_grad_()
    layer(x)[0].sum().backward()
    assert x.grad is not None and x.grad.all()


def test_a_stream_is_the_layer_in_evaluation() -> None:
    layer = layer_of("lstm", "cpu", num_layers=2, dropout=0.3, **ALL)
    x = torch.randn(T, B, I, dtype=F64)
    with torch.no_grad():
        y, _ = layer.eval()(x)
        for mode in (False, True):
            stream = layer.train(mode).stream(B)
            assert torch.equal(torch.stack([stream.step(x[t]) for t in range(3)]), y[:3])
            assert torch.equal(stream.run(x[3:]), y[3:])


def test_probabilities_of_one_and_changes_later() -> None:
    layer = cv.GRU(I, 5, variational_dropout={"output": 1.0})
    x = torch.randn(T, B, I)
    assert not layer(x)[0].any()
    layer.variational_dropout = None
    assert layer(x)[0].any() and torch.equal(layer(x)[0], layer(x)[0])
    layer.zoneout = 1.0
    assert not layer(x)[0].any()
    for wrong in ({"zoneout": 2.0}, {"variational_dropout": "no"}, {"gradient_clip": 0.0 - 1}, {"checkpoint_every": 0}):
        for name, value in wrong.items():
            before = getattr(layer, name)
            with pytest.raises(cv.ArgumentError, match=name):
                setattr(layer, name, value)
            assert getattr(layer, name) == before, "a wrong value changes nothing"
    assert "zoneout=1.0" in repr(layer) and "variational" not in repr(layer)


def test_dropout_of_one_layer_says_what_it_does() -> None:
    with pytest.warns(UserWarning, match="dropout=0.3 acts between layers, and this is one layer, so it does nothing"):
        cv.LSTM(3, 4, dropout=0.3)
    cv.LSTM(3, 4, 2, dropout=0.3)


WRONG = {
    "too likely": ({"zoneout": 1.5}, "zoneout is a probability from 0 to 1, got 1.5"),
    "a flag": ({"variational_dropout": True}, "variational_dropout is a probability from 0 to 1, got True"),
    "no such state": ({"zoneout": {"d": 0.1}}, "zoneout has 'd'; states here are h, c"),
    "no such place": ({"variational_dropout": {"x": 0.1}}, "variational_dropout has 'x'; places here are input, recurrent, output"),
    "one of them": ({"zoneout": {"c": -1}}, "zoneout['c'] is a probability from 0 to 1, got -1"),
    "a list": ({"zoneout": [0.1]}, "zoneout is a number or a dict of states to numbers, got list"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_errors(name: str) -> None:
    options, message = WRONG[name]
    with pytest.raises(cv.ArgumentError) as caught:
        cv.LSTM(I, 5, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "option", [{"variational_dropout": 0.1}, {"zoneout": 0.1}, {"connections": "skip"}, {"gradient_clip": 1}]
)
def test_torch_has_no_such_modules(option: dict[str, Any]) -> None:
    with pytest.raises(
        cv.ArgumentError, match=rf"layer: torch's modules have no {next(iter(option))}, and this one does"
    ):
        cv.to_torch(cv.LSTM(I, 5, num_layers=2, **option))


def test_nothing_recurrent_to_drop() -> None:
    with pytest.raises(cv.ArgumentError, match="drops recurrent connections, and cell min_gru has none"):
        cv.Recurrent("min_gru", I, 5, variational_dropout={"recurrent": 0.5})
    cv.Recurrent("min_gru", I, 5, variational_dropout=0.5)(torch.randn(T, B, I))


@pytest.mark.parametrize("value", [3, -0.5, "a", True, None])
def test_a_rate_that_is_changed_later_is_checked(value: object) -> None:
    layer = cv.LSTM(3, 4, num_layers=2, dropout=0.25)
    with pytest.raises(cv.ArgumentError, match="dropout is a probability from 0 to 1"):
        layer.dropout = value  # type: ignore[assignment]
    assert layer.dropout == 0.25
