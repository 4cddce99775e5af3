"""The plain loop in torch for a cell, the baseline of a compiled cell.

It is written as well as plain torch allows: the products of the input are one product for all steps, with the biases;
products by one state are one `addmm` a step, packed in an order in which gates with the same activation lie side by
side, so that one call activates them all; what only the input reaches is computed once for all steps; weights are
packed before, outside what is timed. `Loop.source` can be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from conveyor.backends.reference.evaluate import clip_gradient
from conveyor.bench.loop_source import write
from conveyor.ir.program import Program

Params = Mapping[tuple[str, str], Tensor]


@dataclass(frozen=True)
class Loop:
    """A plain loop.

    Attributes:
        source: Its Python text.
        packs: The packed tensors, in order: the kind, and the parameters in each.
        run: Computes the output and the final states from (x, states, packed, aux).
    """

    source: str
    packs: tuple[tuple[str, tuple[Any, ...]], ...]
    run: Any

    def pack(self, params: Params) -> list[Tensor]:
        """Pack the parameters for the loop; differentiable."""
        return [_PACKERS[kind](params, keys) for kind, keys in self.packs]


def _matrices(params: Params, keys: Sequence[str]) -> Tensor:
    return torch.cat([params["product", k] for k in keys])


def _transposed(params: Params, keys: Sequence[str]) -> Tensor:
    return _matrices(params, keys).t()


def _blocks(params: Params, keys: Sequence[Any]) -> Tensor:
    key, blocks = keys
    matrix = params["product", key]
    return matrix.view(blocks, -1, matrix.shape[1])


def _biases(params: Params, groups: Sequence[Any]) -> Tensor:
    """Concatenate one bias per group, the sum of its biases; zeros for a group without any."""
    parts = []
    for rows, keys in groups:
        like = params["product", rows]
        total = like.new_zeros(like.shape[0])
        for k in keys:
            total = total + params["bias", k]
        parts.append(total)
    return torch.cat(parts)


_PACKERS: dict[str, Any] = {
    "matrices": _matrices,
    "transposed": _transposed,
    "blocks": _blocks,
    "biases": _biases,
    "bias": lambda params, keys: params["bias", keys[0]],
    "vector": lambda params, keys: params["vector", keys[0]],
}


def plain_loop(program: Program, widths: Mapping[str, int]) -> Loop:
    """Write the loop of a cell with these widths."""
    source, packs = write(program, widths)
    space: dict[str, Any] = {"torch": torch, "inf": math.inf, "nan": math.nan, "clip_gradient": clip_gradient}
    exec(compile(source, "<plain loop>", "exec"), space)
    return Loop(source, packs, space["loop"])
