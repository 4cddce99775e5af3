"""One unit that runs step by step: its weights stay packed, and its states where they are."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from conveyor.backends.cpu.codegen import driver
from conveyor.backends.cpu.codegen.isa import width
from conveyor.backends.cpu.runtime import sequence, threads, workspace
from conveyor.backends.cpu.runtime.launch_plan import Frame
from conveyor.backends.cpu.runtime.memory_plan import Shape
from conveyor.backends.lowering.passes import forward_recipe
from conveyor.backends.parameters import Parameters
from conveyor.ir.program import Program


class Resident:
    """A program that runs step by step, without gradients.

    Args:
        program: A forward program.
        params: Its parameters.
        widths: The numbers of its widths.
        batch: How many rows.
    """

    def __init__(self, program: Program, params: Parameters, widths: Mapping[str, int], batch: int) -> None:
        like = params.tensors[0] if params.tensors else torch.empty(0)
        names = [s.name for s in program.states]
        given = [("x", widths["I"]), *((a.name, widths[a.width]) for a in program.aux)]
        self._bases = [*(n for n, _ in given), "output", "resident"]
        self._bases += [f"{what} {n}" for what in ("start", "final") for n in names]
        recipe, dtype, chosen = forward_recipe(program, False), like.dtype, width()
        compiled = sequence.compiled(recipe, dtype, chosen)
        shape = Shape(1, batch, widths, tuple((n, batch * w, w) for n, w in given))
        form = sequence.FORMATS[dtype]
        self._frame = Frame(recipe, compiled, shape, params.places, form, chosen, (), self._bases, resident=True)
        self._workspace, self._weights = (
            workspace.lend(self._frame.workspace),
            workspace.lend(max(self._frame.resident, 1)),
        )
        self._buffers = tuple(
            tuple([torch.zeros((batch, widths[s.width]), dtype=dtype) for s in program.states]) for _ in range(2)
        )
        self._turn = 0
        places = enumerate(self._place(n) for n, _ in given)
        self._given = [(k, place) for k, place in places if place is not None]
        self._output = self._place("output") or 0
        self._is_large = threads.usable(2, self._frame.operations) > 1
        self.load(params)

    def _place(self, base: str) -> int | None:
        """Where the address of a base stands in a table; None if nothing reads it."""
        k = self._bases.index(base)
        return _FIXED + self._frame.order.index(k) if k in self._frame.order else None

    @property
    def states(self) -> tuple[Tensor, ...]:
        """The states after the last step, each (B, width); they may be written in place between steps."""
        return self._buffers[self._turn]

    def load(self, params: Parameters) -> None:
        """Read the parameters afresh."""
        # Packed weights are copies, but biases and the like are read where they are.
        self._slots = [t.detach().contiguous() for t in params.tensors]
        self._tables = [self._table(*self._buffers), self._table(*reversed(self._buffers))]
        self._is_packed = False

    def _table(self, before: Sequence[Tensor], after: Sequence[Tensor]) -> ctypes.Array[ctypes.c_int64]:
        """The addresses of all bases; those of what is given at each step are still missing."""
        missing = [0] * (len(self._bases) - 1 - len(before) - len(after))
        states = [t.data_ptr() for t in (*before, *after)]
        known = [*missing, ctypes.addressof(self._weights), *states, *(t.data_ptr() for t in self._slots)]
        fixed = [*[0] * driver.WAITING, ctypes.addressof(self._workspace), sequence.zeros()]
        numbers = fixed + [known[k] for k in self._frame.order]
        return (ctypes.c_int64 * len(numbers))(*numbers)

    def step(self, given: Sequence[Tensor], output: Tensor) -> None:
        """One step.

        Args:
            given: The input (B, I), then the auxiliary inputs (B, width), all contiguous.
            output: Where the new output goes, (B, width).
        """
        table, frame = self._tables[self._turn], self._frame
        for k, place in self._given:
            table[place] = given[k].data_ptr()
        table[self._output] = output.data_ptr()
        jobs = frame.again if self._is_packed else frame.jobs
        if self._is_large:
            team = threads.usable(torch.get_num_threads(), frame.operations, frame.by_units)
            threads.run(frame.kernels, jobs, ctypes.addressof(table), team)
        else:
            frame.kernels.run(jobs, ctypes.addressof(table), 0, 1)
        self._is_packed = True
        self._turn = 1 - self._turn


_FIXED = driver.WAITING + 2  # numbers at the start of a table: those of threads that wait, the workspace, some zeros
