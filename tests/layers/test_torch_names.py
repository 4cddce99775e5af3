"""What libraries ask of a recurrent layer: its base class, torch's names, torch.fx, initialisers, replicas, quantisers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn.utils.rnn import pack_sequence

import conveyor as cv
from conveyor.errors import TensorError
from layers.common import random

OPTIONS: list[dict[str, Any]] = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"bias": False, "batch_first": True},
    {"num_layers": 2, "proj_size": 3},
]
KINDS = ["LSTM", "GRU", "RNN"]


def pairs(options: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Ours and torch's, with the same numbers."""
    made = []
    for kind in KINDS:
        if "proj_size" in options and kind != "LSTM":
            continue
        ours, theirs = getattr(cv, kind)(5, 6, **options), getattr(nn, kind)(5, 6, **options)
        ours.load_state_dict(theirs.state_dict())
        made.append((ours, theirs))
    return made


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_names_and_values_are_torchs(options: dict[str, Any]) -> None:
    x = torch.zeros(2, 7, 5)
    packed = pack_sequence([torch.zeros(3, 5), torch.zeros(2, 5)])
    for ours, theirs in pairs(options):
        assert isinstance(ours, nn.RNNBase) and ours.mode == theirs.mode
        assert ours._flat_weights_names == theirs._flat_weights_names and ours._all_weights == theirs._all_weights
        for mine, wanted in zip(ours.all_weights, theirs.all_weights, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(mine, wanted, strict=True))
            assert all(any(a is p for p in ours.parameters()) for a in mine)
        assert all(torch.equal(a, b) for a, b in zip(ours._flat_weights, theirs._flat_weights, strict=True))
        for name in ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"):
            assert getattr(ours, name) == getattr(theirs, name)
        assert ours.proj_size == theirs.proj_size and ours.flatten_parameters() is None
        for given, sizes in ((x, None), (packed.data, packed.batch_sizes)):
            expected = theirs.get_expected_hidden_size(given, sizes)
            assert ours.get_expected_hidden_size(given, sizes) == expected
            h = torch.zeros(expected)
            state: Any = h
            if ours.mode == "LSTM":
                assert ours.get_expected_cell_size(given, sizes) == theirs.get_expected_cell_size(given, sizes)
                state = (h, torch.zeros(ours.get_expected_cell_size(given, sizes)))
            ours.check_forward_args(given, state, sizes)
            permuted = ours.permute_hidden(state, torch.tensor([1, 0]))
            wanted = theirs.permute_hidden(state, torch.tensor([1, 0]))
            assert [t.shape for t in permuted] == [t.shape for t in wanted]
            assert ours.permute_hidden(state, None) is state


@pytest.mark.parametrize("kind", KINDS)
def test_checks_raise_what_torchs_do(kind: str) -> None:
    ours, theirs = getattr(cv, kind)(5, 6), getattr(nn, kind)(5, 6)
    h = torch.zeros(1, 7, 6)
    good: Any = (h, h) if kind == "LSTM" else h
    bad: Any = (h, h[..., 1:]) if kind == "LSTM" else h[..., 1:]
    for x, state in (
        (torch.zeros(2, 7, 4), good),
        (torch.zeros(7, 5), good),
        (torch.zeros(2, 7, 5).double(), good),
        (torch.zeros(2, 7, 5), bad),
    ):
        with pytest.raises((RuntimeError, ValueError)) as wanted:
            theirs.check_forward_args(x, state, None)
        with pytest.raises(TensorError) as raised:
            ours.check_forward_args(x, state, None)
        assert str(raised.value) == str(wanted.value) and isinstance(raised.value, wanted.type)


def test_steps_are_torchs_cells() -> None:
    for kind in ("LSTMCell", "GRUCell", "RNNCell"):
        step = getattr(cv, kind)(5, 6)
        assert isinstance(step, getattr(nn, kind)) and isinstance(step, nn.RNNCellBase)
        assert step.weight_ih.shape[1] == 5 and step.bias is True
    assert not isinstance(cv.Cell("lstm", 5, 6), nn.RNNCellBase) and not isinstance(
        cv.Recurrent("gru", 5, 6), nn.RNNBase
    )


def test_initialisers_by_base_class_find_them() -> None:
    """As models do: model.apply(f), where f asks for nn.RNNBase and nn.RNNCellBase."""

    def fill(module: nn.Module) -> None:
        if isinstance(module, nn.RNNBase | nn.RNNCellBase):
            for name, parameter in module.named_parameters():
                nn.init.zeros_(parameter) if "bias" in name else nn.init.orthogonal_(parameter)

    model = nn.ModuleList([cv.LSTM(5, 6), cv.GRU(5, 6), cv.RNN(5, 6), cv.LSTMCell(5, 6)])
    model.apply(fill)
    for layer in model:
        named = dict(layer.named_parameters())
        assert not any(p.any() for n, p in named.items() if "bias" in n)
        weight = next(p for n, p in named.items() if n.startswith("weight_hh"))
        torch.testing.assert_close(weight.T @ weight, torch.eye(6), rtol=0, atol=1e-5)


def test_replace_leaves_ours_alone() -> None:
    model = nn.Sequential(nn.LSTM(5, 6), cv.LSTM(5, 6), cv.LSTMCell(5, 6))
    reports: list[Any] = []
    cv.replace(model, report=reports.append)
    assert [type(m) for m in model] == [cv.LSTM, cv.LSTM, cv.LSTMCell] and len(reports) == 1


# torch.fx


class Model(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.inside = nn.ModuleDict({"lstm": cv.LSTM(5, 6, **options), "own": cv.Recurrent("slstm", 6, 4)})
        self.step, self.cell, self.head = cv.GRUCell(4, 3), cv.Cell("lstm", 3, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        y, (h, c) = self.inside["lstm"](x, lengths=lengths)
        z, state = self.inside["own"](y)
        s = self.cell(self.step(z[-1] + state.h[0]))
        result: Tensor = self.head(s.h) + h.sum() + c.sum()
        return result


def test_fx_takes_layers_for_leaves() -> None:
    model = Model()
    traced = fx.symbolic_trace(model)
    called = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    assert called == ["inside.lstm", "inside.own", "step", "cell", "head"]
    x, lengths = torch.randn(7, 3, 5), torch.tensor([7, 2, 4])
    assert torch.equal(traced(x, lengths), model(x, lengths))
    traced(x, lengths).sum().backward()
    assert model.inside["lstm"].weight_ih_l0.grad is not None
    again = copy.deepcopy(traced)
    assert torch.equal(again(x, lengths), model(x, lengths)) and "inside.lstm" in str(again.graph)


def test_fx_with_states_given() -> None:
    class Carried(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.gru = cv.LSTM(5, 6), cv.GRU(6, 6)

        def forward(self, x: Tensor, h: Tensor, c: Tensor) -> Any:
            y, state = self.lstm(x, (h, c))
            return self.gru(y, state[0])

    model = Carried()
    x, h, c = torch.randn(7, 3, 5), torch.randn(1, 3, 6), torch.randn(1, 3, 6)
    for got, wanted in zip(fx.symbolic_trace(model)(x, h, c), model(x, h, c), strict=True):
        assert torch.equal(got, wanted)


def test_fx_of_the_layer_itself() -> None:
    for layer in (cv.LSTM(5, 6), cv.Recurrent("gru", 5, 6), cv.GRUCell(5, 6)):
        with pytest.raises(TensorError, match="torch.fx traces what stands around a layer"):
            fx.symbolic_trace(layer)
        assert "call_module" in str(fx.symbolic_trace(nn.Sequential(layer)).graph)


# What else is done to models


def test_replicas_as_data_parallel_makes_them() -> None:
    """The parameters of a replica are plain attributes, no entries of `_parameters`."""
    for layer in (cv.LSTM(5, 6), cv.LSTMCell(5, 6)):
        replica = layer._replicate_for_data_parallel()
        for name, parameter in layer.named_parameters():
            replica._parameters.pop(name, None)
            object.__setattr__(replica, name, parameter.detach() * 2)
        theirs = copy.deepcopy(layer)
        with torch.no_grad():
            for parameter in theirs.parameters():
                parameter *= 2
        x = random(0, 3, 5, dtype=torch.float32) if layer is not cv.LSTM else random(0, 4, 3, 5, dtype=torch.float32)
        a, b = replica(x), theirs(x)
        assert torch.equal(a[0], b[0])


def test_weight_norm_spectral_norm_and_clipping() -> None:
    for kind in KINDS:
        for norm in (nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm):
            ours, theirs = getattr(cv, kind)(5, 6), getattr(nn, kind)(5, 6)
            ours.load_state_dict(theirs.state_dict())
            torch.manual_seed(0)
            norm(ours, "weight_hh_l0")
            torch.manual_seed(0)
            norm(theirs, "weight_hh_l0")
            ours.eval(), theirs.eval()  # in training each reading is another step of spectral norm's power iteration
            x = torch.randn(4, 2, 5)
            torch.testing.assert_close(ours(x)[0], theirs(x)[0], rtol=1e-5, atol=1e-6)
            ours(x)[0].sum().backward()
            nn.utils.clip_grad_norm_(ours.parameters(), 1.0)
            vector = nn.utils.parameters_to_vector(ours.parameters())
            nn.utils.vector_to_parameters(vector * 2, ours.parameters())
            ours(x)


@pytest.mark.filterwarnings("ignore")
def test_quantize_dynamic_goes_by_the_exact_type() -> None:
    """torch's quantiser looks types up, subclasses of nn.LSTM too; the way is back to torch.nn first, as documented."""
    from torch.ao.quantization import quantize_dynamic

    class Derived(nn.LSTM):
        pass

    assert type(quantize_dynamic(nn.Sequential(Derived(5, 6)), {nn.LSTM})[0]) is Derived
    model = nn.Sequential(cv.LSTM(5, 6))
    assert type(quantize_dynamic(model, {nn.LSTM})[0]) is cv.LSTM
    if "none" in torch.backends.quantized.supported_engines and len(torch.backends.quantized.supported_engines) == 1:
        pytest.skip("this torch has no engine for quantised products")
    quantised = quantize_dynamic(cv.replace(model, back=True), {nn.LSTM})
    assert type(quantised[0]).__module__.startswith("torch.ao.nn.quantized.dynamic")


def test_compile_makes_one_graph() -> None:
    """Dynamo refuses nn.LSTM, nn.GRU and nn.RNN and their subclasses; nn.RNNBase it takes."""
    torch._dynamo.reset()
    for layer in (cv.LSTM(5, 6), cv.GRU(5, 6), cv.LSTMCell(5, 6)):
        x = torch.randn(2, 5) if isinstance(layer, cv.LSTMCell) else torch.randn(3, 2, 5)
        compiled = torch.compile(layer, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(x)[0], layer(x)[0])


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("given", [{}, {"num_layers": 2, "bias": False}, {"batch_first": True, "bidirectional": True}])
def test_layers_are_printed_as_torchs(kind: str, given: dict[str, Any]) -> None:
    assert repr(getattr(cv, kind)(5, 6, **given)) == repr(getattr(nn, kind)(5, 6, **given))


def test_projections_are_printed() -> None:
    assert repr(cv.LSTM(5, 6, 2, proj_size=3)) == repr(nn.LSTM(5, 6, 2, proj_size=3))
