"""One layer's step in the CPU backend's compiled code, with the weights packed once and the states where they lie."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.backends.cpu.codegen.compile import compile_work
from conveyor.backends.cpu.codegen.few_rows import rows_at_once
from conveyor.backends.cpu.codegen.isa import width
from conveyor.backends.cpu.codegen.scheduling import driver
from conveyor.backends.cpu.codegen.vector import FORMATS
from conveyor.backends.cpu.runtime.launch_plan import LaunchPlan
from conveyor.backends.cpu.runtime.memory_plan import Shape
from conveyor.backends.lowering.passes import lower_forward
from conveyor.runtime.description import RuntimeUnit

_ZERO = (ctypes.c_double * 8)()  # for padding; read only
_LINE = 64


def _aligned(size: int) -> NDArray[np.uint8]:
    """So many bytes from a cache line on."""
    whole = np.zeros(size + _LINE, np.uint8)
    start = -whole.ctypes.data % _LINE
    return whole[start : start + size]


class ResidentStep:
    """A layer that runs step by step.

    Args:
        unit: The layer.
        x: Where its input will be, (width,).
        output: Where its output goes, (width,).
        aux: Where its auxiliary inputs will be, in order.
    """

    def __init__(self, unit: RuntimeUnit, x: NDArray[Any], output: NDArray[Any], aux: Sequence[NDArray[Any]]) -> None:
        program, widths = unit.program, unit.widths
        names = [s.name for s in program.states]
        given = [("x", widths["I"]), *((a.name, widths[a.width]) for a in program.aux)]
        bases = [*(n for n, _ in given), "output", "resident"]
        bases += [f"{what} {n}" for what in ("start", "final") for n in names]
        form, chosen, lowered = FORMATS[str(x.dtype)], width(), lower_forward(program, False)
        few = rows_at_once(lowered.loop, 1, chosen)
        code = compile_work(lowered.name, lowered.schedules, form, chosen, few)
        shape = Shape(1, 1, widths, emits=True)
        plan = LaunchPlan(lowered, code, shape, unit.layout, form, chosen, (), bases, resident=True)
        fit = plan.fit(1, tuple((name, size, size) for name, size in given))
        self._plan, self._fit, self._run = plan, fit, plan.kernels.run  # the fit owns what the jobs lead to
        self._workspace, self._weights = _aligned(plan.workspace), _aligned(max(plan.resident, 1))
        self._held = (x, output, *aux, *unit.tensors)  # their addresses stand in the tables
        self.states = tuple(tuple(np.zeros(widths[s.width], x.dtype) for s in program.states) for _ in range(2))
        self.turn = 0
        self._tables = [
            self._table(unit, (x, *aux), output, before, after)
            for before, after in (self.states, tuple(reversed(self.states)))
        ]
        self._addresses = [ctypes.addressof(t) for t in self._tables]
        self._jobs = fit.jobs
        self._initial = unit.initial
        self.reset()

    def _table(
        self,
        unit: RuntimeUnit,
        given: Sequence[NDArray[Any]],
        output: NDArray[Any],
        before: Sequence[NDArray[Any]],
        after: Sequence[NDArray[Any]],
    ) -> Any:
        """The addresses of all bases."""
        arrays = [*given, output, self._weights, *before, *after, *unit.tensors]
        known = [a.ctypes.data for a in arrays]
        fixed = [*[0] * driver.WAITING, self._workspace.ctypes.data, ctypes.addressof(_ZERO)]
        numbers = fixed + [known[k] for k in self._plan.order]
        return (ctypes.c_int64 * len(numbers))(*numbers)

    def step(self) -> None:
        """Runs one step on what lies in the input."""
        self._run(self._jobs, self._addresses[self.turn], 0, 1)
        self._jobs = self._fit.again
        self.turn = 1 - self.turn

    def reset(self) -> None:
        """Sets the states to those before the first step."""
        for state, first in zip(self.states[self.turn], self._initial, strict=True):
            state[...] = first
