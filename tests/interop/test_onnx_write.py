"""`cv.to_onnx`: layers in onnxruntime, at other sizes than they were exported with, with states, lengths and resets."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import conveyor as cv
from conveyor.operators.recognise import recognise
from interop.layers import own
from interop.onnx_spec import run, session
from support import BUILT_IN, Case

# What onnxruntime calls what of ours, all else being a Scan.
OPERATORS = {
    "rnn": "RNN", "rnn-relu": "RNN", "gru": "GRU", "gru_reset_before": "GRU", "mgu": "GRU", "lstm": "LSTM",
    "lstm_peephole": "LSTM", "lstm_coupled": "LSTM", "lstm_niaf": "LSTM", "lstm_noaf": "LSTM", "lstm_cifg": "LSTM",
    "lstm_np": "LSTM", "lstm-sigmoid": "LSTM", "lstm-hard_sigmoid-softsign-relu": "LSTM",
    "lstm-hard_sigmoid_6-elu-linear": "LSTM", "lstm-softplus-leaky_relu": "LSTM",
}  # fmt: skip
SIZES = [(1, 1), (5, 3), (9, 2)]  # time, batch


def randomised(layer: Any, seed: int = 0) -> Any:
    """The layer with random parameters everywhere, biases and initial states among them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(0.6 * torch.randn(p.shape, generator=generator))
    return layer


def draw(layer: Any, time: int, batch: int, first: bool = False, static: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """Random input, auxiliary inputs and initial states, by the names that a graph has for them."""
    layer = layer.layer if hasattr(layer, "layer") else layer
    generator = torch.Generator().manual_seed(time)
    rows = (batch, time) if first else (time, batch)
    like = next(layer.parameters())
    widths: dict[str, int] = {}
    for unit in layer.units:
        for aux in unit.program.aux:  # one number for all units where layers differ
            width = unit.widths[aux.width]
            widths[aux.name] = width if widths.get(aux.name, width) == width else 1
    made = {"x": torch.randn(*rows, layer.input_size, generator=generator)}
    made |= {n: torch.rand(*((batch,) if n in static else rows), w, generator=generator) for n, w in widths.items()}
    directions = 2 if layer.bidirectional else 1
    for state in layer.state_fields:
        each = [u.state_width(state) for u in layer.units[::directions]]
        if len({*each}) == 1:
            made[f"{state}_0"] = torch.randn(len(layer.units), batch, each[0], generator=generator)
        else:  # one tensor a layer
            of = {k: w for k, w in enumerate(each) if w}
            made |= {f"{state}_0_l{k}": torch.randn(directions, batch, w, generator=generator) for k, w in of.items()}
    return {n: v.to(like.dtype) for n, v in made.items()}


STATE = re.compile(r"(\w+)_0(_l\d+)?")


def apply(layer: Any, given: Mapping[str, Tensor], **also: Tensor) -> list[Tensor]:
    """The layer's output and final states."""
    inner = layer.layer if hasattr(layer, "layer") else layer
    aux = {n: v for n, v in given.items() if n != "x" and not STATE.fullmatch(n)}
    states: Any = None
    if len(aux) + 1 < len(given):
        each = [[given.get(f"{n}_0_l{k}") for k in range(inner.num_layers)] for n in inner.state_fields]
        states = tuple(given.get(f"{n}_0", tuple(e)) for n, e in zip(inner.state_fields, each, strict=True))
        states = states[0] if isinstance(inner, cv.GRU | cv.RNN) else states
    with torch.no_grad():
        y, finals = layer.eval()(given["x"], states, **aux, **also)
    return [y, *(t for t in torch.utils._pytree.tree_leaves(finals) if t is not None)]


def assert_same(path: Path, given: Mapping[str, Tensor], want: list[Tensor], allowed: float = 1e-5) -> None:
    got = run(str(path), {n: v.numpy() for n, v in given.items()})
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        assert a.shape == tuple(b.shape)
        assert np.abs(a - b.numpy()).max(initial=0) <= allowed * max(1.0, b.abs().max().item())


@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_every_cell_with_states_and_lengths(case: Case, tmp_path: Path) -> None:
    hidden = 6 * case.multiple
    layer = randomised(cv.Recurrent(case.cell, 4, hidden, 2, bidirectional=True, sizes=case.sizes(hidden)))
    report = cv.to_onnx(layer, tmp_path / "m.onnx")
    assert report.difference is not None and report.ok
    assert {row.result for row in report.rows} == {OPERATORS.get(case.id, "Scan")}
    for time, batch in SIZES:
        given = draw(layer, time, batch)
        assert_same(tmp_path / "m.onnx", given, apply(layer, given))
        lengths = torch.arange(batch) % (time + 1)  # zero among them
        assert_same(tmp_path / "m.onnx", {**given, "lengths": lengths}, apply(layer, given, lengths=lengths))


@pytest.mark.parametrize("directions", [1, 2], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("first", [False, True], ids=["time-first", "batch-first"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_torch_like_layers(kind: str, first: bool, directions: int, tmp_path: Path) -> None:
    layer = randomised(getattr(cv, kind)(4, 6, 2, batch_first=first, bidirectional=directions == 2, dropout=0.5))
    path = tmp_path / "m.onnx"
    report = cv.to_onnx(layer, path)
    assert [row.result for row in report.rows] == [kind] * 2
    assert report.inputs[:2] == ("x", "lengths") and report.outputs[0] == "y" and "x" not in report.optional
    for time, batch in SIZES:
        given = draw(layer, time, batch, first)
        assert_same(path, given, apply(layer, given))
        assert_same(path, {"x": given["x"]}, apply(layer, {"x": given["x"]}))
        lengths = torch.full((batch,), max(time - 2, 0))
        assert_same(path, {**given, "lengths": lengths}, apply(layer, given, lengths=lengths))


def test_projections_without_biases_and_without_parameters(tmp_path: Path) -> None:
    layers = {
        "projection": randomised(cv.LSTM(4, 6, proj_size=3)),
        "plain": randomised(cv.LSTM(4, 6, bias=False)),
        "nothing": cv.Recurrent(cv.cell(lambda x, h: h * 0.5), 4, 4),
        "unread": randomised(cv.Recurrent(cv.cell(lambda x, h: cv.tanh(cv.affine("a", h))), 4, 5)),
    }
    for name, layer in layers.items():
        cv.to_onnx(layer, tmp_path / name)
        if name == "nothing":
            x = torch.randn(3, 2, 4)
            assert_same(tmp_path / name, {"x": x}, apply(layer, {"x": x}))
            continue
        given = draw(layer, 5, 3)
        given["h_0"] = given["h_0"][..., : layer.units[0].output_size]
        assert_same(tmp_path / name, given, apply(layer, given))


def test_a_cell_of_ones_own_with_everything(tmp_path: Path) -> None:
    """Time gaps, a memory of another width, a norm; also where every step has the same gap."""
    layer = randomised(cv.Recurrent(cv.cell(own), 3, 5, 2, bidirectional=True, sizes={"slots": 4, "gap": 2}))
    cv.to_onnx(layer, tmp_path / "timed")
    cv.to_onnx(layer, tmp_path / "static", static=["gap"])
    for time, batch in SIZES:
        lengths = torch.arange(batch) + time - batch + 1
        lengths = lengths.clamp(1, time)
        given = draw(layer, time, batch)
        assert_same(tmp_path / "timed", {**given, "lengths": lengths}, apply(layer, given, lengths=lengths))
        given = draw(layer, time, batch, static=("gap",))
        assert_same(tmp_path / "static", {**given, "lengths": lengths}, apply(layer, given, lengths=lengths))


def test_a_cell_a_layer_of_other_widths(tmp_path: Path) -> None:
    layer = randomised(cv.Recurrent(["lstm", "gru", "lstm_projection"], 3, [5, 6, 7], sizes={"proj": 4}))
    report = cv.to_onnx(layer, tmp_path / "m.onnx")
    assert [row.result for row in report.rows] == ["LSTM", "GRU", "Scan"]
    assert report.outputs == ("y", "h_n_l0", "h_n_l1", "h_n_l2", "c_n_l0", "c_n_l2")
    given = draw(layer, 6, 2)
    assert_same(tmp_path / "m.onnx", given, apply(layer, given))
    assert_same(tmp_path / "m.onnx", {"x": given["x"]}, apply(layer, {"x": given["x"]}))


@pytest.mark.parametrize("cell", ["lstm", "gru_reset_before", "janet"])
def test_learned_initial_states_are_the_defaults(cell: str, tmp_path: Path) -> None:
    layer = randomised(cv.Recurrent(cell, 3, 5, 2, bidirectional=True, learn_initial_state=True))
    for states in ("optional", "none"):
        report = cv.to_onnx(layer, tmp_path / states, states=states)
        assert report.difference <= 1e-5
        x = torch.randn(6, 3, 3)
        lengths = torch.tensor([6, 0, 2])
        given = {"x": x, "lengths": lengths}
        assert_same(tmp_path / states, given, apply(layer, {"x": x}, lengths=lengths))
    given = draw(layer, 4, 2)
    assert_same(tmp_path / "optional", given, apply(layer, given))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_learned_initial_states_come_back(cell: str, tmp_path: Path) -> None:
    """In the file they are spread over the rows of x."""
    layer = randomised(cv.Recurrent(cell, 3, 5, bidirectional=True, learn_initial_state=True))
    for states in ("optional", "none"):
        cv.to_onnx(layer, tmp_path / states, states=states)
        (again,) = cv.from_onnx(tmp_path / states).values()
        assert again.learn_initial_state
        assert torch.equal(again.initial_h_l0_reverse, layer.initial_h_l0_reverse)
        x = torch.randn(6, 3, 3)
        for a, b in zip(apply(again, {"x": x}), apply(layer, {"x": x}), strict=True):
            assert (a - b).abs().max() <= 1e-6


@pytest.mark.parametrize("learned", [False, True], ids=["zeros", "learned"])
@pytest.mark.parametrize("first", [False, True], ids=["time-first", "batch-first"])
def test_resets_start_anew_in_both_directions(first: bool, learned: bool, tmp_path: Path) -> None:
    layer = randomised(cv.LSTM(3, 5, 2, bidirectional=True, batch_first=first, learn_initial_state=learned))
    report = cv.to_onnx(layer, tmp_path / "m.onnx", reset=True)
    assert {(row.result, row.note) for row in report.rows} == {("Scan", "no operator starts anew within a sequence")}
    for time, batch in SIZES:
        given = draw(layer, time, batch, first)
        reset = torch.rand((batch, time) if first else (time, batch), generator=torch.Generator().manual_seed(1)) < 0.4
        assert_same(tmp_path / "m.onnx", {**given, "reset": reset}, apply(layer, given, reset=reset))
        lengths = torch.arange(batch) % (time + 1)
        want = apply(layer, given, reset=reset, lengths=lengths)
        assert_same(tmp_path / "m.onnx", {**given, "reset": reset, "lengths": lengths}, want)


@pytest.mark.parametrize("cell", ["lstm", "slstm", "lstm_layer_norm"])
def test_double_precision(cell: str, tmp_path: Path) -> None:
    layer = randomised(cv.Recurrent(cell, 3, 6, dtype=torch.float64))
    report = cv.to_onnx(layer, tmp_path / "m.onnx")
    (row,) = report.rows
    assert row.result == "Scan" and (cell != "lstm" or row.note == "onnxruntime has LSTM in float32 only")
    given = draw(layer, 9, 2)
    assert_same(tmp_path / "m.onnx", given, apply(layer, given), 1e-12)


def test_a_layer_that_runs_backwards(tmp_path: Path) -> None:
    from conveyor.interop.onnx.exporter.reverse import Reverse

    for cell in ("lstm", "janet"):
        layer = randomised(cv.Recurrent(cell, 3, 5))
        report = cv.to_onnx(Reverse(layer), tmp_path / cell)
        assert report.rows[0].directions == "reverse"
        given = draw(layer, 6, 3)
        lengths = torch.tensor([6, 1, 4])
        assert_same(tmp_path / cell, given, apply(Reverse(layer), given))
        want = apply(Reverse(layer), given, lengths=lengths)
        assert_same(tmp_path / cell, {**given, "lengths": lengths}, want)


# The shape of a graph


def shapes(path: Path) -> dict[str, list[Any]]:
    ready = session(str(path))
    return {v.name: list(v.shape) for v in [*ready.get_inputs(), *ready.get_overridable_initializers()]}


def test_axes_that_are_fixed(tmp_path: Path) -> None:
    layer = randomised(cv.GRU(3, 5, batch_first=True))
    cv.to_onnx(layer, tmp_path / "batch", dynamic=("time",), batch=2, states="required", lengths="required")
    cv.to_onnx(layer, tmp_path / "none", dynamic=(), batch=2, time=7, states="none", lengths="none")
    assert shapes(tmp_path / "batch") == {"x": [2, "time", 3], "lengths": [2], "h_0": [1, 2, 5]}
    assert shapes(tmp_path / "none") == {"x": [2, 7, 3]}
    x = torch.randn(2, 7, 3)
    assert_same(tmp_path / "none", {"x": x}, apply(layer, {"x": x}))


def test_a_step_of_a_layer_is_fed_its_own_states(tmp_path: Path) -> None:
    layer = randomised(cv.Recurrent(["lstm", "gru"], 3, [5, 4]))
    report = cv.to_onnx(layer, tmp_path / "m.onnx", step=True)
    assert {row.result for row in report.rows} == {"nodes"}
    assert report.outputs == ("y", "h_n_l0", "h_n_l1", "c_n_l0") and "lengths" not in report.inputs
    x = torch.randn(6, 2, 3)
    want, _ = layer(x)
    ready, states = session(str(tmp_path / "m.onnx")), {}
    for t in range(6):
        y, *new = ready.run(None, {"x": x[t].numpy(), **states})
        states = {n.replace("_n", "_0"): v for n, v in zip(report.outputs[1:], new, strict=True)}
        assert np.abs(y - want[t].detach().numpy()).max() <= 1e-5


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_single_steps(kind: str, tmp_path: Path) -> None:
    cell = randomised(getattr(cv, kind)(3, 5))
    report = cv.to_onnx(cell, tmp_path / "m.onnx")
    assert report.difference <= 1e-5
    x, h, c = torch.randn(4, 3), torch.randn(4, 5), torch.randn(4, 5)
    state = (h, c) if kind == "LSTMCell" else h
    new = cell(x, state)
    want = [new.h, new.h, new.c] if kind == "LSTMCell" else [new, new]
    given = {"x": x, "h_0": h} | ({"c_0": c} if kind == "LSTMCell" else {})
    assert_same(tmp_path / "m.onnx", given, [w.detach() for w in want])


def test_a_step_with_a_reset(tmp_path: Path) -> None:
    layer = randomised(cv.GRU(3, 5, learn_initial_state=True))
    cv.to_onnx(layer, tmp_path / "m.onnx", step=True, reset=True)
    x, h, reset = torch.randn(1, 2, 3), torch.randn(1, 2, 5), torch.tensor([[True, False]])
    y, last = layer(x, h, reset=reset)
    assert_same(tmp_path / "m.onnx", {"x": x[0], "h_0": h, "reset": reset[0]}, [y[0].detach(), last.detach()])


def test_models(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = nn.Sequential(
        nn.Linear(3, 8), nn.LayerNorm(8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 4, bias=False), nn.ReLU()
    )
    encoder.append(First(cv.Recurrent("janet", 4, 6, bidirectional=True)))
    with pytest.raises(cv.ArgumentError, match=r"First is a module that to_onnx can't walk; .* method chain\(\)"):
        cv.to_onnx(encoder, tmp_path / "m.onnx")
    layer = encoder[-1].inner
    encoder[-1] = layer
    assert cv.to_onnx(encoder, tmp_path / "encoder.onnx").difference <= 1e-5
    encoder.append(nn.Linear(12, 2))
    with pytest.raises(
        cv.ConversionError, match="Sequential itself does not run on such input .*; if you run its modul"
    ):
        cv.to_onnx(encoder, tmp_path / "m.onnx")
    assert cv.to_onnx(encoder, tmp_path / "m.onnx", check=False).difference is None
    x = torch.randn(6, 2, 3)
    y = run(str(tmp_path / "m.onnx"), {"x": x.numpy()})[0]
    want = encoder[-1](encoder[:-1].eval()(x)[0])
    assert np.abs(y - want.detach().numpy()).max() <= 1e-5

    tokens = Tagger().eval()
    report = cv.to_onnx(tokens, tmp_path / "tagger.onnx")
    assert report.inputs == ("tokens", "lengths", "first_h_0", "second_h_0", "second_c_0")
    assert [row.layer for row in report.rows] == ["first.0", "second.0", "second.1"]
    given = torch.randint(0, 11, (7, 3))
    y = run(str(tmp_path / "tagger.onnx"), {"tokens": given.numpy()})[0]
    assert np.abs(y - tokens(given).detach().numpy()).max() <= 1e-5


class First(nn.Module):
    """The first of what a module returns: no chain, so far as one can see."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)[0]


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.first, self.norm = nn.Embedding(11, 4), cv.GRU(4, 6), nn.LayerNorm(6, bias=False)
        self.second, self.out = cv.LSTM(6, 5, 2, bidirectional=True, dropout=0.3), nn.Linear(10, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        y = self.first(self.embedding(tokens))[0]
        return self.out(self.second(self.norm(y))[0]).log_softmax(-1)

    def chain(self) -> list[nn.Module]:
        return [self.embedding, self.first, self.norm, self.second, nn.Dropout(), self.out, nn.LogSoftmax(-1)]


class Liar(Tagger):
    def chain(self) -> list[nn.Module]:
        return super().chain()[:-1]


def test_a_chain_that_is_not_the_forward_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(
        cv.ConversionError, match="gives other numbers than Liar, by .*: its forward does something else"
    ):
        cv.to_onnx(Liar(), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_parameters_that_are_not_finite(tmp_path: Path) -> None:
    layer = cv.LSTM(3, 5)
    with torch.no_grad():
        layer.weight_hh_l0[0, 0] = torch.nan
    with pytest.raises(cv.ConversionError, match="gives other numbers than LSTM: 'weight_hh_l0' is not finite"):
        cv.to_onnx(layer, tmp_path / "m.onnx")


def test_language_models(tmp_path: Path) -> None:
    from conveyor.tasks.text.model import LanguageModel, ModelConfig

    for tied in (False, True):
        config = ModelConfig(hidden_size=6, embedding_size=5, num_layers=2, tie_weights=tied)
        report = cv.to_onnx(LanguageModel(cv.cells["lstm"], 11, config), tmp_path / str(tied))
        assert report.difference <= 1e-5 and report.inputs[0] == "tokens"
        stored = [tuple(t.dims) for t in onnx.load(tmp_path / str(tied)).graph.initializer]
        # Tied weights are stored once.
        assert stored.count((11, 5)) == 1 and stored.count((6, 11)) == (not tied) and (5, 11) not in stored


def test_training_mode_and_gradients_are_left_alone(tmp_path: Path) -> None:
    layer = cv.LSTM(3, 5, 2, dropout=0.5).train()
    before = torch.get_rng_state()
    cv.to_onnx(layer, tmp_path / "m.onnx")
    assert layer.training and torch.equal(before, torch.get_rng_state())


def test_the_file_says_its_equations(tmp_path: Path) -> None:
    cv.to_onnx(cv.Recurrent("janet", 3, 5), tmp_path / "m.onnx")
    made = onnx.load(tmp_path / "m.onnx")
    (scan,) = [n for n in made.graph.node if n.op_type == "Scan"]
    assert "g[t] = tanh(W_g @ x[t] + R_g @ h[t-1] + b_g)" in scan.doc_string
    assert made.producer_name == "conveyor"
    onnx.checker.check_model(made, full_check=True)


# Which equations are an operator's


def lstm(gates: str, new: str, out: str = "o * cv.tanh(c)") -> Any:
    body = f"""
def step(x, h, c):
    i, f, o = (cv.sigmoid(cv.affine(n, x, h)) for n in ("eins", "zwei", "drei"))
    g = cv.tanh(cv.affine("vier", h, x))
    {gates}
    c = {new}
    h = {out}
    return h, c
"""
    namespace: dict[str, Any] = {"cv": cv}
    exec(body, namespace)
    return cv.cell(namespace["step"])


SAME = {
    "reordered": ("pass", "g * i + c * f", "cv.tanh(c) * o"),
    "coupled": ("f = 1 - i", "f * c + i * g"),
    "coupled-the-other-way": ("i = 1 - f", "c * f + g - f * g"),
    "as-an-update": ("pass", "c + f * (g - c)"),
    "shown-plain": ("pass", "f * c + i * g", "o * c"),
    "peephole": ("f = cv.sigmoid(cv.affine('p', x, h) + c * cv.weight('w'))", "f * c + i * g"),
}
OTHER = {
    "other-output": ("pass", "f * c + i * g", "o * cv.tanh(c) + h"),
    "old-memory-shown": ("old = c", "f * c + i * g", "o * cv.tanh(old)"),
    "candidate-sees-memory": ("g = cv.tanh(cv.affine('v', x, h) + cv.weight('w') * c)", "f * c + i * g"),
    "three-terms": ("pass", "f * c + i * g + 0.1 * h"),
    "squared-gate": ("pass", "f * f * c + i * g"),
    "other-activation-of-one-gate": ("i = cv.tanh(cv.affine('e', x, h))", "f * c + i * g"),
    "gate-of-a-gate": ("i = cv.sigmoid(cv.affine('e', x, f))", "f * c + i * g"),
    "blocks": ("i = cv.sigmoid(cv.affine('e', x) + cv.affine('r', h, blocks=2))", "f * c + i * g"),
}


@pytest.mark.parametrize("form", SAME.values(), ids=SAME)
def test_equations_that_say_the_same_are_the_operator(form: tuple[str, ...], tmp_path: Path) -> None:
    layer = randomised(cv.Recurrent(lstm(*form), 3, 6))
    report = cv.to_onnx(layer, tmp_path / "m.onnx")
    assert report.rows[0].result == "LSTM"
    given = draw(layer, 6, 2)
    assert_same(tmp_path / "m.onnx", given, apply(layer, given))


@pytest.mark.parametrize("form", OTHER.values(), ids=OTHER)
def test_equations_near_by_are_not(form: tuple[str, ...], tmp_path: Path) -> None:
    layer = randomised(cv.Recurrent(lstm(*form), 3, 6))
    report = cv.to_onnx(layer, tmp_path / "m.onnx")
    assert (report.rows[0].result, report.rows[0].note) == ("Scan", "no operator has these equations")
    given = draw(layer, 6, 2)
    assert_same(tmp_path / "m.onnx", given, apply(layer, given))


@cv.cell
def clipped(x, h, c):  # type: ignore[no-untyped-def]
    i, f, o = (cv.sigmoid(cv.clip(cv.affine(n, x, h), -1, 1)) for n in "ifo")
    c = f * c + i * cv.tanh(cv.clip(cv.affine("g", x, h), -1, 1))
    h = o * cv.tanh(cv.clip(c, -1, 1))
    return h, c


def test_what_onnxruntime_would_do_otherwise_is_a_scan_and_says_so(tmp_path: Path) -> None:
    assert recognise(clipped.program).clip == 1.0
    layer = randomised(cv.Recurrent(clipped, 3, 5))
    (row,) = cv.to_onnx(layer, tmp_path / "m.onnx").rows
    assert row.result == "Scan"
    assert row.note == "onnxruntime's LSTM leaves the memory unclipped, unlike the specification"
    given = draw(layer, 6, 2)
    assert_same(tmp_path / "m.onnx", given, apply(layer, given))


# Wrong arguments


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (3, {}, "layer_or_model is a layer or model of torch modules, got int"),
    (nn.LSTM(3, 5), {}, r"torch.nn.LSTM is exported as ours: cv.from_torch\(module\) makes a layer with the same weights"),
    (nn.Linear(3, 5), {}, "Linear has no recurrent layer of conveyor; to_onnx exports those"),
    (nn.Conv1d(3, 5, 1), {}, "Conv1d is a module that to_onnx can't walk"),
    (cv.GRU(3, 5).half(), {}, r"the parameters are torch.float16; to_onnx writes float32 or float64: model.float\(\) makes one"),
    (cv.GRU(3, 5, device="meta"), {}, "layer_or_model is on the meta device, so its parameters have no values"),
    (cv.GRU(3, 5), {"dynamic": "batch"}, "dynamic names the axes of any size, of .* got 'batch'"),
    (cv.GRU(3, 5), {"dynamic": ("rows",)}, "dynamic names the axes of any size"),
    (cv.GRU(3, 5), {"dynamic": ("batch",)}, "time is the size of an axis that is not dynamic, a whole number from 1, got None"),
    (cv.GRU(3, 5), {"batch": 2}, "batch=2 fixes an axis that .* leaves open; give one"),
    (cv.GRU(3, 5), {"lengths": "maybe"}, "lengths is optional, required or none, got 'maybe'"),
    (cv.GRU(3, 5), {"states": True}, "states is optional, required or none, got True"),
    (cv.GRU(3, 5), {"static": ["gap"]}, "static names 'gap'; the model's auxiliary inputs: none"),
    (cv.GRU(3, 5), {"static": "gap"}, "static is a tuple of names of auxiliary inputs, got 'gap'"),
    (cv.GRU(3, 5), {"step": 1}, "step is True or False, got 1"),
    (cv.GRU(3, 5), {"reset": "yes"}, "reset is True or False, got 'yes'"),
    (cv.GRU(3, 5), {"overwrite": 1}, "overwrite is True or False, got 1"),
    (cv.GRU(3, 5, bidirectional=True), {"step": True}, "step=True with a layer that also runs backwards"),
    (cv.GRUCell(3, 5), {"step": False}, "the model has a cell, which makes one step at a time; pass step=True"),
    (cv.GRUCell(3, 5), {"states": "none"}, "states is 'none', but a step begins from a state"),
    (nn.Sequential(nn.Embedding(9, 3, max_norm=1.0), cv.GRU(3, 5)), {}, "an embedding with max_norm changes its weights"),
    (nn.Sequential(cv.GRU(3, 5), cv.GRU(5, 5, batch_first=True)), {}, "some layers of the model have batch_first and some"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "options", "said"), BAD, ids=[b[2][:40] for b in BAD])
def test_wrong_arguments(layer: Any, options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(cv.ArgumentError, match=said) as caught:
        cv.to_onnx(layer, tmp_path / "m.onnx", **options)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 9), st.floats(), st.text(max_size=3), st.just([]), st.just({}),
    st.just(object()), st.just([[True]]), st.sampled_from([("batch",), ["time"], ("x",), "step", "optional", "none"]),
    st.just(torch.zeros(2)),
)  # fmt: skip
OPTIONS = ("dynamic", "batch", "time", "step", "lengths", "states", "static", "reset", "overwrite", "check")


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(OPTIONS), JUNK, min_size=1, max_size=3))
def test_whatever_the_options_are(options: dict[str, Any]) -> None:
    """An error of ours in one line, or a file that gives the layer's numbers."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = cv.to_onnx(cv.GRU(3, 5), Path(folder) / "m.onnx", **options)
        except cv.ArgumentError as error:
            assert "\n" not in str(error) and not list(Path(folder).iterdir())
        else:
            assert report.ok and (report.difference is not None or options["check"] is False)


def test_names_that_meet(tmp_path: Path) -> None:
    @cv.cell
    def meets(x, h, *, h_0):  # type: ignore[no-untyped-def]
        return cv.tanh(cv.affine("a", x, h) + h_0)

    with pytest.raises(cv.ArgumentError, match="two inputs or outputs of the graph would be named 'h_0'; rename one"):
        cv.to_onnx(cv.Recurrent(meets, 3, 5), tmp_path / "m.onnx")


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_text("theirs")
    with pytest.raises(cv.ArgumentError, match=f"path: {path} is there already; give another, or overwrite=True"):
        cv.to_onnx(cv.GRU(2, 3), path)
    assert path.read_text() == "theirs"
    cv.to_onnx(cv.GRU(2, 3), path, overwrite=True)
    assert len(cv.from_onnx(path)) == 1
    with pytest.raises(cv.ArgumentError, match="nowhere/m.onnx cannot be written: No such file"):
        cv.to_onnx(cv.GRU(2, 3), tmp_path / "nowhere" / "m.onnx")


def test_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = cv.to_onnx(cv.LSTM(3, 5), tmp_path / "m.onnx")
    assert isinstance(report, cv.Report) and report.ok
    first, heads, row, last = str(report).splitlines()
    assert first == f"cv.LSTM(3, 5) → {tmp_path / 'm.onnx'}, largest difference {report.difference:.1e}"
    assert heads.split() == ["layer", "from", "to", "sizes", "direction", "note"]
    assert row.split()[:6] == ["0", "lstm", "LSTM", "3", "->", "5"]
    assert last == "inputs x, [lengths], [h_0], [c_0]; outputs y, h_n, c_n"
    assert "not compared: check=False" in str(cv.to_onnx(cv.LSTM(3, 5), tmp_path / "n.onnx", check=False))
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    assert "not compared: onnxruntime is not installed" in str(cv.to_onnx(cv.LSTM(3, 5), tmp_path / "o.onnx"))
