"""Groups of passes that run without other work between them: a template, then a group for a number of steps."""

from __future__ import annotations

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
    """One unit's pass: its compiled function, and the offset in bytes of its bases in the table."""

    run: Callable[..., None]
    kernels: Any
    jobs: int
    again: int
    operations: float
    by_units: bool
    at: int


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """Passes that run one after the other without other work between them, for a number of steps.

    Attributes:
        layer: The layer of the first.
        passes: The passes.
        chosen: Selects the call's address for each base of all passes.
        behind: The offset from that address, in bytes.
        numbers: The index of that address.
        workspace: The size of their workspace, in bytes.
        stack: Runs them in parallel; None where one after the other is as good.
        needs_rows: Whether some group needs per-step inputs with one row stride across steps, and lacks them.
        frames: Their launch plans, which own the memory behind the addresses.
        fits: Their fits, likewise.
    """

    layer: int
    passes: tuple[_Pass, ...]
    chosen: Callable[[Sequence[int]], tuple[int, ...]]
    behind: tuple[int, ...]
    numbers: tuple[int, ...]
    workspace: int
    stack: Stack | None
    needs_rows: bool
    frames: tuple[LaunchPlan, ...]
    fits: tuple[Fit, ...]

    def run(self, addresses: list[int], again: bool = False) -> None:
        """Run the passes; `addresses` holds the workspace's, then those of the call."""
        addresses[0], owner = memory.scratch(self.workspace)
        self.run_on(array("q", map(add, self.chosen(addresses), self.behind)), again)
        del owner

    def table(self, addresses: Sequence[int]) -> array[int]:
        """Build the table of all bases' addresses from the call's addresses."""
        return array("q", map(add, self.chosen(addresses), self.behind))

    def calls(self, table: array[int]) -> list[tuple[Callable[..., None], int, int]] | None:
        """List the calls that run the passes on a table with packed weights; None if a pass may use several threads."""
        if any(one.operations >= threads._WORTHWHILE for one in self.passes):
            return None
        bases = table.buffer_info()[0]
        return [(one.run, one.again, bases + one.at) for one in self.passes]

    def run_on(self, table: array[int], again: bool) -> None:
        """Run the passes on a table; `again` if the weights are packed already."""
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
    """A group of passes for a capacity, with any number of steps.

    Attributes:
        layer: The layer of the first pass.
        units: The indices of the units with their launch plans.
        starts: The offset of each unit's bases in the table, in bytes.
        numbers: For each base the index of its address in the call,
        behind: the offset from that address in bytes,
        a_step: and the further offset for each step in bytes.
        workspace: The size of the passes' workspace, in bytes.
        at_once: Whether they may run in parallel: the batch has too few rows to divide between all threads.
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
        """The selector of all bases' addresses from those of a call."""
        return itemgetter(*self.numbers)

    def fit(self, steps: int, fits: tuple[Fit, ...], needs_rows: bool, directions: int) -> Group:
        """Build the group for a number of steps from its launch plans' fits."""
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
            self.layer, passes, self.chosen, behind, self.numbers, self.workspace, stack, needs_rows, frames, fits
        )
