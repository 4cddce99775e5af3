"""The reference backend: plain torch operations, a time loop in Python. It is the definition; others must agree with it.

Every value of a program is a tensor whose last axis holds the units (one unit for a number a row). Nodes that are
hoisted out of time carry the time axis in front, so that the very same operations serve for one step and for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from conveyor.ops import OPS
from conveyor.plan import Pack, Plan, plan
from conveyor.program import Program

Params = Mapping[tuple[str, str], Tensor]

# One table keyed by the names of conveyor.ops; sources and products, which read more than their arguments, are methods
# of _Evaluator.
POINTWISE: dict[str, Callable[..., Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "neg": torch.neg,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "exp": torch.exp,
    "log": torch.log,
    "log1p": torch.log1p,
    # torch's softplus turns into v itself above a threshold; this is log(1 + exp(v)) everywhere.
    "softplus": lambda v: torch.logaddexp(v, v.new_zeros(())),
    "sin": torch.sin,
    "cos": torch.cos,
    "sqrt": torch.sqrt,
    "abs": torch.abs,
    "square": torch.square,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "detach": torch.detach,
    "where": torch.where,
    "lt": torch.lt,
    "le": torch.le,
    "gt": torch.gt,
    "ge": torch.ge,
    "eq": torch.eq,
    "ne": torch.ne,
    "and": torch.logical_and,
    "or": torch.logical_or,
    "not": torch.logical_not,
    "sum": lambda v: v.sum(-1, keepdim=True),
    "max": lambda v: v.amax(-1, keepdim=True),
}
READERS = ("input", "const", "width", "bias", "vector", "product", "product_t", "clip", "broadcast")


@dataclass(frozen=True)
class Result:
    """What a forward pass gives.

    Attributes:
        output: The first state after each step, (T, B, width).
        states: Each state after the last step, (B, width).
    """

    output: Tensor
    states: tuple[Tensor, ...]


@lru_cache(maxsize=256)
def _planned(program: Program) -> Plan:
    return plan(program)


def forward(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Params,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor] | None = None,
) -> Result:
    """Run a program over a sequence.

    Args:
        program: A forward program.
        x: The input, (T, B, I).
        states: The initial states, each (B, width), in the program's order.
        params: The parameters by (op, key): matrices (rows, cols / blocks), biases and vectors (width,).
        widths: The numbers of the program's widths.
        aux: The auxiliary inputs by name, each (T, B, width) or, if the same at each step, (1, B, width).

    Returns:
        The outputs and final states, differentiable by autograd.
    """
    trail = _trail(program, x, states, params, widths, aux)
    output = program.states[0].name
    outputs = [given[output] for given in trail[1:]]
    stacked = torch.stack(outputs) if outputs else states[0].new_zeros((0, *states[0].shape))
    return Result(stacked, tuple(trail[-1][i.name] for i in program.states))


def _trail(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Params,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor] | None,
) -> list[dict[str, Tensor]]:
    """The states before each step, and after the last."""
    run = _Evaluator(_planned(program), params, widths, x)
    run.hoist(_given(x, aux))
    trail = [{i.name: s for i, s in zip(program.states, states, strict=True)}]
    for t in range(x.shape[0]):
        values = run.step(t, trail[t])
        trail.append({o.name: values[o.args[0]].expand_as(trail[t][o.name]) for o in program.outputs})
    return trail


def _given(x: Tensor, aux: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    return {"x": x} | {n: a.expand(x.shape[0], -1, -1) for n, a in (aux or {}).items()}


@dataclass(frozen=True)
class Gradients:
    """What a backward pass gives: gradients of the input (T, B, I), the initial states (B, width), the auxiliary
    inputs (T, B, width) and the parameters."""

    x: Tensor
    states: tuple[Tensor, ...]
    aux: dict[str, Tensor]
    params: dict[tuple[str, str], Tensor]


def backward(
    program: Program,
    derived: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Params,
    widths: Mapping[str, int],
    grad_output: Tensor,
    grad_states: Sequence[Tensor],
    aux: Mapping[str, Tensor] | None = None,
) -> Gradients:
    """Run the backward program of `program` over a sequence, from the last step to the first.

    Args:
        program: The forward program.
        derived: Its backward program, from `conveyor.autodiff.differentiate`.
        x: As in `forward`.
        states: As in `forward`.
        params: As in `forward`.
        widths: As in `forward`.
        grad_output: Gradient of the loss with respect to the outputs, (T, B, width).
        grad_states: Gradient with respect to each final state, (B, width).
        aux: As in `forward`.

    Returns:
        The gradients; a value that the outputs don't depend on has gradient zero.
    """
    run = _Evaluator(_planned(derived), params, widths, x)
    given = _given(x, aux)
    run.hoist(given)
    before = _trail(program, x, states, params, widths, aux)
    names = [i.name for i in program.states]
    grads = dict(zip(names, grad_states, strict=True))
    d_x = torch.zeros_like(x)
    d_aux = {n: torch.zeros_like(a) for n, a in given.items() if n != "x"}
    d_params = {key: torch.zeros_like(p) for key, p in params.items()}
    for t in reversed(range(x.shape[0])):
        grads[names[0]] = grads[names[0]] + grad_output[t]
        values = run.step(t, before[t] | {f"grad.{n}": g for n, g in grads.items()})
        grads = {n: torch.zeros_like(g) for n, g in grads.items()}
        for out in derived.outputs:
            value = values[out.args[0]]
            if out.role == "grad_state":
                grads[out.name] = value.expand_as(grads[out.name])
            elif out.role == "grad_input":
                d_x[t] = value
            elif out.role == "grad_aux":
                d_aux[out.name][t] = value
            elif out.role == "grad_matrix":
                blocks = derived.param[("product", out.name)].blocks  # type: ignore[union-attr]
                d_params[("product", out.name)] += _outer(value, values[out.args[1]], blocks)
            else:
                key = (out.role.removeprefix("grad_"), out.name)
                d_params[key] += value.expand(x.shape[1], -1).sum(0)
    return Gradients(d_x, tuple(grads[n] for n in names), d_aux, d_params)


def _outer(g: Tensor, v: Tensor, blocks: int) -> Tensor:
    """The sum over the batch of g ⊗ v, block by block: (B, rows), (B, cols) → (rows, cols / blocks)."""
    parts = torch.einsum("bkr,bkc->krc", g.unflatten(-1, (blocks, -1)), v.unflatten(-1, (blocks, -1)))
    return parts.flatten(0, 1)


class _Evaluator:
    """Evaluates the nodes of a planned program."""

    def __init__(self, planned: Plan, params: Params, widths: Mapping[str, int], like: Tensor) -> None:
        self.plan = planned
        self.params = params
        self.widths = widths
        self.like = like
        self.nodes = planned.program.nodes
        self.packed = {first: self._pack(pack) for first, pack in planned.packs.items()}
        self.hoisted: dict[int, Tensor] = {}
        self.varying: dict[int, tuple[Tensor, ...]] = {}

    def hoist(self, given: Mapping[str, Tensor]) -> None:
        """Evaluate what no state reaches, for all steps at once; inputs are (T, B, width)."""
        values: dict[int, Tensor] = {}
        for index in self.plan.hoisted:
            self._evaluate(index, values, given)
        self.hoisted = {n: v for n, v in values.items() if v.dim() < 3}
        self.varying = {n: v.unbind(0) for n, v in values.items() if v.dim() == 3}

    def step(self, t: int, given: Mapping[str, Tensor]) -> dict[int, Tensor]:
        """The values of step t, given the states (and gradients) that it reads."""
        values = self.hoisted | {n: v[t] for n, v in self.varying.items()}
        for index in self.plan.stepped:
            self._evaluate(index, values, given)
        return values

    def _evaluate(self, index: int, values: dict[int, Tensor], given: Mapping[str, Tensor]) -> None:
        if index in values:
            return
        node = self.nodes[index]
        args = [values[a] for a in node.args]
        if node.op in POINTWISE:
            values[index] = POINTWISE[node.op](*args)
        elif node.op == "product":
            pack = self.plan.packs.get(index)
            if pack is not None:
                values.update(self._products(pack, args[0]))
        elif node.op == "product_t":
            values[index] = self._product_t(index, args[0])
        elif node.op == "input":
            values[index] = given[node.attr]
        elif node.op == "const":
            values[index] = self.like.new_tensor(node.attr)
        elif node.op == "width":
            values[index] = self.like.new_tensor(float(self.widths[node.attr]))
        elif node.op == "clip":
            values[index] = torch.clamp(args[0], *node.attr)
        elif node.op == "broadcast":
            values[index] = args[0].expand(*args[0].shape[:-1], self.widths[node.attr])
        else:
            values[index] = self.params[(node.op, node.attr)]

    def _pack(self, pack: Pack) -> Tensor:
        parts = [self.params[("product", self.nodes[m].attr)].unflatten(0, (pack.blocks, -1)) for m in pack.members]
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]

    def _products(self, pack: Pack, operand: Tensor) -> dict[int, Tensor]:
        weights = self.packed[pack.members[0]]
        sizes = [self.widths[self.nodes[m].type.width] // pack.blocks for m in pack.members]
        if pack.blocks == 1:
            products = torch.nn.functional.linear(operand, weights[0]).split(sizes, -1)
        else:
            blocks = operand.unflatten(-1, (pack.blocks, -1))
            products = tuple(
                p.flatten(-2) for p in torch.einsum("...kc,krc->...kr", blocks, weights).split(sizes, -1)
            )
        return dict(zip(pack.members, products, strict=True))

    def _product_t(self, index: int, operand: Tensor) -> Tensor:
        node = self.nodes[index]
        blocks = self.plan.program.matrix(node).blocks
        weight = self.params[("product", node.attr)]
        if blocks == 1:
            return operand @ weight
        parts = operand.unflatten(-1, (blocks, -1))
        return torch.einsum("...kr,krc->...kc", parts, weight.unflatten(0, (blocks, -1))).flatten(-2)


assert {*POINTWISE, *READERS} == set(OPS), "the reference must know every operation"
