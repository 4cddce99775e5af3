"""Products over all steps at once, made by the loop's own kernels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from conveyor.backends.cpu import threads
from conveyor.backends.cpu.compile import kernels
from conveyor.backends.cpu.pack import columns_of, pack
from conveyor.backends.cpu.target import Width, width
from conveyor.backends.cpu.vector import FLOAT32, FLOAT64, Format

FORMATS: dict[torch.dtype, Format] = {torch.float32: FLOAT32, torch.float64: FLOAT64}


def _rows(value: Tensor) -> Tensor:
    """(…, K) as (rows, K) whose units lie side by side."""
    rows = value.reshape(-1, value.shape[-1])
    return rows if rows.stride(-1) == 1 or rows.shape[-1] == 1 else rows.contiguous()


def _ranges(rows: int, multiplications: int, chosen: Width) -> list[tuple[int, int]]:
    """Ranges of rows, one a thread."""
    return threads.split(rows, threads.usable(torch.get_num_threads(), 2.0 * multiplications), chosen.rows)


def product(operand: Tensor, matrices: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The products of an operand by several matrices.

    Every sum runs in one order, so that a row's result depends neither on the other rows nor on the threads.

    Args:
        operand: (…, K).
        matrices: Each (K, N).

    Returns:
        The products, each (…, N).
    """
    form, chosen = FORMATS[operand.dtype], width()
    lanes, panel = chosen.lanes(form), chosen.lanes(form) * chosen.panel
    rows, packed = _rows(operand), pack(matrices, form, chosen)
    result = rows.new_empty((rows.shape[0], packed.shape[0] * panel))
    size, code = form.integer.width // 8, kernels(form, chosen)
    panels, inner = packed.shape[:2]
    parts = []
    for row, stop in _ranges(rows.shape[0], rows.shape[0] * inner * panels * panel, chosen):
        left, to = (t.data_ptr() + row * t.stride(0) * size for t in (rows, result))
        parts.append((left, rows.stride(0), packed.data_ptr(), to, result.stride(0), stop - row, inner, panels))
    if parts:
        threads.run(code.part, code.product, parts)
    edges = columns_of([m.shape[1] for m in matrices], lanes)
    whole = result.unflatten(0, operand.shape[:-1])
    return tuple(whole[..., a : a + m.shape[1]] for a, m in zip(edges, matrices, strict=False))


def outer(g: Tensor, v: Tensor) -> Tensor:
    """The sum over all rows of g ⊗ v: a weight's gradient.

    Args:
        g: (…, rows of the weight).
        v: (…, columns of the weight), as many as g.

    Returns:
        (rows, columns) of the weight.
    """
    form, chosen = FORMATS[g.dtype], width()
    panel = chosen.lanes(form) * chosen.panel
    left, packed = _rows(g), pack([_rows(v)], form, chosen)
    inner, height = left.shape
    result = left.new_empty((height, packed.shape[0] * panel)) if inner else left.new_zeros((height, v.shape[-1]))
    size, code = form.integer.width // 8, kernels(form, chosen)
    panels, parts = packed.shape[0], []
    for row, stop in _ranges(height, height * inner * panels * panel, chosen):
        at, to = left.data_ptr() + row * size, result.data_ptr() + row * result.stride(0) * size
        parts.append((at, left.stride(0), packed.data_ptr(), to, result.stride(0), stop - row, inner, panels))
    if inner and parts:
        threads.run(code.part, code.outer, parts)
    return result[:, : v.shape[-1]]
