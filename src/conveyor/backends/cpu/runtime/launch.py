"""The passes of all layers and directions of a stack, planned once per signature and then only run.

A launch has a launch plan for each layer and direction. A call fills in addresses: those of the caller's tensors, and
offsets in the history that the forward pass leaves for the backward pass, one tensor for the stack.

A *place* is the name of one of the call's addresses, and an offset from it. For a number of time steps the places of
all bases of all passes become one list of pairs of integers, from which a call builds its argument table.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from conveyor.backends.cpu.codegen.scheduling import driver
from conveyor.backends.cpu.runtime import workspace as memory
from conveyor.backends.cpu.runtime.launch_plan import LaunchPlan, Strides
from conveyor.backends.cpu.runtime.memory_plan import Shape
from conveyor.backends.cpu.runtime.pass_group import Group, Template
from conveyor.backends.cpu.runtime.sequence import launch_plan_for
from conveyor.backends.cpu.runtime.stack import may_run_at_once
from conveyor.backends.interface import RecurrenceSpec

Place = tuple[str, int, int]  # of a base: the name of an address, offset in bytes, and bytes more per time step
_LINE = 128  # bytes that no two threads should write into
_zeros: list[Any] = []


def zero_row(numbers: int) -> int:
    """Return the address of a block of at least `numbers` zeros, which only grows."""
    if not _zeros or len(_zeros[-1]) < numbers:
        _zeros.append((ctypes.c_double * max(2 * numbers, 1024))())  # earlier ones stay: their addresses are in use
    return ctypes.addressof(_zeros[-1])


@dataclass(frozen=True, eq=False)
class Signature:
    """The key of a launch: everything that its plan depends on.

    Attributes:
        units: The spec of each layer and direction, layer by layer, forward direction first; one with auxiliary
            inputs is the only one, for inference.
        directions: The number of directions of a layer.
        batch: B.
        dtype: The dtype of all tensors.
        training: Whether a backward pass follows.
        has_states: Whether there are initial states; zeros otherwise.
        wants_x: Whether the gradient of the input is computed.
        alone: Whether there is one time step, which reads and writes the caller's states in place.
        emits: Whether the output is stored beside the final states.
        drops: Whether there is dropout between layers, so that each layer's passes are a group of their own.
    """

    units: tuple[RecurrenceSpec, ...]
    directions: int
    batch: int
    dtype: torch.dtype
    training: bool
    has_states: bool
    wants_x: bool
    alone: bool
    emits: bool
    drops: bool = False


class Launch:
    """The passes of a stack, planned for a signature.

    Args:
        signature: The signature.

    Attributes:
        state_widths: The width of each state.
        width: The width of a layer's output, both directions side by side.
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = s = signature
        self.size = torch.empty(0, dtype=s.dtype).itemsize
        first = s.units[0]
        self.names = tuple(i.name for i in first.program.states)
        self.state_widths = first.state_widths
        self.layers = len(s.units) // s.directions
        self.width = self.state_widths[0] * s.directions
        self.first_param = [0]
        for unit in s.units:
            self.first_param.append(self.first_param[-1] + unit.layout.tensors)
        self.lead = 0 if s.alone else 1
        widest = max(max(u.state_widths) for u in s.units)
        self.zero = zero_row(widest + 64)
        self._groups: dict[Any, tuple[Group, ...]] = {}
        self._templates: dict[Any, tuple[Template, ...]] = {}
        self._packed: tuple[Any, int, Any] = (None, 0, None)
        self._no_gradients = (False,) * len(self.names)
        self._columns = self._kept_columns() if s.training else [0] * len(s.units)
        self._places, self.history_row, self.history_rest = self._history()

    def _kept_columns(self) -> list[int]:
        """Return for each layer and direction the columns of its residuals beside the states."""
        return [self._frame(k, True, 1).saved for k in range(len(self.signature.units))]

    # The history: residuals of the forward pass

    def _history(self) -> tuple[dict[str, Place], int, int]:
        """Lay out the history; returns the places in it, its elements per time step, and its fixed elements."""
        s, places = self.signature, {}
        step = rest = 0

        def take(name: str, a_step: int, more: int) -> None:
            nonlocal step, rest
            places[name] = ("history", rest * self.size, step * self.size)
            step, rest = step + a_step, rest + -(-more // 16) * 16

        for layer in range(self.layers - 1):
            row = s.batch * self.width
            take(f"output {layer}", row, 2 * self.lead * row)
        for k in range(len(s.units)) if s.training else ():
            take(f"saved {k}", s.batch * self._columns[k], 0)
            for name, width in zip(self.names[1:], self.state_widths[1:], strict=True) if not s.alone else ():
                take(f"{name} {k}", s.batch * width, s.batch * width)
        return places, step, rest

    def history_numbers(self, steps: int) -> int:
        """Return the number of elements of the history for T steps."""
        return steps * self.history_row + self.history_rest

    # Frames

    def _shape(self, unit: int, capacity: int, zeros: frozenset[str], emits: bool) -> Shape:
        s = self.signature
        reverse = bool(unit % s.directions)
        stride = self.width if s.directions > 1 else 0
        last = unit // s.directions == self.layers - 1
        emits = emits and s.alone and (s.emits or not last)
        return Shape(capacity, s.batch, s.units[unit].widths, False, reverse, stride, zeros, emits)

    def _frame(self, unit: int, forward: bool, capacity: int, gradients: tuple[bool, ...] = ()) -> LaunchPlan:
        """Return the launch plan of a direction's pass; `gradients` says which final states have gradients."""
        s = self.signature
        spec = s.units[unit]
        if forward:
            zeros = frozenset() if s.has_states else frozenset(f"start {n}" for n in self.names)
            which: tuple[Any, ...] = ("forward", s.training, ())
            return launch_plan_for(spec, which, self._shape(unit, capacity, zeros, True), s.dtype, resident=s.alone)
        missing = {f"start {n}" for n, there in zip(self.names, gradients, strict=True) if not there}
        missing |= {f"trail {n}" for n in self.names} if s.alone and not s.has_states else set()
        which = ("backward", s.wants_x or unit >= s.directions)
        return launch_plan_for(spec, which, self._shape(unit, capacity, frozenset(missing), False), s.dtype)

    def _capacity(self, steps: int) -> int:
        return 1 if self.signature.alone else max(2, Shape.capacity_for(steps))

    @cached_property
    def partly(self) -> frozenset[int]:
        """The indices of the parameter tensors with rows that get no gradient."""
        known = tuple(True for _ in self.names)
        frames = enumerate(self._frame(k, False, self._capacity(2), known) for k in range(len(self.signature.units)))
        return frozenset(self.first_param[k] + j for k, frame in frames for j in frame.partly)

    def output(self, history: Tensor, layer: int, steps: int) -> Tensor:
        """Return the output of a layer below the last, (T, B, width), a view of the history."""
        _, offset, a_step = self._output(layer)
        sizes = (steps, self.signature.batch, self.width)
        return history.as_strided(sizes, (sizes[1] * sizes[2], sizes[2], 1), (offset + a_step * steps) // self.size)

    def _order(self, forward: bool) -> list[int]:
        """Return the indices of all layers and directions in an order that satisfies their dependencies."""
        layers = range(self.layers) if forward else reversed(range(self.layers))
        d = self.signature.directions
        return [layer * d + k for layer in layers for k in range(d)]

    # Places of bases

    def _output(self, layer: int) -> Place:
        """Return the place of the first row of a layer's output."""
        if layer == self.layers - 1:
            return "y", 0, 0
        _, offset, a_step = self._places[f"output {layer}"]
        return "history", offset + self.lead * self.signature.batch * self.width * self.size, a_step

    def _bases(self, unit: int) -> dict[str, Place]:
        """Return the bases that both passes of a direction have."""
        s, size = self.signature, self.size
        layer, direction = divmod(unit, s.directions)
        given = not layer or s.drops
        found: dict[str, Place] = {"x": (f"x {layer}", 0, 0) if given else self._output(layer - 1)}
        found |= {"workspace": ("workspace", 0, 0), "zero": ("zero", 0, 0)}
        address, offset, a_step = self._output(layer)
        offset += direction * self.state_widths[0] * size
        found["output"] = address, offset, a_step
        for k, (name, width) in enumerate(zip(self.names, self.state_widths, strict=True)):
            row = s.batch * width * size
            if s.alone:
                found[f"trail {name}"] = (f"start {name}", unit * row, 0) if s.has_states else ("zero", 0, 0)
            elif not k:
                found[f"trail {name}"] = address, offset - s.batch * self.width * size, a_step
            elif s.training:
                held, at, more = self._places[f"{name} {unit}"]
                found[f"trail {name}"] = held, at - direction * row, more
        if s.training:
            found["saved"] = self._places[f"saved {unit}"]
        for j in range(s.units[unit].layout.tensors):
            found[f"slot {j}"] = f"slot {self.first_param[unit] + j}", 0, 0
        return found

    def _forward_bases(self, unit: int) -> Mapping[str, Place]:
        s = self.signature
        found = self._bases(unit)
        for name, width in zip(self.names, self.state_widths, strict=True):
            at = unit * s.batch * width * self.size
            found[f"start {name}"] = (f"start {name}", at, 0) if s.has_states else ("zero", 0, 0)
            found[f"final {name}"] = f"final {name}", at, 0
        found |= {n: (f"aux {n}", 0, 0) for n in s.units[unit].aux}
        return found | {"resident": (f"packed {unit}", 0, 0)}

    def _backward_bases(self, unit: int, gradients: tuple[bool, ...], of_output: bool) -> Mapping[str, Place]:
        s, size = self.signature, self.size
        layer, direction = divmod(unit, s.directions)
        found = self._bases(unit)
        received: Place = (f"d output {layer}", direction * self.state_widths[0] * size, 0)
        if layer == self.layers - 1 and not of_output:
            received = "zero", 0, 0
        found[f"grad_output.{self.names[0]}"] = received
        for name, width, there in zip(self.names, self.state_widths, gradients, strict=True):
            at = unit * s.batch * width * size
            found[f"start {name}"] = (f"d final {name}", at, 0) if there else ("zero", 0, 0)
            found[f"d state {name}"] = f"d start {name}", at, 0
        found["d x"] = f"d x {unit}", 0, 0
        for j in range(s.units[unit].layout.tensors):
            found[f"d slot {j}"] = f"d slot {self.first_param[unit] + j}", 0, 0
        return found

    # Calls

    def _addresses(self, forward: bool) -> list[str]:
        """Return the names of the addresses of a call, in order."""
        s, slots, units = self.signature, range(self.first_param[-1]), range(len(self.signature.units))
        named = ["workspace", "none", "zero", "y", "history"]
        named += [f"x {layer}" for layer in range(self.layers if s.drops else 1)]
        named += [f"slot {j}" for j in slots]
        named += [f"start {n}" for n in self.names] if s.has_states else []
        if forward:
            packed = [f"packed {k}" for k in units if s.alone]
            return [*named, *(f"final {n}" for n in self.names), *packed, *(f"aux {n}" for n in s.units[0].aux)]
        named += [f"{what} {n}" for what in ("d final", "d start") for n in self.names]
        named += [f"d slot {j}" for j in slots] + [f"d output {layer}" for layer in range(self.layers)]
        return named + [f"d x {k}" for k in units]

    def groups(
        self,
        steps: int,
        x_strides: tuple[int, int],
        forward: bool,
        g_strides: tuple[int, int] | None = None,
        gradients: tuple[bool, ...] = (),
    ) -> tuple[Group, ...]:
        """Return the pass groups for a number of time steps.

        Args:
            steps: T.
            x_strides: The strides of the input from step to step and from row to row, in elements.
            forward: Whether they run forward.
            g_strides: The strides of the output's gradient; None if there is none.
            gradients: For each state whether its final value has a gradient; empty if none has.
        """
        key = (steps, x_strides, forward, g_strides, gradients)
        try:
            return self._groups[key]
        except KeyError:
            return self._keep(key)

    def _keep(self, key: tuple[Any, ...]) -> tuple[Group, ...]:
        if len(self._groups) >= _GROUPS:
            self._groups.clear()
        found = self._groups[key] = self._fit(*key)
        return found

    def _fit(
        self,
        steps: int,
        x_strides: tuple[int, int],
        forward: bool,
        g_strides: tuple[int, int] | None,
        gradients: tuple[bool, ...],
    ) -> tuple[Group, ...]:
        capacity = self._capacity(steps)
        given = gradients or self._no_gradients
        key = (forward, capacity, g_strides is not None, given)
        templates = self._templates.get(key)
        if templates is None:
            templates = self._templates[key] = self._template(forward, capacity, g_strides is not None, given)
        fits = [
            tuple([frame.fit(steps, self._strides(unit, x_strides, g_strides)) for unit, frame in t.units])
            for t in templates
        ]
        needs_rows = any(
            frame.summed and not fit.flat
            for t, own in zip(templates, fits, strict=True)
            for (_, frame), fit in zip(t.units, own, strict=True)
        )
        return tuple(
            [t.fit(steps, own, needs_rows, self.signature.directions) for t, own in zip(templates, fits, strict=True)]
        )

    def _template(
        self, forward: bool, capacity: int, of_output: bool, gradients: tuple[bool, ...]
    ) -> tuple[Template, ...]:
        """Build the pass groups that serve any number of time steps up to a capacity."""
        s = self.signature
        number = {name: k for k, name in enumerate(self._addresses(forward))}
        apart = s.drops or (not forward and s.directions > 1)
        groups: list[list[int]] = []
        for unit in self._order(forward):
            if not groups or (apart and unit // s.directions != groups[-1][0] // s.directions):
                groups.append([])
            groups[-1].append(unit)
        made = []
        for units in groups:
            frames = [(unit, self._frame(unit, forward, capacity, gradients)) for unit in units]
            at_once = len(units) > 1 and not s.alone and may_run_at_once(s.batch, len(units))
            places: list[tuple[int, int, int]] = []
            starts, workspace = [], 0
            for unit, frame in frames:
                bases = self._forward_bases(unit) if forward else self._backward_bases(unit, gradients, of_output)
                starts.append(8 * len(places))
                places += [(1, 0, 0)] * driver.WAITING
                for name in frame.bases:
                    address, behind, a_step = bases[name]
                    behind += workspace if at_once and name == "workspace" else 0
                    places.append((number[address], behind, a_step))
                workspace = (
                    workspace + -(-frame.workspace // _LINE) * _LINE if at_once else max(workspace, frame.workspace)
                )
            chosen, offsets, steps = (tuple(column) for column in zip(*places, strict=True))
            layer = units[0] // s.directions
            made.append(Template(layer, tuple(frames), tuple(starts), chosen, offsets, steps, workspace, at_once))
        return tuple(made)

    def _strides(self, unit: int, x_strides: tuple[int, int], g_strides: tuple[int, int] | None) -> Strides:
        s, layer = self.signature, unit // self.signature.directions
        between = (s.batch * self.width, self.width)
        x = between if layer else x_strides
        g = (g_strides or (0, 0)) if layer == self.layers - 1 else between
        spec = s.units[unit]
        widths = [(a.name, spec.widths[a.width]) for a in spec.program.aux]
        return ("x", *x), (f"grad_output.{self.names[0]}", *g), *((n, s.batch * w, w) for n, w in widths)

    def positions(self, group: Group, name: str) -> list[int]:
        """Return the indices in a group's address table that hold an address of a forward call without offset."""
        k = self._addresses(True).index(name)
        return [at for at, place in enumerate(zip(group.numbers, group.behind, strict=True)) if place == (k, 0)]

    def forward(self, groups: Sequence[Group], addresses: list[int], stamp: Any = None) -> None:
        """Run the forward passes, without dropout between layers.

        Args:
            groups: The passes.
            addresses: The addresses of the call, without those of packed weights.
            stamp: The version of the parameters' values, by which a single time step reuses its packed weights.
        """
        (group,) = groups
        if not self.signature.alone:
            group.run(addresses)
            return
        packed = self._packed
        again = stamp is not None and packed[0] == stamp
        if not again:
            # Another thread may be reading the packed weights.
            block = memory.acquire(sum(frame.resident for frame in group.frames) + 1)
            packed = (stamp, ctypes.addressof(block), block)
        at = packed[1]
        for frame in group.frames:
            addresses.append(at)
            at += frame.resident
        group.run(addresses, again)
        if not again:
            self._packed = packed


_GROUPS = 256  # signatures of passes that a launch caches
