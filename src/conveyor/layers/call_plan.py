"""Call plans: everything about a call of a stack or a cell that depends only on its signature, computed once.

    signature   sizes but T, dtype, training, grad mode, which arguments are present
    guards      conditions that are checked at every call; where one fails, the general path runs
    plan        the passes of all layers and directions, and their results

A layer caches its plans; they are neither copied nor pickled, and are cleared when an attribute of the layer is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter, is_not
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor
from torch.autograd import forward_ad

from conveyor.backends import fork, reference
from conveyor.backends.interface import RecurrenceSpec
from conveyor.errors import TensorError
from conveyor.layers.bound_params import BoundParams
from conveyor.layers.core.freed_graph import watched
from conveyor.layers.recording.recorder import listeners
from conveyor.layers.regularisation.dropout import multiplier
from conveyor.torch_ops.eager import gradients_of
from conveyor.torch_ops.modes import are_plain, is_watched, survive_fork
from conveyor.torch_ops.written_outputs import is_written, watch_output

if TYPE_CHECKING:
    from conveyor.backends.cpu.runtime.launch import Launch
    from conveyor.layers.cell import _Step
    from conveyor.layers.core.module import Module
    from conveyor.layers.core.stack import Stack


_PLANS = 64  # that a layer keeps
_KINDS = (torch.float32, torch.float64)
_TENSORS = (Tensor, torch.nn.Parameter)
_STRIDED = torch.strided
# Mapped over tensors, these are one call for all of them.
_address, _strides, _kind = Tensor.data_ptr, Tensor.stride, attrgetter("shape", "dtype", "device")
_form = attrgetter("shape", "dtype", "layout", "is_cpu")


def is_unguarded() -> bool:
    """Tell whether a mode of torch (functorch, dispatch, tracing, forward AD, autocast) rules out a plan."""
    return (
        torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._get_tracing_state() is not None
        or forward_ad._current_level >= 0
        or torch.is_autocast_enabled("cpu")
    )


class CallPlan:
    """The plan of the calls of one signature.

    Args:
        launch: The passes.
        param_sizes: The sizes of the parameters' tensors.
        batch_first: Whether the batch is the input's first axis.
        batched: Whether the input has a batch axis.
        dropout: The probability between layers; 0 outside training.
        cell: Whether it is a single step: its input has no time axis, its results are the final states.
    """

    def __init__(
        self,
        launch: Launch,
        param_sizes: tuple[tuple[int, ...], ...],
        batch_first: bool,
        batched: bool,
        dropout: float,
        cell: bool,
    ) -> None:
        from conveyor.backends.cpu.runtime import workspace

        self.room, self.rooms = workspace.room, workspace.rooms
        s = launch.signature
        self.param_sizes = param_sizes
        self.launch, self.alone, self.directions = launch, s.alone, s.directions
        self.batch_first, self.batched, self.cell, self.dropout = batch_first, batched, cell, dropout
        self.swapped = batch_first and batched
        self.training, self.dtype, self.batch, self.size = s.training, s.dtype, s.batch, launch.size
        rows = () if cell else (len(s.units),)
        rows = (*rows, s.batch) if batched else rows
        self.state_sizes = tuple((*rows, w) for w in launch.state_widths)
        self.expected = [(torch.Size(size), s.dtype, _STRIDED, True) for size in self.state_sizes]
        # Mapped over patterns, `torch.empty_like` is one call from Python for several tensors.
        self.like_states = tuple([workspace.pattern(size, s.dtype) for size in self.state_sizes])
        self.like_params = tuple([workspace.pattern(size, s.dtype) for size in param_sizes])
        self.states, self.params = len(self.state_sizes) * s.has_states, len(param_sizes)
        self.masks = launch.layers - 1 if dropout else 0
        self.has_history = bool(launch.history_row or launch.history_rest)
        # Placeholders for missing tensors, and for gradients that are not requested.
        self.nothing = torch.empty(0, dtype=s.dtype)
        self.no_grads = (self.nothing,) * len(self.state_sizes)
        self.unread = [torch.empty(size, dtype=s.dtype) for size in self.state_sizes] if s.training else []

    def takes(self, states: Sequence[Any], grad: bool) -> bool:
        """Tell whether initial states fit the plan: shape, dtype, layout, and gradients in this grad mode."""
        if len(states) != len(self.state_sizes):
            return False
        for state, expected in zip(states, self.expected):  # noqa: B905 - every call asks
            if type(state) is not Tensor or state.is_nested or _form(state) != expected or state.is_neg():
                return False
            if not state.is_contiguous() or (grad and state.requires_grad and not self.training):
                return False
        return True

    def strides(self, sequence: Tensor) -> tuple[int, int] | None:
        """Return the step stride and the row stride, in elements; None if the last axis is not contiguous."""
        strides = sequence.stride()
        width = sequence.shape[-1]
        if strides[-1] != 1 and width != 1:
            return None
        if not self.batched:
            step = row = width if self.cell else strides[0]
        elif self.cell:
            step = row = strides[0]
        else:
            row, step = strides[:2] if self.batch_first else (strides[1], strides[0])
        # The stride of an axis of length 1 is free: choose one that fits the other axis.
        if self.batch == 1:
            row = step = width if self.alone else step
        return (self.batch * row if self.alone else step), row

    def run(self, steps: int, x: Tensor, states: Sequence[Tensor], bound: BoundParams) -> Sequence[Tensor] | None:
        """The output (not of a cell) and the final states; None if tensors do not lie as compiled code reads them."""
        params, stamp = bound.addresses(self.dtype, self.alone and bound.lasts)
        strides = self.strides(x)
        if params is None or strides is None or x.is_neg():
            return None
        if self.training:
            found: Sequence[Tensor] = _apply((self, steps, strides, params, stamp), x, *states, *bound.tensors)
            return found
        return self.forward(steps, strides, x, params, states, stamp)[0]

    def forward(
        self, steps: int, strides: tuple[int, int], x: Tensor, params: list[int], states: Sequence[Tensor], stamp: Any
    ) -> tuple[list[Tensor], Tensor | None, list[Tensor]]:
        """Run the forward passes; returns the results, the history, and the masks between layers with their outputs."""
        launch, dtype, size = self.launch, self.dtype, self.size
        groups = launch.groups(steps, strides, True)
        results = list(map(torch.empty_like, self.like_states))
        y = history = self.nothing
        if self.has_history:
            history = self.room((launch.history_row * steps + launch.history_rest,), 0, dtype, size)
        if not self.cell:
            sizes = (steps, self.batch, launch.width) if self.batched else (steps, launch.width)
            y = self.room(sizes, launch.lead, dtype, size)
        first = list(map(_address, (y, history, x)))
        ends = [*params, *map(_address, (*states, *results))]
        if not self.cell:
            results = [y.transpose(0, 1).data if self.swapped else y, *results]
        if not self.masks:
            launch.forward(groups, [0, 0, launch.zero, *first, *ends], stamp)
            return results, history, []
        sizes = (steps, self.batch, launch.width)
        masks = [multiplier(x, sizes, self.dropout) for _ in range(self.masks)]
        dropped: list[Tensor] = []
        addresses = [0, 0, launch.zero, *first, *[0] * self.masks, *ends]
        for group in groups:
            if group.layer:
                dropped.append(launch.output(history, group.layer - 1, steps) * masks[group.layer - 1])
                addresses[5 + group.layer] = dropped[-1].data_ptr()
            launch.forward((group,), addresses)
        return results, history, [*masks, *dropped]

    def backward(
        self, steps: int, strides: tuple[int, int], tensors: Sequence[Tensor], states: int, y: Tensor, history: Tensor,
        left: Sequence[Tensor], grads: Sequence[Tensor | None], wants_x: bool,
    ) -> tuple[Tensor | None, Sequence[Tensor], Sequence[Tensor]]:  # fmt: skip
        """Return the gradients of the input, the initial states and the parameters.

        Args:
            steps: T.
            strides: Those of the input.
            tensors: The input, the initial states, the parameters' tensors.
            states: The number of initial states passed.
            y: The output.
            history: The history of the forward pass.
            left: The masks between layers, then the masked outputs.
            grads: The gradients of the results; None is zero.
            wants_x: Whether the gradient of the input is computed.
        """
        launch, dtype, size, d = self.launch, self.dtype, self.size, self.directions
        x, params = tensors[0], tensors[1 + states :]
        received, g_strides, finals = self.nothing, None, grads
        if not self.cell:
            first, *finals = grads
            if first is not None:
                received, g_strides = self._in_rows(first)
        gradients: tuple[bool, ...] = ()
        own = self.no_grads
        for k, final in enumerate(finals):
            if final is not None:
                gradients = gradients or tuple(map(is_not, finals, repeat(None)))
                own = (*own[:k], final.contiguous(), *own[k + 1 :])
        groups = launch.groups(steps, strides, False, g_strides, gradients)
        if groups[0].needs_rows:
            x, strides = self._time_major(x)
            if g_strides is not None and any(g_strides):
                received, g_strides = self._time_major(received)
            groups = launch.groups(steps, strides, False, g_strides, gradients)
        d_states = list(map(torch.empty_like, self.like_states)) if states else self.unread
        d_params = self.rooms(self.like_params, self.param_sizes, size)
        for j in launch.partly:
            d_params[j].zero_()
        made = [self.nothing] * d
        if wants_x:
            sizes = (steps, self.batch, x.shape[-1]) if self.batched and not self.cell else tuple(x.shape)
            made = [self.room(sizes, 0, dtype, size) for _ in made]
        if launch.layers > 1:
            sizes = (steps, self.batch, launch.width)
            made += [self.room(sizes, 0, dtype, size) for _ in range(d, d * launch.layers)]
        addresses = [0, 0, launch.zero, *map(_address, (y, history, x, *left[self.masks :], *params))]
        addresses += map(_address, tensors[1 : 1 + states])
        addresses += map(_address, (*own, *d_states, *d_params, *made[d::d], received, *made))
        for group in groups:
            group.run(addresses)
            # With something to do between layers, each has a group of its own.
            at = group.layer * d
            if d > 1 and (at or wants_x):
                made[at] += made[at + 1]
            if self.masks and at:
                made[at] *= left[group.layer - 1]
        d_x = made[0] if wants_x else None
        if d_x is not None and self.swapped:
            d_x = d_x.transpose(0, 1)
        return d_x, d_states if states else (), d_params

    def _in_rows(self, gradient: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Return a gradient with a contiguous last axis, and its strides; one row if it is a broadcast scalar."""
        strides = self.strides(gradient)
        if strides is not None:
            return gradient, strides
        if gradient.stride() == (0,) * gradient.ndim:
            return gradient[(0,) * (gradient.ndim - 1)].contiguous(), (0, 0)
        return self._time_major(gradient)

    def _time_major(self, sequence: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Copy a sequence to a contiguous (T, B, width); returns it and its strides."""
        swapped = self.batch_first and self.batched
        lying = sequence.transpose(0, 1).contiguous() if swapped else sequence.contiguous()
        width = sequence.shape[-1]
        return lying, (self.batch * width, width)

    def by_reference(
        self, x: Tensor, states: Sequence[Tensor], params: Sequence[Tensor], masks: Sequence[Tensor]
    ) -> list[Tensor]:
        """Compute the results by the reference backend, differentiable."""
        launch, s = self.launch, self.launch.signature
        if not self.batched:
            x, states = x.unsqueeze(0 if self.cell else 1), [t.unsqueeze(-2) for t in states]
        elif self.batch_first:
            x = x.transpose(0, 1)
        if self.cell:
            x, states = x.unsqueeze(0), [t.unsqueeze(0) for t in states]
        finals: list[Sequence[Tensor]] = []
        for layer in range(launch.layers):
            parts = []
            read = x * masks[layer - 1] if masks and layer else x
            for direction in range(s.directions):
                k = layer * s.directions + direction
                own = [t[k] for t in states] or [x.new_zeros((s.batch, w)) for w in launch.state_widths]
                held = params[launch.first_param[k] : launch.first_param[k + 1]]
                found = reference.forward(s.units[k].bind([read.flip(0) if direction else read, *own, *held]))
                parts.append(found.output.flip(0) if direction else found.output)
                finals.append(found.states)
            x = torch.cat(parts, -1)
        results = [torch.stack(f) for f in zip(*finals, strict=True)]
        if self.cell:
            results = [f.squeeze(0) for f in results]
        else:
            results.insert(0, x.transpose(0, 1) if self.batch_first and self.batched else x)
        return results if self.batched else [r.squeeze(-2) for r in results]


class _Planned(torch.autograd.Function):
    """The passes of a plan as one autograd node."""

    @staticmethod
    def forward(ctx: Any, call: Any, *tensors: Tensor) -> tuple[Tensor, ...]:
        plan, steps, strides, params, stamp = call
        states = plan.states
        count = 1 + states + plan.params
        ctx.call = plan, steps, strides, states, count
        ctx.lying = list(map(_kind, tensors)), list(map(_strides, tensors))
        ctx.set_materialize_grads(False)
        results, history, left = plan.forward(steps, strides, tensors[0], params, tensors[1 : 1 + states], stamp)
        # The output is saved so that torch detects writes to it before the backward pass, or watched.
        y = plan.nothing if plan.cell or plan.alone else results[0]
        ctx.watched = None if y is plan.nothing else watch_output(y, len(plan.state_sizes))
        ctx.save_for_backward(*tensors, plan.nothing if ctx.watched else y, history, *left)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        if fork.is_child:
            survive_fork()
        plan, steps, strides, states, count = ctx.call
        saved = ctx.saved_tensors  # read once: hooks may forbid more
        if ctx.lying != (list(map(_kind, saved[:count])), list(map(_strides, saved[:count]))):
            _refuse_changed(saved[:count], 1 + states, *ctx.lying)
        y, history, *left = saved[count:]
        plain = not torch.is_grad_enabled() and not is_watched()
        for g in grads:
            if g is not None and (type(g) is not Tensor or g.is_neg() or not torch._C._has_storage(g)):
                plain = plain and are_plain((g,))
        if not plain:
            return None, *_differentiable(plan, saved[:count], 1 + states, left[: plan.masks], grads)
        if ctx.watched is not None:
            if is_written(ctx.watched):
                return None, *_differentiable(plan, saved[:count], 1 + states, left[: plan.masks], grads)
            y = ctx.watched[0]
        wants_x = ctx.needs_input_grad[1]
        found = plan.backward(steps, strides, saved[:count], states, y, history, left, grads, wants_x)
        return None, found[0], *found[1], *found[2]


def _refuse_changed(
    tensors: Sequence[Tensor], first: int, kinds: Sequence[Any], strides: Sequence[tuple[int, ...]]
) -> NoReturn:
    """Raises for tensors that changed since the forward pass; the parameters' begin at `first`."""
    k = next(
        k
        for k, t in enumerate(tensors)
        if _kind(t) != kinds[k] or t.stride() != strides[k]  # one has: the caller compared them all
    )
    found, what = tensors[k], "a parameter" if k >= first else "an initial state" if k else "input"
    if tuple(found.shape) != tuple(kinds[k][0]):
        raise TensorError(
            f"{what} has shape {tuple(found.shape)}, expected {tuple(kinds[k][0])}; its .data was replaced since the"
            " layer was called: leave it as it is between forward and backward"
        )
    raise TensorError(
        f"{what} has shape {tuple(found.shape)}, strides {found.stride()} and dtype {found.dtype}, not those of the"
        " forward pass; its .data was replaced since: leave it as it is between forward and backward"
    )


# torch's own `apply` looks for remains of transforms in each tensor, which the guards of a plan have done.
_apply: Any = super(torch.autograd.Function, _Planned).apply


def _differentiable(
    plan: CallPlan, tensors: Sequence[Tensor], first: int, masks: Sequence[Tensor], grads: Sequence[Tensor | None]
) -> tuple[Tensor | None, ...]:
    """Compute the gradients with a graph, for a second derivative."""
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        # One tensor may be given twice, as two states; each of its places has a gradient of its own.
        places = [t.view_as(t) for t in tensors]
        results = plan.by_reference(places[0], places[1:first], places[first:], masks)
        return gradients_of(results, grads, places, create_graph)


# From a layer to its plan


def call_stack(layer: Stack, x: Any, fields: Any) -> Sequence[Tensor] | None:
    """Run a stack by its plan; returns the output and the final states, or None if the general path must run."""
    if torch.compiler.is_compiling() or type(x) not in _TENSORS or x.layout is not _STRIDED or x.is_nested:
        return None
    if not x.is_cpu or listeners.on_call or is_unguarded():
        return None
    shape, grad, rank = x.shape, torch.is_grad_enabled(), x.ndim
    if rank == 3:
        batch, steps = shape[:2] if layer.batch_first else (shape[1], shape[0])
    elif rank == 2:
        steps, batch = shape[0], 1
    else:
        return None
    bound = layer._bound
    if bound is None or not bound.is_same(layer._parameters):
        bound = BoundParams.of(layer)
    wants = bound.needs_grad or x.requires_grad
    key = (
        rank,
        batch,
        shape[-1],
        steps if steps < 2 else 2,
        x.dtype,
        x.requires_grad,
        fields is None,
        layer.training,
        grad and wants,
    )
    try:
        plan = layer._plans[key]
    except KeyError:
        plan = _keep(layer, key, _plan_stack(layer, *key))
    if plan is None:
        return None
    if fork.is_child:
        survive_fork()
    states: Sequence[Tensor] = ()
    if fields is not None:
        if not isinstance(fields, tuple | list) or not plan.takes(fields, grad):
            return None
        states = watched([tuple(fields)], [layer.state_fields])[0] if grad else fields
    found: Sequence[Tensor] | None = plan.run(steps, x, states, bound)
    return found


def call_cell(cell: _Step, x: Any, states: Sequence[Any]) -> Sequence[Tensor] | None:
    """Run a cell by its plan; returns the new states, or None if the general path must run."""
    if torch.compiler.is_compiling() or type(x) not in _TENSORS or x.layout is not _STRIDED or x.is_nested:
        return None
    if not x.is_cpu or is_unguarded():
        return None
    shape, grad, rank = x.shape, torch.is_grad_enabled(), x.ndim
    if rank != 2 and rank != 1:
        return None
    bound = cell._bound
    if bound is None or not bound.is_same(cell._parameters):
        bound = BoundParams.of(cell)
    wants = bound.needs_grad or x.requires_grad
    key = (rank, shape[0] if rank == 2 else 1, shape[-1], x.dtype, x.requires_grad, not states, grad and wants)
    try:
        plan = cell._plans[key]
    except KeyError:
        plan = _keep(cell, key, _plan_cell(cell, *key))
    if plan is None or (states and not plan.takes(states, grad)):
        return None
    if fork.is_child:
        survive_fork()
    found: Sequence[Tensor] | None = plan.run(1, x, states, bound)
    return found


def _keep(module: Module, key: tuple[Any, ...], plan: CallPlan | None) -> CallPlan | None:
    """Cache a plan, or None, in the module; returns it."""
    if len(module._plans) >= _PLANS:
        module._plans.clear()
    module._plans[key] = plan
    return plan


def _plan_stack(
    layer: Stack,
    rank: int,
    batch: int,
    width: int,
    steps: int,
    dtype: torch.dtype,
    wants_x: bool,
    no_states: bool,
    training: bool,
    grad: bool,
) -> CallPlan | None:
    """Make the plan of a stack's calls of one signature; None if the general path must run them."""
    even = all(field.even for field in layer._fields) and width == layer.input_size and steps > 0
    dropout = layer.dropout if training and layer.num_layers > 1 else 0.0
    special = layer.connections != "plain" or layer.learn_initial_state or layer.checkpoint_every
    specs = tuple(RecurrenceSpec(u.running(training, False), u._layout) for u in layer.units)
    if not even or special or (training and layer._rates) or not _fits(layer, dtype, batch, specs):
        return None
    both = layer.num_directions, batch, dtype, grad, not no_states, wants_x
    signature = (specs, *both, steps == 1, True, bool(dropout))
    return _plan(layer, signature, layer.batch_first, rank == 3, dropout, False)


def _plan_cell(
    cell: _Step, rank: int, batch: int, width: int, dtype: torch.dtype, wants_x: bool, no_states: bool, grad: bool
) -> CallPlan | None:
    """Make the plan of a cell's calls of one signature; None if the general path must run them."""
    specs = (RecurrenceSpec(cell.unit.program, cell.unit._layout),)
    if width != cell.input_size or not _fits(cell, dtype, batch, specs):
        return None
    signature = (specs, 1, batch, dtype, grad, not no_states, wants_x, True, False)
    return _plan(cell, signature, False, rank == 2, 0.0, True)


def _fits(module: Any, dtype: torch.dtype, batch: int, specs: Sequence[RecurrenceSpec]) -> bool:
    """Tell whether a plan can run these programs on a module's parameters."""
    if not batch or dtype not in _KINDS or any(spec.program.aux or not spec.layout.tensors for spec in specs):
        return False
    return bool(module._like().dtype is dtype and module.backend_used == "cpu")


def _plan(
    module: Module, signature: tuple[Any, ...], batch_first: bool, batched: bool, dropout: float, cell: bool
) -> CallPlan:
    from conveyor.backends.cpu.runtime.launch import Launch, Signature

    names = [name for unit in module._all_units() for name in unit.names]
    sizes = tuple(tuple(getattr(module, name).shape) for name in names)
    return CallPlan(Launch(Signature(*signature)), sizes, batch_first, batched, dropout, cell)
