"""A layer of a cell at small sizes, and numbers for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from conveyor.cells import cells
from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.ir.transforms.param_layout import named_widths
from conveyor.ir.types import INPUT
from conveyor.layers import Recurrent


@dataclass(frozen=True)
class Trial:
    """A cell at small sizes, with numbers that depend on the seed alone.

    Attributes:
        cell: The cell.
        backend: The backend that runs it; one that can't run it raises.
        input_size: I.
        hidden_size: H.
        sizes: Numbers for the widths that the cell names.
        steps: T.
        batch: B.
        dtype: Of all tensors.
        seed: Of all numbers.
    """

    cell: CellDefinition
    backend: str
    input_size: int = 4
    hidden_size: int = 6
    sizes: Mapping[str, int] = field(default_factory=dict)
    steps: int = 7
    batch: int = 3
    dtype: torch.dtype = torch.float64
    seed: int = 0

    @property
    def depth(self) -> int:
        """Returns the most layers of a stack of the cell: one, if an auxiliary input is as wide as the input."""
        return 1 if any(a.width == INPUT for a in self.cell.program.aux) else 2

    def with_(self, **changes: Any) -> Trial:
        """The same with other sizes, type, backend or seed."""
        return replace(self, **changes)

    def _random(self, salt: int) -> torch.Generator:
        return torch.Generator().manual_seed(1000 * self.seed + salt)

    def layer(self, **options: Any) -> Recurrent:
        """A new layer; its parameters and learned initial states are the same each time."""
        layer = Recurrent(
            self.cell,
            self.input_size,
            self.hidden_size,
            sizes=self.sizes or None,
            dtype=self.dtype,
            backend=self.backend,
            strict_backend=True,
            **options,
        )
        random = self._random(1)
        with torch.no_grad():
            for name, p in layer.named_parameters():
                drawn = torch.rand(p.shape, generator=random, dtype=torch.float64)
                # A state may be a positive number only (a normaliser), and is one here.
                p.copy_(drawn + 0.5 if name.startswith("initial_") else 0.6 * (drawn - 0.5))
        return layer

    @cached_property
    def x(self) -> Tensor:
        """(T, B, I), a leaf."""
        drawn = torch.randn(self.steps, self.batch, self.input_size, generator=self._random(2), dtype=torch.float64)
        return drawn.to(self.dtype).requires_grad_()

    def aux(self, layer: Recurrent) -> dict[str, Tensor]:
        """The auxiliary inputs, (T, B, width), between 0 and 1."""
        random, unit = self._random(3), layer.units[0]
        shape = (self.steps, self.batch)
        return {
            a.name: torch.rand(*shape, unit.widths[a.width], generator=random, dtype=torch.float64).to(self.dtype)
            for a in unit.program.aux
        }

    def state(self, layer: Recurrent) -> tuple[Tensor, ...]:
        """States that the cell itself reaches on another sequence, each (layers x directions, B, width), leaves."""
        drawn = torch.randn(3, self.batch, self.input_size, generator=self._random(4), dtype=torch.float64)
        aux = {n: a[:1].expand(3, -1, -1) for n, a in self.with_(steps=3).aux(layer).items()}
        with torch.no_grad():
            _, state = layer(drawn.to(self.dtype), **aux)
        return tuple(s.clone().requires_grad_() for s in state)


def trial_of(
    cell: CellDefinition | str,
    backend: str,
    input_size: int = 4,
    hidden_size: int = 6,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Trial:
    """A trial of a cell; widths that the cell names are half the hidden size unless `sizes` says otherwise.

    Raises:
        ArgumentError: There is no such cell, or a size does not fit.
    """
    if isinstance(cell, str):
        if cell not in cells:
            raise ArgumentError(f"cell {cell!r} is not built in; pass the cell itself, or one of {', '.join(cells)}")
        cell = cells[cell]
    if not isinstance(cell, CellDefinition):
        raise ArgumentError(f"cell is what @cv.cell makes, or a built-in cell's name, got {type(cell).__name__}")
    chosen = {w: max(1, hidden_size // 2) for w in named_widths(cell.program)} | dict(sizes or {})
    return Trial(cell, backend, input_size, hidden_size, chosen, seed=seed)


def results(layer: Recurrent, x: Tensor, state: Any = None, **given: Any) -> dict[str, Tensor]:
    """The output and each final state by name."""
    y, final = layer(x, state, **given)
    return {"output": y, **{f"final {n}": getattr(final, n) for n in final._fields}}


def leaves(layer: Recurrent, **others: Tensor) -> dict[str, Tensor]:
    """The parameters, and other leaves, by name."""
    return {**others, **dict(layer.named_parameters())}
