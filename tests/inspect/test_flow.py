"""How much of a gradient reaches every step: against loops by hand, and what the memory cell is for."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.inspect.gradient_taps import GradientTaps
from conveyor.inspect.jacobians import jacobian_norms
from conveyor.layers.recording.recorder import listening
from support import BUILT_IN, HAND_WRITTEN, Case, assert_near

BACKENDS = ("cpu", "reference")
F64 = torch.float64
T, B, I = 7, 3, 4  # noqa: E741
LENGTHS = torch.tensor([4, 7, 0])


def layer_of(case: Case, backend: str, **options: Any) -> cv.Recurrent:
    torch.manual_seed(0)
    hidden = 4 * case.multiple
    sizes = case.sizes(hidden)
    return cv.Recurrent(case.cell, I, hidden, sizes=sizes, backend=backend, strict_backend=True, dtype=F64, **options)


def aux_of(layer: cv.Recurrent) -> dict[str, Tensor]:
    torch.manual_seed(1)
    shapes = {a.name: layer.units[0].widths[a.width] for a in layer.units[0].program.aux}
    return {n: torch.rand(T, B, width, dtype=F64).round() for n, width in shapes.items()}


def last(y: Tensor) -> Tensor:
    return y[-1].sin().sum()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_the_outputs_gradient_is_that_of_a_sequence_cut_there(case: Case, backend: str) -> None:
    layer = layer_of(case, backend)
    aux = aux_of(layer)
    x = torch.randn(T, B, I, dtype=F64)
    flow = cv.gradient_flow(layer, x, last, jacobians=0, **aux)
    layer = layer_of(case, "reference")
    first = layer.state_fields[0]
    for t in (0, 3, T - 2):
        _, state = layer(x[: t + 1], **{n: a[: t + 1] for n, a in aux.items()})
        leaf = state[0].detach().requires_grad_()
        y, _ = layer(x[t + 1 :], (leaf, *(s.detach() for s in state[1:])), **{n: a[t + 1 :] for n, a in aux.items()})
        (want,) = torch.autograd.grad(last(y), leaf, allow_unused=True)
        assert_near(flow[first][t], torch.zeros_like(leaf).norm() if want is None else want.norm(), 1e-9, f"step {t}")
    assert set(flow.layer(0)) == set(layer.state_fields)


@pytest.mark.parametrize("case", [*BUILT_IN, *HAND_WRITTEN], ids=lambda c: c.id)
def test_both_backends_agree(case: Case) -> None:
    found = []
    for backend in BACKENDS:
        layer = layer_of(case, backend, bidirectional=True)
        aux = aux_of(layer)
        torch.manual_seed(2)
        x = torch.randn(T, B, I, dtype=F64)
        found.append(cv.gradient_flow(layer, x, lambda y: y.sin().sum(), lengths=LENGTHS, **aux).layer(0))
    ours, want = found
    assert ours.reverse is not None and want.reverse is not None
    for a, b in ((ours, want), (ours.reverse, want.reverse)):
        for name in b:
            assert_near(a.rows[name], b.rows[name], 1e-8, name)
            assert_near(a.jacobians[name], b.jacobians[name], 1e-8, name)
            assert not a.rows[name][4:, 0].any() and not a.rows[name][:, 2].any(), "behind the ends"


def by_hand(layer: cv.LSTM, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The states after each step of the four gates written out, each in the graph."""
    h, c = (torch.zeros(x.shape[1], 5, dtype=F64, requires_grad=True) for _ in range(2))
    hs, cs = [], []
    for step in x:
        pre = step @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0
        i, f, g, o = pre.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        hs.append(h)
        cs.append(c)
    return hs, cs


def test_total_derivatives_by_every_state_and_their_jacobians() -> None:
    """By c_t also by way of h_t, which is made of it."""
    torch.manual_seed(0)
    layer, x = cv.LSTM(I, 5, dtype=F64), torch.randn(T, B, I, dtype=F64)
    hs, cs = by_hand(layer, x)
    flow = cv.gradient_flow(layer, x, lambda y: y.square().sum(), jacobians=2)
    grads = torch.autograd.grad(torch.stack(hs).square().sum(), [*hs, *cs], retain_graph=True)
    for t in range(T):
        for name, grad in (("h", grads[t]), ("c", grads[T + t])):
            assert_near(flow.layer(0).rows[name][t], grad.norm(dim=1), 1e-10, f"{name} {t}")
            assert_near(flow[name][t], grad.norm(), 1e-10, f"{name} {t}")
        for name, states in (("h", hs), ("c", cs)):
            rows = [torch.autograd.grad(states[-1][:, k].sum(), states[t], retain_graph=True)[0] for k in range(5)]
            want = torch.linalg.matrix_norm(torch.stack(rows, 1), 2)[:2]
            assert_near(flow.jacobians[name][t], want.detach(), 1e-10, f"Jacobian of {name} {t}")
    assert flow.jacobians["c"][-1].tolist() == [1.0, 1.0] and flow.layer(0).jacobians["c"].shape == (T, 2)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_power_iteration_finds_the_same_norms(name: str) -> None:
    torch.manual_seed(0)
    layer = cv.Recurrent(name, I, 9, dtype=F64, bidirectional=True)
    probes = GradientTaps(layer)
    with listening(lambda called: probes), torch.enable_grad():
        layer(torch.randn(T, B, I, dtype=F64), lengths=LENGTHS)
    for run in probes.runs.values():
        for row in (0, 1):
            exact, power = (jacobian_norms(run, row, "cpu", limit) for limit in (9, 1))
            for state, norms in exact.items():
                assert len(norms) == LENGTHS[row]
                assert_near(power[state], norms, 2e-3, state)


def test_wide_states_take_power_iteration() -> None:
    torch.manual_seed(0)
    norms = cv.gradient_flow(cv.RNN(I, 130), torch.randn(T, 1, I), lambda y: y.sum()).jacobians["h"]
    assert norms.shape == (T, 1) and norms[-1].item() == pytest.approx(1.0, rel=1e-4)
    assert (norms[:-2] < norms[1:-1]).all()


def test_rows_are_on_their_own_and_resets_cut() -> None:
    torch.manual_seed(0)
    layer = cv.GRU(I, 5, num_layers=2, dtype=F64)
    x = torch.randn(T, B, I, dtype=F64)
    flow = cv.gradient_flow(layer, x, lambda y: y.sum(), lengths=LENGTHS)
    alone = cv.gradient_flow(layer, x[:4, :1], lambda y: y.sum())
    for k in (0, 1):
        assert_near(flow.layer(k).rows["h"][:4, 0], alone.layer(k)["h"], 1e-10, "row")
        assert_near(flow.layer(k).jacobians["h"][:4, 0], alone.layer(k).jacobians["h"][:, 0], 1e-10, "Jacobian")
    starts = torch.zeros(T, B, dtype=torch.bool)
    starts[3] = True
    flow = cv.gradient_flow(layer, x, last, reset=starts)
    assert all(p.grad is None for p in layer.parameters())
    assert not flow.layer(0)["h"][:3].any() and flow.layer(0)["h"][3:].all()
    assert not flow.layer(0).jacobians["h"][:3].any()


def test_arrangements() -> None:
    torch.manual_seed(0)
    layer, x = cv.LSTM(I, 5, batch_first=True, dtype=F64), torch.randn(T, B, I, dtype=F64)
    want = cv.gradient_flow(layer, x.transpose(0, 1), lambda y: y[:, -1].sum())
    assert_near(want["c"], cv.gradient_flow(layer, x.transpose(0, 1), lambda y: y[:, -1].sum())["c"], 0.0, "again")
    one = cv.gradient_flow(layer, x[:, 0], lambda y: y[-1].sum())
    assert_near(one["c"], want.layer(0).rows["c"][:, 0], 1e-12, "unbatched")
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor([4, 7, 1]), enforce_sorted=False)
    flow = cv.gradient_flow(layer, packed, lambda y: y.data.sum())
    padded = cv.gradient_flow(layer, x.transpose(0, 1), lambda y: y.sum(), lengths=torch.tensor([4, 7, 1]))
    assert_near(flow["c"], padded["c"], 1e-12, "packed")
    assert padded.to_numpy()[0, "forward", "c"].shape == (T,) and padded.loss == pytest.approx(flow.loss)


# What the memory cell is for (Hochreiter 1991; Hochreiter & Schmidhuber 1997): 200 steps.


def share(layer: Any, state: str) -> tuple[float, float]:
    """Of the gradient and of the Jacobian's norm at the first step against the last."""
    torch.manual_seed(1)
    flow = cv.gradient_flow(layer, torch.randn(200, 2, 8), lambda y: y[-1].sum())
    norms, jacobians = flow[state], flow.jacobians[state][:, 0]
    return float(norms[0] / norms[-1]), float(jacobians[0] / jacobians[-1])


def test_a_plain_rnn_forgets_and_a_larger_one_explodes() -> None:
    torch.manual_seed(0)
    layer = cv.RNN(8, 32)
    assert max(share(layer, "h")) < 1e-6
    with torch.no_grad():
        layer.weight_hh_l0.mul_(6)
    assert min(share(layer, "h")) > 1e6


@pytest.mark.parametrize("options", [{"init": "chrono"}, {"forget_bias": 5.0}])
def test_a_memory_that_is_told_to_keep_does(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    assert min(share(cv.LSTM(8, 32, **options), "c")) > 1e-2


def test_one_that_is_not_told_forgets() -> None:
    torch.manual_seed(0)
    assert max(share(cv.LSTM(8, 32, forget_bias=0.0), "c")) < 1e-6


def test_wrong_calls() -> None:
    layer, x = cv.LSTM(I, 5), torch.randn(T, B, I)
    wrong: list[tuple[Any, str]] = [
        (lambda: cv.gradient_flow(torch.nn.LSTM(I, 5), x, last), "layer is a layer of conveyor's, got LSTM"),
        (lambda: cv.gradient_flow(layer, x, None), "loss is a function of the layer's output, got NoneType"),
        (lambda: cv.gradient_flow(layer, x, lambda y: y), r"one number, got \(7, 3, 5\)"),
        (lambda: cv.gradient_flow(layer, x, lambda y: 3.0), "one number, got float"),
        (lambda: cv.gradient_flow(layer, x, lambda y: y.detach().sum()), "got one without a gradient"),
        (lambda: cv.gradient_flow(layer, x, last, jacobians=-1), "jacobians is a number of sequences from 0, got -1"),
        (lambda: cv.gradient_flow(layer, x, last)["r"], "flow has no state 'r'; it has h, c"),
        (lambda: cv.gradient_flow(layer, x, last).layer(1), "flow has layers 0 to 0, got 1"),
        (lambda: cv.gradient_flow(cv.GRU(I, 5, 2), x, last)["h"], "flow has 2 layers; say which"),
    ]
    for call, message in wrong:
        with pytest.raises(cv.ArgumentError, match=message):
            call()
