"""Runs a compiled time loop on tensors."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from conveyor.backends.cpu import table, threads
from conveyor.backends.cpu.compile import Compiled, compile_steps, kernels
from conveyor.backends.cpu.pack import columns_of, dense, pack
from conveyor.backends.cpu.products import FORMATS
from conveyor.backends.cpu.schedule import Schedule
from conveyor.backends.cpu.table import FIELDS
from conveyor.backends.cpu.target import Width, width
from conveyor.backends.cpu.vector import Format
from conveyor.backends.evaluate import Params


@dataclass(frozen=True)
class Array:
    """A tensor as a matrix a step.

    Attributes:
        tensor: (T, B, units); (B, units), the same at each step; or (units,), the same in each row as well.
        shift: Added to the step.
        turns: Whether the tensor holds two steps that take turns.
    """

    tensor: Tensor
    shift: int = 0
    turns: bool = False

    def entries(self) -> tuple[int, int, int, int, int]:
        """The numbers of its entry in the table."""
        t = self.tensor
        if t.shape[-1] > 1 and t.stride(-1) != 1:
            raise ValueError("the units of an array must lie side by side")
        step = t.stride(0) if t.dim() == 3 else 0
        stride = t.stride(-2) if t.dim() > 1 else 0
        mask = 1 if self.turns else -1 if t.dim() == 3 else 0
        return t.data_ptr(), step, stride, mask, self.shift


@lru_cache(maxsize=512)
def _compiled(schedule: Schedule, dtype: torch.dtype, chosen: Width) -> Compiled:
    return compile_steps(schedule, FORMATS[dtype], chosen)


def run(
    schedule: Schedule,
    arrays: Mapping[str, Array],
    params: Params,
    widths: Mapping[str, int],
    batch: int,
    first: int,
    count: int,
    stride: int,
) -> None:
    """Run `count` steps from `first`, `stride` apart, on all rows.

    Args:
        schedule: What to run.
        arrays: The arrays that it is given and that it fills, by their names in the table.
        params: The parameters, of which the matrices of its products are packed.
        widths: The numbers of the program's widths.
        batch: How many rows.
        first: The first step.
        count: How many steps.
        stride: 1 or −1.
    """
    if not count or not batch:
        return
    like = next(iter(arrays.values())).tensor
    form, chosen = FORMATS[like.dtype], width()
    code = _compiled(schedule, like.dtype, chosen)
    own = _scratch(schedule, widths, batch, like, chosen.lanes(form), chosen.panel)
    entries = (ctypes.c_int64 * max(code.table.size, 1))()
    held = []
    work = 0  # multiplications of a row's step
    for name, place in code.table.arrays.items():
        entries[place : place + len(FIELDS)] = [*(arrays[name] if name in arrays else own[name]).entries()]
    for symbol, place in code.table.widths.items():
        entries[place] = widths[symbol]
    for product in (p for stage in schedule.stages for p in stage.products):
        packed = _packed(schedule, product.op, product.results, params, form, chosen)
        held.append(packed)
        work += packed.numel()
        place = code.table.products[product.results[0]]
        entries[place : place + 3] = [packed.data_ptr(), packed.shape[1], packed.shape[0]]
    address = ctypes.addressof(entries)
    usable = threads.usable(torch.get_num_threads(), 2.0 * count * batch * work)
    ranges = threads.split(batch, usable, 1)
    part = kernels(form, chosen).part
    threads.run(part, code.steps, [(address, first, count, stride, row, stop) for row, stop in ranges])
    del held  # the packed matrices live until here


def _packed(
    schedule: Schedule, op: str, results: tuple[int, ...], params: Params, form: Format, chosen: Width
) -> Tensor:
    program = schedule.program
    matrices = []
    for n in results:
        matrix = program.matrix(program.nodes[n])
        weight = dense(params[("product", matrix.key)], matrix.blocks)
        matrices.append(weight.t() if op == "product" else weight)
    return pack(matrices, form, chosen)


def _scratch(
    schedule: Schedule, widths: Mapping[str, int], batch: int, like: Tensor, lanes: int, panel: int
) -> dict[str, Array]:
    """Memory for what the step keeps: results of a product side by side, the rest by itself."""
    nodes = schedule.program.nodes
    arrays: dict[str, Array] = {}
    for product in (p for stage in schedule.stages for p in stage.products):
        sizes = [widths[nodes[n].type.width] for n in product.results]
        edges = columns_of(sizes, lanes)
        rows = like.new_empty((batch, -(-edges[-1] // (lanes * panel)) * lanes * panel))
        for n, start in zip(product.results, edges, strict=False):
            arrays[table.scratch(n)] = Array(rows[:, start:])
    for n in schedule.scratch:
        if table.scratch(n) not in arrays:
            arrays[table.scratch(n)] = Array(like.new_empty((batch, widths[nodes[n].type.width])))
    return arrays
