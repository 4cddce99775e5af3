"""The reference backend against a naive evaluator: no plan, no hoisting, no packing; and at the edges."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.backends.reference.evaluate import POINTWISE, READERS
from conveyor.backends.reference.sequence import backward
from conveyor.ir.ops import OPS
from conveyor.ir.program import Program
from conveyor.ir.transforms.autodiff import differentiate
from conveyor.ir.transforms.plan import plan
from conveyor.ir.types import Matrix, Node
from support import BUILT_IN, HAND_WRITTEN, Case, Problem, assert_near, problem, random

TOLERANCE = 1e-13


@dataclass(frozen=True)
class Gradients:
    """Gradients by name; `conveyor.backends.interface.Gradients` has them by the tensors of a layout."""

    x: Tensor
    states: tuple[Tensor, ...]
    aux: dict[str, Tensor]
    params: dict[tuple[str, str], Tensor]


CASES = BUILT_IN + HAND_WRITTEN
BY_ID = {c.id: c for c in CASES}


# A naive evaluator: every node of every step, in order, from its definition.

NAIVE: dict[str, Callable[..., Tensor]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda v: -v,
    "sigmoid": lambda v: torch.where(v < 0, v.exp() / (1 + v.exp()), 1 / (1 + (-v).exp())),
    "tanh": lambda v: v.tanh(),
    "relu": lambda v: torch.where(v <= 0, torch.zeros_like(v), v),
    "exp": lambda v: v.exp(),
    "log": lambda v: v.log(),
    "log1p": lambda v: v.log1p(),
    "softplus": lambda v: v.clamp(min=0) + (-v.abs()).exp().log1p(),
    "sin": lambda v: v.sin(),
    "cos": lambda v: v.cos(),
    "sqrt": lambda v: v.sqrt(),
    "abs": lambda v: v.abs(),
    "square": lambda v: v * v,
    "maximum": lambda a, b: torch.where(a.isnan() | (a > b), a, b),
    "minimum": lambda a, b: torch.where(a.isnan() | (a < b), a, b),
    "detach": lambda v: v.detach(),
    "where": lambda p, a, b: torch.where(p, a, b),
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "not": lambda v: ~v,
    "sum": lambda v: sum(v.unbind(-1), torch.zeros_like(v[..., 0])).unsqueeze(-1),
    "max": lambda v: v.max(-1, keepdim=True).values,
}


class Naive:
    """Values of one step for a whole batch; each is (B, width), also where it is the same for every row."""

    def __init__(self, given: Problem, program: Program) -> None:
        self.given = given
        self.program = program
        self.matrices = {p.key: self.whole(p) for p in program.params if isinstance(p, Matrix)}

    def whole(self, matrix: Matrix) -> Tensor:
        """The whole matrix, with the zeros of a block-diagonal one."""
        return torch.block_diag(*self.given.params["product", matrix.key].chunk(matrix.blocks))

    def step(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        values: list[Tensor] = []
        batch = self.given.x.shape[1]
        for node in self.program.nodes:
            value = self.evaluate(node, [values[a] for a in node.args], inputs)
            width = 1 if node.type.width == "1" else self.given.widths[node.type.width]
            values.append(value.expand(batch, width))
        return values

    def evaluate(self, node: Node, args: list[Tensor], inputs: Mapping[str, Tensor]) -> Tensor:
        if node.op in NAIVE:
            return NAIVE[node.op](*args)
        like = self.given.x
        if node.op == "input":
            return inputs[node.attr]
        if node.op == "const":
            return like.new_tensor([node.attr])
        if node.op == "width":
            return like.new_tensor([self.given.widths[node.attr]])
        if node.op == "clip":
            low, high = node.attr
            return torch.where(args[0] < low, low, torch.where(args[0] > high, high, args[0]))
        if node.op in ("broadcast", "clip_gradient"):
            return args[0]
        if node.op in ("product", "product_t"):
            matrix = self.matrices[node.attr]
            return args[0] @ (matrix.T if node.op == "product" else matrix)
        return self.given.params[node.op, node.attr]

    def forward(self) -> tuple[list[dict[str, Tensor]], Tensor, tuple[Tensor, ...]]:
        """The states before each step and after the last; the outputs; the final states."""
        p = self.given
        trail = [dict(zip([s.name for s in self.program.states], p.states, strict=True))]
        for t in range(p.x.shape[0]):
            values = self.step({"x": p.x[t]} | {n: a[t] for n, a in p.aux.items()} | trail[-1])
            trail.append({o.name: values[o.args[0]] for o in self.program.outputs})
        output = self.program.states[0].name
        stacked = torch.stack([states[output] for states in trail[1:]])
        return trail, stacked, tuple(trail[-1].values())


def naive_backward(given: Problem, grad_output: Tensor, grad_states: tuple[Tensor, ...]) -> Gradients:
    trail, *_ = Naive(given, given.program).forward()
    derived = differentiate(given.program)
    run = Naive(given, derived)
    grads = {s.name: g for s, g in zip(given.program.states, grad_states, strict=True)}
    first = given.program.states[0].name
    x, aux = torch.zeros_like(given.x), {n: torch.zeros_like(a) for n, a in given.aux.items()}
    params = {key: torch.zeros_like(p) for key, p in given.params.items()}
    for t in reversed(range(given.x.shape[0])):
        inputs = {"x": given.x[t]} | {n: a[t] for n, a in given.aux.items()} | trail[t]
        inputs[f"grad_output.{first}"] = grad_output[t]
        values = run.step(inputs | {f"grad.{n}": g for n, g in grads.items()})
        assert {o.name for o in derived.outputs if o.role == "grad_state"} == grads.keys()
        for out in derived.outputs:
            parts = [values[a] for a in out.args]
            if out.role == "grad_state":
                grads[out.name] = parts[0]
            elif out.role == "grad_input":
                x[t] = parts[0]
            elif out.role == "grad_aux":
                aux[out.name][t] = parts[0]
            elif out.role == "grad_matrix":
                found = derived.param["product", out.name]
                assert isinstance(found, Matrix)
                whole = torch.stack([torch.outer(g, v) for g, v in zip(*parts, strict=True)]).sum(0)
                rows, cols = whole.shape[0] // found.blocks, whole.shape[1] // found.blocks
                for k in range(found.blocks):
                    block = whole[k * rows : (k + 1) * rows, k * cols : (k + 1) * cols]
                    params["product", out.name][k * rows : (k + 1) * rows] += block
            else:
                params[out.role.removeprefix("grad_"), out.name] += parts[0].sum(0)
    return Gradients(x, tuple(grads.values()), aux, params)


def run_backward(given: Problem, grad_output: Tensor, grad_states: tuple[Tensor, ...]) -> Gradients:
    derived = differentiate(given.program)
    found = backward(given.args(), derived, grad_output, grad_states)
    assert found.x is not None
    aux = dict(zip((a.name for a in given.program.aux), found.aux, strict=True))
    return Gradients(found.x, found.states, aux, dict(zip(given.params, found.params, strict=True)))


def cotangents(given: Problem, seed: int = 7) -> tuple[Tensor, tuple[Tensor, ...]]:
    g = torch.Generator().manual_seed(seed)
    states = tuple(random(g, *s.shape).to(s.dtype) for s in given.states)
    return random(g, given.x.shape[0], *given.states[0].shape).to(given.x.dtype), states


def flat(gradients: Gradients) -> dict[str, Tensor]:
    named = {"x": gradients.x} | {f"state {k}": s for k, s in enumerate(gradients.states)}
    return named | gradients.aux | {" ".join(key): p for key, p in gradients.params.items()}


def test_naive_evaluator_knows_what_the_reference_computes() -> None:
    assert NAIVE.keys() == POINTWISE.keys()
    assert {*POINTWISE, *READERS} == set(OPS)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_forward_is_the_naive_walk_over_the_nodes(case: Case) -> None:
    given = problem(case, 6, 3, 4, 5)
    result = given.forward()
    _, output, states = Naive(given, case.program).forward()
    assert_near(result.output, output, TOLERANCE, "output")
    for state, got, want in zip(case.program.states, result.states, states, strict=True):
        assert_near(got, want, TOLERANCE, f"final {state.name}")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_backward_is_the_naive_walk_over_the_nodes(case: Case) -> None:
    given = problem(case, 4, 3, 4, 5)
    got, want = flat(run_backward(given, *cotangents(given))), flat(naive_backward(given, *cotangents(given)))
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert_near(got[name], value, 10 * TOLERANCE, f"gradient of {name}")


def test_products_with_the_input_are_hoisted() -> None:
    # Otherwise the two comparisons above would say nothing about hoisting.
    hoisted = {}
    for name in ("lstm", "gru_d", "min_gru"):
        program = BY_ID[name].program
        planned = plan(program)
        assert sorted(planned.hoisted + planned.stepped) == list(program.live())
        hoisted[name] = [program.nodes[n].attr for n in planned.hoisted if program.nodes[n].op == "product"]
    assert hoisted["lstm"] == ["i.x", "f.x", "g.x", "o.x"]
    assert hoisted["gru_d"] == ["decay_h.delta", "r.mask", "z.mask", "n.mask"]  # x_hat needs x_last, a state
    assert hoisted["min_gru"] == ["z.x", "n.x"]


def test_products_of_one_operand_are_packed() -> None:
    program = BY_ID["lstm"].program
    packs = [[program.nodes[m].attr for m in pack.members] for pack in dict.fromkeys(plan(program).packs.values())]
    assert packs == [["i.x", "f.x", "g.x", "o.x"], ["i.h", "f.h", "g.h", "o.h"]]


# Edges of the sizes


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_no_step(case: Case) -> None:
    given = problem(case, 0, 3, 4, 5)
    result = given.forward()
    width = given.states[0].shape[1]
    assert result.output.shape == (0, 3, width) and result.output.dtype == torch.float64
    for got, want in zip(result.states, given.states, strict=True):
        assert torch.equal(got, want)
    grad_output, grad_states = cotangents(given)
    gradients = run_backward(given, grad_output, grad_states)
    for got, want in zip(gradients.states, grad_states, strict=True):
        assert torch.equal(got, want)
    assert gradients.x.shape == given.x.shape
    for key, p in given.params.items():
        assert torch.equal(gradients.params[key], torch.zeros_like(p))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_no_row(case: Case) -> None:
    given = problem(case, 3, 0, 4, 5)
    result = given.forward()
    assert result.output.shape == (3, 0, given.states[0].shape[1])
    assert [s.shape for s in result.states] == [s.shape for s in given.states]
    gradients = run_backward(given, *cotangents(given))
    assert gradients.x.shape == given.x.shape
    for key, p in given.params.items():
        assert torch.equal(gradients.params[key], torch.zeros_like(p))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_step_at_a_time_is_the_sequence(case: Case) -> None:
    given = problem(case, 5, 3, 4, 5)
    whole = given.forward()
    states = given.states
    for t in range(5):
        aux = {n: a[t : t + 1] for n, a in given.aux.items()}
        one = Problem(given.program, given.widths, given.x[t : t + 1], states, given.params, aux).forward()
        assert one.output.shape == (1, *whole.output.shape[1:])
        assert torch.equal(one.output[0], one.states[0])
        assert_near(one.output[0], whole.output[t], TOLERANCE, f"output of step {t}")
        states = one.states
    for got, want in zip(states, whole.states, strict=True):
        assert_near(got, want, TOLERANCE, "final state")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_rows_do_not_see_each_other(case: Case) -> None:
    given = problem(case, 4, 3, 4, 5)
    whole = given.forward()
    for b in range(3):
        row = slice(b, b + 1)
        aux = {n: a[:, row] for n, a in given.aux.items()}
        states = tuple(s[row] for s in given.states)
        alone = Problem(given.program, given.widths, given.x[:, row], states, given.params, aux).forward()
        assert_near(alone.output, whole.output[:, row], TOLERANCE, f"output of row {b}")


def test_auxiliary_input_that_is_the_same_at_each_step() -> None:
    given = problem(BY_ID["helped"], 5, 3, 4, 5)
    once = {n: a[:1] for n, a in given.aux.items()}
    spread = {n: a[:1].expand_as(given.aux[n]).contiguous() for n, a in once.items()}
    short = Problem(given.program, given.widths, given.x, given.states, given.params, once)
    long = Problem(given.program, given.widths, given.x, given.states, given.params, spread)
    assert torch.equal(short.forward().output, long.forward().output)
    for name, want in flat(run_backward(long, *cotangents(long))).items():
        assert torch.equal(flat(run_backward(short, *cotangents(long)))[name], want), name


# Layouts in memory


def scattered(tensor: Tensor, poison: float = float("nan")) -> Tensor:
    """The same numbers, every second along each axis and backwards in stride order, with NaN between them."""
    shape = [2 * n for n in reversed(tensor.shape)]
    held = tensor.new_full(shape, poison)
    view = held.permute(*reversed(range(tensor.dim())))[tuple(slice(None, None, 2) for _ in tensor.shape)]
    view.copy_(tensor)
    return view


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_non_contiguous_arguments(case: Case) -> None:
    given = problem(case, 4, 3, 5, 6)
    loose = given.like(tuple(scattered(t) for t in given.tensors))
    assert not any(t.is_contiguous() for t in loose.tensors if t.dim() > 1)
    want, got = given.forward(), loose.forward()
    assert_near(got.output, want.output, TOLERANCE, "output")
    for mine, theirs in zip(got.states, want.states, strict=True):
        assert_near(mine, theirs, TOLERANCE, "final state")
    grad_output, grad_states = cotangents(given)
    wanted = flat(run_backward(given, grad_output, grad_states))
    found = flat(run_backward(loose, scattered(grad_output), tuple(scattered(g) for g in grad_states)))
    for name, value in wanted.items():
        assert_near(found[name], value, 10 * TOLERANCE, f"gradient of {name}")


def test_expanded_arguments() -> None:
    given = problem(BY_ID["lstm"], 4, 3, 5, 6)
    x = given.x[:, :1].expand(4, 3, 5)
    states = tuple(s[:1].expand(3, -1) for s in given.states)
    stretched = Problem(given.program, given.widths, x, states, given.params, {})
    solid = Problem(
        given.program, given.widths, x.contiguous(), tuple(s.contiguous() for s in states), given.params, {}
    )
    assert_near(stretched.forward().output, solid.forward().output, TOLERANCE, "output")
    wanted = flat(run_backward(solid, *cotangents(solid)))
    for name, got in flat(run_backward(stretched, *cotangents(solid))).items():
        assert_near(got, wanted[name], 10 * TOLERANCE, f"gradient of {name}")


# Precision


def rms(tensor: Tensor) -> float:
    return tensor.double().square().mean().sqrt().item()


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_float32_is_as_exact_as_plain_torch(case: Case) -> None:
    # Errors of single numbers are chance; of two computations with the same arithmetic the means are alike.
    wide = problem(case, 12, 8, 9, 16, seed=5).to(torch.float32).to(torch.float64)
    narrow = wide.to(torch.float32)
    exact = wide.forward()
    ours = narrow.forward()
    _, output, states = Naive(narrow, case.program).forward()
    assert ours.output.dtype == torch.float32
    for name, got, plain, want in (
        ("output", ours.output, output, exact.output),
        *zip([s.name for s in case.program.states], ours.states, states, exact.states, strict=True),
    ):
        error, allowed = rms(got - want), 2 * rms(plain - want)
        assert error <= allowed, f"{name}: error {error:.3g}, plain torch's {allowed / 2:.3g}"


def kinds(gradients: Gradients) -> dict[str, list[Tensor]]:
    """Gradients by what they are of, since the error of a few numbers alone is chance."""
    found = {"x": [gradients.x], "states": list(gradients.states), "aux": list(gradients.aux.values())}
    for (op, _), p in gradients.params.items():
        found.setdefault(op, []).append(p)
    return found


def errors(got: Gradients, want: Gradients) -> dict[str, float]:
    """The error of each kind, relative to the size of each tensor."""
    result = {}
    for kind, wanted in kinds(want).items():
        parts = [(g - w) / rms(w) for g, w in zip(kinds(got)[kind], wanted, strict=True) if rms(w) > 0]
        if parts:
            result[kind] = rms(torch.cat([p.flatten() for p in parts]))
    return result


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_float32_gradients_are_as_exact_as_plain_torchs(case: Case) -> None:
    logs: dict[str, list[float]] = {}
    for seed in range(8):
        narrow = problem(case, 6, 6, 5, 8, seed=seed).to(torch.float32)
        wide = narrow.to(torch.float64)
        grad_output, grad_states = cotangents(narrow, seed)
        exact = run_backward(wide, grad_output.double(), tuple(g.double() for g in grad_states))
        tracked = narrow.require_grad()
        _, output, states = Naive(tracked, case.program).forward()
        found = torch.autograd.grad(
            (output, *states), tracked.tensors, (grad_output, *grad_states), allow_unused=True, materialize_grads=True
        )
        plain = narrow.like(found)
        theirs = errors(Gradients(plain.x, plain.states, plain.aux, plain.params), exact)
        mine = run_backward(narrow, grad_output, grad_states)
        assert all(g.dtype == torch.float32 for g in flat(mine).values())
        for kind, error in errors(mine, exact).items():
            logs.setdefault(kind, []).append(math.log(error / theirs[kind]) if theirs[kind] else float(error > 0))
    assert {"x", "product"} <= logs.keys()
    for kind, ratios in logs.items():
        ratio = math.exp(sum(ratios) / len(ratios))
        assert ratio <= 2, f"{kind}: {ratio:.2f} times the error of plain torch"


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_float32_is_as_exact_as_torch_nn(kind: str) -> None:
    torch.manual_seed(8)
    theirs = getattr(torch.nn, kind)(9, 17).double()
    exact = getattr(torch.nn, kind)(9, 17).double()
    ours = getattr(cv, kind)(9, 17, backend="reference")
    rounded = {n: p.float().double() for n, p in theirs.state_dict().items()}
    exact.load_state_dict(rounded)
    theirs.load_state_dict(rounded)
    theirs = theirs.float()
    ours.load_state_dict({n: p.float() for n, p in rounded.items()})
    x = torch.randn(20, 6, 9)
    want = exact(x.double())[0]
    error, allowed = rms(ours(x)[0] - want), 2 * rms(theirs(x)[0] - want)
    assert error <= allowed, f"error {error:.3g}, torch.nn's {allowed / 2:.3g}"


# Numbers that are no numbers


def poisoned(given: Problem, value: float, t: int, b: int, unit: int) -> Problem:
    x = given.x.clone()
    x[t, b, unit] = value
    return Problem(given.program, given.widths, x, given.states, given.params, given.aux)


def everywhere_observed(given: Problem) -> Problem:
    aux = {n: torch.ones_like(a) if n == "mask" else a for n, a in given.aux.items()}
    return Problem(given.program, given.widths, given.x, given.states, given.params, aux)


def same_bits(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a.nan_to_num(nan=12345.0), b.nan_to_num(nan=12345.0)) and torch.equal(a.isnan(), b.isnan())


# `conditions` chooses between constants by comparisons with NaN, which are false; `idle` has no memory of the input.
FORGETFUL = ("conditions", "idle")


@pytest.mark.parametrize("case", [c for c in CASES if c.id not in FORGETFUL], ids=lambda c: c.id)
def test_nan_reaches_exactly_the_later_outputs_of_its_row(case: Case) -> None:
    given = everywhere_observed(problem(case, 6, 4, 5, 7))
    t, b = 2, 1
    clean, dirty = given.forward(), poisoned(given, float("nan"), t, b, 3).forward()
    reached = torch.zeros_like(clean.output, dtype=torch.bool)
    reached[t:, b] = True
    assert torch.equal(dirty.output.isnan(), reached)
    assert torch.equal(dirty.output[~reached], clean.output[~reached])
    for got, want in zip(dirty.states, clean.states, strict=True):
        others = [k for k in range(4) if k != b]
        assert torch.equal(got[others], want[others])


def test_nan_in_a_layer_without_memory_stays_in_its_step() -> None:
    given = problem(BY_ID["idle"], 6, 4, 5, 7)
    reached = torch.zeros_like(given.forward().output, dtype=torch.bool)
    reached[2, 1] = True
    assert torch.equal(poisoned(given, float("nan"), 2, 1, 3).forward().output.isnan(), reached)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_values_that_are_not_finite_go_the_way_of_the_equations(case: Case, value: float) -> None:
    given = everywhere_observed(problem(case, 5, 4, 5, 7))
    dirty = poisoned(given, value, 2, 1, 3)
    got = dirty.forward().output
    _, want, _ = Naive(dirty, case.program).forward()
    assert torch.equal(got.isnan(), want.isnan())
    assert torch.equal(got.isposinf(), want.isposinf())
    assert torch.equal(got.isneginf(), want.isneginf())
    finite = torch.isfinite(want)
    assert_near(got[finite], want[finite], TOLERANCE, "what is finite")
    others = [0, 2, 3]
    assert torch.equal(got[:, others], given.forward().output[:, others])


@pytest.mark.parametrize("where", ["state", "parameter"])
def test_nan_in_a_state_or_a_parameter(where: str) -> None:
    given = problem(BY_ID["lstm"], 3, 4, 5, 7)
    clean = given.forward().output
    tensors = [t.clone() for t in given.tensors]
    if where == "state":
        tensors[1][2, 0] = float("nan")
        got = given.like(tuple(tensors)).forward().output
        assert got[:, 2].isnan().all()
        assert torch.equal(got[:, [0, 1, 3]], clean[:, [0, 1, 3]])
    else:
        tensors[-1][4] = float("nan")  # the bias of a unit of the output gate
        got = given.like(tuple(tensors)).forward().output
        assert torch.equal(got[0].isnan(), torch.arange(7).expand(4, 7) == 4)
        assert got[1:].isnan().all()


def test_nothing_is_left_uninitialised() -> None:
    # The memory that torch.empty gives is NaN under these tests (see conftest.py); no result may have read it.
    given = problem(BY_ID["slstm-3heads-exp"], 4, 3, 5, 2)
    results: list[Any] = [given.forward().output, *flat(run_backward(given, *cotangents(given))).values()]
    assert torch.empty(4).isnan().all()
    assert all(torch.isfinite(r).all() for r in results)
