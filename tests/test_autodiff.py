"""The derived backward program against torch autograd of the reference, and that against finite differences."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.backends.interface import RecurrenceArgs
from conveyor.backends.reference import backward
from conveyor.errors import ProgramError
from conveyor.frontend import CellDefinition
from conveyor.ir.ops import OPS, Operand
from conveyor.ir.parser import parse
from conveyor.ir.program import Program
from conveyor.ir.transforms.autodiff import differentiate
from conveyor.ir.transforms.param_layout import resolve_widths
from support import BUILT_IN, HAND_WRITTEN, Case, Problem, assert_near, problem, random

TOLERANCE = 1e-10
CASES = BUILT_IN + HAND_WRITTEN
SIZES = [(5, 3, 4, 7), (1, 2, 3, 5), (9, 1, 1, 3)]


def names(sizes: tuple[int, ...]) -> str:
    return "-".join(f"{letter}{size}" for letter, size in zip("TBIH", sizes, strict=True))


def check_gradients(given: Problem, g: torch.Generator) -> None:
    """All gradients of the derived backward program equal autograd's, with random cotangents for every result."""
    tracked = given.require_grad()
    result = tracked.forward()
    cotangents = tuple(random(g, *t.shape) for t in (result.output, *result.states))
    want = torch.autograd.grad(
        (result.output, *result.states), tracked.tensors, cotangents, allow_unused=True, materialize_grads=True
    )
    wanted = given.like(want)

    got = backward(given.args(), differentiate(given.program), cotangents[0], cotangents[1:])

    assert got.x is not None
    assert_near(got.x, wanted.x, TOLERANCE, "gradient of x")
    for state, mine, theirs in zip(given.program.states, got.states, wanted.states, strict=True):
        assert_near(mine, theirs, TOLERANCE, f"gradient of the initial {state.name}")
    for a, mine in zip(given.program.aux, got.aux, strict=True):
        assert_near(mine, wanted.aux[a.name], TOLERANCE, f"gradient of {a.name}")
    for (key, theirs), mine in zip(wanted.params.items(), got.params, strict=True):
        assert_near(mine, theirs, TOLERANCE, f"gradient of {' '.join(key)}")


@pytest.mark.parametrize("sizes", SIZES, ids=names)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_backward_program_is_autograd(case: Case, sizes: tuple[int, int, int, int]) -> None:
    g = torch.Generator().manual_seed(sum(sizes))
    check_gradients(problem(case, *sizes, seed=sum(sizes)), g)


# On a kink and behind `detach` the difference quotient is meant to differ from the gradient; tests below see to both.
QUOTIENT = [c for c in CASES if c.id not in ("ties", "detached")]


def tracked_problem(case: Case, length: int, batch: int, input_size: int) -> Problem:
    """A tiny problem whose tensors require gradients, but for a mask, which the equations compare with 0."""
    tracked = problem(case, length, batch, input_size, 2 if case.multiple == 1 else 1, seed=3).require_grad()
    if "mask" in tracked.aux:
        tracked.aux["mask"].requires_grad_(False)
    return tracked


@pytest.mark.parametrize("case", QUOTIENT, ids=lambda c: c.id)
def test_gradcheck(case: Case) -> None:
    tracked = tracked_problem(case, 2, 2, 2)

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        result = tracked.like(tensors).forward()
        return (result.output, *result.states)

    assert torch.autograd.gradcheck(run, tracked.tensors, eps=1e-6, atol=1e-7, rtol=1e-5)


SECOND_ORDER = ("rnn", "lstm", "gru", "lstm_layer_norm", "slstm", "gru_d", "smooth", "reductions", "helped")


@pytest.mark.parametrize("case", [c for c in CASES if c.id in SECOND_ORDER], ids=lambda c: c.id)
def test_gradgradcheck(case: Case) -> None:
    tracked = tracked_problem(case, 2, 1, 1)

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        result = tracked.like(tensors).forward()
        return (result.output, *result.states)

    assert torch.autograd.gradgradcheck(run, tracked.tensors, atol=1e-6, rtol=1e-4)


# Kinks, met exactly. The gradients are torch's own, op by op.


def _half(a: Tensor) -> Tensor:
    return torch.full_like(a, 0.5)


KINKS: dict[str, tuple[Any, Any]] = {
    "maximum": (lambda a, b: cv.maximum(a, b), torch.maximum),
    "minimum": (lambda a, b: cv.minimum(a, b), torch.minimum),
    "maximum with a number": (
        lambda a, b: cv.maximum(a, 0.5) + 0.0 * b,
        lambda a, b: a.clone().maximum(torch.full_like(a, 0.5)),
    ),
    "clip": (lambda a, b: cv.clip(a, -0.5, 0.5) * b, lambda a, b: torch.clamp(a, -0.5, 0.5) * b),
    "clip below": (lambda a, b: cv.clip(a, low=0.5) * b, lambda a, b: torch.clamp(a, min=0.5) * b),
    "clip above": (lambda a, b: cv.clip(a, high=0.5) * b, lambda a, b: torch.clamp(a, max=0.5) * b),
    "abs": (lambda a, b: cv.abs(a) * b, lambda a, b: torch.abs(a) * b),
    "relu": (lambda a, b: cv.relu(a) * b, lambda a, b: torch.relu(a) * b),
    "max": (lambda a, b: cv.max(a) * b, lambda a, b: torch.amax(a, -1, keepdim=True) * b),
    "where": (lambda a, b: cv.where(a > b, a, b), lambda a, b: torch.where(a > b, a, b)),
}


@pytest.mark.parametrize("name", KINKS)
def test_gradients_on_kinks_are_torchs(name: str) -> None:
    ours, theirs = KINKS[name]

    @cv.cell
    def kinked(x, h, c):
        new = ours(h, c) + 0.0 * cv.affine("unused", x)
        return new, c

    a = torch.tensor([[0.5, -0.5, 0.0, 0.5, -0.0, 2.0, -1.0]], dtype=torch.float64)
    b = torch.tensor([[0.5, 0.5, 0.0, 0.5, 0.0, 1.0, -1.0]], dtype=torch.float64)
    a = torch.cat([a, torch.tensor([[1.0, 3.0, 3.0, 0.5, -0.5, 3.0, 0.0]], dtype=torch.float64)])
    b = torch.cat([b, b.flip(-1)])
    g = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]], dtype=torch.float64)
    p, q = a.clone().requires_grad_(), b.clone().requires_grad_()
    want = torch.autograd.grad(theirs(p, q), (p, q), g, allow_unused=True, materialize_grads=True)

    widths = resolve_widths(kinked.program, 1, 7)
    params = {
        ("product", "unused.x"): torch.ones(7, 1, dtype=torch.float64),
        ("bias", "unused"): torch.ones(7, dtype=torch.float64),
    }
    zero = torch.zeros(2, 7, dtype=torch.float64)
    x = torch.ones(1, 2, 1, dtype=torch.float64)
    got = backward(
        RecurrenceArgs.of(kinked.program, x, (a, b), params, widths),
        differentiate(kinked.program),
        g.unsqueeze(0),
        (zero, zero),
    )
    assert torch.equal(got.states[0], want[0])
    assert torch.equal(got.states[1], want[1])


def test_detach_stops_the_gradient() -> None:
    case = next(c for c in HAND_WRITTEN if c.id == "detached")
    given = problem(case, 3, 2, 3, 5)
    derived = differentiate(case.program)
    assert "p" not in [o.name for o in derived.outputs if o.role == "grad_vector"]
    result = given.forward()
    ones = tuple(torch.ones_like(t) for t in (result.output, *result.states))
    got = backward(given.args(), derived, ones[0], ones[1:])
    params = dict(zip(given.params, got.params, strict=True))
    assert torch.equal(params["vector", "p"], torch.zeros_like(given.params["vector", "p"]))
    assert params["product", "a.x"].abs().min() > 0


def test_gradients_of_a_state_that_is_only_carried_pass_through() -> None:
    @cv.cell
    def carries(x, h, c):
        h = cv.tanh(cv.affine("a", x, h))
        return h, c

    given = problem(Case("carries", carries), 4, 2, 3, 5)
    g = torch.Generator().manual_seed(0)
    cotangents = random(g, 4, 2, 5), random(g, 2, 5), random(g, 2, 5)
    derived = differentiate(given.program)
    got = backward(given.args(), derived, cotangents[0], cotangents[1:])
    assert torch.equal(got.states[1], cotangents[2])


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_backward_program_is_a_program(case: Case) -> None:
    derived = differentiate(case.program)
    derived.verify()
    again = parse(derived.text)
    assert again == derived
    assert again.hash == derived.hash
    assert derived.nodes[: len(case.program.nodes)] == case.program.nodes
    states = [s.name for s in case.program.states]
    assert [i.name for i in derived.of_role("grad")] == states
    assert [i.name for i in derived.of_role("grad_output")] == states[:1]
    assert sorted(o.name for o in derived.outputs if o.role == "grad_state") == sorted(states)
    roles = Counter((o.role, o.name) for o in derived.outputs if o.role != "grad_matrix")
    assert set(roles.values()) <= {1}, roles


def test_differentiation_is_deterministic() -> None:
    for case in CASES:
        assert differentiate(case.program).text == differentiate(parse(case.program.text)).text


# The table of operations

# Operations through which no gradient flows, and why.
STOPS = {
    "input": "a leaf: its gradient is an output of the backward program",
    "const": "a number that is not learned",
    "width": "a number that is not learned",
    "bias": "a leaf: its gradient is an output of the backward program",
    "vector": "a leaf: its gradient is an output of the backward program",
    "detach": "stops the gradient by definition",
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne"), "piecewise constant: true or false"),
    **dict.fromkeys(("and", "or", "not"), "joins truth values"),
}


class Symbol(Operand):
    """An operand that counts what a rule does with it."""

    def apply(self, name: str, args: tuple[Any, ...], attr: Any = None) -> "Symbol":
        assert name in OPS and len(args) == OPS[name].arity
        return Symbol()


@pytest.mark.parametrize("name", OPS)
def test_every_operation_has_a_derivative_or_a_reason_to_have_none(name: str) -> None:
    op = OPS[name]
    assert op.derivative is not None, f"{name} cannot be differentiated"
    attr = (-1.0, 1.0) if name in ("clip", "clip_gradient") else "W.x"
    terms = op.derivative(Symbol(), Symbol(), *[Symbol()] * op.arity, attr=attr)
    assert len(terms) == op.arity
    flows = [term is not None for term in terms]
    if name in STOPS:
        assert not any(flows)
    else:
        # Only the condition of `where` has no gradient among arguments of differentiable operations.
        assert flows == ([False, True, True] if name == "where" else [True] * op.arity)


def ops_of(program: Program) -> Counter[str]:
    return Counter(program.nodes[n].op for n in program.live())


def test_every_operation_is_exercised() -> None:
    ran: Counter[str] = Counter()
    differentiated: Counter[str] = Counter()
    for case in CASES:
        ran += ops_of(case.program) + ops_of(differentiate(case.program))
        differentiated += ops_of(case.program)
    assert set(ran) == set(OPS)
    # Those that only a backward program has.
    assert set(OPS) - set(differentiated) == {"product_t", "broadcast"}


def functions_used(cells: list[CellDefinition]) -> set[str]:
    return {name for c in cells for name in c._function.__code__.co_names}  # type: ignore[union-attr]


def test_hand_written_cells_use_every_function_of_the_language() -> None:
    import conveyor.frontend as language

    functions = set(language.__all__) - {"CellDefinition", "cell", "activation"}
    assert functions - functions_used([c.cell for c in HAND_WRITTEN]) == set()


def test_operation_without_a_rule_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPS, "tanh", replace(OPS["tanh"], derivative=None))
    with pytest.raises(ProgramError, match="tanh has no derivative rule"):
        differentiate(cv.cells["lstm"].program)


def test_operation_without_a_rule_behind_detach_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    @cv.cell
    def guarded(x, h):
        h = cv.sigmoid(cv.affine("a", x, h)) * cv.detach(cv.sin(h))
        return h

    monkeypatch.setitem(OPS, "sin", replace(OPS["sin"], derivative=None))
    assert differentiate(guarded.program).outputs


def test_a_loss_on_one_result_alone() -> None:
    # Cotangents of zero elsewhere must not leak: each result alone, and their sum.
    case = next(c for c in BUILT_IN if c.id == "lstm_peephole")
    given = problem(case, 4, 2, 3, 5)
    derived = differentiate(case.program)
    g = torch.Generator().manual_seed(0)
    cotangents = [random(g, 4, 2, 5), random(g, 2, 5), random(g, 2, 5)]

    def run(*cs: Tensor) -> Tensor:
        found = backward(given.args(), derived, cs[0], cs[1:]).x
        assert found is not None
        return found

    zeros = [torch.zeros_like(c) for c in cotangents]
    alone = [
        run(*[c if k == j else z for j, (c, z) in enumerate(zip(cotangents, zeros, strict=True))]) for k in range(3)
    ]
    assert_near(sum(alone, torch.zeros_like(alone[0])), run(*cotangents), 1e-12, "sum of the parts")
    assert torch.equal(run(*zeros), torch.zeros_like(alone[0]))


def test_forward_and_backward_leave_their_arguments_alone() -> None:
    given = problem(next(c for c in HAND_WRITTEN if c.id == "helped"), 3, 2, 3, 5)
    before = [t.clone() for t in given.tensors]
    g = torch.Generator().manual_seed(0)
    result = given.forward()
    cotangents = [random(g, *t.shape) for t in (result.output, *result.states)]
    kept = [c.clone() for c in cotangents]
    backward(given.args(), differentiate(given.program), cotangents[0], cotangents[1:])
    for tensor, copy in zip([*given.tensors, *cotangents], [*before, *kept], strict=True):
        assert torch.equal(tensor, copy)
