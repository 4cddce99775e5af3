"""Matrices in the form that the product kernel reads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from conveyor.backends.cpu.compile import kernels
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
    sizes = [m.shape[1] for m in matrices]
    edges = columns_of(sizes, lanes)
    panels = -(-edges[-1] // panel)
    inner = matrices[0].shape[0]
    padded = sum(sizes) < panels * panel
    make = matrices[0].new_zeros if padded else matrices[0].new_empty
    packed = make((panels, inner, panel))
    copy = kernels(form, width).pack.call
    for start, m in zip(edges, matrices, strict=False):
        copy(m.data_ptr(), m.stride(0), m.stride(1), inner, m.shape[1], packed.data_ptr(), start)
    return packed


def dense(weight: Tensor, blocks: int) -> Tensor:
    """A block-diagonal matrix, stored as (rows, cols / blocks), with its zeros."""
    return weight if blocks == 1 else torch.block_diag(*weight.chunk(blocks, 0))
