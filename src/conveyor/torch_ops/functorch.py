"""The compiled passes under torch.func: as functions with gradients and batch rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from conveyor.backends.interface import RecurrenceArgs, RecurrenceSpec
from conveyor.torch_ops import derivatives, passes
from conveyor.torch_ops.modes import asks_for_tangents, is_transformed

Tensors = tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class _Call:
    """The arguments of a call that are not tensors.

    Its tensors are the gradients of the output and of the final states, if it runs backward; the input, the states, the
    auxiliary inputs and the parameters; the lengths, if it has any; and the residuals, if it runs backward.
    """

    spec: RecurrenceSpec
    params: int
    has_lengths: bool
    training: bool = True
    wants_x: bool = True
    wants_params: bool = True

    @property
    def states(self) -> int:
        return len(self.spec.program.states)

    @property
    def inputs(self) -> int:
        return 1 + self.states + len(self.spec.program.aux) + self.params

    def split(self, tensors: Sequence[Any]) -> tuple[RecurrenceArgs, Tensors]:
        """Split the tensors into the arguments of a pass and the remaining ones."""
        lengths = tensors[self.inputs] if self.has_lengths else None
        given = self.spec.bind(tensors[: self.inputs], lengths)
        return given, tuple(tensors[self.inputs + self.has_lengths :])


def run(given: RecurrenceArgs) -> tuple[Tensor, Tensors]:
    """Compute the output and the final states, under any transforms of torch.func but those of forward mode."""
    training = torch.is_grad_enabled() and any(map(_wants_gradient, given.tensors))
    call = _Call(given.spec, len(given.params), given.lengths is not None, training)
    lengths = () if given.lengths is None else (given.lengths,)
    found = _Forward.apply(call, *given.tensors, *lengths)  # type: ignore[no-untyped-call]
    return found[0], tuple(found[1 : 1 + call.states])


def _wants_gradient(tensor: Tensor) -> bool:
    """Tell whether a tensor requires a gradient at any level of transforms."""
    while not tensor.requires_grad:
        if not torch._C._functorch.is_functorch_wrapped_tensor(tensor):
            return False
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return True


class _Forward(torch.autograd.Function):
    @staticmethod
    def forward(call: _Call, *tensors: Tensor) -> Tensors:
        given, _ = call.split(tensors)
        return tuple(passes.run_forward(given, "cpu", call.training))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensors) -> None:
        ctx.call, *tensors = inputs
        kept = output[1 + ctx.call.states :]
        ctx.mark_non_differentiable(*kept)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, *kept)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        call: _Call = ctx.call
        received = passes.whole_gradients(call.spec, ctx.saved_tensors[0], grads)
        _, wants_x, *wants = ctx.needs_input_grad
        wants_params = any(wants[call.inputs - 1 - call.params : call.inputs - 1])
        none = (None,) * call.has_lengths
        if asks_for_tangents():
            given, _ = call.split(ctx.saved_tensors)
            return None, *derivatives.gradients(given, received), *none
        call = replace(call, wants_x=wants_x, wants_params=wants_params)
        found = list(_Backward.apply(call, *received, *ctx.saved_tensors))  # type: ignore[no-untyped-call]
        if not wants_x:
            found.insert(0, None)
        if not wants_params:
            found += [None] * call.params
        return None, *found, *none

    @staticmethod
    def vmap(info: Any, dims: tuple[Any, ...], call: _Call, *tensors: Tensor) -> tuple[Tensors, Any]:
        batch = _Batch(info.batch_size, tensors, dims[1:])
        shared = all(d is None for d in batch.dims[call.inputs - call.params :])
        if not shared or call.has_lengths:
            if call.has_lengths or is_transformed() or _is_noted(tensors):
                return batch.run_each(lambda ts: _Forward.apply(call, *ts))  # type: ignore[no-untyped-call]
            stacked = passes.Stacked(info.batch_size)

            def run_one(ts: list[Tensor]) -> list[Tensor]:
                return passes.run_forward(call.split(ts)[0], "cpu", call.training, stacked)

            return batch.run_each(run_one, stacked.whole)
        axes = [*_input_axes(call), *[None] * call.params]
        return batch.run_folded(
            lambda ts: _Forward.apply(call, *ts),  # type: ignore[no-untyped-call]
            axes,
            [_SEQUENCE, *[_ROWS] * (2 * call.states + 1 if call.training else call.states)],
        )


class _Backward(torch.autograd.Function):
    @staticmethod
    def forward(call: _Call, *tensors: Tensor) -> Tensors:
        grads, rest = tensors[: 1 + call.states], tensors[1 + call.states :]
        given, kept = call.split(rest)
        found = passes.run_backward(given, "cpu", grads, kept, call.wants_x)
        return tuple(found if call.wants_params else found[: len(found) - call.params])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensors) -> None:
        ctx.call, *tensors = inputs
        ctx.kept = 2 * (1 + ctx.call.states) + ctx.call.inputs + ctx.call.has_lengths - len(tensors)
        ctx.save_for_backward(*tensors[: 1 + ctx.call.states + ctx.call.inputs + ctx.call.has_lengths])

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Any, ...]:
        call: _Call = ctx.call
        count = 1 + call.states
        grads, rest = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
        given, _ = call.split(rest)
        whole = list(cotangents)
        if not call.wants_x:
            whole.insert(0, torch.zeros_like(given.x))
        if not call.wants_params:
            whole += [torch.zeros_like(p) for p in given.params]
        found = derivatives.second(given, grads, whole)
        return None, *found, *(None,) * (call.has_lengths + 1 + call.states)

    @staticmethod
    def vmap(info: Any, dims: tuple[Any, ...], call: _Call, *tensors: Tensor) -> tuple[Tensors, Any]:
        batch = _Batch(info.batch_size, tensors, dims[1:])
        count = 1 + call.states
        shared = all(d is None for d in batch.dims[count + call.inputs - call.params : count + call.inputs])
        if not shared or call.wants_params or call.has_lengths:
            return batch.run_each(lambda ts: _Backward.apply(call, *ts))  # type: ignore[no-untyped-call]
        inputs = _input_axes(call)
        axes = [_SEQUENCE, *[_ROWS] * call.states, *inputs, *[None] * call.params, *[_ROWS] * count]
        return batch.run_folded(
            lambda ts: _Backward.apply(call, *ts),  # type: ignore[no-untyped-call]
            axes,
            inputs if call.wants_x else inputs[1:],
        )


def _is_noted(tensors: Sequence[Tensor]) -> bool:
    """Tell whether torch's autograd records an operation on these tensors."""
    return torch.is_grad_enabled() and any(t.requires_grad for t in tensors)


# The axis of a tensor that counts rows; the members of a batch stand right behind it when they are folded into it.
_SEQUENCE, _ROWS = 1, 0


def _input_axes(call: _Call) -> list[int | None]:
    """Return the batch axes of the input, the states and the auxiliary inputs."""
    return [_SEQUENCE, *[_ROWS] * call.states, *[_SEQUENCE] * len(call.spec.program.aux)]


@dataclass(frozen=True, eq=False)
class _Batch:
    """Tensors some of which have a vmap axis.

    Attributes:
        size: The size of the vmap axis.
        tensors: The tensors.
        dims: For each of them the vmap axis, or None if it has none.
    """

    size: int
    tensors: Sequence[Tensor]
    dims: Sequence[int | None]

    def run_each(
        self,
        apply: Callable[[list[Tensor]], Sequence[Tensor]],
        stack: Callable[[Sequence[Tensor]], Tensor] = torch.stack,  # type: ignore[assignment]
    ) -> tuple[Tensors, Any]:
        """Run one member of the vmap axis after another."""
        found = [
            apply([t if d is None else t.select(d, m) for t, d in zip(self.tensors, self.dims, strict=True)])
            for m in range(self.size)
        ]
        stacked = tuple(stack(results) for results in zip(*found, strict=True))
        return stacked, (0,) * len(stacked)

    def run_folded(
        self, apply: Callable[[list[Tensor]], Tensors], axes: Sequence[int | None], results: Sequence[int | None]
    ) -> tuple[Tensors, Any]:
        """Run all members as rows of one batch.

        Args:
            apply: The function.
            axes: For each tensor the batch axis into which the vmap axis is folded; None if all members share it.
            results: The same for the results.
        """
        folded = []
        for tensor, dim, axis in zip(self.tensors, self.dims, [*axes, *[None] * len(self.tensors)], strict=False):
            if axis is None:
                folded.append(tensor)
                continue
            behind = axis + 1
            if dim is None:
                moved = tensor.unsqueeze(behind).expand(*tensor.shape[:behind], self.size, *tensor.shape[behind:])
            else:
                moved = tensor.movedim(dim, behind)
            folded.append(moved.flatten(axis, behind))
        found = apply(folded)
        apart = []
        for tensor, axis in zip(found, results, strict=True):
            assert axis is not None
            apart.append(tensor.unflatten(axis, (tensor.shape[axis] // self.size, self.size)))
        return tuple(apart), tuple(axis + 1 for axis in results if axis is not None)
