"""torch.nn's modules and ours, there and back."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import pytest
import torch
from torch import nn

import conveyor as cv
from conveyor.interop.common.report import Report
from conveyor.interop.torch.convert import compared

I, H = 5, 6  # noqa: E741 - the field's letter for the input's width

pytestmark = [
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
    pytest.mark.filterwarnings("ignore:the reference backend runs this layer, not cpu"),
]

SEQUENCES = [
    (kind, dict(num_layers=layers, bidirectional=both, bias=bias, batch_first=first, **extra))
    for kind, extra in [
        (nn.LSTM, {}),
        (nn.LSTM, {"proj_size": 3}),
        (nn.GRU, {}),
        (nn.RNN, {}),
        (nn.RNN, {"nonlinearity": "relu"}),
    ]
    for layers, both, bias, first in itertools.product((1, 3), (False, True), (True, False), (False, True))
]
STEPS = [
    (kind, {"bias": bias, **extra})
    for kind, extra in [(nn.LSTMCell, {}), (nn.GRUCell, {}), (nn.RNNCell, {}), (nn.RNNCell, {"nonlinearity": "relu"})]
    for bias in (True, False)
]


def name(case: Any) -> str:
    kind, arguments = case
    return f"{kind.__name__}-" + "-".join(f"{k}={v}" for k, v in arguments.items())


def make(case: Any, **more: Any) -> Any:
    kind, arguments = case
    torch.manual_seed(0)
    return kind(I, H, **arguments, **more)


def run(module: Any, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """What the module makes of an input that conveyor did not choose; with states left out."""
    shape = (4, I) if "Cell" in type(module).__name__ else (4, 9, I)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(7)).to(dtype)
    with torch.no_grad():
        return [t for t in torch.utils._pytree.tree_leaves(module(x)) if isinstance(t, torch.Tensor)]


def assert_same(a: Any, b: Any, dtype: torch.dtype = torch.float32) -> None:
    for want, got in zip(run(a, dtype), run(b, dtype), strict=True):
        assert want.shape == got.shape and want.dtype == got.dtype
        assert (want - got).abs().max() <= 1e-6


@pytest.mark.parametrize("case", SEQUENCES + STEPS, ids=name)
def test_there_and_back(case: Any) -> None:
    theirs = make(case)
    told: list[Report] = []
    ours = cv.from_torch(theirs, report=told.append)
    back = cv.to_torch(ours, report=told.append)
    assert type(ours) is getattr(cv, type(theirs).__name__) and type(back) is type(theirs)
    assert_same(theirs, ours)
    assert_same(theirs, back)
    assert len(told) == 2 and all(r.ok and r.difference is not None and r.difference <= 1e-6 for r in told)
    for other in (ours, back):
        assert list(other.state_dict()) == list(theirs.state_dict())
        for key, tensor in theirs.state_dict().items():
            assert torch.equal(other.state_dict()[key], tensor)
            assert other.state_dict()[key].data_ptr() != tensor.data_ptr()
    assert back.__dict__.keys() == theirs.__dict__.keys()
    assert repr(back) == repr(theirs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_dtype_mode_dropout_and_frozen_parameters_carry_over(dtype: torch.dtype) -> None:
    theirs = nn.LSTM(I, H, 2, dropout=0.4, dtype=dtype).eval()
    theirs.weight_hh_l1.requires_grad_(False)
    ours = cv.from_torch(theirs)
    back = cv.to_torch(ours.train())
    for other in (ours, back):
        assert other.dropout == 0.4 and other.training
        assert {n for n, p in other.named_parameters() if not p.requires_grad} == {"weight_hh_l1"}
        assert {p.dtype for p in other.parameters()} == {dtype}
    assert not theirs.training
    assert not cv.from_torch(theirs).training


def test_random_numbers_and_hooks_are_left_alone() -> None:
    theirs = nn.GRU(I, H, 2, dropout=0.5)
    theirs.register_forward_hook(lambda *_: pytest.fail("called"))
    before = torch.get_rng_state()
    cv.to_torch(cv.from_torch(theirs))
    assert torch.equal(before, torch.get_rng_state())


def test_the_backend_can_be_chosen() -> None:
    assert cv.from_torch(nn.GRU(I, H), backend="reference").backend_used == "reference"
    with pytest.raises(cv.ArgumentError, match="backend"):
        cv.from_torch(nn.GRU(I, H), backend="nonsense")


@pytest.mark.parametrize(
    "layer",
    [
        lambda: cv.Recurrent("lstm", I, H, 2, bidirectional=True, batch_first=True),
        lambda: cv.Recurrent("lstm", I, H, bias=False),
        lambda: cv.Recurrent("lstm_projection", I, H, 2, proj_size=3),
        lambda: cv.Recurrent("gru", I, H, 2),
        lambda: cv.Recurrent(cv.cells["rnn"].configure(nonlinearity="relu"), I, H, dtype=torch.float64),
        lambda: cv.Cell("lstm", I, H),
        lambda: cv.Cell("gru", I, H, bias=False),
        lambda: cv.Cell("rnn", I, H),
    ],
)
def test_any_layer_with_the_equations_of_one_of_torchs(layer: Any) -> None:
    ours = layer()
    dtype = next(ours.parameters()).dtype
    before = {n: p.clone() for n, p in ours.named_parameters()}
    theirs = cv.to_torch(ours)
    assert type(theirs).__module__ == "torch.nn.modules.rnn"
    assert_same(ours, theirs, dtype)
    assert all(torch.equal(before[n], p) for n, p in ours.named_parameters())


def test_frozen_parameters_of_a_merged_layer_stay_frozen() -> None:
    ours = cv.Recurrent("lstm", I, H)
    ours.bias_l0.requires_grad_(False)
    theirs = cv.to_torch(ours)
    assert {n for n, p in theirs.named_parameters() if not p.requires_grad} == {"bias_ih_l0", "bias_hh_l0"}


def test_training_goes_on() -> None:
    """The same gradient steps in either library keep the two together."""
    theirs = make(SEQUENCES[1])
    ours = cv.from_torch(theirs)
    x = torch.randn(3, 4, I, generator=torch.Generator().manual_seed(1))
    for module in (theirs, ours):
        optimizer = torch.optim.SGD(module.parameters(), 0.5)
        for _ in range(3):
            optimizer.zero_grad()
            module(x)[0].square().sum().backward()
            optimizer.step()
    for key, tensor in theirs.state_dict().items():
        assert (tensor - ours.state_dict()[key]).abs().max() <= 1e-5


class Mine(nn.LSTM):
    def forward(self, *arguments: Any) -> Any:
        return tuple(-t for t in super().forward(*arguments))


def weight_normed() -> nn.Module:
    return nn.utils.parametrizations.weight_norm(nn.LSTM(I, H), "weight_hh_l0")


def pruned() -> nn.Module:
    from torch.nn.utils import prune

    return prune.random_unstructured(nn.LSTM(I, H), "weight_hh_l0", 0.5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cv.from_torch(nn.Linear(2, 3)), "expected one of torch.nn.LSTM, .* got torch.nn.Linear"),
        (lambda: cv.from_torch(cv.LSTM(2, 3)), "got cv.LSTM"),
        (lambda: cv.from_torch(3), "got int"),
        (lambda: cv.from_torch(Mine(2, 3)), "Mine is a subclass of torch.nn.LSTM"),
        (lambda: cv.from_torch(weight_normed()), "has parametrizations"),
        (lambda: cv.from_torch(pruned()), "undo weight norm, pruning"),
        (lambda: cv.to_torch(nn.LSTM(2, 3)), "expected one of cv.LSTM, .* got torch.nn.LSTM"),
        (lambda: cv.to_torch(cv.Recurrent("slstm", 2, 4)), "torch.nn has no module with the equations of <cell slstm"),
        (lambda: cv.to_torch(cv.Recurrent("gru_reset_before", 2, 4)), "gru_reset_before"),
        (lambda: cv.to_torch(cv.Cell("lstm_projection", 2, 4, sizes={"proj": 2})), "lstm_projection"),
        (lambda: cv.to_torch(cv.Recurrent("lstm", 2, [4, 5], 2)), "one hidden size in all layers"),
        (lambda: cv.to_torch(cv.Recurrent(["lstm", "gru"], 2, 4)), "one cell"),
    ],
)
def test_what_cannot_be_brought_over_is_said_in_one_line(call: Any, said: str) -> None:
    with pytest.raises(cv.ArgumentError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_difference_is_reported_and_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the two don't compute the same, the report says so; here one of the copied weights is altered."""
    from conveyor.interop.torch import convert as module

    copied = module.copied

    def altered(parameter: nn.Parameter) -> nn.Parameter:
        made = copied(parameter)
        made.data.view(-1)[0] += 0.01
        return made

    monkeypatch.setattr(module, "copied", altered)
    told: list[Report] = []
    with pytest.warns(UserWarning, match="they do not compute the same"):
        cv.from_torch(nn.GRU(I, H), report=told.append)
    assert not told[0].ok and told[0].difference is not None and told[0].difference > 1e-5


def test_nan_on_one_side_only_is_a_difference() -> None:
    from conveyor.interop.common.rounding import compare

    nan, one = torch.tensor([torch.nan, 1.0]), torch.tensor([1.0, 1.0])
    assert compare([nan], [nan])[0] == 0.0
    assert compare([nan], [one])[0] > 1e300 and compare([one], [nan])[0] > 1e300
    assert compare([torch.tensor([torch.inf])], [torch.tensor([torch.inf])])[0] == 0.0


def test_reports_are_logged_where_nobody_asks(caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    with caplog.at_level(logging.INFO, "conveyor"):
        cv.from_torch(nn.GRU(I, H))
    assert "torch.nn.GRU(5, 6) → cv.GRU(5, 6), largest difference" in caplog.text
    assert capsys.readouterr().out == ""


def test_modules_without_values_are_not_compared() -> None:
    told: list[Report] = []
    made = cv.from_torch(nn.LSTM(I, H, device="meta"), report=told.append)
    assert next(made.parameters()).is_meta
    assert told[0].difference is None and "not compared: its parameters are on the meta device" in str(told[0])


@pytest.mark.parametrize(
    "layer", [cv.LSTM(3, 4, learn_initial_state=True), cv.Recurrent("gru", 3, 4, learn_initial_state=True)]
)
def test_learned_initial_states_have_no_place_in_torch(layer: Any) -> None:
    with pytest.raises(
        cv.ArgumentError, match="torch's modules start from zero, and this one learns its initial states"
    ):
        cv.to_torch(layer)


def test_what_rounding_costs_is_no_difference() -> None:
    """Trained weights are large: in float32 two right layers then differ by more than for first values."""
    theirs = torch.nn.LSTM(100, 128)
    with torch.no_grad():
        for p in theirs.parameters():
            p.mul_(30)
    told: list[cv.Report] = []
    cv.from_torch(theirs, report=told.append)
    assert told[0].ok and told[0].difference is not None and told[0].difference > 1e-6


def test_large_weights_excuse_no_wrong_layer() -> None:
    theirs = torch.nn.LSTM(100, 128)
    with torch.no_grad():
        for p in theirs.parameters():
            p.mul_(30)
    ours = cv.LSTM(100, 128)
    ours.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        ours.bias_hh_l0[:3] += 1e-3
    assert not compared("", theirs, ours).ok
