"""The compiled backend as a part of torch and of a process: memory layouts, autograd, threads, forks, interrupts."""

from __future__ import annotations

import gc
import os
import signal
import threading
import weakref
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call, grad, jacrev, jvp, vmap

import conveyor as cv
from conveyor.backends.interface import RecurrenceArgs
from conveyor.torch_ops import recurrence
from cpu.cells import CELLS, counts, reductions_in_sequence, twins
from cpu.common import Shape, assert_same, case, forward, infer, python, shape, train
from support import BUILT_IN, HAND_WRITTEN, Problem, assert_near

BY_ID = {c.id: c for c in (*BUILT_IN, *HAND_WRITTEN, *CELLS)}
F64 = torch.float64


def run(given: Problem, tensors: tuple[Tensor, ...], backend: str = "cpu") -> tuple[Tensor, ...]:
    return tuple(forward(backend, given.like(tensors)).values())


# How tensors lie in memory


def strided(t: Tensor) -> Tensor:
    wide = torch.full((*t.shape[:-1], 2 * t.shape[-1] + 1), torch.nan, dtype=t.dtype)
    wide[..., 1::2] = t
    return wide[..., 1::2]


def transposed(t: Tensor) -> Tensor:
    order = tuple(reversed(range(t.dim())))
    return t.permute(order).contiguous().permute(order)


def misaligned(t: Tensor) -> Tensor:
    """Contiguous, but one number past the start of an aligned block."""
    flat = torch.full((t.numel() + 1,), torch.nan, dtype=t.dtype)
    flat[1:] = t.flatten()
    return flat[1:].view(t.shape)


def inner(t: Tensor) -> Tensor:
    """A part of a larger tensor, whose other numbers are NaN."""
    large = torch.full([n + 2 for n in t.shape], torch.nan, dtype=t.dtype)
    middle = large[tuple(slice(1, n + 1) for n in t.shape)]
    middle.copy_(t)
    return middle


LAYOUTS = (strided, transposed, misaligned, inner)


@pytest.mark.parametrize("dtype", [torch.float32, F64], ids=["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("at", [shape("B3-T4-I5-H7"), shape("B2-T2-I1-H1")], ids=lambda s: s.id)
def test_every_tensor_may_lie_anyhow(layout: Callable[[Tensor], Tensor], at: Shape, dtype: torch.dtype) -> None:
    for name in ("lstm_peephole", "given_twice", "slstm-2heads-exp", "prepared"):
        given = at.problem(BY_ID[name]).to(dtype)
        laid = tuple(layout(t) for t in given.tensors)
        assert all(torch.equal(a, b) for a, b in zip(laid, given.tensors, strict=True))
        leaves = [t.detach().requires_grad_() for t in laid]
        plain = [t.clone().requires_grad_() for t in given.tensors]
        outputs, wanted = run(given, tuple(leaves)), run(given, tuple(plain))
        cotangents = [torch.randn(o.shape, dtype=dtype) for o in outputs]
        got = torch.autograd.grad(outputs, leaves, [layout(c) for c in cotangents], allow_unused=True)
        want = torch.autograd.grad(wanted, plain, cotangents, allow_unused=True)
        for a, b in zip((*outputs, *got), (*wanted, *want), strict=True):
            assert (a is None) == (b is None)
            assert a is None or torch.equal(a, b)


def test_signs_that_torch_has_put_off() -> None:
    """As of the imaginary part of a conjugate."""
    given = shape("B3-T4-I1-H1").problem(BY_ID["lstm_peephole"])
    want = train("cpu", given)
    for place in range(len(given.tensors)):
        tensors = [torch._neg_view(-t) if k == place else t for k, t in enumerate(given.tensors)]
        assert tensors[place].is_neg() and torch.equal(tensors[place], given.tensors[place])
        for name, value in infer("cpu", given.like(tuple(tensors))).items():
            assert_near(value, want[name], 1e-12, name)
    leaves = given.require_grad()
    output = run(leaves, leaves.tensors)[0]
    cotangent = torch.randn(output.shape, dtype=F64)
    found = [
        torch.autograd.grad(output, leaves.x, c, retain_graph=True)[0] for c in (cotangent, torch._neg_view(-cotangent))
    ]
    assert_near(found[1], found[0], 1e-12, "gradient of x")


def test_expanded_inputs_states_and_cotangents() -> None:
    given = shape("B3-T4-I5-H7").problem(BY_ID["given_twice"])
    firsts = (given.x[:1, :1, :1], given.states[0][:1, :1])
    aux = {n: a[:, :1] for n, a in given.aux.items()}
    small = [t.clone().requires_grad_() for t in (*firsts, *aux.values())]

    def outputs(backend: str) -> Tensor:
        x, state = small[0].expand_as(given.x), small[1].expand_as(given.states[0])
        spread = {n: t.expand_as(given.aux[n]) for n, t in zip(aux, small[2:], strict=True)}
        args = RecurrenceArgs.of(given.program, x, (state,), given.params, given.widths, spread)
        return recurrence(backend, args).output

    for cotangent in (torch.tensor(0.5, dtype=F64).expand(4, 3, 7), torch.randn(1, 1, 7, dtype=F64).expand(4, 3, 7)):
        got, want = (torch.autograd.grad(outputs(b), small, cotangent) for b in ("cpu", "reference"))
        for a, b in zip(got, want, strict=True):
            assert_near(a, b, 1e-12, "gradient")


def test_an_auxiliary_input_that_is_the_same_at_each_step() -> None:
    given = shape("B3-T4-I5-H7").problem(BY_ID["given_twice"])
    aux = {n: a[:1].clone().requires_grad_() for n, a in given.aux.items()}
    found = {}
    for backend in ("cpu", "reference"):
        args = RecurrenceArgs.of(given.program, given.x, given.states, given.params, given.widths, aux)
        y = recurrence(backend, args).output
        found[backend] = (y, *torch.autograd.grad(y.square().sum(), tuple(aux.values())))
    for a, b in zip(found["cpu"], found["reference"], strict=True):
        assert_near(a, b, 1e-12, "output or gradient")


def test_nothing_that_is_given_is_written_to() -> None:
    for name in ("lstm", "unchanged", "raw", "twins"):
        given = shape("B3-T4-I5-H7").problem(BY_ID[name]).require_grad()
        before = [(t.detach().clone(), t._version) for t in given.tensors]
        outputs = forward("cpu", given)
        sum(v.sum() for v in outputs.values()).backward()
        infer("cpu", given)
        assert all(torch.equal(t, old) and t._version == v for t, (old, v) in zip(given.tensors, before, strict=True))


def test_results_share_no_memory() -> None:
    for name, training in product(("lstm", "unchanged", "raw", "twins"), (True, False)):
        given = shape("B3-T4-I5-H7").problem(BY_ID[name])
        given = given.require_grad() if training else given
        tensors = [*(forward if training else infer)("cpu", given).values(), *given.tensors]
        places = [t.untyped_storage().data_ptr() for t in tensors]
        assert len(set(places)) == len(places)


# Autograd


@pytest.mark.parametrize("name", ["x", "h", "c", "params"])
def test_only_some_inputs_need_gradients(name: str) -> None:
    given = shape("B3-T4-I5-H7").problem(BY_ID["lstm_peephole"])
    picked = {"x": [0], "h": [1], "c": [2], "params": list(range(3, len(given.tensors)))}[name]
    full = train("cpu", given)
    tensors = [t.clone().requires_grad_(k in picked) for k, t in enumerate(given.tensors)]
    outputs = run(given, tuple(tensors))
    g = torch.Generator().manual_seed(7)
    cotangents = [torch.randn(o.shape, generator=g, dtype=F64) for o in outputs]
    torch.autograd.backward(outputs, cotangents)
    want = [v for n, v in full.items() if n.startswith("gradient")]
    for k, (t, w) in enumerate(zip(tensors, want, strict=True)):
        assert (t.grad is not None) == (k in picked)
        assert t.grad is None or torch.equal(t.grad, w)


def test_a_result_that_nobody_uses_has_no_gradient() -> None:
    given = shape("B3-T4-I5-H7").problem(BY_ID["lstm"]).require_grad()
    for k in range(3):
        got, want = (
            torch.autograd.grad(run(given, given.tensors, b)[k].sum(), given.tensors) for b in ("cpu", "reference")
        )
        for a, b in zip(got, want, strict=True):
            assert_near(a, b, 1e-12, "gradient")


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode], ids=lambda m: m.__name__)
def test_without_gradients(mode: Any) -> None:
    layer, x = cv.LSTM(3, 4), torch.randn(5, 2, 3)
    want, state = layer(x)
    with mode():
        y, (h, c) = layer(x)
        assert y.grad_fn is None and y.is_inference() == (mode is torch.inference_mode)
        y2, _ = layer(x, (h, c))
        y2.add_(1)
    assert not y.requires_grad and torch.equal(y, want) and torch.equal(c, state.c)
    frozen = cv.LSTM(3, 4).requires_grad_(False)
    assert not frozen(x)[0].requires_grad


def test_states_made_in_inference_mode_start_a_training_call() -> None:
    layer, x = cv.LSTM(3, 4), torch.randn(5, 2, 3)
    with torch.inference_mode():
        _, state = layer(x)
    y, _ = layer(x, tuple(s.clone() for s in state))
    y.sum().backward()
    assert layer.weight_hh_l0.grad is not None and layer.weight_hh_l0.grad.abs().sum() > 0


def test_writing_into_the_output_before_the_backward_pass_is_an_error() -> None:
    layer, x = cv.LSTM(3, 4), torch.randn(5, 2, 3)
    y, _ = layer(x)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    x.requires_grad_()
    y, _ = layer(x)
    with torch.no_grad():
        x.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    y, _ = layer(x)
    with torch.no_grad():
        layer.weight_hh_l0.zero_()
    with pytest.raises(RuntimeError, match="modified .*inplace"):
        y.sum().backward()


def test_the_output_may_be_written_into_otherwise() -> None:
    layer, x = cv.LSTM(3, 4), torch.randn(5, 2, 3)
    y, (h, _) = layer(x)
    want = h.detach().clone()
    y[2:] = 0  # as padding is; the final states are tensors of their own
    assert torch.equal(h, want)
    y, (h, c) = layer(x)
    h.mul_(2)
    c.zero_()
    (y.sum() + h.sum()).backward()


def test_a_second_backward_pass() -> None:
    layer, x = cv.GRU(3, 4), torch.randn(5, 2, 3)
    y, _ = layer(x)
    y.sum().backward(retain_graph=True)
    first = layer.weight_hh_l0.grad.clone()
    y.sum().backward()
    assert torch.equal(layer.weight_hh_l0.grad, 2 * first)
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()


@pytest.mark.parametrize(
    "given",
    [BY_ID[n] for n in ("lstm", "lstm_layer_norm", "helped", "smooth")]
    + [case(c) for c in (counts, twins, reductions_in_sequence)],
    ids=lambda c: c.id,
)
def test_first_and_second_derivatives(given: Any) -> None:
    problem = Shape(2, 2, 2, 3).problem(given).require_grad()
    assert gradcheck(lambda *t: run(problem, t), problem.tensors, fast_mode=True)
    assert gradgradcheck(lambda *t: run(problem, t), problem.tensors, fast_mode=True)


def test_second_derivatives_are_those_of_the_reference() -> None:
    given = shape("B3-T4-I5-H7").problem(BY_ID["lstm_peephole"]).require_grad()
    found = []
    for backend in ("cpu", "reference"):
        outputs = run(given, given.tensors, backend)
        first = torch.autograd.grad(sum(o.square().sum() for o in outputs), given.tensors, create_graph=True)
        found.append(torch.autograd.grad(sum(f.square().sum() for f in first), given.tensors))
    for a, b in zip(*found, strict=True):
        assert_near(a, b, 1e-10, "second derivative")


def test_one_tensor_in_two_places() -> None:
    given = shape("B3-T4-I7-H7").problem(BY_ID["lstm"])
    z = given.states[0].clone().requires_grad_()

    def gradients(backend: str) -> tuple[Tensor, Tensor]:
        args = RecurrenceArgs.of(given.program, given.x, (z, z), given.params, given.widths)
        result = recurrence(backend, args)
        (first,) = torch.autograd.grad(result.output.square().sum(), z, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), z)
        return first.detach(), second

    for a, b in zip(gradients("cpu"), gradients("reference"), strict=True):
        assert_near(a, b, 1e-12, "derivative")


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # torch's own
def test_forward_mode_and_transforms_by_value() -> None:
    compiled, plain = (cv.GRU(3, 4, dtype=F64, backend=b) for b in ("cpu", "reference"))
    plain.load_state_dict(compiled.state_dict())
    x, v = torch.randn(5, 2, 3, dtype=F64), torch.randn(5, 2, 3, dtype=F64)

    def everything(layer: cv.GRU) -> list[Tensor]:
        params = {n: p.detach() for n, p in layer.named_parameters()}

        def loss(p: dict[str, Tensor], x: Tensor) -> Tensor:
            y: Tensor = functional_call(layer, p, (x,))[0]
            return y.square().sum()

        each = vmap(grad(loss), in_dims=(None, 1))(params, x.unsqueeze(2))
        tangents = jvp(lambda x: functional_call(layer, params, (x,))[0], (x,), (v,))
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(x, v)
            y = torch.autograd.forward_ad.unpack_dual(layer(dual)[0])
        many = vmap(lambda x: layer(x)[0])(torch.stack([x, v]))
        jacobian = jacrev(lambda x: layer(x)[0].sum((0, 1)))(x)
        return [*grad(loss)(params, x).values(), *each.values(), *tangents, y.primal, y.tangent, many, jacobian]

    for a, b in zip(everything(compiled), everything(plain), strict=True):
        assert_near(a.detach(), b.detach(), 1e-12, "derivative")


def test_many_cotangents_at_once() -> None:
    given = shape("B2-T3-I2-H4").problem(BY_ID["lstm"]).require_grad()
    found = []
    for backend in ("cpu", "reference"):
        output = run(given, given.tensors, backend)[0]
        cotangents = torch.eye(output.numel(), dtype=F64).view(-1, *output.shape)
        found.append(torch.autograd.grad(output, given.tensors, cotangents, is_grads_batched=True, allow_unused=True))
    for a, b in zip(*found, strict=True):
        assert_near(a, b, 1e-12, "jacobian")


def test_saved_tensors_pass_through_hooks() -> None:
    layer, x = cv.LSTM(3, 4, dtype=F64), torch.randn(6, 2, 3, dtype=F64)
    layer(x)[0].square().sum().backward()
    want = layer.weight_ih_l0.grad.clone()
    layer.zero_grad()
    packed = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (packed.append(t.numel()), t.clone())[1], lambda t: t):
        y, _ = layer(x)
    # Beside the input and parameters: what the backward loop reads.
    assert sum(packed) > 5 * y.numel()
    y.square().sum().backward()
    assert torch.equal(layer.weight_ih_l0.grad, want)
    layer.zero_grad()
    y = torch.utils.checkpoint.checkpoint(lambda x: layer(x)[0], x, use_reentrant=False)
    y.square().sum().backward()
    assert torch.equal(layer.weight_ih_l0.grad, want)


def test_what_torch_records_is_the_equations() -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx

    layer = cv.LSTM(3, 4).requires_grad_(False)
    x, other = torch.randn(5, 2, 3), torch.randn(5, 2, 3)
    graph = make_fx(lambda x: layer(x)[0])(x)
    assert_near(graph(other), layer(other)[0], 1e-6, "recorded")
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = mode.from_tensor(x)
        assert layer(fake)[0].shape == (5, 2, 4)
    args = RecurrenceArgs.of(
        layer.units[0].program,
        fake,
        [mode.from_tensor(torch.zeros(2, 4))] * 2,
        {k: mode.from_tensor(p) for k, p in layer.units[0].bind(layer).items()},
        layer.units[0].widths,
    )
    assert recurrence("cpu", args).output.shape == (5, 2, 4)


# Memory


def grown(call: Callable[[], None], times: int) -> int:
    """By how many tensors the process has grown after so many calls, without a run of the cycle collector."""
    call()
    gc.collect()
    gc.disable()
    try:
        before = sum(issubclass(type(o), Tensor) for o in gc.get_objects())
        for _ in range(times):
            call()
        return sum(issubclass(type(o), Tensor) for o in gc.get_objects()) - before
    finally:
        gc.enable()


def test_calls_leave_nothing_behind() -> None:
    layer, x = cv.LSTM(3, 4), torch.randn(5, 2, 3)

    def step() -> None:
        layer.zero_grad()
        layer(x)[0].sum().backward()

    def forward_only() -> None:
        layer(x)

    def second() -> None:
        y = layer(x)[0]
        (g,) = torch.autograd.grad(y.sum(), layer.weight_hh_l0, create_graph=True)
        torch.autograd.grad(g.sum(), layer.weight_hh_l0)

    for call, times in ((step, 200), (forward_only, 50), (second, 5)):
        assert grown(call, times) == 0


def test_what_is_kept_is_freed_with_the_graph() -> None:
    layer, x = cv.LSTM(3, 4), torch.randn(5, 2, 3)
    kept: list[weakref.ref[Any]] = []

    class Held:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor = tensor
            kept.append(weakref.ref(self))

    gc.disable()
    try:
        with torch.autograd.graph.saved_tensors_hooks(Held, lambda held: held.tensor):
            y, _ = layer(x)
        assert kept and all(r() is not None for r in kept)
        y.sum().backward()
        assert all(r() is None for r in kept)  # although the output lives
        y, state = layer(x)
        node = weakref.ref(y.grad_fn)
        assert node() is not None
        del y, state
        assert node() is None
    finally:
        gc.enable()


# Threads, forks, interrupts


def test_called_from_several_threads_at_once() -> None:
    given = shape("B3-T6-I5-H17").problem(BY_ID["lstm_layer_norm"]).to(torch.float32)
    want = train("cpu", given)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: train("cpu", given), range(40)):
            assert_same(found, want)


def test_compiled_first_by_several_threads_at_once() -> None:
    code = """
        import threading, torch, conveyor as cv
        torch.set_num_threads(2)
        layers = [cv.LSTM(5, 6), cv.GRU(5, 6), cv.LSTM(5, 6, dtype=torch.float64)]
        jobs = [(layers[k % 3], torch.randn(4, 2, 5, dtype=next(layers[k % 3].parameters()).dtype)) for k in range(6)]
        found, start = [None] * 6, threading.Barrier(6)
        def work(k):
            start.wait()
            layer, x = jobs[k]
            y = layer(x)[0]
            found[k] = (y, torch.autograd.grad(y.sum(), layer.weight_hh_l0)[0])
        running = [threading.Thread(target=work, args=(k,)) for k in range(6)]
        [t.start() for t in running]
        [t.join() for t in running]
        for (layer, x), (y, g) in zip(jobs, found):
            again = layer(x)[0]
            assert torch.equal(y, again)
            assert torch.equal(g, torch.autograd.grad(again.sum(), layer.weight_hh_l0)[0])
        print("fine")
    """
    assert python(code).strip() == "fine"


TEAMS = """
    import torch, conveyor as cv
    from conveyor.backends.cpu.runtime import threads
    threads.is_crowded = lambda: False
    teams, original = [], threads.run
    def noted(kernels, jobs, bases, team):
        teams.append(team)
        original(kernels, jobs, bases, team)
    threads.run = noted
    layer, x = cv.LSTM(128, 128), torch.randn(60, 32, 128, requires_grad=True)
    {work}
    print(*teams)
"""


def test_threads_follow_torchs_number() -> None:
    """As many as torch has, and no more than this process may use cores."""
    work = "for n in (2, 1, 3): torch.set_num_threads(n); layer(x)[0].sum().backward()"
    cores = len(os.sched_getaffinity(0))
    wanted = [min(n, cores) for n in (2, 2, 1, 1, 3, 3)]
    assert list(map(int, python(TEAMS.format(work=work)).split())) == wanted


@pytest.mark.parametrize("number", ["1", "2"])
def test_threads_follow_the_environment(number: str) -> None:
    assert python(TEAMS.format(work="layer(x)[0].sum().backward()"), OMP_NUM_THREADS=number).split() == [number] * 2


def test_an_installation_in_a_zip_file(tmp_path: Path) -> None:
    root = Path(cv.__file__).parent
    with zipfile.ZipFile(tmp_path / "conveyor.zip", "w") as archive:
        for file in root.rglob("*.py"):
            archive.write(file, Path("conveyor") / file.relative_to(root))
    code = f"""
        import sys
        sys.path.insert(0, {str(tmp_path / "conveyor.zip")!r})
        import torch, conveyor as cv
        assert ".zip" in cv.__file__
        x = torch.randn(3, 2, 4)
        layer = cv.LSTM(4, 5)
        plain = torch.nn.LSTM(4, 5)
        plain.load_state_dict(layer.state_dict())
        torch.testing.assert_close(layer(x)[0], plain(x)[0])
        print(layer.backend_used)
    """
    assert python(code).strip() == "cpu"


FORK = """
    import os, sys, torch, conveyor as cv
    from conveyor.backends.cpu.runtime import threads
    threads._WORTHWHILE, threads.is_crowded = 0, lambda: False
    torch.set_num_threads(2)
    torch.manual_seed(0)
    layer, x = cv.LSTM(48, 48), torch.randn(60, 12, 48)
    torch.randn(600, 600) @ torch.randn(600, 600)  # torch's threads are there
    torch.randn(2_000_000).exp()
    ones = torch.ones(60, 12, 48)
    def step():
        layer.zero_grad()
        y = layer(x)[0]
        y.backward(ones)
        return y.detach(), layer.weight_hh_l0.grad.clone()
    {before}
    child = os.fork()
    if child == 0:
        found = step()
        {check}
        assert torch.get_num_threads() == 1
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    again = step()  # the parent works on
    assert torch.get_num_threads() == 2
    print(status)
"""


@pytest.mark.parametrize("used", [True, False], ids=["used-before", "not-used-before"])
def test_a_child_of_a_fork(used: bool) -> None:
    before = "want = step()" if used else ""
    check = "assert torch.equal(found[0], want[0]); torch.testing.assert_close(found[1], want[1])" if used else ""
    assert python(FORK.format(before=before, check=check)).strip() == "0"


def test_a_backward_pass_whose_forward_pass_was_before_the_fork() -> None:
    code = FORK.replace("found = step()", "y.backward(ones)").format(before="step(); y = layer(x)[0]", check="")
    assert python(code).strip() == "0"


def test_a_fork_while_another_thread_compiles() -> None:
    code = """
        import os, threading, torch, conveyor as cv
        torch.set_num_threads(1)
        from conveyor.backends.cpu.codegen import code_cache as disk, compile as compiler
        disk.read = lambda key: None
        inside, original = threading.Event(), compiler._compile
        def slowly(text, width):
            inside.set()
            return original(text, width)
        compiler._compile = slowly
        x = torch.randn(3, 2, 4)
        other = threading.Thread(target=lambda: cv.LSTM(4, 4)(x))
        other.start()
        inside.wait()
        child = os.fork()
        if child == 0:
            cv.GRU(4, 4)(x)
            os._exit(0)
        other.join()
        print(os.waitpid(child, 0)[1])
    """
    assert python(code).strip() == "0"


def test_a_fork_while_other_threads_run_passes() -> None:
    code = """
        import os, threading, torch, conveyor as cv
        torch.set_num_threads(1)
        layer, x = cv.LSTM(64, 64), torch.randn(40, 8, 64)
        with torch.no_grad():
            layer(x)
            stop = threading.Event()
            def work():
                while not stop.is_set():
                    layer(x)
            others = [threading.Thread(target=work) for _ in range(3)]
            [t.start() for t in others]
            for _ in range(60):
                child = os.fork()
                if child == 0:
                    layer(x)
                    os._exit(0)
                assert os.waitpid(child, 0)[1] == 0
            stop.set()
            [t.join() for t in others]
        print("fine")
    """
    assert python(code).strip() == "fine"


def test_workers_of_a_data_loader() -> None:
    code = """
        import torch, conveyor as cv
        from conveyor.backends.cpu.runtime import threads
        threads._WORTHWHILE, threads.is_crowded = 0, lambda: False
        torch.set_num_threads(2)
        layer = cv.LSTM(48, 48).requires_grad_(False)
        class Data(torch.utils.data.Dataset):
            def __len__(self):
                return 4
            def __getitem__(self, k):
                return layer(torch.full((60, 12, 48), float(k)))[0]
        data = Data()
        want = [data[k] for k in range(4)]
        loader = torch.utils.data.DataLoader(data, batch_size=None, num_workers=2, multiprocessing_context="fork")
        for got, wanted in zip(loader, want):
            assert torch.equal(got, wanted)
        print("fine")
    """
    assert python(code).strip() == "fine"


def test_an_interrupt_leaves_everything_usable() -> None:
    given = shape("B5-T50-I8-H17").problem(BY_ID["lstm"]).to(torch.float32)
    want = train("cpu", given)
    stopped = 0

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for k in range(60):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0002 + 0.00005 * k)
                for _ in range(50):
                    train("cpu", given)
            except KeyboardInterrupt:
                stopped += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert stopped > 30
    assert_same(train("cpu", given), want)


def test_an_interrupt_while_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    from conveyor.backends.cpu.codegen import compile as compiler

    @cv.cell
    def never_seen_before(x, h):
        h = cv.tanh(cv.affine("a", x, h) * 0.123)
        return h

    def interrupt(*_: object) -> bytes:
        raise KeyboardInterrupt

    layer, x = cv.Recurrent(never_seen_before, 3, 4), torch.randn(2, 1, 3)
    with monkeypatch.context() as patch:
        patch.setattr(compiler, "_compile", interrupt)
        with pytest.raises(KeyboardInterrupt):
            layer(x)
    found = []
    other = threading.Thread(target=lambda: found.append(layer(x)[0]))  # the lock is free
    other.start()
    other.join(30)
    reference = cv.Recurrent(never_seen_before, 3, 4, backend="reference")
    reference.load_state_dict(layer.state_dict())
    assert_near(found[0], reference(x)[0], 1e-5, "output")


def test_compiled_code_can_be_dropped() -> None:
    """Each piece of code is freed by itself: the cache of loops is bounded, and two threads may make the same loop."""
    from conveyor.backends.cpu.runtime import sequence

    given = shape("B3-T4-I5-H7").problem(BY_ID["gru"])
    want = train("cpu", given)
    for _ in range(3):
        sequence.compiled.cache_clear()
        gc.collect()
        assert_same(train("cpu", given), want)
