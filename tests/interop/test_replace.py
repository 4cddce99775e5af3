"""Every recurrent module of a model, swapped in place and back."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import conveyor as cv
from conveyor.interop.common.report import Report


class Mine(nn.GRU):
    pass


class Model(nn.Module):
    """Recurrent modules wherever a module can stand: attribute, list, sequence, dict, nested, twice."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(4, 5)
        self.first = nn.LSTM(5, 6, 2, bidirectional=True, batch_first=True, dropout=0.1)
        self.listed = nn.ModuleList([nn.GRU(12, 6, batch_first=True), nn.Linear(2, 2)])
        self.again = self.listed[0]
        self.named = nn.ModuleDict({"a": nn.Sequential(nn.RNN(6, 6, nonlinearity="relu", batch_first=True))})
        self.step = nn.LSTMCell(6, 3)
        self.nothing = None
        self.register_module("none", None)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.first(self.embed(x))
        y, _ = self.again(y)
        y, _ = self.named["a"](y)
        return self.step(y[:, -1])[0]


THEIRS = {"first": nn.LSTM, "listed.0": nn.GRU, "named.a.0": nn.RNN, "step": nn.LSTMCell}


def model() -> Model:
    torch.manual_seed(0)
    return Model().double().eval()


def x() -> Tensor:
    return torch.randn(3, 7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_a_whole_model_there_and_back() -> None:
    changed, untouched = model(), model()
    changed.listed[0].weight_hh_l0.requires_grad_(False)
    changed.named["a"].train()
    optimizer = torch.optim.SGD(changed.parameters(), 0.1)
    parameters = dict(changed.named_parameters())
    state = copy.deepcopy(changed.state_dict())
    told: list[Report] = []

    assert cv.replace(changed, report=told.append) is changed
    assert [r.name for r in told] == list(THEIRS)
    assert all(r.ok and r.difference is not None and r.difference <= 1e-6 for r in told)
    assert {n: type(changed.get_submodule(n)) for n in THEIRS} == {
        n: getattr(cv, k.__name__) for n, k in THEIRS.items()
    }
    assert changed.again is changed.listed[0]
    assert (changed(x()) - untouched(x())).abs().max() <= 1e-12

    # The same parameter objects: the optimizer made before goes on, what was frozen still is, names keep their order.
    assert dict(changed.named_parameters()).keys() == parameters.keys()
    assert all(p is parameters[n] for n, p in changed.named_parameters())
    assert list(changed.state_dict()) == list(state)
    assert not changed.first.training and changed.named["a"][0].training
    assert changed.first.dropout == 0.1
    changed.load_state_dict(state, strict=True)
    untouched.load_state_dict(changed.state_dict(), strict=True)
    changed(x()).sum().backward()
    optimizer.step()
    assert not torch.equal(changed.first.weight_hh_l1, state["first.weight_hh_l1"])
    assert torch.equal(changed.listed[0].weight_hh_l0, state["listed.0.weight_hh_l0"])

    trained = changed(x())
    told.clear()
    assert cv.replace(changed, back=True, report=told.append) is changed
    assert [r.name for r in told] == list(THEIRS) and all(r.ok for r in told)
    assert {n: type(changed.get_submodule(n)) for n in THEIRS} == THEIRS
    assert changed.again is changed.listed[0]
    assert repr(changed.eval()) == repr(untouched)
    assert (changed(x()) - trained).abs().max() <= 1e-12
    assert all(p is parameters[n] for n, p in changed.named_parameters())


def test_the_model_itself() -> None:
    theirs = nn.LSTM(3, 4)
    ours = cv.replace(theirs)
    assert type(ours) is cv.LSTM and ours.weight_hh_l0 is theirs.weight_hh_l0
    assert type(cv.replace(ours, back=True)) is nn.LSTM


def test_twice_changes_nothing_more() -> None:
    changed = cv.replace(model())
    first = changed.first
    told: list[Report] = []
    assert cv.replace(changed, report=told.append).first is first and told == []


def test_hooks_move_with_the_module() -> None:
    changed = nn.Sequential(nn.GRU(4, 5))
    seen: list[Any] = []
    handle = changed[0].register_forward_hook(lambda module, *_: seen.append(type(module)))
    cv.replace(changed)
    assert seen == [], "comparing the two calls no hooks"
    changed(torch.zeros(2, 1, 4))
    handle.remove()
    changed(torch.zeros(2, 1, 4))
    assert seen == [cv.GRU]


def test_tied_parameters_stay_tied() -> None:
    changed = nn.Sequential(nn.GRU(4, 4, 2))
    changed[0].weight_hh_l1 = changed[0].weight_hh_l0
    cv.replace(changed)
    assert changed[0].weight_hh_l1 is changed[0].weight_hh_l0
    cv.replace(changed, back=True)
    assert changed[0].weight_hh_l1 is changed[0].weight_hh_l0


def test_what_stays_is_reported() -> None:
    changed = nn.ModuleDict(
        {"mine": Mine(2, 3), "normed": nn.utils.parametrizations.weight_norm(nn.LSTM(2, 3), "weight_hh_l0")}
    )
    kept = dict(changed.named_modules())
    told: list[Report] = []
    cv.replace(changed, report=told.append)
    assert all(changed[n] is kept[n] for n in changed)
    assert [r.name for r in told] == ["mine", "normed"]
    assert "mine: Mine(2, 3) left alone: Mine is a subclass of torch.nn.GRU" in str(told[0])
    assert "left alone" in str(told[1]) and "parametrizations" in str(told[1])

    ours = nn.ModuleDict({"any": cv.Recurrent("lstm", 2, 3)})
    told.clear()
    cv.replace(ours, back=True, report=told.append)
    assert type(ours["any"]) is cv.Recurrent and "left alone" in str(told[0])


@pytest.mark.parametrize("given", [3, "model", {"a": nn.GRU(2, 3)}])
def test_something_else_than_a_model(given: Any) -> None:
    with pytest.raises(cv.ArgumentError, match="model is a torch.nn.Module"):
        cv.replace(given)


def test_back_is_a_flag() -> None:
    with pytest.raises(cv.ArgumentError, match="back is True or False"):
        cv.replace(nn.Sequential(), back="yes")  # type: ignore[arg-type]


class OwnLSTM(nn.Module):
    """Someone's own, in one matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(8, 7))


class Normed(nn.Module):
    """Someone's own, with torch's names."""

    def __init__(self) -> None:
        super().__init__()
        self.weight_ih, self.weight_hh = nn.Parameter(torch.zeros(8, 5)), nn.Parameter(torch.zeros(8, 2))


class MyRNN(nn.Module):
    """A model, not a cell: what is inside is swapped."""

    def __init__(self) -> None:
        super().__init__()
        self.h0 = nn.Parameter(torch.zeros(3))
        self.inner = nn.GRU(2, 3)


@pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_what_is_recurrent_and_can_not_be_taken_is_said() -> None:
    quantised = nn.Sequential(nn.LSTM(2, 3), nn.Linear(3, 3))
    quantised = torch.ao.quantization.quantize_dynamic(quantised, {nn.LSTM, nn.Linear})
    parts = {
        "quantised": quantised,
        "scripted": torch.jit.script(nn.GRU(2, 3)),
        "own": OwnLSTM(),
        "normed": Normed(),
        "mine": MyRNN(),
        "plain": nn.Linear(2, 2),
    }
    told: list[Report] = []
    changed = cv.replace(nn.ModuleDict(parts), report=told.append)
    said = {r.name: str(r) for r in told}
    assert {*said} == {"quantised.0", "scripted", "own", "normed", "mine.inner"}
    assert "left alone: its weights are quantised, and conveyor's layers are not" in said["quantised.0"]
    assert "scripted GRU left alone: its code is scripted" in said["scripted"]
    assert "left alone: its class OwnLSTM is none of torch.nn's; write its equations with @cv.cell" in said["own"]
    assert "left alone: it has the parameters of a recurrent module, but is a class Normed" in said["normed"]
    assert isinstance(changed["mine"].inner, cv.GRU)
    again: list[Report] = []
    cv.replace(changed, back=True, report=again.append)
    assert [r.name for r in again] == ["mine.inner"]
