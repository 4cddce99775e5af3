"""The forward and backward pass over a sequence: memory is found, and compiled code does the rest."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from conveyor.backends.cpu import memory, threads
from conveyor.backends.cpu.compile import Compiled, compile_work, kernels
from conveyor.backends.cpu.frame import Frame, Shape
from conveyor.backends.cpu.recipe import Pass, backward_recipe, forward_recipe
from conveyor.backends.cpu.target import Width, width
from conveyor.backends.cpu.vector import FLOAT32, FLOAT64, Format
from conveyor.backends.parameters import Parameters
from conveyor.program import Program

FORMATS: dict[torch.dtype, Format] = {torch.float32: FLOAT32, torch.float64: FLOAT64}
_ZERO = (ctypes.c_double * 8)()  # for padding; read only


@dataclass(frozen=True)
class Kept:
    """What a forward pass leaves.

    Attributes:
        trails: Each state before each step and after the last, (T + 1, B, width), the output first; without a backward
            pass to come only the output.
        finals: Each state after the last step, (B, width).
        saved: Values that the gradient reads, side by side.
        values: Values that were asked for by their nodes, each (T, B, width).
    """

    trails: dict[str, Tensor]
    finals: tuple[Tensor, ...]
    saved: Tensor
    values: dict[int, Tensor]

    def output(self) -> Tensor:
        """The first state after each step, (T, B, width)."""
        return next(iter(self.trails.values()))[1:]


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
def _compiled(recipe: Pass, dtype: torch.dtype, chosen: Width) -> Compiled:
    return compile_work(recipe.schedules, FORMATS[dtype], chosen)


class _Names:
    """The names of the bases of a program's states."""

    def __init__(self, program: Program) -> None:
        self.states = tuple(i.name for i in program.states)
        self.widths = tuple(i.width for i in program.states)
        self.start, self.trail, self.final, self.gradient = (
            tuple(f"{what} {n}" for n in self.states) for what in ("start", "trail", "final", "d state")
        )
        self.output = f"grad_output.{self.states[0]}"


_names = lru_cache(maxsize=512)(_Names)


def run_forward(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    training: bool,
    keep: tuple[int, ...] = (),
) -> Kept:
    """Run forward, without an autograd graph.

    The arguments are those of `conveyor.backends.reference.forward`; then whether a backward pass will follow, and the
    nodes whose values are asked for.
    """
    total, batch = x.shape[:2]
    names = _names(program)
    sizes = [widths[w] for w in names.widths]
    states = [_whole(s, x.dtype) for s in states]
    many = len(sizes) if training else 1
    trails = [_lasting(total + 1, batch, w, x, own=k > 0) for k, w in enumerate(sizes[:many])]
    values = {n: x.new_empty((total, batch, widths.get(program.nodes[n].type.width, 1))) for n in keep}
    if not total or not batch:
        for trail, state in zip(trails, states, strict=False):
            trail[:1] = state
        kept = dict(zip(names.states, trails, strict=False))
        return Kept(kept, tuple(s.clone() for s in states), x.new_empty(0), values)
    given = _given(x, aux)
    frame = _frame(program, ("forward", training, keep), given, params, widths)
    finals = tuple([x.new_empty((batch, w)) for w in sizes])
    saved = memory.borrow(total * batch * frame.saved, x.dtype)
    bases = dict(given)
    bases.update(zip(names.start, states, strict=True))
    bases.update(zip(names.trail, trails, strict=False))
    bases.update(zip(names.final, finals, strict=True))
    bases.update((f"keep {n}", v) for n, v in values.items())
    bases["saved"] = saved
    _run(frame, bases, params, x.dtype)
    return Kept(dict(zip(names.states, trails, strict=False)), finals, saved, values)


def run_backward(
    program: Program,
    kept: Kept,
    x: Tensor,
    params: Parameters,
    widths: Mapping[str, int],
    aux: Mapping[str, Tensor],
    grad_output: Tensor,
    grad_states: Sequence[Tensor],
    wants_x: bool = True,
) -> Gradients:
    """Run backward after a forward pass for training.

    The arguments are those of that pass, what it left, the gradients of the outputs and of the final states, and
    whether the gradient of the input is asked for.
    """
    total, batch = x.shape[:2]
    if not total or not batch:
        zeros = tuple(torch.zeros_like(t) for t in params.tensors)
        d_aux = {n: torch.zeros_like(a) for n, a in aux.items()}
        return Gradients(torch.zeros_like(x), tuple(g.clone() for g in grad_states), d_aux, zeros)
    names = _names(program)
    given = _given(x, aux)
    given[names.output] = _plain(grad_output, x.dtype)
    frame = _frame(program, ("backward", wants_x), given, params, widths)
    if frame.summed and not frame.flat:
        # What is itself summed over all rows must stand in rows at equal distances.
        given = {n: g.contiguous() for n, g in given.items()}
        frame = _frame(program, ("backward", wants_x), given, params, widths)
    d_states = tuple([x.new_empty((batch, widths[w])) for w in names.widths])
    d_given = {n: x.new_empty((total, batch, w)) for n, w in frame.asked}
    d_tensors = tuple(
        [x.new_zeros(t.shape) if k in frame.partly else x.new_empty(t.shape) for k, t in enumerate(params.tensors)]
    )
    bases = dict(given)
    bases.update(zip(names.start, [_whole(g, x.dtype) for g in grad_states], strict=True))
    bases.update(zip(names.trail, kept.trails.values(), strict=True))
    bases.update(zip(names.gradient, d_states, strict=True))
    bases.update((f"d {n}", t) for n, t in d_given.items())
    bases.update((f"d slot {k}", t) for k, t in enumerate(d_tensors))
    bases["saved"] = kept.saved
    _run(frame, bases, params, x.dtype)
    d_x = d_given.pop("x") if "x" in d_given else torch.zeros_like(x) if wants_x else None
    d_aux = {n: d_given[n] if n in d_given else torch.zeros_like(a) for n, a in aux.items()}
    return Gradients(d_x, d_states, d_aux, d_tensors)


def _frame(
    program: Program,
    which: tuple[Any, ...],
    given: Mapping[str, Tensor],
    params: Parameters,
    widths: Mapping[str, int],
) -> Frame:
    """The frame of a pass for tensors of these shapes; the last ones are kept with the parameters' places."""
    x, chosen = given["x"], width()
    total, batch = x.shape[:2]
    strides = []
    for name, value in given.items():
        step, row, _ = value.stride()
        # A lone row stands anywhere, and so does a lone step: as if they stood in line.
        row = step if batch == 1 else row
        strides.append((name, batch * row if total == 1 else step, row))
    key = (program, which, total, batch, tuple(strides), x.dtype, chosen)
    frames: dict[Any, Frame] = params.places.worked_out
    frame = frames.get(key)
    if frame is None:
        forward = which[0] == "forward"
        recipe = forward_recipe(program, *which[1:]) if forward else backward_recipe(program, *which[1:])
        all_states = not forward or which[1]
        trails = _names(program).states[: None if all_states else 1]
        shape = Shape(total, batch, widths, tuple(strides))
        compiled = _compiled(recipe, x.dtype, chosen)
        frame = Frame(recipe, compiled, shape, params.places, FORMATS[x.dtype], chosen, trails)
        if len(frames) >= _FRAMES:
            del frames[next(iter(frames))]
        frames[key] = frame
    return frame


_FRAMES = 128  # that are kept for a layer


def _run(frame: Frame, bases: dict[str, Tensor], params: Parameters, dtype: torch.dtype) -> None:
    """Run a pass on the memory that it names."""
    workspace = memory.lend(frame.workspace)
    slots = [_whole(t, dtype) for t in params.tensors]
    bases.update(zip(frame.slots, slots, strict=True))
    addresses = [0, 0, ctypes.addressof(workspace), ctypes.addressof(_ZERO)]
    addresses += [bases[name].data_ptr() for name in frame.names]
    table = (ctypes.c_int64 * len(addresses))(*addresses)
    team = threads.usable(torch.get_num_threads(), frame.operations)
    threads.run(kernels(FORMATS[dtype], width()), frame.jobs, ctypes.addressof(table), team)


def _whole(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    tensor = tensor if tensor.dtype == dtype else tensor.to(dtype)
    return tensor if tensor.is_contiguous() else tensor.contiguous()


def _lasting(steps: int, batch: int, width: int, like: Tensor, own: bool) -> Tensor:
    """Memory for a state at each step: that of the output is the caller's, that of others ours."""
    if not own:
        return like.new_empty((steps, batch, width))
    return memory.borrow(steps * batch * width, like.dtype).view(steps, batch, width)


def _given(x: Tensor, aux: Mapping[str, Tensor]) -> dict[str, Tensor]:
    given = {"x": _plain(x, x.dtype)}
    for n, value in aux.items():
        given[n] = _plain(value, x.dtype).expand(x.shape[0], -1, -1)
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
