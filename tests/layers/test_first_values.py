"""First values for every cell: what each scheme promises, seen from the cell's behaviour and not from its parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import conveyor as cv
from layers.common import random
from support import BUILT_IN, Case

# What each cell keeps: the state, and whether its gate keeps (1) or replaces (−1) when its bias grows; None: no such gate.
KEEPS: dict[str, tuple[str, int] | None] = {
    "rnn": None,
    "indrnn": None,
    "lstm": ("c", 1),
    "lstm_peephole": ("c", 1),
    "lstm_coupled": ("c", 1),
    "lstm_layer_norm": ("c", 1),
    "lstm_projection": ("c", 1),
    "lstm_nig": ("c", 1),
    "lstm_nfg": None,
    "lstm_nog": ("c", 1),
    "lstm_niaf": ("c", 1),
    "lstm_noaf": ("c", 1),
    "lstm_cifg": ("c", -1),
    "lstm_np": ("c", 1),
    "lstm_fgr": ("c", 1),
    "gru": ("h", 1),
    "gru_reset_before": ("h", 1),
    "gru_d": None,
    "min_gru": ("h", -1),
    "min_lstm": ("h", 1),
    "mgu": ("h", -1),
    "janet": ("c", 1),
    "ugrnn": ("h", 1),
    "slstm": ("c", 1),
}
# Cells that admit new content by a gate of its own, which chrono sets to the negative. (min_lstm's and slstm's gates are
# no factors σ(a) of the state; their map "f" alone is taken as the forget gate.)
ADMIT = "lstm lstm_peephole lstm_layer_norm lstm_projection lstm_nog lstm_niaf lstm_noaf lstm_np lstm_fgr".split()
KEEPING = sorted(name for name, keeps in KEEPS.items() if keeps)
WITHOUT = sorted(name for name, keeps in KEEPS.items() if not keeps)


def test_every_cell_is_here() -> None:
    assert sorted(KEEPS) == sorted(cv.cells)


def make(name: str, hidden_size: int = 4, **arguments: Any) -> cv.Recurrent:
    sizes = {"proj": 2} if name == "lstm_projection" else None
    return cv.Recurrent(name, 3, hidden_size, sizes=sizes, dtype=torch.float64, **arguments)


def gate_bias(layer: cv.Recurrent, gate: str) -> Tensor:
    """The sum of all biases that a gate's pre-activation has."""
    found = [n for n, _ in layer.named_parameters() if n in (f"{gate}_h_bias_l0", f"{gate}_x_bias_l0")]
    if found:
        return sum(layer.get_parameter(n) for n in found)
    order = list(dict.fromkeys(p.name for p in layer.units[0].program.params if type(p).__name__ == "Bias"))
    return layer.bias_l0[order.index(gate) * 4 :][:4]


def keep_gate(name: str) -> str:
    if name == "lstm_cifg":
        return "i"
    return "z" if name in ("gru", "gru_reset_before", "min_gru", "ugrnn") else "f"


@pytest.mark.parametrize("name", KEEPING)
def test_forget_bias(name: str) -> None:
    torch.manual_seed(0)
    layer = make(name, forget_bias=1.75)
    torch.manual_seed(0)
    before = make(name)
    keeps = KEEPS[name]
    assert keeps is not None
    assert torch.equal(gate_bias(layer, keep_gate(name)), torch.full((4,), 1.75 * keeps[1], dtype=torch.float64))
    # Nothing else is touched.
    changed = sum(int((p != before.get_parameter(n)).sum()) for n, p in layer.named_parameters())
    assert changed == 4


@pytest.mark.parametrize("name", [n for n in KEEPING if n not in ("min_lstm", "slstm")])
def test_a_large_forget_bias_keeps_and_a_small_one_forgets(name: str) -> None:
    """The part of a state that survives a step, seen as a derivative."""
    keeps = KEEPS[name]
    assert keeps is not None
    for forget_bias, kept in ((40.0, 1.0), (-40.0, 0.0)):
        layer = make(name, forget_bias=forget_bias)
        index = layer.state_fields.index(keeps[0])
        widths = [s.width for s in layer.units[0].program.states]
        states = [random(k, 1, 1, 2 if w == "proj" else 4).requires_grad_() for k, w in enumerate(widths)]
        # Without what the state does by other ways: a zero recurrent part.
        with torch.no_grad():
            for n, p in layer.named_parameters():
                if n.startswith(("weight_hh", "weight_n_value", "p_", "weight_i_", "weight_f_", "weight_o_")):
                    p.zero_()
        final = layer(random(9, 1, 1, 3), tuple(states))[1][index]
        (grad,) = torch.autograd.grad(final.sum(), states[index])
        torch.testing.assert_close(grad, torch.full_like(grad, kept), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", WITHOUT)
@pytest.mark.parametrize("arguments", [{"forget_bias": 1.0}, {"forget_bias": 0.0}, {"init": "chrono"}], ids=str)
def test_cells_without_a_keep_gate(name: str, arguments: dict[str, Any]) -> None:
    said = "forget_bias" if "forget_bias" in arguments else 'init="chrono"'
    with pytest.raises(cv.ArgumentError) as raised:
        make(name, **arguments)
    message = f"{said} needs a gate with a bias that keeps a state, and cell {name} has none; leave it out"
    assert str(raised.value) == message


def test_no_bias_to_set() -> None:
    for arguments in ({"forget_bias": 1.0}, {"init": "chrono"}):
        with pytest.raises(cv.ArgumentError, match="cell lstm has none; leave it out"):
            cv.LSTM(3, 4, bias=False, **arguments)


@pytest.mark.parametrize("name", KEEPING)
def test_chrono(name: str) -> None:
    torch.manual_seed(3)
    layer = make(name, init="chrono", max_lag=50)
    keeps = KEEPS[name]
    assert keeps is not None
    lags = gate_bias(layer, keep_gate(name)) * keeps[1]
    assert (lags >= 0).all() and (lags <= math.log(49)).all()
    assert lags.max() > 1.5 and len(set(lags.tolist())) == 4
    if name in ADMIT:
        assert torch.equal(gate_bias(layer, "i"), -lags)
    torch.manual_seed(3)
    plain = make(name)
    changed = sum(int((p != plain.get_parameter(n)).sum()) for n, p in layer.named_parameters())
    assert changed == (8 if name in ADMIT else 4)


def test_chrono_of_torch_like_layers_and_cells() -> None:
    """b_f = log U(1, T − 1), b_i = −b_f, as sums of torch's two biases (Tallec & Ollivier 2018, eq. 16)."""
    size, longest = 1000, 784
    torch.manual_seed(0)
    for module, end in (
        (cv.LSTM(1, size, init="chrono", max_lag=longest), "_l0"),
        (cv.LSTMCell(1, size, init="chrono", max_lag=longest), ""),
    ):
        bias = getattr(module, f"bias_ih{end}") + getattr(module, f"bias_hh{end}")
        i, f, *others = bias.detach().chunk(4)
        assert torch.equal(i, -f)
        # exp(b_f) is uniform: its empirical distribution stays within Kolmogorov's bound of 1e-6.
        lags = (f.exp() - 1).sort().values / (longest - 2)
        distance = (lags - torch.linspace(0, 1, size)).abs().max()
        assert distance < 2.7 / math.sqrt(size)
        assert all(o.abs().max() <= 2 / math.sqrt(size) for o in others)
    z = cv.GRU(1, size, init="chrono", max_lag=longest)
    total = (z.bias_ih_l0 + z.bias_hh_l0)[size : 2 * size]
    assert 0 <= total.min() and math.log(700) < total.max() <= math.log(longest - 1)


def test_a_gate_that_shares_the_keep_gates_bias_is_no_gate_of_its_own() -> None:
    @cv.cell
    def leaky(x, h):
        s = cv.affine("s", x, h)
        h = cv.sigmoid(s) * h + cv.sigmoid(1.0 + s) * cv.tanh(cv.affine("n", x))
        return h

    layer = cv.Recurrent(leaky, 3, 4, init="chrono", max_lag=50)
    assert (layer.bias_l0[:4] >= 0).all()


def test_own_cells_gate_is_found_by_what_it_does() -> None:
    @cv.cell
    def own(x, h, memory):
        write = cv.sigmoid(cv.affine("write", x, h))
        memory = memory - write * memory + write * cv.tanh(cv.affine("what", x))
        h = cv.tanh(memory)
        return h, memory

    layer = cv.Recurrent(own, 3, 4, forget_bias=2.0)
    assert torch.equal(layer.bias_l0[:4], torch.full((4,), -2.0))
    assert (layer.bias_l0[4:].abs() <= 0.5).all()


def test_forget_bias_goes_to_every_layer_and_direction() -> None:
    layer = cv.Recurrent(["lstm", "gru"], 3, 4, bidirectional=True, forget_bias=1.25)
    for end in ("_l0", "_l0_reverse", "_l1", "_l1_reverse"):
        assert (layer.get_parameter(f"bias{end}")[4:8] == 1.25).all()


ALL_LAYERS: dict[str, Callable[..., nn.Module]] = {
    "LSTM": lambda **a: cv.LSTM(3, 4, 2, bidirectional=True, **a),
    "GRU": lambda **a: cv.GRU(3, 4, **a),
    "RNN": lambda **a: cv.RNN(3, 4, **a),
    "LSTMCell": lambda **a: cv.LSTMCell(3, 4, **a),
    "GRUCell": lambda **a: cv.GRUCell(3, 4, **a),
    "RNNCell": lambda **a: cv.RNNCell(3, 4, **a),
    "Cell": lambda **a: cv.Cell("lstm_peephole", 3, 4, **a),
    "Recurrent": lambda **a: cv.Recurrent("lstm_layer_norm", 3, 4, 2, **a),
}
SCHEMES: list[dict[str, Any]] = [
    {},
    {"forget_bias": 1.5},
    {"init": "orthogonal"},
    {"init": "chrono", "max_lag": 30},
    {"init": "orthogonal", "forget_bias": 2.5},
]


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("name", ALL_LAYERS)
def test_reset_parameters_repeats_the_scheme(name: str, scheme: dict[str, Any]) -> None:
    if name.startswith("RNN") and (scheme.get("forget_bias") or scheme.get("init") == "chrono"):
        with pytest.raises(cv.ArgumentError, match="cell rnn has none"):
            ALL_LAYERS[name](**scheme)
        return
    torch.manual_seed(1)
    layer = ALL_LAYERS[name](**scheme)
    first = {n: p.detach().clone() for n, p in layer.named_parameters()}
    with torch.no_grad():
        for p in layer.parameters():
            p.fill_(7.0)
    torch.manual_seed(1)
    layer.reset_parameters()
    for n, p in layer.named_parameters():
        assert torch.equal(p, first[n]) and p.requires_grad and p.is_leaf, n


@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_orthogonal_per_gate(case: Case) -> None:
    """Every square of a recurrent matrix is orthogonal by itself, what reads x is Xavier-uniform, biases are zero."""
    hidden_size = 4 * case.multiple
    layer = cv.Recurrent(
        case.cell, 3, hidden_size, sizes=case.sizes(hidden_size), init="orthogonal", dtype=torch.float64
    )
    torch.manual_seed(0)
    layer.reset_parameters()
    unit, seen = layer.units[0], 0
    for key, param in unit.program.param.items():
        (part,) = unit.rows(layer, key)
        if key[0] == "product":
            seen += 1
            for block in part.chunk(param.blocks):
                if param.operand == "x":
                    bound = math.sqrt(6 / sum(block.shape))
                    assert block.abs().max() <= bound and block.abs().max() > bound / 3
                    continue
                small = block @ block.T if block.shape[0] <= block.shape[1] else block.T @ block
                torch.testing.assert_close(small, torch.eye(len(small), dtype=torch.float64), rtol=0, atol=1e-12)
        elif key[0] == "bias":
            assert (part == 0).all(), key
    assert seen == len([k for k in unit.program.param if k[0] == "product"]) > 0


@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_torchs_default_is_uniform_in_one_over_root_h(case: Case) -> None:
    hidden_size = 64 * case.multiple
    layer = cv.Recurrent(case.cell, 50, hidden_size, sizes=case.sizes(hidden_size))
    bound = 1 / math.sqrt(hidden_size)
    for name, p in layer.named_parameters():
        if "_gain_" in name or ("_bias_l" in name and "decay" not in name and not name.startswith("bias")):
            assert (p == (1.0 if "_gain_" in name else 0.0)).all(), name
            continue
        assert p.abs().max() <= bound, name
        spread = p.std().item() / (bound / math.sqrt(3))
        assert abs(spread - 1) < 6 / math.sqrt(p.numel()), name
