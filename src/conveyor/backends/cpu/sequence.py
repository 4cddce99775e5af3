"""The forward and backward pass over a sequence: memory is found, and compiled code does the rest."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from conveyor.backends.cpu import driver, memory, threads
from conveyor.backends.cpu.compile import Compiled, compile_work, kernels
from conveyor.backends.cpu.frame import Frame, Shape
from conveyor.backends.cpu.recipe import Pass, backward_recipe, forward_recipe
from conveyor.backends.cpu.target import Width, width
from conveyor.backends.cpu.vector import FLOAT32, FLOAT64, Format
from conveyor.backends.parameters import Parameters, Places
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
def _frame(
    recipe: Pass, shape: Shape, places: Places, dtype: torch.dtype, chosen: Width, trails: tuple[str, ...]
) -> Frame:
    form = FORMATS[dtype]
    return Frame(recipe, _compiled(recipe, dtype, chosen), shape, places, form, chosen, trails)


@lru_cache(maxsize=512)
def _compiled(recipe: Pass, dtype: torch.dtype, chosen: Width) -> Compiled:
    return compile_work(recipe.schedules, FORMATS[dtype], chosen)


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
    given = _given(x, aux)
    states = [_whole(s, x) for s in states]
    names = [i.name for i in program.states]
    sizes = [widths[i.width] for i in program.states]
    trails = {
        n: _lasting(total + 1, batch, w, x, own=k > 0)
        for k, (n, w) in enumerate(zip(names, sizes, strict=True))
        if training or k == 0
    }
    if not total or not batch:
        for name, state in zip(names, states, strict=True):
            if name in trails:
                trails[name][:1] = state
        values = {n: x.new_empty((total, batch, widths.get(program.nodes[n].type.width, 1))) for n in keep}
        return Kept(trails, tuple(s.clone() for s in states), x.new_empty(0), values)
    recipe = forward_recipe(program, training, keep)
    frame = _found(recipe, given, params, widths, tuple(trails))
    finals = tuple(x.new_empty((batch, w)) for w in sizes)
    saved = memory.borrow(total * batch * frame.saved, x.dtype) if frame.saved else x.new_empty(0)
    values = {n: x.new_empty((total, batch, widths.get(program.nodes[n].type.width, 1))) for n in keep}
    bases = {
        **given,
        **{f"start {n}": s for n, s in zip(names, states, strict=True)},
        **{f"trail {n}": t for n, t in trails.items()},
        **{f"final {n}": t for n, t in zip(names, finals, strict=True)},
        **{f"keep {n}": v for n, v in values.items()},
        "saved": saved,
    }
    _run(frame, bases, params, x)
    return Kept(trails, finals, saved, values)


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
    names = [i.name for i in program.states]
    sizes = [widths[i.width] for i in program.states]
    if not total or not batch:
        zeros = tuple(torch.zeros_like(t) for t in params.tensors)
        d_aux = {n: torch.zeros_like(a) for n, a in aux.items()}
        return Gradients(torch.zeros_like(x), tuple(g.clone() for g in grad_states), d_aux, zeros)
    recipe = backward_recipe(program, wants_x)
    given = _given(x, aux) | {f"grad_output.{names[0]}": _plain(grad_output, x)}
    if _is_summed(recipe):
        given = {n: g.contiguous() for n, g in given.items()}
    frame = _found(recipe, given, params, widths, tuple(names))
    d_states = tuple(x.new_empty((batch, w)) for w in sizes)
    d_given = {n: x.new_empty((total, batch, widths[w])) for n, w in _asked(recipe)}
    bases = {
        **given,
        **{f"start {n}": _whole(g, x) for n, g in zip(names, grad_states, strict=True)},
        **{f"trail {n}": t for n, t in kept.trails.items()},
        **{f"d state {n}": t for n, t in zip(names, d_states, strict=True)},
        **{f"d {n}": t for n, t in d_given.items()},
        "saved": kept.saved,
    }
    partly = _partly(recipe, params.places)
    d_tensors = tuple(
        x.new_zeros(t.shape) if k in partly else x.new_empty(t.shape) for k, t in enumerate(params.tensors)
    )
    bases |= {f"d slot {k}": d for k, d in enumerate(d_tensors)}
    _run(frame, bases, params, x)
    d_x = d_given.pop("x") if "x" in d_given else torch.zeros_like(x) if wants_x else None
    d_aux = {n: d_given[n] if n in d_given else torch.zeros_like(a) for n, a in aux.items()}
    return Gradients(d_x, d_states, d_aux, d_tensors)


@lru_cache(maxsize=256)
def _partly(recipe: Pass, places: Places) -> frozenset[int]:
    """The tensors with rows that the pass gives no gradient."""
    reached = {("product", o.key) for o in recipe.outers} | {(s.op, s.key) for s in recipe.sums}
    return frozenset(p.tensor for key, parts in places.parts.items() if key not in reached for p in parts)


@lru_cache(maxsize=256)
def _asked(recipe: Pass) -> tuple[tuple[str, str], ...]:
    """The inputs that have a gradient, and their widths."""
    width = {f"d {i.name}": i.width for i in recipe.program.inputs}
    return tuple((name.removeprefix("d "), width[name]) for name, _ in recipe.after.wanted)


@lru_cache(maxsize=256)
def _is_summed(recipe: Pass) -> bool:
    """Whether something that the caller gives is itself summed over all rows, which must then stand together."""
    summed = {o.gradient for o in recipe.outers} | {s.node for s in recipe.sums}
    return any(recipe.program.nodes[n].op == "input" for n in summed)


def _found(
    recipe: Pass, given: Mapping[str, Tensor], params: Parameters, widths: Mapping[str, int], trails: tuple[str, ...]
) -> Frame:
    x = given["x"]
    total, batch = x.shape[:2]
    strides = []
    for name, value in given.items():
        step, row = value.stride(0), value.stride(1)
        # A lone row stands anywhere, and so does a lone step: as if they stood in line.
        row = step if batch == 1 else row
        strides.append((name, batch * row if total == 1 else step, row))
    shape = Shape(total, batch, tuple(widths.items()), tuple(strides))
    return _frame(recipe, shape, params.places, x.dtype, width(), trails)


def _run(frame: Frame, bases: Mapping[str, Tensor], params: Parameters, like: Tensor) -> None:
    """Run a pass on the memory that it names."""
    workspace = memory.borrow(frame.workspace, like.dtype)
    slots = [_whole(t, like) for t in params.tensors]
    addresses = (ctypes.c_int64 * (driver.WAITING + len(frame.bases)))()
    for name, place in frame.bases.items():
        if name in bases:
            addresses[place] = bases[name].data_ptr()
        elif name.startswith("slot "):
            addresses[place] = slots[int(name[5:])].data_ptr()
        else:
            addresses[place] = workspace.data_ptr() if name == "workspace" else ctypes.addressof(_ZERO)
    team = threads.usable(torch.get_num_threads(), frame.operations)
    threads.run(kernels(FORMATS[like.dtype], width()), frame.jobs, ctypes.addressof(addresses), team)


def _whole(tensor: Tensor, like: Tensor) -> Tensor:
    tensor = tensor if tensor.dtype == like.dtype else tensor.to(like.dtype)
    return tensor if tensor.is_contiguous() else tensor.contiguous()


def _lasting(steps: int, batch: int, width: int, like: Tensor, own: bool) -> Tensor:
    """Memory for a state at each step: that of the output is the caller's, that of others ours."""
    if not own:
        return like.new_empty((steps, batch, width))
    return memory.borrow(steps * batch * width, like.dtype).view(steps, batch, width)


def _given(x: Tensor, aux: Mapping[str, Tensor]) -> dict[str, Tensor]:
    plain = {n: _plain(value, x) for n, value in {"x": x, **aux}.items()}
    return {n: value.expand(x.shape[0], -1, -1) for n, value in plain.items()}


def _plain(value: Tensor, like: Tensor) -> Tensor:
    """A tensor of the pass's type whose units lie side by side."""
    value = value.to(like.dtype) if value.dtype != like.dtype else value
    if value.shape[-1] <= 1 or value.stride(-1) == 1:
        return value
    # What is the same at each step or in each row is copied once.
    shape = value.shape
    for axis in range(value.dim() - 1):
        if value.stride(axis) == 0 and value.shape[axis] > 1:
            value = value.narrow(axis, 0, 1)
    return value.contiguous().expand(shape)
