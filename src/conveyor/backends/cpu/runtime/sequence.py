"""The forward and backward pass over a sequence: allocates memory and calls compiled code."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from conveyor.backends.cpu.codegen.compile import Compiled, compile_work
from conveyor.backends.cpu.codegen.few_rows import rows_at_once
from conveyor.backends.cpu.codegen.isa import ISA, width
from conveyor.backends.cpu.codegen.scheduling import driver
from conveyor.backends.cpu.codegen.vector import FLOAT32, FLOAT64, Format
from conveyor.backends.cpu.runtime import threads
from conveyor.backends.cpu.runtime import workspace as memory
from conveyor.backends.cpu.runtime.extents import check_backward, check_parameters, shapes_of
from conveyor.backends.cpu.runtime.launch_plan import Fit, LaunchPlan
from conveyor.backends.cpu.runtime.memory_plan import Shape
from conveyor.backends.interface import Gradients, RecurrenceArgs, RecurrenceSpec, Residuals
from conveyor.backends.lowering.passes import LoweredPass, lower_backward, lower_forward
from conveyor.ir.program import Program

FORMATS: dict[torch.dtype, Format] = {torch.float32: FLOAT32, torch.float64: FLOAT64}
_ZERO = (ctypes.c_double * 8)()  # for padding; read only


def zeros() -> int:
    """Return the address of a block of zeros."""
    return ctypes.addressof(_ZERO)


@lru_cache(maxsize=512)
def compiled(lowered: LoweredPass, dtype: torch.dtype, chosen: ISA, few: int = 0) -> Compiled:
    """Compile a lowered pass; with `few`, for a loop over that many rows."""
    return compile_work(lowered.name, lowered.schedules, FORMATS[dtype], chosen, few)


class _States:
    """The states of a program: their names and widths, and the names of their bases."""

    def __init__(self, program: Program) -> None:
        self.names = tuple(i.name for i in program.states)
        self.widths = tuple(i.width for i in program.states)
        self.output = f"grad_output.{self.names[0]}"

    def bases(self, what: str) -> list[str]:
        """Return one base name per state."""
        return [f"{what} {n}" for n in self.names]


_states = lru_cache(maxsize=512)(_States)


def run_forward(
    args: RecurrenceArgs, training: bool, empty: Callable[[Sequence[int], Tensor], Tensor] = memory.empty
) -> Residuals:
    """Run the forward pass, without an autograd graph.

    Args:
        args: The arguments, without `lengths`.
        training: Whether a backward pass will follow.
        empty: Allocates the large tensors.
    """
    program, x, varlen = args.program, args.x, args.varlen
    total, batch, rows = args.extent
    sizes = args.spec.state_widths
    states = [_whole(s, x.dtype) for s in args.states]
    values = {n: memory.empty((*rows, args.widths.get(program.nodes[n].type.width, 1)), x) for n in args.keep}
    trails: list[Tensor] = []
    lead = 1 if varlen is None else batch or 1  # where there is no row, none stands before the output either
    if varlen is not None:
        trails = [empty((batch + rows[0], w), x) for w in sizes]
    elif total != 1:
        trails = [empty((total + 1, batch, w), x) for w in (sizes if training else sizes[:1])]
    history = tuple(trails or states)
    if not total or not batch:
        for trail, state in zip(trails, states, strict=False):
            trail[:lead] = state
        output = trails[0][lead:] if trails else states[0].unsqueeze(0).clone()
        return Residuals(output, tuple(s.clone() for s in states), values, history, x.new_empty(0))
    given = _given(args)
    frame, fit = _fitted(args, ("forward", training, args.keep), given)
    finals = tuple(x.new_empty((batch, w)) for w in sizes)
    saved = empty((*rows, frame.saved), x)
    _run(frame, fit, [*given, *states, *trails, *finals, *values.values(), saved, *_NOWHERE], args)
    if varlen is not None:
        finals = tuple(t.index_select(0, varlen.ends) for t in trails)
    output = trails[0][lead:] if trails else finals[0].unsqueeze(0).clone()
    return Residuals(output, finals, values, history, saved)


def run_backward(
    args: RecurrenceArgs,
    left: Residuals,
    grad_output: Tensor | None,
    grad_states: Sequence[Tensor | None],
    wants_x: bool = True,
) -> Gradients:
    """Run the backward pass of a forward pass for training.

    Args:
        args: The arguments of the forward pass.
        left: Its residuals.
        grad_output: The gradient of the outputs; None is zero.
        grad_states: The gradients of the final states; None is zero.
        wants_x: Whether the gradient of the input is computed.
    """
    x = args.x
    total, batch, rows = args.extent
    sizes = args.spec.state_widths
    received = [
        x.new_zeros((batch, w)) if g is None else _whole(g, x.dtype) for g, w in zip(grad_states, sizes, strict=True)
    ]
    if not total or not batch:
        zeros = tuple(torch.zeros_like(t) for t in (x, *args.aux, *args.params))
        return Gradients(
            zeros[0], tuple(g.clone() for g in received), zeros[1 : 1 + len(args.aux)], zeros[1 + len(args.aux) :]
        )
    lying = [batch + rows[0]] if args.varlen is not None else [batch] if total == 1 else [total + 1, batch]
    check_backward(x, args.aux_by_name, left.history[0], lying, rows[-1])
    if grad_output is None:
        grad_output = x.new_zeros((1,) * len(rows) + (sizes[0],)).expand(*rows, -1)
    given = [*_given(args), _plain(grad_output, x.dtype)]
    which = ("backward", wants_x)
    frame, fit = _fitted(args, which, given)
    if frame.summed and not fit.flat:
        # Inputs that are summed over all rows themselves need one row stride across steps.
        given = [g.contiguous() for g in given]
        frame, fit = _fitted(args, which, given)
    d_states = tuple(x.new_empty((batch, w)) for w in sizes)
    d_given = [memory.empty((*rows, w), x) for _, w in frame.asked]
    d_tensors = tuple(
        x.new_zeros(t.shape) if k in frame.partly else memory.empty(t.shape, x) for k, t in enumerate(args.params)
    )
    assert left.saved is not None
    _run(frame, fit, [*given, *received, *left.history, *d_states, left.saved, *d_given, *d_tensors], args)
    found = {n: d for (n, _), d in zip(frame.asked, d_given, strict=True)}
    d_x = found.get("x")
    d_x = torch.zeros_like(x) if d_x is None and wants_x else d_x
    d_aux = tuple(found[n] if n in found else torch.zeros_like(a) for n, a in args.aux_by_name.items())
    return Gradients(d_x, d_states, d_aux, d_tensors)


def launch_plan_for(
    spec: RecurrenceSpec, which: tuple[Any, ...], shape: Shape, dtype: torch.dtype, resident: bool = False
) -> LaunchPlan:
    """Return the launch plan of a pass: `("forward", training, recorded nodes)` or `("backward", wants_x)`.

    Recent plans are cached in the parameter layout.
    """
    program, chosen = spec.program, width()
    key = (program, which, shape.key, dtype, chosen.name, resident)
    frames = spec.layout.launches
    frame: LaunchPlan | None = frames.get(key)
    if frame is not None:
        return frame
    own = _states(program)
    of_steps = ["x", *spec.aux]
    ragged, alone = shape.ragged, shape.capacity == 1 and not shape.ragged
    if which[0] == "forward":
        lowered = lower_forward(program, *which[1:])
        trails = own.names[: None if which[1] or ragged else 1]
        trailed = [] if alone else own.bases("trail")[: len(trails)]
        kept = [f"keep {n}" for n in which[2]]
        bases = [*of_steps, *own.bases("start"), *trailed, *own.bases("final"), *kept, "saved", "output", "resident"]
    else:
        lowered, trails = lower_backward(program, *which[1:]), own.names
        bases = [*of_steps, own.output, *own.bases("start"), *own.bases("trail"), *own.bases("d state"), "saved"]
    code = compiled(lowered, dtype, chosen, rows_at_once(lowered.loop, shape.batch, chosen, ragged))
    frame = LaunchPlan(lowered, code, shape, spec.layout, FORMATS[dtype], chosen, trails, bases, resident)
    with _evicting:
        while len(frames) >= _FRAMES:
            del frames[next(iter(frames))]
        frames[key] = frame
    return frame


def _fitted(args: RecurrenceArgs, which: tuple[Any, ...], given: Sequence[Tensor]) -> tuple[LaunchPlan, Fit]:
    """Return the launch plan of a pass, and its fit to the strides of the per-step inputs."""
    varlen = args.varlen
    total, batch, _ = args.extent
    strides = []
    for name, value in zip(["x", *args.spec.aux, _states(args.program).output], given, strict=False):
        step, row = value.stride()[:2] if varlen is None else (value.stride(0), value.stride(0))
        # The stride of an axis of length 1 is free: choose one that fits the other axis.
        row = step if batch == 1 and varlen is None else row
        strides.append((name, batch * row if total == 1 and varlen is None else step, row))
    capacity = Shape.capacity_for(total)
    frame = launch_plan_for(args.spec, which, Shape(capacity, batch, args.widths, varlen is not None), args.x.dtype)
    return frame, frame.fit(total, tuple(strides))


_NOWHERE = (torch.empty(0),) * 2  # the bases that only a plan's passes have
_ROUNDS = (0,) * driver.WAITING
_FRAMES = 128  # launch plans that are cached for a layer
_evicting = threading.Lock()
os.register_at_fork(before=_evicting.acquire, after_in_parent=_evicting.release, after_in_child=_evicting.release)


def _run(frame: LaunchPlan, fit: Fit, tensors: list[Tensor], args: RecurrenceArgs) -> None:
    """Run a pass on the memory of tensors, in the order of the plan's bases, and on the parameters."""
    check_parameters(args.params, shapes_of(args.spec.layout, args.params))
    workspace = memory.acquire(frame.workspace)
    tensors += [_whole(t, args.x.dtype) for t in args.params]
    addresses = [*_ROUNDS, ctypes.addressof(workspace), zeros()]
    if args.varlen is not None:
        addresses.append(ctypes.addressof(args.varlen.table))
    addresses += [tensors[k].data_ptr() for k in frame.order]
    table = (ctypes.c_int64 * len(addresses))(*addresses)
    team = threads.usable(torch.get_num_threads(), fit.operations, frame.by_units)
    threads.run(frame.kernels, fit.jobs, ctypes.addressof(table), team)


def _whole(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    tensor = tensor if tensor.dtype == dtype else tensor.to(dtype)
    return tensor if tensor.is_contiguous() else tensor.contiguous()


def _given(args: RecurrenceArgs) -> list[Tensor]:
    """Return the per-step inputs: x, then the auxiliary inputs."""
    x = args.x
    plain = [_plain(value, x.dtype) for value in args.aux]
    if args.varlen is None:
        plain = [value.expand(x.shape[0], -1, -1) for value in plain]
    return [_plain(x, x.dtype), *plain]


def _plain(value: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a tensor in the pass's dtype with unit stride in its last axis."""
    value = value.to(dtype) if value.dtype != dtype else value
    if value.shape[-1] <= 1 or value.stride(-1) == 1:
        return value
    # A broadcast axis is copied once.
    shape = value.shape
    for axis in range(value.dim() - 1):
        if value.stride(axis) == 0 and value.shape[axis] > 1:
            value = value.narrow(axis, 0, 1)
    return value.contiguous().expand(shape)
