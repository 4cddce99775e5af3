"""The gradients that are worked out for all steps at once, from what the backward loop leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from conveyor.backends.cpu.products import outer, product
from conveyor.backends.cpu.recipe import Backward
from conveyor.backends.evaluate import Evaluator, Params
from conveyor.backends.results import Gradients
from conveyor.program import Matrix


class After:
    """Gradients of the input and the parameters.

    Args:
        recipe: Of the backward pass.
        evaluator: Of the backward program.
        values: What is known of its nodes, for all steps.
        left: What the loop left, (T, B, columns); `values` holds views of it.
        given: The input and the auxiliary inputs, by name.
    """

    def __init__(
        self,
        recipe: Backward,
        evaluator: Evaluator,
        values: dict[int, Tensor],
        left: Tensor,
        given: Mapping[str, Tensor],
    ) -> None:
        self.recipe = recipe
        self.program = recipe.plan.program
        self.evaluator = evaluator
        self.values = values
        self.left = left
        self.given = given
        self.after = frozenset(recipe.after)
        self._totals: dict[int, Tensor] | None = None

    def gradients(self, x: Tensor, states: tuple[Tensor, ...], params: Params) -> Gradients:
        """All gradients; those of the initial states are known."""
        d_x: Tensor | None = None
        d_aux: dict[str, Tensor] = {}
        d_params: dict[tuple[str, str], Tensor] = {}
        for out in self.recipe.outputs:
            if out.role == "grad_input":
                d_x = self._whole(out.args[0]).expand_as(x)
            elif out.role == "grad_aux":
                d_aux[out.name] = self._whole(out.args[0]).expand_as(self.given[out.name])
            elif out.role in ("grad_bias", "grad_vector"):
                key = (out.role.removeprefix("grad_"), out.name)
                d_params[key] = self._total(out.args[0])
        d_params |= self._matrices()
        for key, param in params.items():
            if key not in d_params:
                d_params[key] = torch.zeros_like(param)
        for name, value in self.given.items():
            if name != "x" and name not in d_aux:
                d_aux[name] = torch.zeros_like(value)
        return Gradients(torch.zeros_like(x) if d_x is None else d_x, states, d_aux, d_params)

    def _total(self, n: int) -> Tensor:
        """The sum of a value over time and batch."""
        if n in self.recipe.left and not self.program.nodes[n].type.boolean:
            if self._totals is None:
                # One pass over everything that the loop left.
                sizes = [self.values[m].shape[-1] for m in self.recipe.left]
                total = self.left.flatten(0, 1).sum(0)
                self._totals = dict(zip(self.recipe.left, total.split(sizes), strict=True))
            return self._totals[n]
        steps, batch = self.given["x"].shape[:2]
        return self._whole(n).expand(steps, batch, -1).sum((0, 1))

    def _whole(self, n: int) -> Tensor:
        """The value of a node for all steps."""
        if n not in self.values:
            node = self.program.nodes[n]
            joined = self._joined(n) if node.op == "add" else None
            if joined is not None:
                self.values[n] = joined
            else:
                for a in node.args:
                    self._whole(a)
                self.evaluator.evaluate(n, self.values, self.given)
        return self.values[n]

    def _joined(self, n: int) -> Tensor | None:
        """A sum of products by several matrices as one product, of operands side by side by matrices on each other."""
        terms = self._terms(n)
        products = [t for t in terms if self._is_product(t)]
        if len(products) < 2:
            return None
        nodes = self.program.nodes
        order = {a: k for k, a in enumerate(self.recipe.left)}
        products.sort(key=lambda t: order.get(nodes[t].args[0], len(order)))
        weights = [self.evaluator.params[("product", nodes[t].attr)] for t in products]
        total = product(self._beside([nodes[t].args[0] for t in products]), [torch.cat(weights)])[0]
        for t in terms:
            if t not in products:
                total = total + self._whole(t)
        return total

    def _terms(self, n: int) -> list[int]:
        node = self.program.nodes[n]
        if n in self.after and n not in self.values and node.op == "add":
            return [t for a in node.args for t in self._terms(a)]
        return [n]

    def _is_product(self, n: int) -> bool:
        node = self.program.nodes[n]
        return n in self.after and node.op == "product_t" and self.program.matrix(node).blocks == 1

    def _beside(self, nodes: Sequence[int]) -> Tensor:
        """Values side by side; a view where the loop left them so."""
        parts = [self._whole(n) for n in nodes]
        start = (parts[0].data_ptr() - self.left.data_ptr()) // self.left.element_size()
        at = start
        for n, part in zip(nodes, parts, strict=True):
            if n not in self.recipe.left or part.data_ptr() != self.left.data_ptr() + at * self.left.element_size():
                return torch.cat(parts, -1)
            at += part.shape[-1]
        return self.left[..., start:at]

    def _matrices(self) -> dict[tuple[str, str], Tensor]:
        """Gradients of the matrices; those with one operand as one product."""
        packs: dict[tuple[int, int], list[tuple[int, str]]] = {}
        order = {a: k for k, a in enumerate(self.recipe.left)}
        for out in self.recipe.outputs:
            if out.role == "grad_matrix":
                matrix = self.program.param[("product", out.name)]
                assert isinstance(matrix, Matrix)
                packs.setdefault((out.args[1], matrix.blocks), []).append((out.args[0], out.name))
        found: dict[tuple[str, str], Tensor] = {}
        for (operand, blocks), members in packs.items():
            members.sort(key=lambda m: order.get(m[0], len(order)))
            v = self._whole(operand)
            if blocks == 1:
                sizes = [self._whole(n).shape[-1] for n, _ in members]
                parts = outer(self._beside([n for n, _ in members]), v).split(sizes)
                found |= {("product", name): part for (_, name), part in zip(members, parts, strict=True)}
            else:
                for n, name in members:
                    g = self._whole(n).flatten(0, 1).unflatten(-1, (blocks, -1))
                    pair = torch.einsum("bkr,bkc->krc", g, v.flatten(0, 1).unflatten(-1, (blocks, -1)))
                    found[("product", name)] = pair.flatten(0, 1)
        return found
