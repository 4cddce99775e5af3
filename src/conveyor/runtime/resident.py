"""One layer's step in the CPU backend's compiled code, with the weights packed once and the states where they lie."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.backends.cpu.codegen import driver
from conveyor.backends.cpu.codegen.compile import compile_work
from conveyor.backends.cpu.runtime.launch_plan import Frame
from conveyor.backends.lowering.passes import forward_recipe
from conveyor.backends.cpu.runtime.memory_plan import Shape
from conveyor.backends.cpu.codegen.isa import width
from conveyor.backends.cpu.codegen.vector import FORMATS
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
        form, chosen, recipe = FORMATS[str(x.dtype)], width(), forward_recipe(program, False)
        compiled = compile_work(recipe.name, recipe.schedules, form, chosen)
        shape = Shape(1, 1, widths, tuple((n, w, w) for n, w in given))
        frame = Frame(recipe, compiled, shape, unit.places, form, chosen, (), bases, resident=True)
        self._frame, self._run = frame, frame.kernels.run
        self._workspace, self._weights = _aligned(frame.workspace), _aligned(max(frame.resident, 1))
        self._held = (x, output, *aux, *unit.tensors)  # their addresses stand in the tables
        self.states = tuple(tuple(np.zeros(widths[s.width], x.dtype) for s in program.states) for _ in range(2))
        self.turn = 0
        self._tables = [
            self._table(unit, (x, *aux), output, before, after)
            for before, after in (self.states, tuple(reversed(self.states)))
        ]
        self._addresses = [ctypes.addressof(t) for t in self._tables]
        self._jobs = frame.jobs
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
        numbers = fixed + [known[k] for k in self._frame.order]
        return (ctypes.c_int64 * len(numbers))(*numbers)

    def step(self) -> None:
        """Runs one step on what lies in the input."""
        self._run(self._jobs, self._addresses[self.turn], 0, 1)
        self._jobs = self._frame.again
        self.turn = 1 - self.turn

    def reset(self) -> None:
        """Sets the states to those before the first step."""
        for state, first in zip(self.states[self.turn], self._initial, strict=True):
            state[...] = first
