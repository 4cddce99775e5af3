"""torch.func and forward mode, by value: against plain autograd, one member, cotangent or direction after another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.functional import jvp as numeric_jvp
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap

import conveyor as cv
from conveyor.backends import cpu, reference
from layers.features import BACKENDS, BUILT_IN, F64, LENGTHS, STARTS, layer_of
from support import Case

T, B, I = 4, 3, 3  # noqa: E741
Params = dict[str, Tensor]

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # torch's own


def near(got: Tensor, want: Tensor) -> None:
    assert got.shape == want.shape
    torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-11)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def aux_of(layer: cv.Recurrent, *lead: int) -> dict[str, Tensor]:
    own = layer.units[0]
    return {a.name: numbers(*lead, own.widths[a.width], seed=9).abs() for a in own.program.aux}


def params_of(layer: torch.nn.Module) -> Params:
    return {n: p.detach() for n, p in layer.named_parameters()}


@pytest.mark.parametrize("case", BUILT_IN, ids=lambda c: c.id)
def test_every_cell_under_every_transform(case: Case) -> None:
    layer, plain = layer_of(case, "cpu"), layer_of(case, "reference")
    params, aux = params_of(layer), aux_of(layer, T, 1)

    def loss(params: Params, x: Tensor, module: torch.nn.Module = layer) -> Tensor:
        y, state = functional_call(module, params, (x,), aux)
        return y.sin().sum() + sum(s.square().sum() for s in state)

    def expected(x: Tensor, scale: float = 1.0) -> tuple[Tensor, Params]:
        leaves = {n: (scale * p).requires_grad_() for n, p in params.items()}
        given = x.clone().requires_grad_()
        found = torch.autograd.grad(loss(leaves, given, plain), [given, *leaves.values()], allow_unused=True)
        whole = [torch.zeros_like(t) if g is None else g for g, t in zip(found, [given, *params.values()], strict=True)]
        return whole[0], dict(zip(params, whole[1:], strict=True))

    samples = numbers(3, T, 1, I)
    each = vmap(grad(loss), in_dims=(None, 0))(params, samples)
    members = {n: torch.stack([p, 0.5 * p]) for n, p in params.items()}
    ensemble = vmap(grad(loss), in_dims=(0, None))(members, samples[0])
    for m in range(3):
        d_x, d_params = expected(samples[m])
        near(grad(loss, argnums=1)(params, samples[m]), d_x)
        for name, want in d_params.items():
            near(each[name][m], want)
    for m, scale in enumerate((1.0, 0.5)):
        for name, want in expected(samples[0], scale)[1].items():
            near(ensemble[name][m], want)

    def output(x: Tensor, module: torch.nn.Module = layer) -> Tensor:
        return functional_call(module, params, (x,), aux)[0]

    x, v = samples[0], numbers(T, 1, I, seed=5)
    y, tangent = jvp(output, (x,), (v,))
    _, want = numeric_jvp(lambda x: output(x, plain), x, v)  # the trick of two backward passes
    near(tangent, want)
    near(y, output(x, plain))
    rows = jacrev(output)(x)
    near((rows * v).sum((-3, -2, -1)), want)
    near(jacfwd(output)(x), rows)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("both_ways", [False, True], ids=["forward", "both-ways"])
def test_layers_with_lengths_and_resets(backend: str, both_ways: bool) -> None:
    options = {"num_layers": 2, "bidirectional": both_ways, "learn_initial_state": True}
    layer, plain = layer_of("gru", backend, **options), layer_of("gru", "reference", **options)
    params, steps = params_of(layer), len(STARTS)
    x = numbers(steps, len(LENGTHS), I)
    x[torch.arange(steps).unsqueeze(1) >= LENGTHS] = torch.nan
    samples = torch.stack([x, 0.5 * x])

    def loss(params: Params, x: Tensor, lengths: Tensor = LENGTHS, module: torch.nn.Module = layer) -> Tensor:
        y, state = functional_call(module, params, (x,), {"lengths": lengths, "reset": STARTS})
        return y.sin().sum() + state.h.square().sum()

    def expected(x: Tensor, lengths: Tensor = LENGTHS) -> tuple[Tensor, ...]:
        leaves = {n: p.clone().requires_grad_() for n, p in params.items()}
        given = x.clone().requires_grad_()
        return torch.autograd.grad(loss(leaves, given, lengths, plain), [given, *leaves.values()])

    others = LENGTHS.flip(0).clamp(max=3)
    shorter = samples.clone()
    shorter[1] = numbers(steps, len(LENGTHS), I, seed=3)
    each = vmap(grad(loss, argnums=(1, 0)), in_dims=(None, 0, 0))(params, shorter, torch.stack([LENGTHS, others]))
    for m, (own, lengths) in enumerate(zip(shorter, (LENGTHS, others), strict=True)):
        d_x, *d_params = expected(own, lengths)
        near(each[0][m], d_x)
        for got, want in zip(each[1].values(), d_params, strict=True):
            near(got[m], want)
    v = torch.where(x.isnan(), 0.0, numbers(*x.shape, seed=7))
    near(jvp(lambda x: loss(params, x), (x,), (v,))[1], (expected(x)[0] * v).sum())
    curved = jvp(grad(lambda x: loss(params, x)), (x,), (v,))[1]
    given = x.clone().requires_grad_()
    (first,) = torch.autograd.grad(loss(params, given, LENGTHS, plain), given, create_graph=True)
    near(curved, torch.autograd.grad((first * v).sum(), given)[0])


def compiled_and_plain() -> tuple[cv.Recurrent, cv.Recurrent]:
    return tuple(layer_of("lstm", b, num_layers=2, hidden_size=2) for b in ("cpu", "reference"))  # type: ignore[return-value]


def test_hessians_in_every_order() -> None:
    layer, plain = compiled_and_plain()
    x = numbers(2, 2, I)
    want = torch.autograd.functional.hessian(lambda x: plain(x)[0].sin().sum(), x)

    def f(x: Tensor) -> Tensor:
        return layer(x)[0].sin().sum()

    for second in (hessian(f), jacrev(jacrev(f)), jacfwd(jacfwd(f)), jacrev(jacfwd(f))):
        near(second(x), want)


def test_vjp_under_vmap_and_forward_mode() -> None:
    layer, plain = compiled_and_plain()
    x, v = numbers(T, B, I), numbers(T, B, I, seed=1)
    cotangents = numbers(4, T, B, 2, seed=2)
    _, pull = vjp(lambda x: layer(x)[0], x)
    given = x.clone().requires_grad_()
    y = plain(given)[0]
    rows = [torch.autograd.grad(y, given, c, retain_graph=True)[0] for c in cotangents]
    near(vmap(pull)(cotangents)[0], torch.stack(rows))
    # The pullback is linear: so is its derivative.
    near(jvp(lambda c: pull(c)[0], (cotangents[0],), (cotangents[1],))[1], rows[1])
    both = torch.stack([x, v], -1)  # (T, B, I, 2)
    nested = vmap(vmap(lambda x: layer(x)[0], in_dims=1), in_dims=3)(both)  # a sequence without a batch each
    near(nested[1], plain(v)[0].transpose(0, 1))


def test_parameters_of_autograd_reach_through_a_transform() -> None:
    layer, plain = compiled_and_plain()
    samples = numbers(3, T, B, I)
    vmap(lambda x: layer(x)[0])(samples).sin().sum().backward()
    torch.stack([plain(x)[0] for x in samples]).sin().sum().backward()
    for got, want in zip(layer.parameters(), plain.parameters(), strict=True):
        near(got.grad, want.grad)


def test_ensembles_from_modules() -> None:
    layers = [cv.GRU(I, 4, dtype=F64) for _ in range(3)]
    params, buffers = stack_module_state(layers)
    x = numbers(T, B, I)
    found, state = vmap(lambda p, b: functional_call(layers[0], (p, b), (x,)), in_dims=(0, 0))(params, buffers)
    for m, layer in enumerate(layers):
        y, h = layer(x)
        near(found[m], y)
        near(state[m], h)


def test_single_steps_under_transforms() -> None:
    cell, plain = (cv.LSTMCell(I, 4, dtype=F64, backend=b) for b in ("cpu", "reference"))
    plain.load_state_dict(cell.state_dict())
    params, x, h = params_of(cell), numbers(5, I), (numbers(5, 4, seed=1), numbers(5, 4, seed=2))

    def loss(params: Params, x: Tensor, h: tuple[Tensor, ...], module: torch.nn.Module = cell) -> Tensor:
        return sum(s.sin().sum() for s in functional_call(module, params, (x, h)))  # type: ignore[return-value]

    each = vmap(grad(loss), in_dims=(None, 0, (0, 0)))(params, x, h)
    for m in range(5):
        leaves = {n: p.clone().requires_grad_() for n, p in params.items()}
        loss(leaves, x[m], (h[0][m], h[1][m]), plain).backward()
        for name, leaf in leaves.items():
            near(each[name][m], leaf.grad)


@pytest.mark.parametrize("kind", [cv.LSTM, cv.LSTMCell], ids=lambda k: k.__name__)
def test_dual_tensors(kind: type) -> None:
    layer, plain = (kind(I, 4, dtype=F64, backend=b) for b in ("cpu", "reference"))
    plain.load_state_dict(layer.state_dict())
    x, v = (numbers(T, I, seed=s) for s in (0, 1))
    want = numeric_jvp(lambda x: plain(x)[0], x, v)[1]
    with forward_ad.dual_level():
        got = forward_ad.unpack_dual(layer(forward_ad.make_dual(x, v))[0])
        weight = {n: forward_ad.make_dual(p.detach(), torch.ones_like(p)) for n, p in layer.named_parameters()}
        by_weights = forward_ad.unpack_dual(functional_call(layer, weight, (x,))[0]).tangent
    near(got.tangent, want)
    params = params_of(plain)

    def shifted(t: Tensor) -> Tensor:
        return functional_call(plain, {n: p + t for n, p in params.items()}, (x,))[0]

    near(by_weights, numeric_jvp(shifted, torch.zeros((), dtype=F64), torch.ones((), dtype=F64))[1])


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("case", [c for c in BUILT_IN if "-" not in c.id], ids=lambda c: c.id)
def test_first_and_second_derivatives_in_eager_mode(case: Case, mode: str) -> None:
    layer = layer_of(case, "cpu", hidden_size=2 * case.multiple).train(mode == "train")
    aux = aux_of(layer, 2, 2)
    params = {n: p.detach().requires_grad_() for n, p in layer.named_parameters()}
    x = numbers(2, 2, I).requires_grad_()

    def run(x: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        y, state = functional_call(layer, dict(zip(params, tensors, strict=True)), (x,), aux)
        return y, *state

    if mode == "eval":  # the gradient is there outside training too
        assert torch.autograd.gradcheck(run, (x, *params.values()), fast_mode=True)
        return
    assert torch.autograd.gradgradcheck(run, (x, *params.values()), fast_mode=True)


def calls(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> tuple[int, int]:
    """How often compiled code ran forward, and the reference."""
    ran = {"cpu": 0, "reference": 0}

    def counted(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object, **kwargs: object) -> object:
            ran[name] += 1
            return real(*args, **kwargs)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(cpu, "run_forward", counted("cpu", cpu.run_forward))
        patch.setattr(reference, "forward", counted("reference", reference.forward))
        work()
    return ran["cpu"], ran["reference"]


def test_batches_run_as_one_and_ensembles_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = cv.GRU(I, 4, dtype=F64)
    params = params_of(layer)
    samples = numbers(6, T, 1, I)
    members = {n: torch.stack([p] * 5) for n, p in params.items()}

    def loss(params: Params, x: Tensor) -> Tensor:
        return functional_call(layer, params, (x,))[0].sin().sum()

    assert calls(monkeypatch, lambda: vmap(grad(loss), in_dims=(None, 0))(params, samples)) == (1, 0)
    assert calls(monkeypatch, lambda: vmap(grad(loss), in_dims=(0, None))(members, samples[0])) == (5, 0)
    assert calls(monkeypatch, lambda: jacrev(lambda x: layer(x)[0])(samples[0])) == (1, 0)
