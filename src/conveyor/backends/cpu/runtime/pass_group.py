"""Groups of a stack's passes that run without interruption, planned for any number of time steps, then fitted."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import add, itemgetter
from typing import Any

import torch

from conveyor.backends.cpu.runtime import threads
from conveyor.backends.cpu.runtime import workspace as memory
from conveyor.backends.cpu.runtime.launch_plan import Fit, LaunchPlan
from conveyor.backends.cpu.runtime.stack import Entry, Stack


@dataclass(frozen=True, eq=False, slots=True)
class _Pass:
    """The pass of one layer and direction: its kernel, and the offset of its bases in the address table, in bytes."""

    run: Callable[..., None]
    kernels: Any
    jobs: int
    again: int
    operations: float
    by_units: bool
    at: int


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """Passes that run in sequence without interruption, fitted to a number of time steps.

    Attributes:
        layer: The layer of the first.
        passes: The passes.
        chosen: Takes the address of the call for each base of all passes.
        behind: The bytes behind it.
        is_offset: Whether any base stands behind its address.
        numbers: Which address of the call it is.
        workspace: The bytes that they work in.
        stack: What runs them at the same time; None where one after the other is as good.
        needs_rows: Whether for some group what is given must stand in rows at equal distances, and does not.
        frames: Their frames, which own what the addresses lead to.
        fits: Their fits, likewise.
    """

    layer: int
    passes: tuple[_Pass, ...]
    chosen: Callable[[Sequence[int]], tuple[int, ...]]
    behind: tuple[int, ...]
    is_offset: bool
    numbers: tuple[int, ...]
    workspace: int
    stack: Stack | None
    needs_rows: bool
    frames: tuple[LaunchPlan, ...]
    fits: tuple[Fit, ...]

    def run(self, addresses: list[int], again: bool = False) -> None:
        """Run the passes; `addresses` holds that of the workspace, then those of the call."""
        addresses[0], owner = memory.scratch(self.workspace)
        self.run_on(self.table(addresses), again)
        del owner

    def table(self, addresses: Sequence[int]) -> array[int]:
        """The addresses of all bases of all passes, from those of the call."""
        chosen = self.chosen(addresses)
        return array("q", map(add, chosen, self.behind) if self.is_offset else chosen)

    def calls(self, table: array[int]) -> list[tuple[Any, ...]] | None:
        """Functions and arguments that run the passes on a table, with packed weights; None if on several threads.

        Arguments are ctypes' own objects, which it need not make at each call.
        """
        if any(one.operations >= threads._WORTHWHILE for one in self.passes):
            return None
        bases = table.buffer_info()[0]
        alone = ctypes.c_long(0), ctypes.c_long(1)
        return [(one.run, ctypes.c_void_p(one.again), ctypes.c_void_p(bases + one.at), *alone) for one in self.passes]

    def run_on(self, table: array[int], again: bool) -> None:
        """Run the passes on an address table; `again` reuses packed weights."""
        bases = table.buffer_info()[0]
        if self.stack is not None:
            team = threads.usable(torch.get_num_threads(), sum(one.operations for one in self.passes))
            if self.stack.is_at_once(team):
                self.stack.run([bases + one.at for one in self.passes], team)
                return
        for one in self.passes:
            jobs = one.again if again else one.jobs
            if one.operations < threads._WORTHWHILE:
                one.run(jobs, bases + one.at, 0, 1)
            else:
                team = threads.usable(torch.get_num_threads(), one.operations, one.by_units)
                threads.run(one.kernels, jobs, bases + one.at, team)


@dataclass(frozen=True, eq=False)
class Template:
    """A pass group for any number of time steps up to a capacity.

    Attributes:
        layer: The layer of the first pass.
        units: The layer directions with their launch plans.
        starts: The offset of each one's bases in the address table, in bytes.
        numbers: For each base the index of its address in the call,
        behind: the offset from it in bytes,
        a_step: and the additional bytes per time step.
        workspace: Bytes of the shared workspace.
        at_once: Whether they may run concurrently: there are too few rows to divide between threads.
    """

    layer: int
    units: tuple[tuple[int, LaunchPlan], ...]
    starts: tuple[int, ...]
    numbers: tuple[int, ...]
    behind: tuple[int, ...]
    a_step: tuple[int, ...]
    workspace: int
    at_once: bool

    @cached_property
    def chosen(self) -> Callable[[Sequence[int]], tuple[int, ...]]:
        """The function that picks the address of each base from those of a call."""
        return itemgetter(*self.numbers)

    def fit(self, steps: int, fits: tuple[Fit, ...], needs_rows: bool, directions: int) -> Group:
        """Fit the group to a number of time steps, with the fits of its launch plans."""
        frames = tuple([frame for _, frame in self.units])
        passes = tuple(
            [
                _Pass(frame.kernels.run, frame.kernels, fit.jobs, fit.again, fit.operations, frame.by_units, at)
                for frame, fit, at in zip(frames, fits, self.starts, strict=True)
            ]
        )
        behind = tuple([b + a * steps for b, a in zip(self.behind, self.a_step, strict=True)])
        stack = None
        if self.at_once:
            entries = [
                Entry(one.jobs, steps, unit // directions, frame.backwards != frame.shape.reverse, frame.is_large)
                for (unit, frame), one in zip(self.units, passes, strict=True)
            ]
            stack = Stack(frames[0].kernels, entries, frames[0].shape.batch)
        return Group(
            self.layer, passes, self.chosen, behind, any(behind), self.numbers, self.workspace, stack, needs_rows,
            frames, fits,
        )  # fmt: skip
