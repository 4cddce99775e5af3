"""The one call interface of all backends: what a recurrence is given, what it leaves, and what its gradients are.

A backend runs `RecurrenceArgs` forward to `Residuals`, and these backward to `Gradients`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor

from conveyor.backends.param_layout import Key, ParamLayout, Part
from conveyor.ir.program import Program

__all__ = [
    "Gradients",
    "Key",
    "ParamLayout",
    "Parameters",
    "Part",
    "RecurrenceArgs",
    "RecurrenceSpec",
    "Residuals",
    "VarLen",
]


class Parameters(Mapping[Key, Tensor]):
    """A program's parameters by (op, key), cut differentiably from the tensors that hold them.

    Args:
        tensors: What holds them.
        layout: Where each lies in them.
    """

    def __init__(self, tensors: Sequence[Tensor], layout: ParamLayout) -> None:
        self.tensors = tuple(tensors)
        self.layout = layout

    @classmethod
    def of(cls, params: Mapping[Key, Tensor], widths: Mapping[str, int]) -> Parameters:
        """Parameters that each are a tensor of their own, unless they are `Parameters`."""
        if isinstance(params, cls):
            return params
        parts = {key: (Part(k, 0, len(tensor)),) for k, (key, tensor) in enumerate(params.items())}
        return cls(tuple(params.values()), ParamLayout(parts, widths))

    def to(self, dtype: torch.dtype) -> Parameters:
        """Cast the parameters; the same object where they have the type."""
        if all(t.dtype is dtype for t in self.tensors):
            return self
        return Parameters([t.to(dtype) for t in self.tensors], self.layout)

    @cached_property
    def _cut(self) -> dict[tuple[int, int], Tensor]:
        """Each tensor's parts, by where they begin.

        One split of the whole has a backward pass that writes the gradient once; a slice each would write zeros and
        add.
        """
        found: dict[tuple[int, int], Tensor] = {}
        for k, edges in self.layout.edges.items():
            tensor = self.tensors[k]
            rows = tensor.shape[0]
            edges = edges if edges[-1] == rows else (*edges, rows)
            pieces = (
                tensor.split([b - a for a, b in zip(edges, edges[1:], strict=False)]) if len(edges) > 2 else [tensor]
            )
            found |= {(k, start): piece for start, piece in zip(edges, pieces, strict=False)}
        return found

    @cached_property
    def _whole(self) -> dict[Key, Tensor]:
        whole = {}
        for key, parts in self.layout.parts.items():
            total = self._cut[parts[0].tensor, parts[0].start]
            for p in parts[1:]:
                total = total + self._cut[p.tensor, p.start]
            whole[key] = total
        return whole

    def __getitem__(self, key: Key) -> Tensor:
        return self._whole[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self.layout.parts)

    def __len__(self) -> int:
        return len(self.layout.parts)


@dataclass(frozen=True, eq=False)
class VarLen:
    """Packed sequences of unequal length: the rows of the first step, those of the second, and so on.

    The longest sequence comes first, so that the rows of a step are the first of the batch. It is the layout of torch's
    `PackedSequence`.

    Attributes:
        sizes: The rows of each step, at least 1 and never more than at the step before.
        batch: The rows of the batch; those that no step has are sequences of length 0.
    """

    sizes: Sequence[int]
    batch: int

    @cached_property
    def starts(self) -> list[int]:
        """Where each step's rows begin; last, where all end."""
        return [0, *accumulate(self.sizes)]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return self.starts[-1]

    @cached_property
    def table(self) -> ctypes.Array[ctypes.c_int64]:
        """`starts`, behind what stands for the step before the first: the rows of the batch stand before all others."""
        return (ctypes.c_int64 * (len(self.starts) + 1))(-self.batch, *self.starts)

    @cached_property
    def ends(self) -> Tensor:
        """For each row of the batch, where its state after its last step stands behind `batch` rows of initial ones."""
        sizes = torch.tensor([self.batch, *self.sizes])
        starts = torch.tensor([0, *(self.batch + s for s in self.starts[:-1])])
        row = torch.arange(self.batch)
        # The last step that has row b is the number of steps with more than b rows.
        steps = (sizes[1:, None] > row).sum(0)
        return starts[steps] + row


@dataclass(frozen=True, eq=False)
class RecurrenceSpec:
    """What a recurrence has beside tensors.

    Attributes:
        program: A forward program.
        layout: Where its parameters lie.
    """

    program: Program
    layout: ParamLayout

    @property
    def widths(self) -> Mapping[str, int]:
        """The numbers of the program's widths."""
        return self.layout.widths

    @cached_property
    def state_widths(self) -> tuple[int, ...]:
        """The width of each state."""
        return tuple(self.widths[s.width] for s in self.program.states)

    @cached_property
    def aux(self) -> tuple[str, ...]:
        """The names of the auxiliary inputs, in order."""
        return tuple(a.name for a in self.program.aux)

    def bind(
        self,
        tensors: Sequence[Tensor],
        lengths: Tensor | None = None,
        varlen: VarLen | None = None,
        keep: tuple[int, ...] = (),
    ) -> RecurrenceArgs:
        """Arguments from the input, the states, the auxiliary inputs and the parameters' tensors in a row."""
        a = 1 + len(self.program.states)
        b = a + len(self.program.aux)
        return RecurrenceArgs(
            self, tensors[0], tuple(tensors[1:a]), tuple(tensors[a:b]), tuple(tensors[b:]), lengths, varlen, keep
        )


@dataclass(frozen=True, eq=False)
class RecurrenceArgs:
    """What a recurrence runs on.

    Attributes:
        spec: What it has beside tensors.
        x: The input, (T, B, I); packed rows (N, I) with `varlen`.
        states: The initial states, each (B, width), in the program's order.
        aux: The auxiliary inputs in the program's order, (T, B, width) or, if the same at each step, (1, B, width);
            packed rows with `varlen`.
        params: The tensors that hold the parameters.
        lengths: (B,) whole numbers, each sequence's own length, where sequences stay padded.
        varlen: How sequences of unequal length are packed.
        keep: Nodes whose values at each step are asked for.
    """

    spec: RecurrenceSpec
    x: Tensor
    states: Sequence[Tensor]
    aux: Sequence[Tensor]
    params: Sequence[Tensor]
    lengths: Tensor | None = None
    varlen: VarLen | None = None
    keep: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        program: Program,
        x: Tensor,
        states: Sequence[Tensor],
        params: Mapping[Key, Tensor],
        widths: Mapping[str, int],
        aux: Mapping[str, Tensor] | None = None,
        varlen: VarLen | None = None,
        keep: tuple[int, ...] = (),
        lengths: Tensor | None = None,
    ) -> RecurrenceArgs:
        """Arguments from parameters and auxiliary inputs by name."""
        held = Parameters.of(params, widths)
        ordered = tuple((aux or {})[a.name] for a in program.aux)
        spec = RecurrenceSpec(program, held.layout)
        return cls(spec, x, tuple(states), ordered, held.tensors, lengths, varlen, keep)

    @property
    def program(self) -> Program:
        """The program."""
        return self.spec.program

    @property
    def widths(self) -> Mapping[str, int]:
        """The numbers of the program's widths."""
        return self.spec.layout.widths

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that may have a gradient, in a row; `RecurrenceSpec.bind` takes them back."""
        return (self.x, *self.states, *self.aux, *self.params)

    @property
    def aux_by_name(self) -> dict[str, Tensor]:
        """The auxiliary inputs by name."""
        return dict(zip(self.spec.aux, self.aux, strict=True))

    @cached_property
    def parameters(self) -> Parameters:
        """The parameters, cut from their tensors."""
        return Parameters(self.params, self.spec.layout)

    @property
    def extent(self) -> tuple[int, int, tuple[int, ...]]:
        """T, B, and the axes that outputs have before their width."""
        if self.varlen is not None:
            return len(self.varlen.sizes), self.varlen.batch, (self.varlen.rows,)
        total, batch, _ = self.x.shape
        return total, batch, (total, batch)


@dataclass(frozen=True, eq=False)
class Residuals:
    """What a forward pass gives, and what it leaves for the backward pass of a compiled backend.

    Attributes:
        output: The first state after each step, (T, B, width); packed rows with `varlen`.
        states: Each state after the last step, (B, width).
        kept: Values that were asked for by their nodes, each (T, B, width), without a graph; conditions are 0 or 1.
        history: Each state before each step and after the last, ((T + 1), B, width), or of a single step before it,
            (B, width); of sequences of unequal length (B + rows, width). Empty where no backward pass follows.
        saved: Values that the gradient reads, side by side, (T, B, columns).
    """

    output: Tensor
    states: tuple[Tensor, ...]
    kept: Mapping[int, Tensor] = field(default_factory=dict)
    history: tuple[Tensor, ...] = ()
    saved: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Gradients:
    """What a backward pass gives.

    Attributes:
        x: Gradient of the input, (T, B, I); None if nobody asked for it.
        states: Of the initial states, each (B, width).
        aux: Of the auxiliary inputs in the program's order, each (T, B, width).
        params: Of the tensors that hold the parameters.
    """

    x: Tensor | None
    states: tuple[Tensor, ...]
    aux: tuple[Tensor, ...]
    params: tuple[Tensor, ...]
