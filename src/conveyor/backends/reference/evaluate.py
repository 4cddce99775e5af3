"""Evaluation of a program's nodes with plain torch operations, for one step or for all steps at once.

Every value is a tensor whose last axis holds the units (one unit for a number a row). Nodes that are hoisted out of
time carry the time axis in front, so that the very same operations serve for one step and for all. The reference
backend runs everything this way; compiled backends evaluate nodes outside the time loop with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from conveyor.ir.ops import OPS
from conveyor.ir.transforms.plan import Pack, Plan

Params = Mapping[tuple[str, str], Tensor]

# One table keyed by the names of conveyor.ir.ops; sources and products, which read more than their arguments, are
# methods of Evaluator.
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
READERS = ("input", "const", "width", "bias", "vector", "product", "product_t", "clip", "clip_gradient", "broadcast")


class _ClipGradient(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(value: Tensor, low: float, high: float) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, float], output: Tensor) -> None:
        ctx.limits = inputs[1:]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return grad.clamp(*ctx.limits), None, None


def clip_gradient(value: Tensor, low: float, high: float) -> Tensor:
    """Return the same value, with its gradient clipped to a range."""
    clipped: Tensor = _ClipGradient.apply(value, low, high)  # type: ignore[no-untyped-call]
    return clipped


class Evaluator:
    """An evaluator of the nodes of a planned program."""

    def __init__(self, planned: Plan, params: Params, widths: Mapping[str, int], like: Tensor) -> None:
        self.plan = planned
        self.params = params
        self.widths = widths
        self.like = like
        self.nodes = planned.program.nodes
        self._packed: dict[int, Tensor] = {}
        self.hoisted: dict[int, Tensor] = {}
        self.varying: dict[int, tuple[Tensor, ...]] = {}

    def hoist(self, given: Mapping[str, Tensor]) -> None:
        """Evaluate the nodes that no state reaches, for all following steps; inputs are (T, B, width)."""
        values = self.whole(given)
        self.hoisted = {n: v for n, v in values.items() if v.dim() < 3}
        self.varying = {n: v.unbind(0) for n, v in values.items() if v.dim() == 3}

    def whole(self, given: Mapping[str, Tensor], nodes: Iterable[int] | None = None) -> dict[int, Tensor]:
        """Return the hoisted values (or those of `nodes`) for all time steps at once; inputs are (T, B, width)."""
        values: dict[int, Tensor] = {}
        for index in self.plan.hoisted if nodes is None else nodes:
            self.evaluate(index, values, given)
        return values

    def step(self, t: int, given: Mapping[str, Tensor]) -> dict[int, Tensor]:
        """Return the values of time step t, from the states (and gradients) that it reads."""
        values = self.hoisted | {n: v[t] for n, v in self.varying.items()}
        for index in self.plan.stepped:
            self.evaluate(index, values, given)
        return values

    def evaluate(self, index: int, values: dict[int, Tensor], given: Mapping[str, Tensor]) -> None:
        """Store the value of a node in `values`, unless it is there; its arguments must be."""
        if index in values:
            return
        node = self.nodes[index]
        args = [values[a] for a in node.args]
        if node.op in POINTWISE:
            values[index] = POINTWISE[node.op](*args)
        elif node.op == "product":
            pack = self.plan.packs[index]
            values.update(zip(pack.members, self.products(pack, args[0]), strict=True))
        elif node.op == "product_t":
            values[index] = self.product_t(index, args[0])
        elif node.op == "input":
            values[index] = given[node.attr]
        elif node.op == "const":
            values[index] = self.like.new_tensor(node.attr)
        elif node.op == "width":
            values[index] = self.like.new_tensor(float(self.widths[node.attr]))
        elif node.op == "clip":
            values[index] = torch.clamp(args[0], *node.attr)
        elif node.op == "clip_gradient":
            values[index] = clip_gradient(args[0], *node.attr)
        elif node.op == "broadcast":
            values[index] = args[0].expand(*args[0].shape[:-1], self.widths[node.attr])
        else:
            values[index] = self.params[(node.op, node.attr)]

    def packed(self, pack: Pack) -> Tensor:
        """Stack the matrices of a pack, (blocks, rows, columns)."""
        first = pack.members[0]
        if first not in self._packed:
            named = [self.params[("product", self.nodes[m].attr)] for m in pack.members]
            parts = [p.unflatten(0, (pack.blocks, -1)) for p in named]
            self._packed[first] = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
        return self._packed[first]

    def products(self, pack: Pack, operand: Tensor) -> tuple[Tensor, ...]:
        """Multiply (…, K) by the matrices of a pack; returns the products in the order of its members."""
        weights = self.packed(pack)
        sizes = [self.widths[self.nodes[m].type.width] // pack.blocks for m in pack.members]
        if pack.blocks == 1:
            return tuple(torch.nn.functional.linear(operand, weights[0]).split(sizes, -1))
        blocks = operand.unflatten(-1, (pack.blocks, -1))
        parts = torch.einsum("...kc,krc->...kr", blocks, weights).split(sizes, -1)
        return tuple(p.flatten(-2) for p in parts)

    def product_t(self, index: int, operand: Tensor) -> Tensor:
        """Multiply (…, K) by a transposed matrix."""
        node = self.nodes[index]
        blocks = self.plan.program.matrix(node).blocks
        weight = self.params[("product", node.attr)]
        if blocks == 1:
            return operand @ weight
        parts = operand.unflatten(-1, (blocks, -1))
        return torch.einsum("...kr,krc->...kc", parts, weight.unflatten(0, (blocks, -1))).flatten(-2)


assert {*POINTWISE, *READERS} == set(OPS), "the evaluator must know every operation"
