"""Finding the first value that is not finite, once a loss or a gradient is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from conveyor.errors import NonFiniteError
from conveyor.tasks.training.state import State, state_tensors

_MEND = "lower --lr, or clip with --clip"


def explain_loss(
    model: nn.Module, forward: Callable[[], object], state: State, step: int, loss: float
) -> NonFiniteError:
    """Run a batch again and name the first value that is not finite.

    Args:
        model: as it was when the loss went wrong.
        forward: runs it on that batch.
        state: before that batch.
        step: number of the step, from 1.
        loss: what it gave.

    Returns:
        The error to raise.
    """
    what = _bad_parameter(model) or _bad_state(state) or _bad_output(model, forward) or "the loss itself"
    return NonFiniteError(f"step {step}: expected a finite loss, got {loss}; first bad value: {what}; {_MEND}")


def explain_gradient(what: str, step: int) -> NonFiniteError:
    """Say that a gradient, described by `first_bad_gradient`, is not finite."""
    return NonFiniteError(f"step {step}: expected finite gradients; first bad value: {what}; {_MEND}")


def explain_update(step: int, lr: float) -> NonFiniteError:
    """Say that the update is larger than the weights' type can hold."""
    return NonFiniteError(f"step {step}: expected a finite update, but a learning rate of {lr:g} overflows; {_MEND}")


def explain_validation(step: int, loss: float) -> NonFiniteError:
    """Say that the validation loss is not finite although the training loss was."""
    return NonFiniteError(f"step {step}: expected a finite validation loss, got {loss}; {_MEND}")


def first_bad_gradient(model: nn.Module) -> str | None:
    """Describe the first gradient that is not finite, from the model's end; None if there is none."""
    for name, parameter in reversed(list(model.named_parameters())):
        if parameter.grad is not None and (where := _first_bad(parameter.grad)):
            return f"gradient of {name}{where}"
    return None


def _bad_parameter(model: nn.Module) -> str | None:
    for name, parameter in model.named_parameters():
        if where := _first_bad(parameter):
            return f"parameter {name}{where}"
    return None


def _bad_state(state: State) -> str | None:
    for name, tensor in state_tensors(state, "carried state").items():
        if where := _first_bad(tensor):
            return f"{name}{where}"
    return None


def _bad_output(model: nn.Module, forward: Callable[[], object]) -> str | None:
    found: list[str] = []
    with ExitStack() as stack:
        for name, module in model.named_modules():
            if name:
                stack.callback(module.register_forward_hook(_recorder(name, found)).remove)
        with torch.no_grad():
            forward()
    return found[0] if found else None


def _recorder(name: str, found: list[str]) -> Any:
    def record(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if found:
            return
        first, *rest = _tensors(output)
        if where := _first_bad(first):
            found.append(f"output of layer {name}{_deepest(rest)}{where}")

    return record


def _deepest(state: list[Tensor]) -> str:
    """Name the lowest of stacked layers whose final state is bad: what is above it only took the value over."""
    bad = [
        layer
        for tensor in state
        for layer, rows in enumerate(tensor if tensor.dim() == 3 else [tensor])
        if not bool(rows.isfinite().all())
    ]
    return f" (lowest layer with a bad state: {min(bad)})" if bad else ""


def _tensors(output: Any) -> Iterator[Tensor]:
    return iter(state_tensors(output).values())


def _first_bad(tensor: Tensor) -> str | None:
    bad = ~torch.isfinite(tensor)
    if not bool(bad.any()):
        return None
    index = tuple(bad.nonzero()[0].tolist())
    step = f" at time step {index[0]}" if tensor.dim() == 3 else ""
    return f"[{', '.join(map(str, index))}] = {tensor[index].item()}{step}"
