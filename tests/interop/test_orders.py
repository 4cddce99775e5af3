"""Weights in other libraries' orders, against their equations written out in numpy with their own names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv
from conveyor.interop.common.report import Report
from conveyor.interop.common.weight_layouts import ORDERS

I, H, T, B = 3, 4, 6, 2  # noqa: E741 - the field's letter for the input's width
Array = np.ndarray[Any, Any]
Step = Callable[..., Any]


def sigmoid(v: Array) -> Array:
    return 1 / (1 + np.exp(-v))


def tf1_lstm(w: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    i, j, f, o = np.split(np.concatenate([x, h], 1) @ w["kernel"] + w["bias"], 4, axis=1)
    c = c * sigmoid(f + 1.0) + sigmoid(i) * np.tanh(j)
    return np.tanh(c) * sigmoid(o), c


def tf1_lstm_peephole(w: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    i, j, f, o = np.split(np.concatenate([x, h], 1) @ w["kernel"] + w["bias"], 4, axis=1)
    c = sigmoid(f + 1.0 + w["w_f_diag"] * c) * c + sigmoid(i + w["w_i_diag"] * c) * np.tanh(j)
    return sigmoid(o + w["w_o_diag"] * c) * np.tanh(c), c


def tf1_gru(w: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    r, u = np.split(sigmoid(np.concatenate([x, h], 1) @ w["gates/kernel"] + w["gates/bias"]), 2, axis=1)
    new = np.tanh(np.concatenate([x, r * h], 1) @ w["candidate/kernel"] + w["candidate/bias"])
    return u * h + (1 - u) * new, c


def keras_lstm(w: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    i, f, g, o = np.split(x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def keras_gru(w: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    xz, xr, xh = np.split(x @ w["kernel"] + w["bias"][0], 3, axis=1)
    hz, hr, hh = np.split(h @ w["recurrent_kernel"] + w["bias"][1], 3, axis=1)
    z = sigmoid(xz + hz)
    return z * h + (1 - z) * np.tanh(xh + sigmoid(xr + hr) * hh), c


def keras_gru_reset_before(w: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    xz, xr, xh = np.split(x @ w["kernel"] + w["bias"], 3, axis=1)
    uz, ur, uh = np.split(w["recurrent_kernel"], 3, axis=1)
    z, r = sigmoid(xz + h @ uz), sigmoid(xr + h @ ur)
    return z * h + (1 - z) * np.tanh(xh + (r * h) @ uh), c


def keras_rnn(w: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    return np.tanh(x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]), c


def torch_step(module: type[torch.nn.Module]) -> Step:
    def step(w: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        cell: Any = module(I, H, dtype=torch.float64)
        cell.load_state_dict({n: torch.as_tensor(v) for n, v in w.items()})
        given = torch.as_tensor(h), torch.as_tensor(c)
        with torch.no_grad():
            found = cell(torch.as_tensor(x), given if module is torch.nn.LSTMCell else given[0])
        return tuple(f.numpy() for f in found) if module is torch.nn.LSTMCell else (found.numpy(), c)  # type: ignore[return-value]

    return step


KERAS = {"kernel": lambda g: (I, g * H), "recurrent_kernel": lambda g: (H, g * H)}
TORCH = {"weight_ih": (I,), "weight_hh": (H,), "bias_ih": (), "bias_hh": ()}
THEIRS: dict[str, tuple[Step, dict[str, tuple[int, ...]]]] = {
    "tf1_basic_lstm": (tf1_lstm, {"kernel": (I + H, 4 * H), "bias": (4 * H,)}),
    "tf1_lstm_peephole": (
        tf1_lstm_peephole,
        {"kernel": (I + H, 4 * H), "bias": (4 * H,), "w_i_diag": (H,), "w_f_diag": (H,), "w_o_diag": (H,)},
    ),
    "tf1_gru": (
        tf1_gru,
        {
            "gates/kernel": (I + H, 2 * H),
            "gates/bias": (2 * H,),
            "candidate/kernel": (I + H, H),
            "candidate/bias": (H,),
        },
    ),
    "keras_lstm": (keras_lstm, {n: s(4) for n, s in KERAS.items()} | {"bias": (4 * H,)}),
    "keras_gru": (keras_gru, {n: s(3) for n, s in KERAS.items()} | {"bias": (2, 3 * H)}),
    "keras_gru_reset_before": (keras_gru_reset_before, {n: s(3) for n, s in KERAS.items()} | {"bias": (3 * H,)}),
    "keras_rnn": (keras_rnn, {n: s(1) for n, s in KERAS.items()} | {"bias": (H,)}),
    "torch_lstm": (torch_step(torch.nn.LSTMCell), {n: (4 * H, *s) for n, s in TORCH.items()}),
    "torch_gru": (torch_step(torch.nn.GRUCell), {n: (3 * H, *s) for n, s in TORCH.items()}),
}


def weights(name: str, seed: int = 0) -> dict[str, Array]:
    generator = np.random.default_rng(seed)
    return {n: generator.normal(size=shape) for n, shape in THEIRS[name][1].items()}


def example(name: str, w: dict[str, Array]) -> tuple[Array, Array]:
    """An input, and what their equations make of it."""
    x = np.random.default_rng(9).normal(size=(T, B, I))
    h = c = np.zeros((B, H))
    ys = []
    for t in range(T):
        h, c = THEIRS[name][0](w, x[t], h, c)
        ys.append(h)
    return x, np.stack(ys)


def test_every_order_of_the_table_is_tested() -> None:
    assert ORDERS.keys() == THEIRS.keys()


@pytest.mark.parametrize("name", ORDERS)
def test_known_orders_compute_what_their_library_does(name: str) -> None:
    w = weights(name)
    x, y = example(name, w)
    told: list[Report] = []
    layer = cv.from_order(name, w, example=(x, y), report=told.append)
    assert type(layer) is cv.Recurrent and layer.weight_ih_l0.dtype == torch.float64
    with torch.no_grad():
        assert np.abs(layer(torch.as_tensor(x))[0].numpy() - y).max() <= 1e-12
    assert told[0].ok and told[0].difference is not None and told[0].difference <= 1e-12


@pytest.mark.parametrize("name", ORDERS)
def test_there_and_back(name: str) -> None:
    """The tensors come back, but that a merged bias stands in the first place: its library computes the same."""
    w = weights(name)
    back = {n: t.numpy() for n, t in cv.to_order(name, cv.from_order(name, w)).items()}
    assert {n: t.shape for n, t in back.items()} == {n: t.shape for n, t in w.items()}
    assert np.abs(example(name, back)[1] - example(name, w)[1]).max() <= 1e-12
    if name not in ("torch_lstm", "torch_gru", "keras_gru"):
        assert all(np.abs(back[n] - w[n]).max() <= 1e-15 for n in w)


def test_both_biases_of_torchs_layers_stay_apart() -> None:
    w = weights("torch_gru")
    layer = cv.from_order("torch_gru", w, cv.GRU(I, H, dtype=torch.float64))
    assert {n.removesuffix("_l0"): p.detach().numpy().tolist() for n, p in layer.named_parameters()} == {
        n: v.tolist() for n, v in w.items()
    }
    assert {n: t.numpy().tolist() for n, t in cv.to_order("torch_gru", layer).items()} == {
        n: v.tolist() for n, v in w.items()
    }


def test_several_layers_and_directions_are_filled_unit_by_unit() -> None:
    torch.manual_seed(0)
    source = cv.LSTM(I, H, 2, bidirectional=True)
    target = cv.LSTM(I, H, 2, bidirectional=True)
    parts = cv.to_order("keras_lstm", source)
    assert [p["kernel"].shape for p in parts] == [(I, 4 * H)] * 2 + [(2 * H, 4 * H)] * 2
    assert cv.from_order("keras_lstm", parts, target) is target
    x = torch.ones(T, B, I)
    assert (source(x)[0] - target(x)[0]).abs().max() <= 1e-6


def test_a_users_own_order_in_five_lines() -> None:
    """Gates apart, with names of their own, h before x."""
    mine = cv.Order(
        "lstm", gates={"f": "forget", "i": "input", "o": "output", "g": "cell"},
        weights={"W_{gate}": "h x"}, biases={"b_{gate}": "x"},
    )  # fmt: skip
    torch.manual_seed(0)
    source = cv.Recurrent("lstm", I, H)
    w = cv.to_order(mine, source)
    assert w.keys() == {f"{k}_{g}" for k in "Wb" for g in ("forget", "input", "output", "cell")}
    assert torch.equal(
        w["W_cell"], torch.cat([source.weight_hh_l0[2 * H : 3 * H], source.weight_ih_l0[2 * H : 3 * H]], 1)
    )
    assert torch.equal(w["b_forget"], source.bias_l0[H : 2 * H])
    assert all(torch.equal(t, source.state_dict()[n]) for n, t in cv.from_order(mine, w).state_dict().items())


@cv.cell
def two(x, s):  # type: ignore[no-untyped-def]
    a = cv.sigmoid(cv.affine("a", x, s))
    return a * s + (1 - a) * cv.tanh(cv.affine("b", x, s)) + cv.weight("p") * s


def test_an_order_of_a_users_own_cell() -> None:
    order = cv.Order(two, "b a", {"W": "s x"}, {"bias": "s"}, {"peep": "p"}, added={"a": -2.0})
    source = cv.Recurrent(two, I, H)
    w = cv.to_order(order, source)
    assert w["W"].shape == (2 * H, H + I) and torch.equal(w["peep"], source.p_l0)
    # What the library adds when it runs is not in its tensor.
    assert (w["bias"][H:] - 2.0 - source.bias_l0[:H]).abs().max() <= 1e-6
    again = cv.from_order(order, w)
    assert all((t - source.state_dict()[n]).abs().max() <= 1e-6 for n, t in again.state_dict().items())


RIGHT = ORDERS["tf1_basic_lstm"]


@pytest.mark.parametrize(
    ("wrong", "fits"),
    [
        ({"gates": "i f g o"}, 'gates="i g f o"'),
        ({"gates": "g i f o"}, 'gates="i g f o"'),
        ({"gates": "o f g i"}, 'gates="i g f o"'),
        ({"added": {}}, r"added=\{'f': 1.0\}"),
        ({"added": {"i": 1.0}}, r"added=\{'f': 1.0\}"),
        ({"weights": {"kernel": "h x"}}, r"weights=\{'kernel': 'x h'\}"),
        ({"gates": "i f g o", "added": {}}, r"gates=\"i g f o\", added=\{'f': 1.0\}"),
    ],
)
def test_a_wrong_order_is_caught_and_the_right_one_named(wrong: Any, fits: str) -> None:
    w = weights("tf1_basic_lstm")
    layer = cv.Recurrent("lstm", I, H, dtype=torch.float64)
    before = {n: t.clone() for n, t in layer.state_dict().items()}
    with pytest.raises(cv.ArgumentError, match=f"they do not compute the same; it would with {fits}$") as caught:
        cv.from_order(replace(RIGHT, **wrong), w, layer, example=example("tf1_basic_lstm", w))
    assert "\n" not in str(caught.value)
    assert all(torch.equal(t, before[n]) for n, t in layer.state_dict().items()), "the layer is as it was"


def test_square_matrices_the_wrong_way_round_are_caught() -> None:
    w = {
        n: np.random.default_rng(3).normal(size=s)
        for n, s in {"kernel": (H, H), "recurrent_kernel": (H, H), "bias": (H,)}.items()
    }
    x = np.random.default_rng(9).normal(size=(T, B, H))
    h, ys = np.zeros((B, H)), []
    for t in range(T):
        h = keras_rnn(w, x[t], h, h)[0]
        ys.append(h)
    with pytest.raises(cv.ArgumentError, match="it would with transposed=True$"):
        cv.from_order(replace(ORDERS["keras_rnn"], transposed=False), w, example=(x, np.stack(ys)))


def test_an_example_of_something_else_fits_no_order() -> None:
    w = weights("tf1_basic_lstm")
    x, y = example("tf1_basic_lstm", w)
    with pytest.raises(cv.ArgumentError, match="no other order of the gates does either"):
        cv.from_order(RIGHT, w, example=(x, y + 0.1))


def test_without_an_example_the_report_says_that_nothing_was_compared() -> None:
    told: list[Report] = []
    cv.from_order(RIGHT, weights("tf1_basic_lstm"), report=told.append)
    assert told[0].difference is None and "a wrong order would not show" in str(told[0])


W = {"kernel": np.zeros((I + H, 4 * H)), "bias": np.zeros(4 * H)}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cv.from_order("tf9", W), "order is a cv.Order or one of tf1_basic_lstm, .* got 'tf9'"),
        (lambda: cv.from_order(RIGHT, {}), "tensors is a dict of tensors by name"),
        (lambda: cv.from_order(RIGHT, {"kernel": W["kernel"]}), "tensors lacks 'bias'"),
        (lambda: cv.from_order(RIGHT, W | {"more": W["bias"]}), "tensors has 'more', which order does not name"),
        (lambda: cv.from_order(RIGHT, W | {"bias": np.zeros(3)}), r"tensors\['bias'\] is \(3,\), order expects \(16,\)"),
        (lambda: cv.from_order(RIGHT, W | {"bias": "zero"}), r"tensors\['bias'\] is a tensor or an array"),
        (lambda: cv.from_order(RIGHT, {"kernel": W["bias"], "bias": W["bias"]}), r"'kernel', a matrix of i g f o; got \(16,\)"),
        (lambda: cv.from_order(RIGHT, W | {"kernel": np.zeros((7, 15))}), "15 rows, no multiple of the 4 gates"),
        (lambda: cv.from_order(replace(RIGHT, transposed=False), W), "is transposed right|no multiple"),
        (lambda: cv.from_order(replace(RIGHT, gates="i j f o"), W), "names the gate 'j', and the cell's affine maps are i, f, g, o"),
        (lambda: cv.from_order(replace(RIGHT, gates="i g f"), {"kernel": np.zeros((7, 12)), "bias": np.zeros(12)}), "product 'o.x' of cell lstm nowhere"),
        (lambda: cv.from_order(replace(RIGHT, weights={"kernel": "x x"}), W), "twice|input_size"),
        (lambda: cv.from_order(replace(RIGHT, weights={"kernel": "x y"}), W), "has gate 'i' multiply 'y'; it reads x, h"),
        (lambda: cv.from_order(replace(RIGHT, vectors={"v": "p"}), W), "cell lstm has no such cv.weight"),
        (lambda: cv.from_order(RIGHT, W, cv.GRU(I, H)), "order is that of <cell lstm .* but the layer runs <cell gru "),
        (lambda: cv.from_order(RIGHT, W, torch.nn.LSTM(I, H)), "layer is one of conveyor's, got LSTM"),
        (lambda: cv.from_order(RIGHT, W, cv.LSTM(I, H, 2)), "tensors has 1 entries for 2 layers and directions"),
        (lambda: cv.from_order(RIGHT, [W, W]), "pass the layer to fill"),
        (lambda: cv.from_order(RIGHT, W, cv.LSTM(I, H), batch_first=True), "batch_first is an argument of a layer that is made"),
        (lambda: cv.from_order(RIGHT, W, cv.LSTM(I, H, bias=False)), "order has a bias for 'i', and the layer's cell lstm has none"),
        (lambda: cv.from_order(RIGHT, W, example=3), "example is a pair"),
        (lambda: cv.from_order(RIGHT, W, example=(np.zeros((T, B, I)), np.zeros((T, B, 9)))), "example's output is"),
        (lambda: cv.to_order(RIGHT, cv.GRU(I, H)), "order is that of"),
        (lambda: cv.to_order(replace(RIGHT, biases={}, added={}), cv.LSTM(I, H)), "no place for the bias 'i'"),
    ],
)  # fmt: skip
def test_mistakes_are_said_in_one_line(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(cv.ArgumentError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)


# Initial states, and a GRU whose z weighs what is new


@pytest.mark.parametrize("cell", ["gru", "gru_reset_before"])
def test_a_gru_whose_z_weighs_what_is_new(cell: str) -> None:
    """Chung et al. 2014, eq. 5: h = (1 − z) h + z n, written out with names of its own."""
    random = np.random.default_rng(4)
    w = {f"W_{g}": random.normal(size=(I, H)) for g in "rzn"} | {f"U_{g}": random.normal(size=(H, H)) for g in "rzn"}
    w |= {f"b_{g}": random.normal(size=H) for g in "rzn"}
    x, h, ys = random.normal(size=(T, B, I)), np.zeros((B, H)), []
    for step in x:
        r, z = (sigmoid(step @ w[f"W_{g}"] + h @ w[f"U_{g}"] + w[f"b_{g}"]) for g in "rz")
        inner = r * (h @ w["U_n"]) if cell == "gru" else (r * h) @ w["U_n"]
        h = (1 - z) * h + z * np.tanh(step @ w["W_n"] + inner + w["b_n"])
        ys.append(h)
    order = cv.Order(
        cv.cells[cell].configure(update="new"), "r z n", {"W_{gate}": "x", "U_{gate}": "h"}, {"b_{gate}": "x"},
        transposed=True,
    )  # fmt: skip
    told: list[Report] = []
    layer = cv.from_order(order, w, example=(x, np.stack(ys)), report=told.append)
    assert told[0].difference is not None and told[0].difference <= 1e-12
    with pytest.raises(cv.ArgumentError, match="no other order of the gates does either"):
        cv.from_order(replace(order, cell=cell), w, example=(x, np.stack(ys)))
    back = cv.to_order(order, layer)
    assert all(np.array_equal(back[n], w[n]) for n in w)


def test_what_z_weighs_is_one_of_two() -> None:
    with pytest.raises(cv.ConveyorError, match="update is 'old' or 'new', what the gate z weighs, got 'other'"):
        cv.cells["gru"].configure(update="other").program  # noqa: B018 - traced when it is first asked for
    assert cv.cells["gru"].configure(update="old").program == cv.cells["gru"].program


def test_initial_states_have_a_place() -> None:
    w = weights("keras_lstm")
    random = np.random.default_rng(3)
    w |= {"h0": random.normal(size=H), "c0": random.normal(size=H)}
    order = replace(ORDERS["keras_lstm"], initial={"h0": "h", "c0": "c"})
    x = random.normal(size=(T, B, I))
    h, c, ys = np.tile(w["h0"], (B, 1)), np.tile(w["c0"], (B, 1)), []
    for step in x:
        h, c = keras_lstm(w, step, h, c)
        ys.append(h)
    layer = cv.from_order(order, w, example=(x, np.stack(ys)))
    assert layer.learn_initial_state and np.abs(layer(torch.from_numpy(x))[0].detach().numpy() - ys).max() <= 1e-12
    back = cv.to_order(order, layer)
    assert {*back} == {*w} and all(np.array_equal(back[n], w[n]) for n in w)
    with pytest.raises(cv.ArgumentError, match="no place for the initial state 'h', which the layer has learned"):
        cv.to_order("keras_lstm", layer)
    with pytest.raises(cv.ArgumentError, match="pass learn_initial_state=True"):
        cv.from_order(order, w, cv.Recurrent("lstm", I, H, dtype=torch.float64))
    with pytest.raises(cv.ArgumentError, match=r"order.initial\['h0'\] is 'z', and the cell's states are h, c"):
        cv.from_order(replace(order, initial={"h0": "z"}), w)
    plain = {n: v for n, v in w.items() if n not in order.initial}
    assert not cv.from_order("keras_lstm", plain, layer).initial_h_l0.any(), "what the order does not name is zero"
