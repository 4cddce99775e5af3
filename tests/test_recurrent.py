"""`Recurrent` and `Cell`: any cell in any arrangement, named states, auxiliary inputs."""

import pickle
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch.utils import _pytree as pytree

import conveyor as cv
from conveyor.states import state_class

BACKENDS = ["reference", "cpu"]
PLAIN = [name for name in cv.cells if name not in ("gru_d", "lstm_projection")]


@cv.cell
def decaying(x, h, *, dt):
    h = h * cv.exp(-cv.softplus(cv.weight("rate")) * dt)
    h = cv.tanh(cv.affine("h", x, h))
    return h


@cv.cell
def told(x, h, *, where):
    h = cv.tanh(cv.affine("h", x, h, where))
    return h


def loop(layer: cv.Recurrent, x: torch.Tensor, **aux: torch.Tensor) -> torch.Tensor:
    """The layer's output, one `Cell` step at a time."""
    unit = layer.units[0]
    sizes = {k: v for k, v in SIZES.items() if k in unit.widths}
    step = cv.Cell(unit.cell, layer.input_size, layer.hidden_size, sizes=sizes)
    step.load_state_dict({n.removesuffix("_l0"): p for n, p in layer.state_dict().items()})
    state, outputs = None, []
    for t in range(len(x)):
        state = step(x[t], state, **{n: a[t] for n, a in aux.items()})
        outputs.append(state[0])
    return torch.stack(outputs)


SIZES = {"proj": 2, "where": 3}


@pytest.mark.parametrize("name", [*PLAIN, "lstm_projection"])
def test_steps_of_a_cell_make_the_layer(name: str) -> None:
    sizes = {"proj": 2} if name == "lstm_projection" else None
    layer = cv.Recurrent(name, 3, 4, sizes=sizes)
    x = torch.randn(6, 2, 3)
    torch.testing.assert_close(loop(layer, x), layer(x)[0])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PLAIN)
def test_layers_and_directions(name: str, backend: str) -> None:
    layer = cv.Recurrent(name, 3, 4, num_layers=2, bidirectional=True, batch_first=True, backend=backend)
    x = torch.randn(5, 6, 3)
    y, state = layer(x)
    assert y.shape == (5, 6, 8) and layer.output_size == 8
    assert state._fields == tuple(s.name for s in cv.cells[name].program.states)
    assert all(s.shape == (4, 5, 4) for s in state)
    # The last layer's forward direction ends at the last step, its reverse direction at the first.
    torch.testing.assert_close(state[0][2], y[:, -1, :4])
    torch.testing.assert_close(state[0][3], y[:, 0, 4:])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PLAIN)
def test_state_passed_on_makes_one_longer_run(name: str, backend: str) -> None:
    layer = cv.Recurrent(name, 3, 4, num_layers=2, backend=backend, dtype=torch.float64)
    x = torch.randn(7, 2, 3, dtype=torch.float64)
    whole, final = layer(x)
    first, state = layer(x[:3])
    second, state = layer(x[3:], tuple(state))  # a plain tuple will do
    torch.testing.assert_close(torch.cat([first, second]), whole)
    for got, want in zip(state, final, strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_sequence_without_a_batch(batch_first: bool) -> None:
    layer = cv.Recurrent("lstm", 3, 4, num_layers=2, batch_first=batch_first)
    x = torch.randn(6, 3)
    y, state = layer(x)
    whole, states = layer(x.unsqueeze(0 if batch_first else 1))
    assert y.shape == (6, 4) and state.h.shape == (2, 4)
    assert torch.equal(y, whole.squeeze(0 if batch_first else 1)) and torch.equal(state.c, states.c.squeeze(1))
    again, _ = layer(x, state)
    assert again.shape == (6, 4)


def test_a_cell_and_a_size_a_layer() -> None:
    layer = cv.Recurrent(["lstm", "gru", decaying], 3, [4, 5, 6])
    x, dt = torch.randn(7, 2, 3), torch.rand(7, 2)
    y, state = layer(x, dt=dt)
    assert y.shape == (7, 2, 6) and state._fields == ("h", "c")
    assert [h.shape[-1] for h in state.h] == [4, 5, 6]
    assert state.c[0].shape == (1, 2, 4) and state.c[1] is state.c[2] is None
    first, _ = layer(x[:3], dt=dt[:3])
    _, middle = layer(x[:3], dt=dt[:3])
    second, _ = layer(x[3:], middle, dt=dt[3:])
    torch.testing.assert_close(torch.cat([first, second]), y)
    assert middle.detach().h[0].grad_fn is None and middle.narrow_batch(1).h[1].shape == (1, 1, 5)


def test_parameter_names_and_shapes_are_those_of_the_design() -> None:
    @cv.cell
    def full(x, h, c):
        c = cv.tanh(cv.affine("c", x, h, c) + cv.weight("p") * c)
        rh = c * h
        h = cv.layer_norm("out", cv.affine("h", rh) + cv.affine("h", c))
        return h, c

    layer = cv.Recurrent(full, 3, 4, bidirectional=True)
    shapes = {n: tuple(p.shape) for n, p in layer.named_parameters()}
    forward = {n: s for n, s in shapes.items() if not n.endswith("_reverse")}
    assert forward == {
        "weight_ih_l0": (4, 3),
        "weight_hh_l0": (4, 4),
        "weight_c_c_l0": (4, 4),
        "weight_h_rh_l0": (4, 4),
        "weight_h_c_l0": (4, 4),
        "bias_l0": (12,),
        "p_l0": (4,),
        "out_gain_l0": (4,),
        "out_bias_l0": (4,),
    }
    assert {n.removesuffix("_reverse") for n in shapes} == set(forward) and len(shapes) == 2 * len(forward)
    assert full.parameters(3, 4) == {n.removesuffix("_l0"): s for n, s in forward.items()}


@pytest.mark.parametrize("shape", ["(T, B)", "(T, B, 1)", "(T, B, H)"])
def test_auxiliary_input_element_by_element(shape: str) -> None:
    layer = cv.Recurrent(decaying, 3, 4)
    x, dt = torch.randn(6, 2, 3), torch.rand(6, 2)
    given = {"(T, B)": dt, "(T, B, 1)": dt[..., None], "(T, B, H)": dt[..., None].expand(6, 2, 4)}[shape]
    torch.testing.assert_close(layer(x, dt=given)[0], loop(layer, x, dt=dt))


@pytest.mark.parametrize("backend", BACKENDS)
def test_auxiliary_input_of_its_own_width_static_or_not(backend: str) -> None:
    layer = cv.Recurrent(told, 3, 4, num_layers=2, sizes={"where": 3}, backend=backend, batch_first=True)
    x, where = torch.randn(2, 6, 3), torch.randn(2, 3, requires_grad=True)
    static = layer(x, where=where)[0]
    whole = layer(x, where=where[:, None].expand(2, 6, 3))[0]
    torch.testing.assert_close(static, whole)
    (grad,) = torch.autograd.grad(static.sum(), where)
    assert grad.shape == (2, 3) and bool((grad != 0).all())


def test_gru_d_uses_the_last_value_seen() -> None:
    layer = cv.Recurrent("gru_d", 3, 4)
    x, mask, delta = torch.randn(6, 2, 3), (torch.rand(6, 2, 3) > 0.5).float(), torch.rand(6, 2, 3)
    want, state = layer(x, mask=mask, delta=delta)
    noise = torch.where(mask > 0, x, torch.full_like(x, float("nan")))
    assert torch.equal(layer(noise, mask=mask, delta=delta)[0], want), "what is not observed is not read"
    assert state.x_last.shape == (1, 2, 3)
    assert torch.equal(layer(x, mask=mask > 0, delta=delta)[0], want), "booleans serve as a mask"


def test_states_are_importable_registered_and_pickle_across_processes() -> None:
    _, state = cv.LSTM(3, 4)(torch.randn(5, 2, 3))
    kind = type(state)
    assert (
        kind is state_class(("h", "c")) and getattr(__import__(kind.__module__, fromlist=["x"]), kind.__name__) is kind
    )
    flat, tree = pytree.tree_flatten(state)
    assert type(pytree.tree_unflatten(flat, tree)) is kind and len(flat) == 2
    program = "import pickle, sys; s = pickle.loads(sys.stdin.buffer.read()); print(s._fields, tuple(s.h.shape))"
    sent = pickle.dumps(state.detach())
    got = subprocess.run([sys.executable, "-c", program], input=sent, capture_output=True, check=True)
    assert got.stdout.decode().strip() == "('h', 'c') (1, 2, 4)"


def test_a_layer_of_a_local_cell_pickles_without_its_source() -> None:
    @cv.cell
    def local(x, h):
        h = cv.tanh(cv.affine("h", x, h))
        return h

    layer = cv.Recurrent(local, 3, 4)
    x = torch.randn(5, 2, 3)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x)[0], layer(x)[0])


@pytest.mark.parametrize("name", ["lstm", "min_gru", "slstm", "gru_reset_before"])
def test_no_steps_gives_the_initial_state(name: str) -> None:
    layer = cv.Recurrent(name, 3, 4)
    _, state = layer(torch.randn(2, 5, 3))
    y, same = layer(torch.randn(0, 5, 3), state)
    assert y.shape == (0, 5, 4)
    for got, want in zip(same, state, strict=True):
        assert torch.equal(got, want)


def test_repr_says_what_is_not_usual() -> None:
    layer = cv.Recurrent("gru", 3, 4, num_layers=2, batch_first=True)
    assert repr(layer) == "Recurrent(gru, 3, 4, num_layers=2, batch_first=True)"
    assert repr(cv.Cell("gru", 3, 4, bias=False)) == "Cell(gru, 3, 4, bias=False)"


def test_cell_weights_of_any_name() -> None:
    def make(name: str) -> Any:
        @cv.cell
        def odd(x, h):
            h = cv.tanh(cv.affine("h", x, h) + cv.weight(name) * h)
            return h

        return odd

    assert cv.Recurrent(make("training"), 3, 4)(torch.randn(2, 1, 3))[0].shape == (2, 1, 4)
    with pytest.raises(cv.ArgumentError, match="'training'.*another name"):
        cv.Cell(make("training"), 3, 4)
