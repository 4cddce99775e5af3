"""A plan that was made before is not used where something has changed under it; and what a plan gives is right."""

from __future__ import annotations

import copy
import io
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.nn.utils import parametrizations, parametrize

import conveyor as cv
from conveyor.layers import call_plan

F64 = torch.float64
T, B, I, H = 5, 3, 4, 6  # noqa: E741
State = dict[str, Tensor]


def theirs(layer: nn.Module, x: Tensor, **other: Tensor) -> list[Tensor]:
    """Outputs, final states and gradients of x and of the parameters by torch.nn, with numbers of the layer's."""
    module = nn.LSTM(I, H, layer.num_layers, bidirectional=layer.bidirectional, dtype=x.dtype)
    module.load_state_dict({n: other.get(n, p.detach()) for n, p in named(layer).items()})
    return results(module, x)


def named(layer: nn.Module) -> State:
    return {n: getattr(layer, n) for unit in layer.units for n in unit.names}


def results(layer: nn.Module, x: Tensor) -> list[Tensor]:
    x = x.detach().clone().requires_grad_()
    y, (h, c) = layer(x)
    loss = (y * y).sum() + (h * c).sum()
    loss.backward()
    return [y.detach(), h.detach(), c.detach(), x.grad]


def check(layer: nn.Module, x: Tensor, **other: Tensor) -> None:
    """In training and in inference, what the layer gives is what torch.nn gives with the parameters of now."""
    wanted = theirs(layer, x, **other)
    for got, want in zip(results(layer, x), wanted, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-11)
    with torch.no_grad():
        y, (h, c) = layer(x)
    for got, want in zip((y, h, c), wanted, strict=False):
        torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-11)


def made(num_layers: int = 2, bidirectional: bool = True, **more: Any) -> tuple[cv.LSTM, Tensor]:
    """A layer that has plans, and its input."""
    torch.manual_seed(0)
    layer = cv.LSTM(I, H, num_layers, bidirectional=bidirectional, dtype=F64, **more)
    x = torch.randn(T, B, I, dtype=F64)
    check(layer, x)
    assert layer._plans and all(layer._plans.values())
    return layer, x


def planned(layer: nn.Module, call: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many calls ran by a plan."""
    ran: list[int] = []
    original = call_plan.CallPlan.run

    def run(*args: Any) -> Any:
        found = original(*args)
        ran.append(found is not None)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(call_plan.CallPlan, "run", run)
        call()
    return sum(ran)


@torch.no_grad()
def shift(layer: nn.Module) -> None:
    for p in layer.parameters():
        p.add_(0.1)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "written in place": shift,
    "written through data": lambda layer: [p.data.mul_(1.5) for p in layer.parameters()],
    "given other memory": lambda layer: [setattr(p, "data", p.data * 1.5) for p in layer.parameters()],
    "one written through data": lambda layer: layer.weight_hh_l0.data.mul_(2),
    "an optimizer's step": lambda layer: torch.optim.SGD(layer.parameters(), 0.1).step(),
    "a fused optimizer's step": lambda layer: torch.optim.Adam(layer.parameters(), 0.1, fused=True).step(),
    "another parameter": lambda layer: setattr(layer, "weight_hh_l0", nn.Parameter(torch.randn(4 * H, H, dtype=F64))),
    "put into the table": lambda layer: layer._parameters.update(
        weight_hh_l0=nn.Parameter(torch.randn(4 * H, H, dtype=F64))
    ),
    "a parameter that lies transposed": lambda layer: setattr(
        layer.weight_ih_l0, "data", torch.randn(I, 4 * H, dtype=F64).t()
    ),
    "load_state_dict": lambda layer: layer.load_state_dict(
        cv.LSTM(I, H, 2, bidirectional=True, dtype=F64).state_dict()
    ),
    "load_state_dict, assigned": lambda layer: layer.load_state_dict(
        cv.LSTM(I, H, 2, bidirectional=True, dtype=F64).state_dict(), assign=True
    ),
    "reset_parameters": lambda layer: layer.reset_parameters(),
    "zero_grad": lambda layer: layer.zero_grad(set_to_none=True),
    "zero_grad, to zero": lambda layer: layer.zero_grad(set_to_none=False),
    "there and back": lambda layer: layer.float().double(),
    "eval and train": lambda layer: layer.eval().train(),
}


@pytest.mark.filterwarnings("ignore:grad and param do not obey the gradient layout contract")
@pytest.mark.parametrize("change", CHANGES)
def test_parameters_change(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = made()
    CHANGES[change](layer)
    check(layer, x)
    assert change == "a parameter that lies transposed" or planned(layer, lambda: layer(x), monkeypatch) == 1


def test_gradients_of_parameters_are_right() -> None:
    layer, x = made()
    layer.zero_grad()
    results(layer, x)
    module = nn.LSTM(I, H, 2, bidirectional=True, dtype=F64)
    module.load_state_dict(layer.state_dict())
    results(module, x)
    for (name, ours), want in zip(layer.named_parameters(), module.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, want.grad, rtol=1e-9, atol=1e-11, msg=name)


COPIES: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda layer: pickle.loads(pickle.dumps(layer)),
    "a replica": lambda layer: layer._replicate_for_data_parallel(),
}


def saved(layer: nn.Module) -> Any:
    buffer = io.BytesIO()
    torch.save(layer, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


COPIES["torch.save"] = saved


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_has_no_plans_of_the_original(way: str) -> None:
    layer, x = made()
    other = COPIES[way](layer)
    if way == "a replica":  # what torch.nn.parallel.replicate does with it: parameters become plain attributes
        other._parameters = {}
        for name, p in layer._parameters.items():
            setattr(other, name, p * 2)
    else:
        assert not other._plans
        shift(other)
    check(other, x)
    check(layer, x)


def test_functional_call(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = made()
    for factor in (2.0, 3.0):  # memory that was freed may be given to the next ones
        params = {n: p.detach() * factor for n, p in layer.named_parameters()}
        want = theirs(layer, x, **params)
        y, (h, c) = functional_call(layer, params, (x,))
        for got, wanted in zip((y, h, c), want, strict=False):
            torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-11)
        one = torch.randn(1, B, I, dtype=F64)
        torch.testing.assert_close(functional_call(layer, params, (one,))[0], theirs(layer, one, **params)[0])
    check(layer, x)
    assert planned(layer, lambda: functional_call(layer, params, (x,)), monkeypatch) == 1


def test_a_step_on_lent_parameters_is_not_one_on_those_before() -> None:
    cell, x = cv.LSTMCell(I, H, dtype=F64), torch.randn(B, I, dtype=F64)
    with torch.no_grad():
        for k in range(8):
            params = {n: p + k for n, p in cell.named_parameters()}
            reference = nn.LSTMCell(I, H, dtype=F64)
            reference.load_state_dict(params)
            torch.testing.assert_close(functional_call(cell, params, (x,))[0], reference(x)[0])
            del params


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
def test_parametrizations_and_weight_norm() -> None:
    layer, x = made(1, False)
    parametrizations.weight_norm(layer, "weight_hh_l0")
    check(layer, x)
    with torch.no_grad():
        layer.parametrizations.weight_hh_l0.original0.mul_(2)
    check(layer, x)
    results(layer, x)
    assert layer.parametrizations.weight_hh_l0.original0.grad is not None
    parametrize.remove_parametrizations(layer, "weight_hh_l0")
    check(layer, x)
    torch.nn.utils.weight_norm(layer, "weight_hh_l0")
    check(layer, x)


def test_hooks_run() -> None:
    layer, x = made()
    seen: list[str] = []
    layer.register_forward_pre_hook(lambda m, args: seen.append("before") or (args[0] * 2,))
    layer.register_forward_hook(lambda m, args, out: seen.append("behind") or (out[0] + 1, out[1]))
    with torch.no_grad():
        y = layer(x)[0]
    assert seen == ["before", "behind"]
    torch.testing.assert_close(y, theirs(layer, 2 * x)[0] + 1, rtol=1e-9, atol=1e-11)


def test_requires_grad_is_toggled() -> None:
    layer, x = made(1, False)
    layer.requires_grad_(False)
    y, _ = layer(x)
    assert not y.requires_grad
    layer.weight_hh_l0.requires_grad_()
    layer.zero_grad()
    layer(x)[0].sum().backward()
    assert layer.weight_hh_l0.grad is not None and layer.weight_ih_l0.grad is None
    y, _ = layer.requires_grad_(False)(x.clone().requires_grad_())
    assert y.requires_grad
    states = [torch.zeros(1, B, H, dtype=F64, requires_grad=True) for _ in range(2)]
    layer(x, tuple(states))[0].sum().backward()
    assert all(s.grad is not None and s.grad.abs().sum() > 0 for s in states)
    layer.requires_grad_()
    check(layer, x)


def test_types_and_autocast() -> None:
    layer, x = made(1, False)
    layer.float()
    with pytest.raises(cv.ArgumentError, match="dtype"):
        layer(x)
    y, _ = layer(x.float())
    assert y.dtype is torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x.float())[0].dtype is torch.bfloat16
    assert layer(x.float())[0].dtype is torch.float32
    layer.to(torch.bfloat16)
    assert layer(x.to(torch.bfloat16))[0].dtype is torch.bfloat16
    check(layer.double(), x)


def test_devices() -> None:
    layer, x = made(1, False)
    with pytest.raises(cv.ArgumentError, match="device|is on"):
        layer(x.to("meta"))
    cell = cv.GRUCell(I, H)
    cell(torch.zeros(B, I))
    with pytest.raises(cv.ArgumentError, match="is on"):
        cell(torch.zeros(B, I), torch.zeros(B, H, device="meta"))


def test_settings_of_a_layer_change() -> None:
    layer, x = made(2, False)
    layer.batch_first = True
    torch.testing.assert_close(layer(x.transpose(0, 1))[0].transpose(0, 1), theirs(layer, x)[0], rtol=1e-9, atol=1e-11)
    layer.batch_first = False
    layer.dropout = 0.5
    torch.manual_seed(1)
    first = layer(x)[0]
    assert not torch.equal(first, layer(x)[0])
    torch.testing.assert_close(layer.eval()(x)[0], theirs(layer, x)[0], rtol=1e-9, atol=1e-11)
    layer.train().dropout = 0.0
    layer.zoneout = 1.0
    assert torch.equal(layer(x)[0], torch.zeros(T, B, H, dtype=F64))
    layer.zoneout = None
    layer.backend = "reference"
    assert planned_none(layer, x)
    layer.backend = "auto"
    check(layer, x)


def planned_none(layer: nn.Module, x: Tensor) -> bool:
    layer(x)
    return not any(layer._plans.values())


def test_dropout_between_layers_is_that_of_the_general_path() -> None:
    """A mask is drawn in one order, so that a call that is recorded, which no plan runs, drops the same."""
    layer, x = made(3, True)
    layer.dropout = 0.4
    torch.manual_seed(3)
    layer.zero_grad()
    got = results(layer, x)
    grads = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    torch.manual_seed(3)
    with cv.recording(layer):
        want = results(layer, x)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)
    for a, p in zip(grads, layer.parameters(), strict=True):
        torch.testing.assert_close(a, p.grad, rtol=1e-10, atol=1e-12)


def test_recorders_hear_calls_that_had_a_plan() -> None:
    layer, x = made(1, False)
    with cv.recording(layer, ["f"]) as traces:
        y, _ = layer(x)
    assert traces[""]["f"].shape == (T, B, H)
    assert torch.equal(y, layer(x)[0])
    assert layer.record(x)["c"].shape == (T, B, H)


def test_threads_are_asked_for_at_every_call() -> None:
    layer, x = cv.LSTM(64, 64), torch.randn(60, 32, 64)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 1):
            torch.set_num_threads(threads)
            with torch.no_grad():
                found.append(layer(x)[0])
        assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])
    finally:
        torch.set_num_threads(before)


def test_several_threads_share_a_layer() -> None:
    layer, x = made()
    cell, row = cv.LSTMCell(I, H, dtype=F64), torch.randn(B, I, dtype=F64)
    with torch.no_grad():
        want, step = layer(x)[0], cell(row)[0]
    first = x[:1].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(layer(first)[0].sum(), first)
    wrong: list[str] = []

    def work() -> None:
        for _ in range(50):
            with torch.no_grad():
                if not torch.equal(layer(x)[0], want) or not torch.equal(cell(row)[0], step):
                    wrong.append("inference")
            row_of_own = x[:1].clone().requires_grad_()
            (found,) = torch.autograd.grad(layer(row_of_own)[0].sum(), row_of_own)
            if not torch.equal(found, gradient):
                wrong.append("training")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def _child(layer: nn.Module, x: Tensor, queue: Any) -> None:
    y, _ = layer(x)
    y.sum().backward()
    queue.put((y.detach().numpy(), layer.weight_hh_l0.grad.numpy()))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_goes_on_with_the_plans_of_its_parent() -> None:
    layer, x = made(1, False)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    layer.zero_grad()
    process = context.Process(target=_child, args=(layer, x, queue))
    process.start()
    y, gradient = queue.get(timeout=60)
    process.join(60)
    torch.testing.assert_close(torch.from_numpy(y), theirs(layer, x)[0], rtol=1e-9, atol=1e-11)
    layer(x)[0].sum().backward()
    assert torch.equal(torch.from_numpy(gradient), layer.weight_hh_l0.grad)


def test_transforms_after_a_plan() -> None:
    layer, x = made(1, False)
    found = grad(lambda x: layer(x)[0].sum())(x)
    want = x.clone().requires_grad_()
    layer(want)[0].sum().backward()
    torch.testing.assert_close(found, want.grad, rtol=1e-9, atol=1e-11)


def test_second_derivatives() -> None:
    layer = cv.LSTM(2, 3, 2, bidirectional=True, batch_first=True, dtype=F64)
    x = torch.randn(2, 3, 2, dtype=F64, requires_grad=True)
    states = [torch.randn(4, 2, 3, dtype=F64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradgradcheck(lambda x, *s: layer(x, s)[0], (x, *states))
    cell = cv.GRUCell(2, 3, dtype=F64)
    assert torch.autograd.gradgradcheck(cell, (x[:, 0], states[0][0]))


def test_views_whose_signs_are_put_off() -> None:
    layer, x = made(1, False)
    odd = torch.complex(torch.zeros_like(x), x).conj().imag
    assert odd.is_neg()
    check_like(layer(odd)[0], theirs(layer, -x)[0])
    cell, row = cv.LSTMCell(I, H, dtype=F64), odd[0]
    with torch.no_grad():
        check_like(cell(row)[0], cell(row.resolve_neg())[0])


def check_like(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-11)


def test_an_output_that_is_written_into_is_noticed() -> None:
    layer, x = made(1, False)
    y, _ = layer(x)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    with torch.no_grad():
        y, _ = layer(x)
    (y.mul_(torch.ones((), dtype=F64, requires_grad=True))).sum().backward()  # what comes out is no view


def test_parameters_written_between_the_passes_are_noticed() -> None:
    layer, x = made(1, False)
    y, _ = layer(x)
    shift(layer)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_layers_of_inference_mode() -> None:
    with torch.inference_mode():
        layer = cv.LSTM(I, H, dtype=F64)
        cell = cv.LSTMCell(I, H, dtype=F64)
        stream = layer.stream(B)
        x = torch.randn(T, B, I, dtype=F64)
        for factor in (1.0, 2.0):
            for p in (*layer.parameters(), *cell.parameters()):
                p.mul_(factor)
            reference, step = nn.LSTM(I, H, dtype=F64), nn.LSTMCell(I, H, dtype=F64)
            reference.load_state_dict(layer.state_dict())
            step.load_state_dict(cell.state_dict())
            want = reference(x)[0]
            check_like(layer(x)[0], want)
            check_like(layer(x[:1])[0], want[:1])
            check_like(cell(x[0])[0], step(x[0])[0])
            stream.reset()
            check_like(torch.stack([stream.step(row) for row in x]), want)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("steps", [1, 2, 7, 40])
def test_every_length_has_the_bits_of_the_longest(kind: str, steps: int) -> None:
    """Frames have room for a power of two of steps; how many run changes no number."""
    layer, x = getattr(cv, kind)(I, H, 2, dtype=F64), torch.randn(40, B, I, dtype=F64)
    with torch.no_grad():
        assert torch.equal(layer(x)[0][:steps], layer(x[:steps])[0])


def test_frames_are_not_made_anew_for_a_new_length() -> None:
    layer = cv.GRU(I, H)
    for steps in range(33, 65):
        layer(torch.randn(steps, B, I))[0].sum().backward()
    assert sum(len(unit._layout.launches) for unit in layer.units) <= 4


WRITES: dict[str, Callable[[Any], Any]] = {
    name: CHANGES[name]
    for name in ("written in place", "written through data", "given other memory", "reset_parameters", "there and back")
} | {
    "a gate's bias through data": lambda cell: cell.bias_ih.data[H : 2 * H].fill_(3.0),
    "a moving average through data": lambda cell: [p.data.mul_(0.9).add_(0.1) for p in cell.parameters()],
    "load_state_dict": lambda cell: cell.load_state_dict(cv.LSTMCell(I, H, dtype=F64).state_dict()),
    "a fused optimizer's step": lambda cell: torch.optim.Adam(cell.parameters(), 0.1, fused=True).step(),
    "requires_grad_": lambda cell: cell.requires_grad_(False),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_cell_whose_weights_lie_packed_notices(write: str) -> None:
    cell, x = cv.LSTMCell(I, H, dtype=F64), torch.randn(B, I, dtype=F64)
    state = torch.randn(B, H, dtype=F64), torch.randn(B, H, dtype=F64)
    cell(x, state)[0].sum().backward()
    with torch.no_grad():
        for _ in range(3):
            cell(x, state)
        WRITES[write](cell)
        reference = nn.LSTMCell(I, H, dtype=F64)
        reference.load_state_dict(cell.state_dict())
        for got, want in zip(cell(x, state), reference(x, state), strict=True):
            check_like(got, want)
    for got, want in zip(cell(x, state), reference(x, state), strict=True):
        check_like(got, want)
