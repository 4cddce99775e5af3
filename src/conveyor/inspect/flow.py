"""Measures the gradient of a loss with respect to the states at every time step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from conveyor.errors import ArgumentError
from conveyor.inspect.gradient_taps import DirectionRun, GradientTaps
from conveyor.inspect.jacobians import jacobian_norms
from conveyor.layers.core.stack import Stack
from conveyor.layers.recording.recorder import listening
from conveyor.scalars import as_whole


class LayerFlow(Mapping[str, Tensor]):
    """Norms of one layer by state: `flow["c"]` is ‖∂L/∂c_t‖ over the batch and the units, (T,), at the input's index.

    Attributes:
        rows: The norms of each sequence, (T, B).
        jacobians: ‖∂s_T/∂s_t‖ by state, (T, sequences), with T the sequence's own last step (its first, in the reverse
            direction), zero past its end; empty if none were requested.
        reverse: The reverse direction; None if there is none.
    """

    def __init__(
        self, rows: Mapping[str, Tensor], jacobians: Mapping[str, Tensor], reverse: LayerFlow | None = None
    ) -> None:
        self.rows = rows
        self.jacobians = jacobians
        self.reverse = reverse

    def __getitem__(self, state: str) -> Tensor:
        if state not in self.rows:
            raise ArgumentError(f"flow has no state {state!r}; it has {', '.join(self.rows)}")
        norms: Tensor = self.rows[state].norm(dim=1)
        return norms

    def __contains__(self, state: object) -> bool:
        return state in self.rows

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        said = (f"{n}: {_said(self[n])}" for n in self)
        return f"LayerFlow({', '.join(said)}{', both ways' if self.reverse else ''})"


class GradientFlow:
    """Norms of a loss's gradient with respect to every state, for each layer and time step.

    Attributes:
        layers: One `LayerFlow` per layer.
        loss: The loss.
    """

    def __init__(self, layers: tuple[LayerFlow, ...], loss: float) -> None:
        self.layers = layers
        self.loss = loss

    def layer(self, k: int) -> LayerFlow:
        """Return the norms of layer `k`, from 0; negative numbers count from the last.

        Raises:
            ArgumentError: There is no such layer.
        """
        if isinstance(k, bool) or not isinstance(k, int) or not -len(self.layers) <= k < len(self.layers):
            raise ArgumentError(f"flow has layers 0 to {len(self.layers) - 1}, got {k!r}")
        return self.layers[k]

    def __getitem__(self, state: str) -> Tensor:
        if len(self.layers) != 1:
            raise ArgumentError(f"flow has {len(self.layers)} layers; say which: flow.layer(0)[{state!r}]")
        return self.layers[0][state]

    @property
    def jacobians(self) -> Mapping[str, Tensor]:
        """The Jacobian norms of a single layer."""
        if len(self.layers) != 1:
            raise ArgumentError(f"flow has {len(self.layers)} layers; say which: flow.layer(0).jacobians")
        return self.layers[0].jacobians

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        return f"GradientFlow({', '.join(map(repr, self.layers))})"

    def to_numpy(self) -> dict[tuple[int, str, str], NDArray[np.float64]]:
        """Return norms over the batch and the units, (T,), by (layer, direction, state)."""
        return {
            (k, way, name): flow[name].numpy(force=True)
            for k, layer in enumerate(self.layers)
            for way, flow in (("forward", layer), ("reverse", layer.reverse))
            if flow is not None
            for name in flow
        }


def gradient_flow(
    layer: Stack,
    x: Any,
    loss: Callable[[Any], Tensor],
    state: Any = None,
    *,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    jacobians: int = 1,
    **aux: Tensor,
) -> GradientFlow:
    """Measure how much of a loss's gradient reaches each state at each step, and how far states depend on their past.

    Nothing is left behind: no parameter's `.grad` changes.

    Args:
        layer: A layer of conveyor's.
        x: The input; for it and the following ones see the layer's call.
        loss: Makes one number of the layer's output, such as `lambda y: criterion(head(y[-1]), target)`.
        state: The initial states.
        lengths: The length of each sequence.
        reset: Where a new sequence starts.
        jacobians: The number of sequences, from the batch's first, whose norms ‖∂s_T/∂s_t‖ are computed too. They are
            exact up to 128 units and by power iteration (from below) beyond. They take memory for T matrices (H, H);
            0 leaves them out.
        aux: The auxiliary inputs.

    Returns:
        ‖∂L/∂s_t‖ as `flow.layer(k)["c"]`, (T,), each a total derivative: by way of the same step's output, of later
        steps and of layers above. ‖∂c_T/∂c_t‖ as `flow.layer(k).jacobians["c"]`, (T, sequences), within one layer.

    Raises:
        ArgumentError: The call is wrong, or the loss is no number that depends on the output.
    """
    if not isinstance(layer, Stack):
        raise ArgumentError(
            f"layer is a layer of conveyor's, got {type(layer).__name__}; cv.diagnose takes any model that has some"
        )
    jacobians = as_whole("jacobians", jacobians, 0, "a number of sequences from 0")
    if not callable(loss):
        raise ArgumentError(f"loss is a function of the layer's output, got {type(loss).__name__}")
    probes = GradientTaps(layer)
    with torch.enable_grad():
        with listening(lambda called: probes if called is layer and not probes.runs else None):
            output, _ = layer(x, state, lengths=lengths, reset=reset, **aux)
        return flow_of(probes, checked_loss(loss(output)), jacobians)


def checked_loss(value: Any) -> Tensor:
    """Check that a loss is a scalar with a gradient, and return it.

    Raises:
        ArgumentError: It is something else.
    """
    if not isinstance(value, Tensor) or value.numel() != 1:
        got = f"{tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ArgumentError(f"loss gives a tensor with one number, got {got}; add .mean() or .sum()")
    if not value.requires_grad:
        raise ArgumentError("loss gives a number that depends on the output, got one without a gradient")
    return value.reshape(())


def flow_of(probes: GradientTaps, loss: Tensor, jacobians: int) -> GradientFlow:
    """Return the gradient flow of a call with gradient taps."""
    norms = {
        suffix: {n: g.double().norm(dim=-1) for n, g in of.items()} for suffix, of in probes.gradients(loss).items()
    }
    stack = probes.layer
    made = []
    for unit in stack.units:
        run = probes.runs[unit.suffix]
        # Their name a unit's own parameters have, so that both directions are told apart.
        made.append((norms[unit.suffix], _jacobians(run, jacobians, stack.backend_used) if jacobians else {}))
    directions = stack.num_directions
    return GradientFlow(
        tuple(
            LayerFlow(*made[k], LayerFlow(*made[k + 1]) if directions == 2 else None)
            for k in range(0, len(made), directions)
        ),
        float(loss.detach()),
    )


def _jacobians(run: DirectionRun, sequences: int, backend: str) -> dict[str, Tensor]:
    steps, count = run.order.steps, min(sequences, len(run.states[0]))
    found = {s.name: torch.zeros((steps, count), dtype=torch.float64) for s in run.program.states}
    for row in range(count):
        for name, norms in jacobian_norms(run, row, backend).items():
            found[name][: len(norms), row] = norms if run.order.forwards else norms.flip(0)
    return found


def _said(norms: Tensor) -> str:
    return f"{float(norms[0]):.1e} … {float(norms[-1]):.1e}" if len(norms) else "no steps"
