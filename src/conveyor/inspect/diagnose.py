"""Diagnosis of a model in plain sentences with figures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.inspect.finite import NotFinite, first_in_parameters, first_in_tensor, first_in_trace
from conveyor.inspect.flow import GradientFlow, checked_loss, flow_of
from conveyor.inspect.gradient_taps import GradientTaps
from conveyor.inspect.summary import sentences_of
from conveyor.layers.core.stack import Stack
from conveyor.layers.recording.record import trace_of
from conveyor.layers.recording.recorder import listening
from conveyor.layers.recording.trace import Trace


@dataclass(frozen=True)
class Diagnosis:
    """The findings of a diagnosis.

    Attributes:
        sentences: The findings in words, with the figures.
        not_finite: The first value that is not finite, or None.
        traces: Every named value, by the name of the layer in the model (empty if it is the model itself); of the last
            call of each.
        flows: The loss's gradient, likewise; none if the loss is not finite.
    """

    sentences: tuple[str, ...]
    not_finite: NotFinite | None
    traces: Mapping[str, Trace] = field(repr=False)
    flows: Mapping[str, GradientFlow] = field(repr=False)

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def diagnose(model: nn.Module, batch: Any, loss: Any = None, **given: Any) -> Diagnosis:
    """Describe a model's recurrent layers on a batch, and the problems that keep them from learning.

    The model runs once as it is, training or not; nothing of it changes, and no gradient is left in it.

    Args:
        model: A layer of conveyor's, or any module that has some.
        batch: What the model reads: its first argument, or a tuple of its arguments.
        loss: Makes one number of the model's result (of a layer: of its output). Without one, gradients are those
            of a fixed combination of the last layer's final output state.
        given: The model's arguments by name, such as `lengths`.

    Returns:
        Sentences, and the figures behind them: the first step, layer and value that is not finite; dead units; gates
        that are stuck; memory lengths; how much of the gradient reaches the first step.

    Raises:
        ArgumentError: The model has no layer of conveyor's or calls none, or the loss is no number.
    """
    if not isinstance(model, nn.Module):
        raise ArgumentError(f"model is a torch.nn.Module, got {type(model).__name__}")
    names = {layer: name for name, layer in model.named_modules() if isinstance(layer, Stack)}
    if not names:
        raise ArgumentError(
            f"model: {type(model).__name__} has no layer of conveyor's; swap torch.nn's for them with cv.replace(model)"
        )
    if loss is not None and not callable(loss):
        raise ArgumentError(f"loss is a function of what the model returns, got {type(loss).__name__}")
    with torch.enable_grad():
        calls, output = _watched(model, names, batch if isinstance(batch, tuple) else (batch,), given)
        if not calls:
            raise ArgumentError("model called none of its recurrent layers on this batch; is the batch what it reads?")
        found = (
            first_in_parameters(model)
            or next((bad for call in calls if (bad := first_in_tensor(call.given, f"the input of {call.title}"))), None)
            or next((bad for call in calls if (bad := first_in_trace(call.trace, call.title))), None)
        )
        flows = {} if found else _flows(calls, model, output, loss)
    traces = {c.name: c.trace for c in calls}
    said = [found.sentence()] if found else []
    several = len(traces) > 1
    for name, trace in () if found else traces.items():
        said += sentences_of(trace, flows.get(name), f"{name}, " if several else "")
    return Diagnosis(tuple(said), found, traces, flows)


@dataclass(frozen=True, eq=False)
class _Call:
    name: str
    probes: GradientTaps
    trace: Trace
    given: Any

    @property
    def title(self) -> str:
        return self.name or type(self.probes.layer).__name__


def _watched(
    model: nn.Module, names: Mapping[Stack, str], arguments: tuple[Any, ...], given: dict[str, Any]
) -> tuple[list[_Call], Any]:
    """Runs the model; returns the calls of its recurrent layers, and its result."""
    calls: list[_Call] = []
    waiting: list[GradientTaps] = []

    def on_call(layer: Stack) -> GradientTaps | None:
        if layer not in names:
            return None
        waiting.append(GradientTaps(layer, None))
        return waiting[-1]

    def finished(layer: nn.Module, args: Any, kwargs: dict[str, Any], returned: Any) -> None:
        assert isinstance(layer, Stack)
        if not waiting or waiting[-1].layer is not layer or not waiting[-1].units:
            return  # the model itself listens, and records this call
        probes = waiting.pop()
        read = args[0] if args else kwargs.get("x", kwargs.get("input"))
        trace = trace_of(probes, returned, read, kwargs.get("lengths"))
        calls.append(_Call(names[layer], probes, trace, read))

    with ExitStack() as stack:
        for layer in names:
            stack.callback(layer.register_forward_hook(finished, with_kwargs=True).remove)
        with listening(on_call):
            output = model(*arguments, **given)
    return calls, output


def _flows(calls: list[_Call], model: nn.Module, output: Any, loss: Any) -> dict[str, GradientFlow]:
    if loss is None:
        value = _combination(calls[-1])
    else:
        value = checked_loss(loss(output[0] if isinstance(model, Stack) else output))
    return {c.name: flow_of(c.probes, value, 0) for c in calls} if value.isfinite() else {}


def _combination(call: _Call) -> Tensor:
    """Returns a fixed combination of the final output states of the last layer, both directions."""
    stack = call.probes.layer
    state = call.trace.state
    first = state if isinstance(state, Tensor) else state[0]
    last = first[-1] if isinstance(first, tuple) else first[-stack.num_directions :]
    signs = torch.randint(0, 2, last.shape[-1:], generator=torch.Generator().manual_seed(0)) * 2 - 1
    return (last * signs.to(last)).sum()
