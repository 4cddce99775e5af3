"""The forward and backward pass over a sequence: hoisted work by torch, the time loop by compiled code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from conveyor.backends.cpu import steps, table
from conveyor.backends.cpu.after import After
from conveyor.backends.cpu.pack import dense
from conveyor.backends.cpu.products import product
from conveyor.backends.cpu.recipe import backward_recipe, forward_recipe
from conveyor.backends.cpu.steps import Array
from conveyor.backends.evaluate import Evaluator, Params
from conveyor.backends.results import Gradients
from conveyor.plan import Pack
from conveyor.program import Program


@dataclass(frozen=True)
class Kept:
    """What a forward pass leaves.

    Attributes:
        trails: Each state before each step and after the last, (T + 1, B, width), the output first. Without a backward
            pass to come, states other than the output are kept in two places that take turns, (2, B, width).
        saved: Values that the gradient reads, (T, B, width).
        steps: T.
    """

    trails: dict[str, Tensor]
    saved: dict[int, Tensor]
    steps: int

    @property
    def names(self) -> tuple[tuple[str, ...], tuple[int, ...], int]:
        """All of it but the tensors."""
        return tuple(self.trails), tuple(self.saved), self.steps

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors; those of states first."""
        return *self.trails.values(), *self.saved.values()

    @classmethod
    def of(cls, names: tuple[tuple[str, ...], tuple[int, ...], int], tensors: Sequence[Tensor]) -> Kept:
        """What has these names and tensors."""
        states, nodes, steps = names
        trails, saved = tensors[: len(states)], tensors[len(states) :]
        return cls(dict(zip(states, trails, strict=True)), dict(zip(nodes, saved, strict=True)), steps)

    def output(self) -> Tensor:
        """The first state after each step, (T, B, width)."""
        return next(iter(self.trails.values()))[1:]

    def finals(self) -> tuple[Tensor, ...]:
        """Each state after the last step, (B, width), in memory of its own."""
        turns = self.steps % 2
        return tuple(t[turns if len(t) == 2 else self.steps].clone() for t in self.trails.values())


def run_forward(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Params,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    training: bool,
) -> Kept:
    """Run forward, without an autograd graph.

    The arguments are those of `conveyor.backends.reference.forward`, and whether a backward pass will follow.
    """
    recipe = forward_recipe(program, training)
    total, batch = x.shape[:2]
    hoisted = _Compiled(recipe.plan, params, widths, x).whole(_given(x, aux))
    arrays = {table.given(n): Array(_plain(hoisted[n], x)) for n in recipe.given}
    saved = {n: x.new_empty((total, batch, widths[program.nodes[n].type.width])) for n in recipe.saved}
    arrays |= {table.wanted(f"save {n}"): Array(s) for n, s in saved.items()}
    trails: dict[str, Tensor] = {}
    reads = {node.attr: n for n, node in enumerate(program.nodes) if node.op == "input"}
    for item, start in zip(program.states, states, strict=True):
        # For inference only the output is wanted at every step; the other states take turns in two places.
        turns = not training and item.name != program.states[0].name
        trail = x.new_empty((2 if turns else total + 1, batch, widths[item.width]))
        trail[0] = start
        arrays[table.wanted(f"state {item.name}")] = Array(trail, 1, turns)
        if item.name in reads:
            arrays[table.given(reads[item.name])] = Array(trail, 0, turns)
        trails[item.name] = trail
    steps.run(recipe.loop, arrays, params, widths, batch, 0, total, 1)
    return Kept(trails, saved, total)


def run_backward(
    program: Program,
    kept: Kept,
    x: Tensor,
    params: Params,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    grad_output: Tensor,
    grad_states: Sequence[Tensor],
) -> Gradients:
    """Run backward after a forward pass for training; gradients as those of `conveyor.backends.reference.backward`."""
    recipe = backward_recipe(program)
    derived = recipe.plan.program
    total, batch = x.shape[:2]
    evaluator = _Compiled(recipe.plan, params, widths, x)
    given = _given(x, aux)
    values = evaluator.whole(given, recipe.hoisted)
    arrays = {table.given(n): Array(_plain(values[n], x)) for n in recipe.given}
    arrays |= {table.given(n): Array(kept.saved[n]) for n in recipe.saved}
    reads = {node.attr: n for n, node in enumerate(derived.nodes) if node.op == "input"}
    carried: dict[str, Tensor] = {}
    for item, grad in zip(program.states, grad_states, strict=True):
        carry = x.new_empty((2, batch, widths[item.width]))
        carry[total % 2] = grad
        carried[item.name] = carry
        arrays[table.wanted(f"grad {item.name}")] = Array(carry, 0, True)
        if f"grad.{item.name}" in reads:
            arrays[table.given(reads[f"grad.{item.name}"])] = Array(carry, 1, True)
        if item.name in reads:
            arrays[table.given(reads[item.name])] = Array(kept.trails[item.name])
    first = program.states[0].name
    arrays[table.given(reads[f"grad_output.{first}"])] = Array(_plain(grad_output, x))
    sizes = [widths[derived.nodes[n].type.width] for n in recipe.left]
    left = x.new_empty((total, batch, sum(sizes)))
    for n, part in zip(recipe.left, left.split(sizes, -1), strict=True):
        arrays[table.wanted(f"left {n}")] = Array(part)
    steps.run(recipe.loop, arrays, params, widths, batch, total - 1, total, -1)
    # The loop keeps conditions as numbers.
    whole = kept.saved | dict(zip(recipe.left, left.split(sizes, -1), strict=True))
    values |= {n: v != 0 if derived.nodes[n].type.boolean else v for n, v in whole.items()}
    values |= {reads[n]: t[:-1] for n, t in kept.trails.items() if n in reads}
    after = After(recipe, evaluator, values, left, given)
    return after.gradients(x, tuple(carried[i.name][0] for i in program.states), params)


class _Compiled(Evaluator):
    """Products by the loop's own kernel, which is quicker than BLAS here and sums in one fixed order."""

    def products(self, pack: Pack, operand: Tensor) -> tuple[Tensor, ...]:
        weights = [self.params[("product", self.nodes[m].attr)] for m in pack.members]
        return product(operand, [dense(w, pack.blocks).t() for w in weights])

    def product_t(self, index: int, operand: Tensor) -> Tensor:
        node = self.nodes[index]
        blocks = self.plan.program.matrix(node).blocks
        return product(operand, [dense(self.params[("product", node.attr)], blocks)])[0]


def _given(x: Tensor, aux: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # What torch makes of the inputs before the loop has the same bits wherever their numbers lie.
    plain = {n: _plain(value, x) for n, value in {"x": x, **aux}.items()}
    return {n: value.expand(x.shape[0], -1, -1) for n, value in plain.items()}


def _plain(value: Tensor, like: Tensor) -> Tensor:
    """A tensor of the loop's type whose units lie side by side."""
    value = value.to(like.dtype)
    value = value.expand(1) if value.dim() == 0 else value
    return value if value.shape[-1] <= 1 or value.stride(-1) == 1 else value.contiguous()
