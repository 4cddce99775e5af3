"""How much of a gradient reaches every step, and the products of Jacobians that carry it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from conveyor.backends.evaluate import Evaluator
from conveyor.errors import ArgumentError
from conveyor.layers.check import check_aux_names, check_input, describe, sequence_aux
from conveyor.layers.connections import KINDS
from conveyor.layers.stack import Stack
from conveyor.layers.unit import Unit
from conveyor.plan import plan

if TYPE_CHECKING:
    import pandas as pd

Numbers = NDArray[np.float64]
_EXACT = 64  # units up to which a product's norm is that of its singular values; above, by power iteration
_ITERATIONS = 50


@dataclass(frozen=True)
class UnitFlow:
    """What reaches the states of one direction of one layer, at the input's time index.

    Attributes:
        gradients: By state, ‖∂L/∂s_t‖ over the batch and the units, (T,): all that a change of the state after step t
            changes, on every path.
        jacobians: By state, ‖∂s_end/∂s_t‖, (T,): the 2-norm of that block of the product of the steps' Jacobians, the
            other states after step t held as they are; the mean over the batch. Empty if it was not asked for.
    """

    gradients: Mapping[str, Numbers]
    jacobians: Mapping[str, Numbers]

    def __getitem__(self, state: str) -> Numbers:
        if state not in self.gradients:
            raise ArgumentError(f"flow has no state {state!r}; it has {', '.join(self.gradients)}")
        return self.gradients[state]


@dataclass(frozen=True)
class LayerFlow(UnitFlow):
    """What reaches the states of one layer.

    Attributes:
        reverse: The same of the direction that runs from the end, or None.
    """

    reverse: UnitFlow | None = None


@dataclass(frozen=True)
class GradientFlow:
    """What reaches the states of all layers.

    Attributes:
        layers: A `LayerFlow` a layer.
        loss: The loss.
    """

    layers: tuple[LayerFlow, ...]
    loss: float

    def layer(self, k: int) -> LayerFlow:
        """Of layer `k`; negative numbers count from the last."""
        if isinstance(k, bool) or not isinstance(k, int) or not -len(self.layers) <= k < len(self.layers):
            raise ArgumentError(f"flow has layers 0 to {len(self.layers) - 1}, got {k!r}")
        return self.layers[k]

    def __getitem__(self, state: str) -> Numbers:
        if len(self.layers) != 1:
            raise ArgumentError(f"flow has {len(self.layers)} layers; say which: flow.layer(0)[{state!r}]")
        return self.layers[0][state]

    def to_pandas(self) -> pd.DataFrame:
        """A row for each layer, direction, state and step; the columns are `gradient` and `jacobian`.

        Raises:
            ArgumentError: pandas is not installed.
        """
        from conveyor.layers.tables import require_pandas

        pandas = require_pandas()
        rows = []
        for k, layer in enumerate(self.layers):
            for way, flow in (("forward", layer), ("reverse", layer.reverse)):
                for state, norms in {} if flow is None else flow.gradients.items():
                    along = flow.jacobians.get(state) if flow is not None else None
                    rows += [
                        (k, way, state, t, norm, np.nan if along is None else along[t]) for t, norm in enumerate(norms)
                    ]
        table: pd.DataFrame = pandas.DataFrame(
            rows, columns=["layer", "direction", "state", "step", "gradient", "jacobian"]
        )
        return table


def gradient_flow(
    layer: Stack,
    x: Tensor,
    loss: Callable[[Tensor], Tensor] | None = None,
    *,
    jacobians: bool = True,
    **aux: Tensor,
) -> GradientFlow:
    """How much of a loss's gradient reaches every state of every step, and what carries it.

    Computed in float64 by plain torch, step by step; dropout is off.

    Args:
        layer: A layer of conveyor's.
        x: Its input, (T, B, I), or (B, T, I) with `batch_first`.
        loss: A number from the output, laid out as the layer gives it; None is the sum of the last step's outputs.
        jacobians: Whether the products of Jacobians are worked out, too: T products of matrices as large as all states.
        aux: The auxiliary inputs that the cells read.

    Returns:
        Norms by layer, direction, state and step.

    Raises:
        ArgumentError: The layer is none of conveyor's, the input does not fit, or the loss is no number.

    Source: Hochreiter, Bengio, Frasconi & Schmidhuber 2001, "Gradient flow in recurrent nets", sec. 2.
    """
    if not isinstance(layer, Stack):
        raise ArgumentError(f"layer is a sequence layer such as cv.Recurrent, got {type(layer).__name__}")
    check_input(x, layer.input_size, layer._like(), layer.batch_first, (3,))
    check_aux_names(aux, layer.aux_names, f"cell {describe(layer.units)}", "(T, B) or (T, B, K)")
    if layer.connections != KINDS[0]:
        raise ArgumentError(
            f"layer: gradient flow follows layers one after the other, and this one has {layer.connections} connections"
        )
    run = _Run(layer, x, aux)
    output = run.output.transpose(0, 1) if layer.batch_first else run.output
    value = output[:, -1].sum() if loss is None and layer.batch_first else output[-1].sum() if loss is None else None
    value = loss(output) if value is None and loss is not None else value
    if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad:
        got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ArgumentError(f"loss gives one number that depends on the output, got {got}")
    every = [s for trail in run.trails for steps in trail.values() for s in steps]
    grads = iter(torch.autograd.grad(value.sum(), every, allow_unused=True))
    norms = [{n: np.array([_norm(next(grads)) for _ in steps]) for n, steps in trail.items()} for trail in run.trails]
    along = [run.jacobians(k) if jacobians else {} for k in range(len(run.trails))]
    flows = []
    for k, unit in enumerate(layer.units):
        turn = -1 if unit.suffix.endswith("_reverse") else 1
        flows.append(UnitFlow(*({n: v[::turn] for n, v in part.items()} for part in (norms[k], along[k]))))
    pairs = [flows[k : k + layer.num_directions] for k in range(0, len(flows), layer.num_directions)]
    layers = tuple(LayerFlow(p[0].gradients, p[0].jacobians, p[1] if len(p) > 1 else None) for p in pairs)
    return GradientFlow(layers, float(value.detach()))


def _norm(grad: Tensor | None) -> float:
    return 0.0 if grad is None else float(grad.norm())


class _Run:
    """A layer, step by step, with every state a tensor of its own.

    Attributes:
        trails: Of each unit, in its own order of time, the states after each step.
        output: Of the last layer, (T, B, width).
    """

    def __init__(self, layer: Stack, x: Tensor, aux: Mapping[str, Tensor]) -> None:
        self.layer = layer
        x = (x.transpose(0, 1) if layer.batch_first else x).detach()
        self.trails: list[dict[str, list[Tensor]]] = []
        self._before: list[dict[str, Tensor]] = []
        self._runs: list[Evaluator] = []
        with torch.enable_grad():
            for k in range(0, len(layer.units), layer.num_directions):
                outputs = []
                for unit in layer.units[k : k + layer.num_directions]:
                    turn = unit.suffix.endswith("_reverse")
                    given = {
                        a.name: sequence_aux(a.name, aux[a.name], x, unit.widths[a.width], True, layer.batch_first)
                        for a in unit.program.aux
                    }
                    every = {"x": x, **given}
                    output = self._follow(unit, {n: v.flip(0) if turn else v for n, v in every.items()})
                    outputs.append(output.flip(0) if turn else output)
                x = torch.cat(outputs, -1)
        self.output = x

    def _follow(self, unit: Unit, given: Mapping[str, Tensor]) -> Tensor:
        x = given["x"]
        params = {key: p.detach().double() for key, p in unit.bind(self.layer).items()}
        wide = {n: v.double().expand(len(x), -1, -1) for n, v in given.items()}
        run = Evaluator(plan(unit.program), params, unit.widths, wide["x"])
        run.hoist(wide)
        initial = [t.detach().double().expand(x.shape[1], -1) for t in unit.initial(self.layer)]
        zeros = [wide["x"].new_zeros(x.shape[1], unit.widths[s.width]) for s in unit.program.states]
        now = {s.name: v for s, v in zip(unit.program.states, initial or zeros, strict=True)}
        now = {n: v.clone().requires_grad_() for n, v in now.items()}
        self._before.append(now)
        trail: dict[str, list[Tensor]] = {n: [] for n in now}
        for t in range(len(x)):
            now = self._step(run, t, now)
            for name, value in now.items():
                trail[name].append(value)
        self._runs.append(run)
        self.trails.append(trail)
        return torch.stack(trail[unit.program.states[0].name])

    @staticmethod
    def _step(run: Evaluator, t: int, now: Mapping[str, Tensor]) -> dict[str, Tensor]:
        values = run.step(t, now)
        after = {o.name: values[o.args[0]] for o in run.plan.program.outputs}
        after = {n: v if v.shape == now[n].shape else v.expand_as(now[n]) for n, v in after.items()}
        # A state that a step leaves as it was is another value all the same.
        return {n: v.view_as(v) if any(v is old for old in now.values()) else v for n, v in after.items()}

    def jacobians(self, k: int) -> dict[str, Numbers]:
        """Of a unit, by state: the norm of the last step's state by that of each step."""
        run, trail = self._runs[k], self.trails[k]
        widths = [steps[0].shape[-1] for steps in trail.values()]
        edges = np.cumsum([0, *widths])
        found = {n: np.ones(len(steps)) for n, steps in trail.items()}
        product: Tensor | None = None
        for t in range(len(next(iter(trail.values()))) - 1, 0, -1):
            step = self._of_step(run, t, {n: steps[t - 1].detach() for n, steps in trail.items()})
            product = step if product is None else product @ step
            for name, a, b in zip(trail, edges, edges[1:], strict=False):
                found[name][t - 1] = float(_norms(product[:, a:b, a:b]).mean())
        return found

    @staticmethod
    def _of_step(run: Evaluator, t: int, before: dict[str, Tensor]) -> Tensor:
        """The Jacobian of all states after step t by those before it, (B, n, n)."""
        with torch.enable_grad():
            now = {n: v.requires_grad_() for n, v in before.items()}
            after = torch.cat(list(_Run._step(run, t, now).values()), -1)
            width = after.shape[-1]
            basis = torch.eye(width, dtype=after.dtype).unsqueeze(1).expand(-1, after.shape[0], -1)
            rows = torch.autograd.grad(after, list(now.values()), basis, is_grads_batched=True, allow_unused=True)
        whole = [after.new_zeros(width, *v.shape) if r is None else r for r, v in zip(rows, now.values(), strict=True)]
        return torch.cat(whole, -1).transpose(0, 1)


def _norms(matrices: Tensor) -> Tensor:
    """The 2-norms of matrices (B, n, n)."""
    if not matrices.isfinite().all():
        return matrices.new_full((len(matrices),), torch.inf)
    if matrices.shape[-1] <= _EXACT:
        exact: Tensor = torch.linalg.matrix_norm(matrices, 2)
        return exact
    v = torch.randn(*matrices.shape[:-1], 1, dtype=matrices.dtype, generator=torch.Generator().manual_seed(0))
    norm = matrices.new_zeros(len(matrices))
    for _ in range(_ITERATIONS):
        v = v / v.norm(dim=1, keepdim=True).clamp_min(torch.finfo(v.dtype).tiny)
        u = matrices @ v
        norm = u.norm(dim=1).squeeze(-1)
        v = matrices.mT @ u
    return norm
