"""Matrices in the form that the product kernel reads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from conveyor.backends.cpu.target import Width
from conveyor.backends.cpu.vector import Format


def columns_of(widths: Sequence[int], lanes: int) -> list[int]:
    """Where each of several results begins when each is padded to whole vectors; last, where all end."""
    edges = [0]
    for width in widths:
        edges.append(edges[-1] + -(-width // lanes) * lanes)
    return edges


def pack(matrices: Sequence[Tensor], form: Format, width: Width) -> Tensor:
    """Matrices (K, N) side by side, as panels (panels, K, columns); padding is zero.

    Args:
        matrices: Each (K, N), with the same K.
        form: Their format.
        width: The instructions, which say how wide a panel is.
    """
    lanes = width.lanes(form)
    panel = lanes * width.panel
    edges = columns_of([m.shape[1] for m in matrices], lanes)
    panels = -(-edges[-1] // panel)
    inner = matrices[0].shape[0]
    if len(matrices) == 1 and matrices[0].shape[1] == panels * panel:
        return matrices[0].reshape(inner, panels, panel).transpose(0, 1).contiguous()
    packed = matrices[0].new_zeros((panels, inner, panel))
    for start, matrix in zip(edges, matrices, strict=False):
        _copy(packed, start, matrix, panel)
    return packed


def _copy(packed: Tensor, start: int, matrix: Tensor, panel: int) -> None:
    """Copy a matrix to the columns from `start`, panel by panel."""
    done = 0
    while done < matrix.shape[1]:
        p, column = divmod(start + done, panel)
        count = min(panel - column, matrix.shape[1] - done)
        packed[p, :, column : column + count] = matrix[:, done : done + count]
        done += count


def dense(weight: Tensor, blocks: int) -> Tensor:
    """A block-diagonal matrix, stored as (rows, cols / blocks), with its zeros."""
    return weight if blocks == 1 else torch.block_diag(*weight.chunk(blocks, 0))
