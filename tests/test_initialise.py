"""First values of parameters, and weights in the form of textbooks."""

import math

import numpy as np
import pytest
import torch

import conveyor as cv


def test_default_is_uniform_within_one_over_root_h() -> None:
    torch.manual_seed(0)
    layer = cv.Recurrent("lstm", 50, 100)
    for p in layer.parameters():
        assert p.abs().max() <= 0.1 and p.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.1)


def test_norms_begin_as_identity() -> None:
    layer = cv.Recurrent("lstm_layer_norm", 3, 4)
    assert all((p == 1).all() for n, p in layer.named_parameters() if "gain" in n)
    assert all((p == 0).all() for n, p in layer.named_parameters() if "bias" in n)


def test_forget_bias_of_torch_like_layers_is_the_sum_of_both() -> None:
    layer = cv.LSTM(3, 4, num_layers=2, bidirectional=True, forget_bias=1.5)
    for suffix in ("_l0", "_l0_reverse", "_l1", "_l1_reverse"):
        total = getattr(layer, f"bias_ih{suffix}") + getattr(layer, f"bias_hh{suffix}")
        assert torch.equal(total[4:8], torch.full((4,), 1.5))
        assert not (total[:4] == 1.5).any() and not (total[8:] == 1.5).any()
    gru = cv.GRU(3, 4, forget_bias=2.0)
    assert torch.equal((gru.bias_ih_l0 + gru.bias_hh_l0)[4:8], torch.full((4,), 2.0)), (
        "z keeps the state in torch's GRU"
    )


@pytest.mark.parametrize(
    ("name", "rows", "sign"),
    [
        ("lstm", slice(4, 8), 1),
        ("lstm_coupled", slice(0, 4), 1),
        ("lstm_cifg", slice(0, 4), -1),
        ("gru", slice(4, 8), 1),
        ("mgu", slice(0, 4), -1),
        ("min_gru", slice(0, 4), -1),
        ("min_lstm", slice(0, 4), 1),
        ("ugrnn", slice(4, 8), 1),
        ("janet", slice(0, 4), 1),
        ("slstm", slice(12, 16), 1),
    ],
)
def test_forget_bias_finds_the_gate_that_keeps(name: str, rows: slice, sign: int) -> None:
    layer = cv.Recurrent(name, 3, 4, forget_bias=3.0)
    assert torch.equal(layer.bias_l0[rows], torch.full((4,), 3.0 * sign))
    others = torch.ones(len(layer.bias_l0), dtype=torch.bool)
    others[rows] = False
    assert (layer.bias_l0[others].abs() <= 0.5).all()


def test_a_large_forget_bias_keeps_the_state() -> None:
    for name in ("lstm", "lstm_cifg", "gru", "mgu", "min_gru", "ugrnn", "janet"):
        layer = cv.Recurrent(name, 3, 4, forget_bias=30.0)
        state = tuple(torch.randn(1, 2, 4) for _ in layer.state_fields)
        _, after = layer(torch.randn(20, 2, 3), state)
        drift = (after[-1] - state[-1]).abs().max()
        assert drift < (1e-5 if name not in ("lstm", "janet") else 20), name


@pytest.mark.parametrize("name", ["rnn", "indrnn", "lstm_nfg", "gru_d"])
@pytest.mark.parametrize("argument", [{"forget_bias": 1.0}, {"init": "chrono"}], ids=["forget_bias", "chrono"])
def test_cells_without_such_a_gate_say_so(name: str, argument: dict) -> None:
    with pytest.raises(cv.ArgumentError, match=f"cell {name} has none"):
        cv.Recurrent(name, 3, 4, **argument)


def test_chrono() -> None:
    torch.manual_seed(0)
    longest = 200
    layer = cv.LSTM(3, 2000, init="chrono", max_lag=longest)
    bias = layer.bias_ih_l0 + layer.bias_hh_l0
    i, f = bias[:2000], bias[2000:4000]
    assert torch.equal(i, -f)
    assert f.min() >= 0 and f.max() <= math.log(longest - 1)
    # exp(f) is uniform on [1, longest − 1]
    lags = f.exp()
    assert lags.mean().item() == pytest.approx(longest / 2, rel=0.05)
    assert lags.std().item() == pytest.approx((longest - 2) / math.sqrt(12), rel=0.05)
    rest = bias[4000:]
    assert rest.abs().max() <= 2 / math.sqrt(2000)


def test_orthogonal_per_gate() -> None:
    layer = cv.LSTM(3, 6, init="orthogonal")
    for gate in layer.weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6))
    bound = math.sqrt(6 / (3 + 6))
    assert layer.weight_ih_l0.abs().max() <= bound and layer.weight_ih_l0.abs().max() > 0.7 * bound
    assert (layer.bias_ih_l0 == 0).all() and (layer.bias_hh_l0 == 0).all()
    heads = cv.Recurrent(cv.cells["slstm"].configure(heads=2), 3, 6, init="orthogonal")
    for block in heads.weight_hh_l0.chunk(8):
        torch.testing.assert_close(block @ block.T, torch.eye(3))


@pytest.mark.parametrize("init", ["torch", "orthogonal", "chrono"])
def test_reset_parameters_repeats_the_scheme(init: str) -> None:
    torch.manual_seed(1)
    layer = cv.LSTM(3, 4, init=init, forget_bias=None if init == "chrono" else 1.0)
    first = {n: p.clone() for n, p in layer.named_parameters()}
    torch.manual_seed(1)
    layer.reset_parameters()
    for name, p in layer.named_parameters():
        assert torch.equal(p, first[name])


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


def textbook(names: str, rng: np.random.Generator) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    return {k: (torch.from_numpy(rng.normal(size=(4, 7))), torch.from_numpy(rng.normal(size=4))) for k in names}


def test_lstm_from_the_form_of_textbooks() -> None:
    rng = np.random.default_rng(0)
    gates = textbook("ifgo", rng)
    layer = cv.LSTM.from_concatenated(gates, dtype=torch.float64)
    h, c, x = np.zeros((2, 4)), np.zeros((2, 4)), rng.normal(size=(5, 2, 3))
    for step in x:
        joined = np.concatenate([h, step], -1)
        i, f, g, o = (joined @ gates[k][0].numpy().T + gates[k][1].numpy() for k in "ifgo")
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    y, state = layer(torch.from_numpy(x))
    np.testing.assert_allclose(y[-1].detach(), h, rtol=1e-12)
    np.testing.assert_allclose(state.c[0].detach(), c, rtol=1e-12)
    assert (layer.bias_hh_l0 == 0).all(), "one bias a gate"


def test_gru_as_published_and_rnn_from_the_form_of_textbooks() -> None:
    rng = np.random.default_rng(1)
    gates = textbook("rzn", rng)
    layer = cv.Recurrent.from_concatenated("gru_reset_before", gates, dtype=torch.float64)
    h, x = np.zeros((2, 4)), rng.normal(size=(5, 2, 3))

    def gate(k: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.concatenate([left, right], -1) @ gates[k][0].numpy().T + gates[k][1].numpy()

    for step in x:
        r, z = sigmoid(gate("r", h, step)), sigmoid(gate("z", h, step))
        h = z * h + (1 - z) * np.tanh(gate("n", r * h, step))
    np.testing.assert_allclose(layer(torch.from_numpy(x))[0][-1].detach(), h, rtol=1e-12)
    w, b = textbook("h", rng)["h"]
    rnn = cv.RNN.from_concatenated({"h": (w, b)}, dtype=torch.float64)
    first = np.tanh(np.concatenate([np.zeros((2, 4)), x[0]], -1) @ w.numpy().T + b.numpy())
    np.testing.assert_allclose(rnn(torch.from_numpy(x))[0][0].detach(), first, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.pop("f"), "lacks 'f'"),
        (lambda g: g.update(q=g["f"]), "has 'q'"),
        (lambda g: g.update(f=(g["f"][0][:, :4], g["f"][1])), r"\(H, H \+ I\)"),
        (lambda g: g.update(f=(g["f"][0][:3], g["f"][1])), "different sizes"),
        (lambda g: g.update(f=(g["f"][0], g["f"][1][:3])), r"shape \(3,\), expected \(4,\)"),
        (lambda g: g.clear(), "empty"),
    ],
)
def test_wrong_textbook_weights(change, message: str) -> None:
    gates = textbook("ifgo", np.random.default_rng(0))
    change(gates)
    with pytest.raises(cv.ArgumentError, match=message):
        cv.LSTM.from_concatenated(gates, dtype=torch.float64)
