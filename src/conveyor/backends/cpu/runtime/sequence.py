"""The forward and backward pass over a sequence: memory is found, and compiled code does the rest."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from conveyor.backends.cpu.codegen import driver
from conveyor.backends.cpu.codegen.compile import Compiled, compile_work
from conveyor.backends.cpu.codegen.isa import Width, width
from conveyor.backends.cpu.codegen.vector import FLOAT32, FLOAT64, Format
from conveyor.backends.cpu.runtime import threads
from conveyor.backends.cpu.runtime import workspace as memory
from conveyor.backends.cpu.runtime.extents import check_backward, check_parameters, shapes_of
from conveyor.backends.cpu.runtime.launch_plan import Frame
from conveyor.backends.cpu.runtime.memory_plan import Shape
from conveyor.backends.lowering.passes import Pass, backward_recipe, forward_recipe
from conveyor.backends.parameters import Parameters
from conveyor.backends.ragged import Ragged
from conveyor.ir.program import Program

FORMATS: dict[torch.dtype, Format] = {torch.float32: FLOAT32, torch.float64: FLOAT64}
_ZERO = (ctypes.c_double * 8)()  # for padding; read only


def zeros() -> int:
    """The address of some zeros."""
    return ctypes.addressof(_ZERO)


@dataclass(frozen=True)
class Kept:
    """What a forward pass leaves.

    Attributes:
        trails: Each state before each step and after the last, the output first; without a backward pass to come only
            the output. Of a single step the states before it, (B, width).
        lead: How many entries of a trail stand before the first step's: of (T + 1, B, width) one; of sequences of
            unequal length, (B + rows, width), B.
        finals: Each state after the last step, (B, width).
        saved: Values that the gradient reads, side by side.
        values: Values that were asked for by their nodes, each (T, B, width).
    """

    trails: dict[str, Tensor]
    lead: int
    finals: tuple[Tensor, ...]
    saved: Tensor
    values: dict[int, Tensor]

    def output(self) -> Tensor:
        """The first state after each step, (T, B, width) or (rows, width), in memory of its own."""
        if not self.lead:
            return self.finals[0].unsqueeze(0).clone()
        return next(iter(self.trails.values()))[self.lead :]


@dataclass(frozen=True)
class Gradients:
    """What a backward pass gives.

    Attributes:
        x: Gradient of the input, (T, B, I); None if nobody asked for it.
        states: Of the initial states, each (B, width).
        aux: Of the auxiliary inputs, each (T, B, width).
        tensors: Of the tensors that hold the parameters.
    """

    x: Tensor | None
    states: tuple[Tensor, ...]
    aux: dict[str, Tensor]
    tensors: tuple[Tensor, ...]


@lru_cache(maxsize=512)
def compiled(recipe: Pass, dtype: torch.dtype, chosen: Width) -> Compiled:
    """The code of a pass."""
    return compile_work(recipe.name, recipe.schedules, FORMATS[dtype], chosen)


class _States:
    """The states of a program: their names and widths, and the names of the bases that have to do with them."""

    def __init__(self, program: Program) -> None:
        self.names = tuple(i.name for i in program.states)
        self.widths = tuple(i.width for i in program.states)
        self.output = f"grad_output.{self.names[0]}"

    def bases(self, what: str) -> list[str]:
        """A base a state."""
        return [f"{what} {n}" for n in self.names]


_states = lru_cache(maxsize=512)(_States)


def run_forward(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    training: bool,
    keep: tuple[int, ...] = (),
    ragged: Ragged | None = None,
    empty: Callable[[Sequence[int], Tensor], Tensor] = memory.empty,
) -> Kept:
    """Run forward, without an autograd graph.

    The arguments are those of `conveyor.backends.reference.forward`; then whether a backward pass will follow, the
    nodes whose values are asked for, how sequences of unequal length are packed, and who makes the tensors that are
    large.
    """
    total, batch, rows = _extent(x, ragged)
    own = _states(program)
    sizes = [widths[w] for w in own.widths]
    states = [_whole(s, x.dtype) for s in states]
    values = [memory.empty((*rows, widths.get(program.nodes[n].type.width, 1)), x) for n in keep]
    trails: list[Tensor] = []
    lead = 0
    if ragged is not None:
        lead = batch or 1  # where there is no row, none stands before the output either
        trails = [empty((batch + rows[0], w), x) for w in sizes]
    elif total != 1:
        lead = 1
        trails = [empty((total + 1, batch, w), x) for w in (sizes if training else sizes[:1])]
    before = dict(zip(own.names, trails or states, strict=False))
    if not total or not batch:
        for trail, state in zip(trails, states, strict=False):
            trail[:lead] = state
        finals = tuple([s.clone() for s in states])
        return Kept(before, lead, finals, x.new_empty(0), dict(zip(keep, values, strict=True)))
    given = _given(x, aux, ragged)

    def names() -> list[str]:
        trailed = own.bases("trail")[: len(trails)]
        kept = [f"keep {n}" for n in keep]
        return ["x", *aux, *own.bases("start"), *trailed, *own.bases("final"), *kept, "saved"]

    frame = _frame(program, ("forward", training, keep), given, params, widths, aux, names, ragged)
    finals = tuple([x.new_empty((batch, w)) for w in sizes])
    saved = empty((*rows, frame.saved), x)
    _run(frame, [*given, *states, *trails, *finals, *values, saved], params, x.dtype, ragged)
    if ragged is not None:
        finals = tuple([t.index_select(0, ragged.ends) for t in trails])
    return Kept(before, lead, finals, saved, dict(zip(keep, values, strict=True)))


def run_backward(
    program: Program,
    kept: Kept,
    x: Tensor,
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    grad_output: Tensor | None,
    grad_states: Sequence[Tensor | None],
    wants_x: bool = True,
    ragged: Ragged | None = None,
) -> Gradients:
    """Run backward after a forward pass for training.

    The arguments are those of that pass, what it left, the gradients of the outputs and of the final states (None is
    zero), whether the gradient of the input is asked for, and how sequences of unequal length are packed.
    """
    total, batch, rows = _extent(x, ragged)
    own = _states(program)
    sizes = [widths[w] for w in own.widths]
    received = [
        x.new_zeros((batch, w)) if g is None else _whole(g, x.dtype) for g, w in zip(grad_states, sizes, strict=True)
    ]
    if not total or not batch:
        zeros = tuple([torch.zeros_like(t) for t in params.tensors])
        d_aux = {n: torch.zeros_like(a) for n, a in aux.items()}
        return Gradients(torch.zeros_like(x), tuple([g.clone() for g in received]), d_aux, zeros)
    lying = [batch + rows[0]] if ragged is not None else [batch] if total == 1 else [total + 1, batch]
    check_backward(x, aux, next(iter(kept.trails.values())), lying, rows[-1])
    if grad_output is None:
        grad_output = x.new_zeros((1,) * len(rows) + (sizes[0],)).expand(*rows, -1)
    given = [*_given(x, aux, ragged), _plain(grad_output, x.dtype)]

    def names() -> list[str]:
        trailed = own.bases("trail")
        return ["x", *aux, own.output, *own.bases("start"), *trailed, *own.bases("d state"), "saved"]

    which = ("backward", wants_x)
    frame = _frame(program, which, given, params, widths, aux, names, ragged)
    if frame.summed and not frame.flat:
        # What is itself summed over all rows must stand in rows at equal distances.
        given = [g.contiguous() for g in given]
        frame = _frame(program, which, given, params, widths, aux, names, ragged)
    d_states = tuple([x.new_empty((batch, w)) for w in sizes])
    d_given = [memory.empty((*rows, w), x) for _, w in frame.asked]
    d_tensors = tuple(
        [x.new_zeros(t.shape) if k in frame.partly else memory.empty(t.shape, x) for k, t in enumerate(params.tensors)]
    )
    bases = [*given, *received, *kept.trails.values(), *d_states, kept.saved, *d_given, *d_tensors]
    _run(frame, bases, params, x.dtype, ragged)
    found = {n: d for (n, _), d in zip(frame.asked, d_given, strict=True)}
    d_x = found.get("x")
    d_x = torch.zeros_like(x) if d_x is None and wants_x else d_x
    d_aux = {n: found[n] if n in found else torch.zeros_like(a) for n, a in aux.items()}
    return Gradients(d_x, d_states, d_aux, d_tensors)


def _frame(
    program: Program,
    which: tuple[Any, ...],
    given: Sequence[Tensor],
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    names: Callable[[], list[str]],
    ragged: Ragged | None,
) -> Frame:
    """The frame of a pass for tensors of these shapes; the last ones are kept with the parameters' places.

    `given` is what comes for each step; `names` are the bases in the order in which their tensors are going to come.
    """
    x, chosen = given[0], width()
    total, batch, _ = _extent(x, ragged)
    key = (program, which, total, batch, ragged is None, tuple([g.stride() for g in given]), x.dtype, chosen.name)
    frames: dict[Any, Frame] = params.places.worked_out
    frame = frames.get(key)
    if frame is not None:
        return frame
    bases = names()
    of_steps = ["x", *aux, _states(program).output]
    strides = []
    for name, value in zip(of_steps, given, strict=False):
        if ragged is not None:
            strides.append((name, value.stride(0), value.stride(0)))
            continue
        step, row, _ = value.stride()
        # A lone row stands anywhere, and so does a lone step: as if they stood in line.
        row = step if batch == 1 else row
        strides.append((name, batch * row if total == 1 else step, row))
    forward = which[0] == "forward"
    recipe = forward_recipe(program, *which[1:]) if forward else backward_recipe(program, *which[1:])
    all_states = not forward or which[1] or ragged is not None
    trails = _states(program).names[: None if all_states else 1]
    shape = Shape(total, batch, widths, tuple(strides), ragged is not None)
    code = compiled(recipe, x.dtype, chosen)
    frame = Frame(recipe, code, shape, params.places, FORMATS[x.dtype], chosen, trails, bases)
    frame.parameter_shapes = shapes_of(params)
    with _evicting:
        while len(frames) >= _FRAMES:
            del frames[next(iter(frames))]
        frames[key] = frame
    return frame


_ROUNDS = (0,) * driver.WAITING
_FRAMES = 128  # that are kept for a layer
_evicting = threading.Lock()
os.register_at_fork(before=_evicting.acquire, after_in_parent=_evicting.release, after_in_child=_evicting.release)


def _run(frame: Frame, tensors: list[Tensor], params: Parameters, dtype: torch.dtype, ragged: Ragged | None) -> None:
    """Run a pass on the memory of tensors, in the order that the frame was told, and that of the parameters."""
    check_parameters(params.tensors, frame.parameter_shapes)
    workspace = memory.lend(frame.workspace)
    tensors += [_whole(t, dtype) for t in params.tensors]
    addresses = [*_ROUNDS, ctypes.addressof(workspace), zeros()]
    if ragged is not None:
        addresses.append(ctypes.addressof(ragged.table))
    addresses += [tensors[k].data_ptr() for k in frame.order]
    table = (ctypes.c_int64 * len(addresses))(*addresses)
    team = threads.usable(torch.get_num_threads(), frame.operations, frame.by_units)
    threads.run(frame.kernels, frame.jobs, ctypes.addressof(table), team)


def _whole(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    tensor = tensor if tensor.dtype == dtype else tensor.to(dtype)
    return tensor if tensor.is_contiguous() else tensor.contiguous()


def _extent(x: Tensor, ragged: Ragged | None) -> tuple[int, int, tuple[int, ...]]:
    """T, B, and the axes that outputs have before their width."""
    if ragged is not None:
        return len(ragged.sizes), ragged.batch, (ragged.rows,)
    total, batch, _ = x.shape
    return total, batch, (total, batch)


def _given(x: Tensor, aux: Mapping[str, Tensor], ragged: Ragged | None) -> list[Tensor]:
    """What comes for each step."""
    given = [_plain(x, x.dtype)]
    for value in aux.values():
        plain = _plain(value, x.dtype)
        given.append(plain if ragged is not None else plain.expand(x.shape[0], -1, -1))
    return given


def _plain(value: Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor of the pass's type whose units lie side by side."""
    value = value.to(dtype) if value.dtype != dtype else value
    if value.shape[-1] <= 1 or value.stride(-1) == 1:
        return value
    # What is the same at each step or in each row is copied once.
    shape = value.shape
    for axis in range(value.dim() - 1):
        if value.stride(axis) == 0 and value.shape[axis] > 1:
            value = value.narrow(axis, 0, 1)
    return value.contiguous().expand(shape)
