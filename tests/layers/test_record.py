"""Records: every named value, from the pass that runs anyway."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import conveyor as cv
from support import BUILT_IN, Case, assert_near

BACKENDS = ("cpu", "reference")
T, B, I = 6, 3, 4  # noqa: E741
LENGTHS = torch.tensor([4, 6, 0])


def layer_of(case: Case, backend: str, **options: Any) -> cv.Recurrent:
    torch.manual_seed(0)
    hidden = 6 * case.multiple
    return cv.Recurrent(case.cell, I, hidden, sizes=case.sizes(hidden), backend=backend, strict_backend=True, **options)


def aux_of(layer: cv.Recurrent) -> dict[str, Tensor]:
    return {a.name: torch.rand(T, B, layer.units[0].widths[a.width]) for a in layer.units[0].program.aux}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_a_record_is_of_the_call_that_it_does_not_change(case: Case, backend: str) -> None:
    """The output has the same bits; states are what the call gives; values satisfy the equations on both backends."""
    layer = layer_of(case, backend, bidirectional=True)
    x, aux = torch.randn(T, B, I), aux_of(layer)
    starts = torch.rand(T, B) < 0.3
    for given in ({}, {"reset": starts}, {"lengths": LENGTHS}):
        want, final = layer(x, **given, **aux)
        trace = layer.record(x, **given, **aux)
        assert torch.equal(trace.output, want) and trace.output.requires_grad
        assert all(torch.equal(a, b) for a, b in zip(trace.state, final, strict=True))
        one = trace.layer(0)
        assert one.reverse is not None and set(one.names) == set(case.program.names)
        first = case.program.states[0].name
        width = want.shape[-1] // 2
        assert torch.equal(one[first], want[..., :width]) and torch.equal(one.reverse[first], want[..., width:])
        assert not any(v.requires_grad for way in (one, one.reverse) for v in way.values())


@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_both_backends_tell_the_same(case: Case) -> None:
    found = []
    for backend in BACKENDS:
        layer = layer_of(case, backend, dtype=torch.float64)
        torch.manual_seed(1)
        x, aux = torch.randn(T, B, I).double(), {n: a.double() for n, a in aux_of(layer).items()}
        found.append(layer.record(x, lengths=LENGTHS, **aux).layer(0))
    for name, value in found[0].items():
        assert_near(value, found[1][name], 1e-12, name)
        assert not value[4:, 0].any() and not value[:, 2].any()


def test_values_are_those_of_the_equations() -> None:
    torch.manual_seed(0)
    layer, x = cv.LSTM(I, 5), torch.randn(T, B, I)
    trace = layer.record(x)
    before = {n: torch.cat((trace.layer(0).initial[n].unsqueeze(0), trace[n][:-1])) for n in "hc"}
    packed = x @ layer.weight_ih_l0.T + before["h"] @ layer.weight_hh_l0.T + layer.bias_ih_l0 + layer.bias_hh_l0
    for name, pre in zip("ifgo", packed.detach().chunk(4, -1), strict=True):
        assert_near(trace[f"{name}.pre"], pre, 1e-5, name)
        assert_near(trace[name], pre.tanh() if name == "g" else pre.sigmoid(), 1e-5, name)
    assert_near(trace["c"], trace["f"] * before["c"] + trace["i"] * trace["g"], 1e-6, "c")
    assert_near(trace["h"], trace["o"] * trace["c"].tanh(), 1e-6, "h")


def test_earlier_values_of_a_name_and_helpers_of_a_users_cell() -> None:
    @cv.cell
    def twice(x, h):
        z = cv.affine("z", x)
        z = cv.tanh(z + h)
        half = z / 2
        return half + h / 2

    layer = cv.Recurrent(twice, I, 5)
    trace = layer.record(torch.randn(T, B, I))
    assert {"z@1", "z", "half", "z.pre", "h"} <= set(trace.layer(0).names)
    assert_near(trace["z"], (trace["z.pre"]).tanh(), 1e-6, "z")
    assert_near(trace["half"], trace["z"] / 2, 1e-7, "half")


def test_names_choose_values() -> None:
    layer = cv.Recurrent(["lstm", "gru"], I, 5)
    x = torch.randn(T, B, I)
    trace = layer.record(x, values=["f", "z"])
    assert trace.layer(0).names == ("f",) and trace.layer(-1).names == ("z",)
    assert cv.LSTM(I, 5).record(x, values="c")["c"].shape == (T, B, 5)
    with pytest.raises(cv.ArgumentError, match="values: the equations have no 'q'; they name i, f,"):
        layer.record(x, values=["q"])
    with pytest.raises(cv.ArgumentError, match="values is a list of names"):
        layer.record(x, values=[3])
    with pytest.raises(cv.ArgumentError, match="2 layers; say which: trace.layer"):
        trace["f"]
    with pytest.raises(cv.ArgumentError, match="no value 'i'; it has f"):
        trace.layer(0)["i"]
    with pytest.raises(cv.ArgumentError, match="layers 0 to 1, got 2"):
        trace.layer(2)


def test_forms_of_input() -> None:
    """Batch first, no batch, packed: traces are time-major always."""
    torch.manual_seed(0)
    layer = cv.LSTM(I, 5, batch_first=True)
    x = torch.randn(B, T, I)
    want = layer.record(x)
    assert want["f"].shape == (T, B, 5) and want.output.shape == (B, T, 5)
    alone = layer.record(x[1])
    assert alone["f"].shape == (T, 1, 5) and torch.equal(alone["f"][:, 0], want["f"][:, 1])
    own = torch.tensor([2, 6, 3])
    packed = layer.record(pack_padded_sequence(x, own, batch_first=True, enforce_sorted=False))
    padded = layer.record(x, lengths=own)
    assert packed.lengths is not None and packed.lengths.tolist() == [2, 6, 3]
    assert torch.equal(packed["c"], padded["c"]) and torch.equal(padded["c"][:2, 0], want["c"][:2, 0])


def test_the_initial_state_is_told() -> None:
    layer = cv.LSTM(I, 5, learn_initial_state=True)
    nn.init.ones_(layer.initial_c_l0)
    assert torch.equal(layer.record(torch.randn(T, B, I)).layer(0).initial["c"], torch.ones(B, 5))
    state = (torch.randn(1, B, 5), torch.randn(1, B, 5))
    trace = layer.record(torch.randn(T, B, I), state, lengths=LENGTHS)
    assert torch.equal(trace.layer(0).initial["c"], state[1][0])


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Linear(I, I)
        self.encoder = nn.ModuleDict({"rnn": cv.LSTM(I, 5, num_layers=2), "other": cv.GRU(5, 4)})

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.encoder["rnn"](self.front(x))
        self.encoder["other"](y)
        found: Tensor = self.encoder["other"](input=y.flip(0))[0]
        return found


def test_recording_reaches_all_layers_of_a_model() -> None:
    torch.manual_seed(0)
    model, x = Model(), torch.randn(T, B, I)
    want = model(x)
    with cv.recording(model, values=["f", "z", "h"]) as traces:
        assert torch.equal(model(x), want)
        cv.LSTM(I, 5)(x)  # not the model's
    model(x)  # after the block: not recorded
    assert list(traces) == ["encoder.rnn", "encoder.other"] and len(traces) == 3
    assert traces["encoder.rnn"].layer(1)["f"].shape == (T, B, 5)
    first, last = (trace for name, trace in traces.calls if name == "encoder.other")
    assert torch.equal(last.output, want) and not torch.equal(first.output, want)
    assert traces["encoder.other"] is last and "encoder.rnn" in traces
    with pytest.raises(cv.ArgumentError, match="no layer 'front' was called; those that were are 'encoder.rnn'"):
        traces["front"]


def test_a_call_that_fails_leaves_nothing_behind() -> None:
    model, x = Model(), torch.randn(T, B, I)
    with cv.recording(model) as traces:
        with pytest.raises(cv.ArgumentError):
            model.encoder["rnn"](x[..., :2])
        model(x)
    assert list(traces) == ["encoder.rnn", "encoder.other"] and len(traces) == 3


@pytest.mark.parametrize(
    "model, message",
    [(nn.LSTM(2, 3), "no sequence layer of conveyor's"), ("model", "model is a torch.nn.Module, got str")],
)
def test_models_without_layers(model: Any, message: str) -> None:
    with pytest.raises(cv.ArgumentError, match=message), cv.recording(model):
        pass


def test_a_table() -> None:
    layer = cv.Recurrent("lstm_projection", I, 5, proj_size=2, bidirectional=True)
    trace = layer.record(torch.randn(T, B, I), lengths=LENGTHS, values=["f", "h"])
    table = trace.to_pandas()
    assert table.index.names == ["layer", "direction", "row", "step", "unit"]
    assert list(table) == ["f", "h"] and len(table) == 2 * int(LENGTHS.sum()) * 5
    assert table.loc[0, "reverse", 1, 5, 3]["f"] == pytest.approx(trace.layer(0).reverse["f"][5, 1, 3].item())
    assert table.loc[0, "forward", 0, 2, 4].isna().tolist() == [False, True], "h is two units wide"
    arrays = trace.to_numpy()
    assert arrays[0, "forward", "h"].shape == (T, B, 2)


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = cv.LSTM(I, 5).record(torch.randn(T, B, I), values=["f", "c"])
    for name, read in (("trace.csv", pd.read_csv), ("trace.parquet", pd.read_parquet)):
        trace.save(tmp_path / name)
        again = read(tmp_path / name)
        assert again["f"].to_numpy() == pytest.approx(trace.to_pandas()["f"].to_numpy())
        with pytest.raises(cv.ArgumentError, match="exists; name another, or overwrite it with force=True"):
            trace.save(tmp_path / name)
        trace.save(tmp_path / name, force=True)
    with pytest.raises(cv.ArgumentError, match="path ends in .parquet or .csv"):
        trace.save(tmp_path / "trace.xlsx")
    with pytest.raises(cv.ArgumentError, match="there is no folder"):
        trace.save(tmp_path / "nowhere" / "trace.csv")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(cv.ArgumentError, match=r"pip install 'conveyor\[inspect\]'"):
        trace.to_pandas()


def test_chunks_give_way_to_a_record() -> None:
    layer = cv.LSTM(I, 5, checkpoint_every=2)
    x = torch.randn(T, B, I)
    trace = layer.record(x)
    assert torch.equal(trace.output, layer(x)[0]) and trace["f"].shape == (T, B, 5)


def test_dropout_and_zoneout_are_told_as_they_ran() -> None:
    layer = cv.LSTM(I, 5, zoneout=0.5)
    x = torch.randn(T, B, I)
    torch.manual_seed(1)
    want, _ = layer(x)
    torch.manual_seed(1)
    trace = layer.record(x)
    assert torch.equal(trace.output, want) and torch.equal(trace["h"], want)
    held = trace["c"][1:] == trace["c"][:-1]
    assert 0.2 < held.float().mean() < 0.8


def test_half_precision() -> None:
    layer = cv.LSTM(I, 5).to(torch.bfloat16)
    x = torch.randn(T, B, I, dtype=torch.bfloat16)
    trace = layer.record(x)
    assert torch.equal(trace.output, layer(x)[0]) and trace["f"].shape == (T, B, 5)
    assert trace.to_numpy()[0, "forward", "f"].dtype.itemsize == 4
