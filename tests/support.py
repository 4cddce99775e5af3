"""Cells, random problems and comparisons that several test files share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

import conveyor as cv
from conveyor.backends.interface import RecurrenceArgs, Residuals
from conveyor.backends.reference.sequence import forward
from conveyor.frontend import CellDefinition
from conveyor.ir.program import Program
from conveyor.ir.transforms.param_layout import resolve_widths
from conveyor.ir.types import Matrix, op_of


@dataclass(frozen=True)
class Case:
    """A cell with options; `multiple` divides the hidden size."""

    id: str
    cell: CellDefinition
    options: Mapping[str, Any] = field(default_factory=dict)
    multiple: int = 1

    @property
    def program(self) -> Program:
        return self.cell.program

    def sizes(self, hidden_size: int) -> dict[str, int]:
        """Numbers for the widths that the cell names."""
        named = {"proj": hidden_size // 2 + 1, "K": 3}
        return {name: size for name, size in named.items() if name in self.program.widths}


def built_in(name: str, multiple: int = 1, **options: Any) -> Case:
    words = [name, *(f"{v}{k}" if isinstance(v, int | float) else str(v) for k, v in options.items())]
    cell = cv.cells[name].configure(**options) if options else cv.cells[name]
    return Case("-".join(words), cell, options, multiple)


# Every built-in cell as it is, and the options that change equations.
BUILT_IN = [
    *(built_in(name) for name in cv.cells),
    built_in("rnn", nonlinearity="relu"),
    built_in("lstm", candidate_activation="sigmoid"),
    built_in("lstm", gate_activation="hard_sigmoid", candidate_activation="softsign", cell_activation="relu"),
    built_in("lstm", gate_activation="hard_sigmoid_6", candidate_activation="elu", cell_activation="linear"),
    built_in("lstm", candidate_activation="softplus", cell_activation="leaky_relu"),
    built_in("lstm", candidate_activation="exponential"),
    built_in("lstm", candidate_activation="silu"),
    built_in("janet", beta=0.0),
    *(built_in("slstm", k, heads=k, forget_activation=f) for k in (1, 2, 3) for f in ("exp", "sigmoid")),
]


@dataclass
class Problem:
    """Random numbers for a program."""

    program: Program
    widths: dict[str, int]
    x: Tensor
    states: tuple[Tensor, ...]
    params: dict[tuple[str, str], Tensor]
    aux: dict[str, Tensor]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return (self.x, *self.states, *self.params.values(), *self.aux.values())

    def like(self, tensors: tuple[Tensor, ...]) -> Problem:
        """The same problem with other tensors, in the order of `tensors`."""
        rest = list(tensors)
        x, states = rest.pop(0), tuple(rest.pop(0) for _ in self.states)
        params = {key: rest.pop(0) for key in self.params}
        return Problem(self.program, self.widths, x, states, params, {name: rest.pop(0) for name in self.aux})

    def to(self, dtype: torch.dtype) -> Problem:
        return self.like(tuple(t.detach().to(dtype) for t in self.tensors))

    def require_grad(self) -> Problem:
        return self.like(tuple(t.detach().clone().requires_grad_() for t in self.tensors))

    def args(self) -> RecurrenceArgs:
        return RecurrenceArgs.of(self.program, self.x, self.states, self.params, self.widths, self.aux)

    def forward(self) -> Residuals:
        return forward(self.args())


def random(generator: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def random_state(generator: torch.Generator, name: str, *shape: int) -> Tensor:
    state = random(generator, *shape)
    # A normaliser is a sum of positive numbers; one near zero would make the problem itself ill-conditioned.
    return state.abs() + 0.5 if name == "n" else state


def random_aux(generator: torch.Generator, name: str, *shape: int) -> Tensor:
    if name == "mask":
        return torch.randint(0, 2, shape, generator=generator).double()
    return random(generator, *shape).abs() if name == "delta" else random(generator, *shape)


def problem(case: Case, length: int, batch: int, input_size: int, hidden_size: int, seed: int = 0) -> Problem:
    """Random parameters, inputs and states for a case, in float64."""
    g = torch.Generator().manual_seed(seed)
    program = case.program
    hidden_size *= case.multiple
    widths = resolve_widths(program, input_size, hidden_size, case.sizes(hidden_size))
    params = {}
    for p in program.params:
        if isinstance(p, Matrix):
            cols = widths[p.cols] // p.blocks
            params[op_of(p), p.key] = random(g, widths[p.rows], cols, scale=cols**-0.5)
        else:
            params[op_of(p), p.key] = random(g, widths[p.width], scale=0.5)
    return Problem(
        program,
        widths,
        random(g, length, batch, input_size),
        tuple(random_state(g, s.name, batch, widths[s.width]) for s in program.states),
        params,
        {a.name: random_aux(g, a.name, length, batch, widths[a.width]) for a in program.aux},
    )


def assert_near(got: Tensor, want: Tensor, tolerance: float, what: str) -> None:
    """Largest difference ≤ tolerance times the largest value wanted; shapes, dtypes and finiteness included."""
    assert got.shape == want.shape, f"{what}: shape {tuple(got.shape)}, expected {tuple(want.shape)}"
    assert got.dtype == want.dtype, f"{what}: {got.dtype}, expected {want.dtype}"
    assert torch.isfinite(want).all(), f"{what}: what is expected is not finite"
    if want.numel() == 0:
        return
    error, scale = (got - want).abs().max().item(), want.abs().max().item()
    assert error <= tolerance * scale, f"{what}: off by {error:.3g} where the largest value is {scale:.3g}"


# Cells written here so that, together, they use every function of the language.


@cv.cell
def smooth(x, h, c):
    """Every smooth function."""
    a = cv.affine("a", x, h)
    b = cv.affine("b", x, c, bias=False)
    u = cv.sin(a) + cv.cos(b) * cv.exp(-cv.square(b))
    v = cv.log(1.5 + cv.square(a)) - cv.log1p(cv.square(b)) + cv.softplus(a - b)
    w = cv.sqrt(1.0 + cv.square(u)) / (2.0 + cv.cos(v))
    c = cv.sigmoid(u) * c + cv.tanh(w) * (1 - cv.sigmoid(u))
    h = cv.tanh(v) - 0.5 * c
    return h, c


@cv.cell
def kinks(x, h):
    """Functions with kinks, met away from them."""
    a = cv.affine("a", x, h)
    b = cv.affine("b", x, h)
    p = cv.clip(a, -0.7, 0.9) + cv.clip(b, low=-0.2) - cv.clip_gradient(cv.clip(a * b, high=0.4), 100.0)
    q = cv.maximum(a, 0.3 * b) - cv.minimum(b, 0.5) + cv.maximum(0.1, a)
    h = cv.tanh(p) + 0.3 * cv.abs(q) + 0.1 * cv.relu(a - b)
    return h


@cv.cell
def ties(x, h, c):
    """Kinks met exactly: equal operands, limits, zeros, equal units of a maximum."""
    a = cv.affine("a", x, h)
    up = cv.where(a > 0, 1.0, 0.0) * cv.weight("p")  # equals p or 0, so that units tie with one another below
    tied = cv.maximum(up, cv.where(c > 0, 1.0, 0.0) * cv.weight("p")) + cv.minimum(up, cv.weight("p"))
    flat = cv.clip(cv.where(a > 0, c, 0.5), -0.5, 0.5)
    zero = up - up + cv.where(a > 0, 0.0, c)
    top = cv.max(cv.where(c > 0, 2.0, c) * cv.weight("one_for_all"))
    c = cv.tanh(tied) + 0.5 * flat + 0.25 * cv.abs(zero) + 0.25 * cv.relu(zero)
    h = cv.tanh(a) * top
    return h, c


@cv.cell
def conditions(x, h, c):
    """Every comparison and every way to join them."""
    a = cv.affine("a", x, h)
    near = (a >= -0.5) & (a <= 0.5)
    far = (a < -1.0) | (a > 1.0)
    same = (cv.clip(a, 0.0, 0.0) == 0.0) & ~(c != c)
    c = cv.where(near, 0.5 * c + a, cv.where(far, cv.tanh(a), c))
    h = cv.where(same, c * cv.sigmoid(a), 100.0) + cv.where(~near, 0.1 * h, 0.0)
    return h, c


@cv.cell
def reductions(x, h, c):
    """Reductions over the units, and values that are one number a row, spread over the units again."""
    a = cv.affine("a", x, h)
    share = cv.exp(a - cv.max(a))
    share = share / cv.sum(share)
    level = cv.mean(cv.square(c))
    c = 0.7 * c + share * (1 + level)
    h = cv.layer_norm("n", c) * cv.sigmoid(cv.mean(h) + cv.weight("p")) - cv.sum(h * share)
    return h, c


@cv.cell
def detached(x, h, c):
    """Gradients stopped on some of the ways."""
    a = cv.affine("a", x, h)
    c = cv.detach(cv.sigmoid(a)) * c + cv.tanh(cv.affine("b", cv.detach(h), x))
    h = cv.tanh(c + cv.detach(c) * a) + cv.detach(cv.weight("p"))
    return h, c


@cv.cell
def row_gates(x, h, k):
    """Gates that are one number a row, and a state that is."""
    g = cv.sigmoid(cv.affine("g", x, h, size=1))
    steps = 0.5 * k + g * cv.tanh(cv.affine("k", h, size=1, bias=False))
    new = cv.tanh(cv.affine("n", x, h))
    h = g * h + (1 - g) * new * cv.cos(steps)
    k = steps + 0.1 * cv.mean(h)
    return h, k


@cv.cell
def halves(x, h):
    """Block-diagonal matrices of a state and of a computed value, beside full ones."""
    a = cv.affine("a", h, blocks=2) + cv.affine("a", x)
    b = cv.affine("b", cv.tanh(a) * h, blocks=2)
    h = cv.tanh(b + cv.affine("c", cv.sigmoid(a), bias=False))
    return h


@cv.cell
def shared(x, h, c):
    """Matrices, biases and weights that are used more than once, also across operands of the same node."""
    a = cv.affine("m", x, h)
    b = cv.affine("m", h)
    p = cv.weight("p")
    c = cv.sigmoid(a + p) * c + cv.tanh(b - p)
    h = cv.tanh(cv.affine("m", h, x, bias=False) * c + p)
    return h, c


@cv.cell
def helped(x, h, c, *, gap, context):
    """Auxiliary inputs: one that has the hidden size, one of a width of its own; and a projection."""
    decay = cv.exp(-cv.softplus(cv.weight("rate") * gap))
    u = cv.affine("u", x, h, context)
    c = decay * c + (1 - decay) * cv.tanh(u)
    m = cv.sigmoid(cv.affine("o", c, context)) * cv.tanh(c)
    h = cv.affine("proj", m, size="proj", bias=False)
    return h, c


@cv.cell
def idle(x, h, c, s):
    """A state that nothing reads, a state that is only carried, and one that reads only the input."""
    h = cv.tanh(cv.affine("a", x) + c)
    s = cv.sigmoid(cv.affine("s", x))
    return h, c, s


HAND_WRITTEN = [
    Case(c.name, c, multiple=2 if c is halves else 1)
    for c in (smooth, kinks, ties, conditions, reductions, detached, row_gates, halves, shared, helped, idle)
]
