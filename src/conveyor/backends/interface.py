"""The one call interface of all backends: the arguments of a recurrence, its residuals, and its gradients.

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
    """A program's parameters by (op, key): differentiable slices of the tensors that hold them.

    Args:
        tensors: The tensors that hold them.
        layout: The parameter layout.
    """

    def __init__(self, tensors: Sequence[Tensor], layout: ParamLayout) -> None:
        self.tensors = tuple(tensors)
        self.layout = layout

    @classmethod
    def of(cls, params: Mapping[Key, Tensor], widths: Mapping[str, int]) -> Parameters:
        """Make parameters from one tensor each; `Parameters` are returned unchanged."""
        if isinstance(params, cls):
            return params
        parts = {key: (Part(k, 0, len(tensor)),) for k, (key, tensor) in enumerate(params.items())}
        return cls(tuple(params.values()), ParamLayout(parts, widths))

    def to(self, dtype: torch.dtype) -> Parameters:
        """Cast the parameters; returns the same object if they have the dtype."""
        if all(t.dtype is dtype for t in self.tensors):
            return self
        return Parameters([t.to(dtype) for t in self.tensors], self.layout)

    @cached_property
    def _cut(self) -> dict[tuple[int, int], Tensor]:
        """The parts of each tensor, by tensor and first row.

        One split of the tensor has a backward pass that writes the gradient once; a slice each would write zeros and
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
    """Packed rows of sequences of unequal length: those of the first time step, those of the second, and so on.

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
        """The index of each time step's first row; last, the number of rows."""
        return [0, *accumulate(self.sizes)]

    @property
    def rows(self) -> int:
        """The number of packed rows."""
        return self.starts[-1]

    @cached_property
    def table(self) -> ctypes.Array[ctypes.c_int64]:
        """`starts` after an entry −B for the initial states, whose rows come before all others."""
        return (ctypes.c_int64 * (len(self.starts) + 1))(-self.batch, *self.starts)

    @cached_property
    def ends(self) -> Tensor:
        """For each batch row, the index of its final state in a history with B rows of initial states first."""
        sizes = torch.tensor([self.batch, *self.sizes])
        starts = torch.tensor([0, *(self.batch + s for s in self.starts[:-1])])
        row = torch.arange(self.batch)
        # The last step that has row b is the number of steps with more than b rows.
        steps = (sizes[1:, None] > row).sum(0)
        return starts[steps] + row


@dataclass(frozen=True, eq=False)
class RecurrenceSpec:
    """The parts of a recurrence that are not tensors: its program and its parameter layout.

    Attributes:
        program: A forward program.
        layout: The parameter layout.
    """

    program: Program
    layout: ParamLayout

    @property
    def widths(self) -> Mapping[str, int]:
        """The values of the program's symbolic widths."""
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
        """Make arguments from one list of tensors: input, states, auxiliary inputs, parameter tensors."""
        a = 1 + len(self.program.states)
        b = a + len(self.program.aux)
        return RecurrenceArgs(
            self, tensors[0], tuple(tensors[1:a]), tuple(tensors[a:b]), tuple(tensors[b:]), lengths, varlen, keep
        )


@dataclass(frozen=True, eq=False)
class RecurrenceArgs:
    """The arguments of a recurrence.

    Attributes:
        spec: The program and the parameter layout.
        x: The input, (T, B, I); packed rows (N, I) with `varlen`.
        states: The initial states, each (B, width), in the program's order.
        aux: The auxiliary inputs in the program's order, (T, B, width) or, if the same at each step, (1, B, width);
            packed rows with `varlen`.
        params: The tensors that hold the parameters.
        lengths: (B,) integers, the length of each sequence, where sequences stay padded.
        varlen: The packed rows of sequences of unequal length.
        keep: Nodes whose values at each time step are recorded.
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
        """Make arguments from parameters and auxiliary inputs by name."""
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
        """The values of the program's symbolic widths."""
        return self.spec.layout.widths

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors that may have a gradient, in the order that `RecurrenceSpec.bind` takes."""
        return (self.x, *self.states, *self.aux, *self.params)

    @property
    def aux_by_name(self) -> dict[str, Tensor]:
        """The auxiliary inputs by name."""
        return dict(zip(self.spec.aux, self.aux, strict=True))

    @cached_property
    def parameters(self) -> Parameters:
        """The parameters, views of the tensors that hold them."""
        return Parameters(self.params, self.spec.layout)

    @property
    def extent(self) -> tuple[int, int, tuple[int, ...]]:
        """T, B, and the axes of the outputs before their width."""
        if self.varlen is not None:
            return len(self.varlen.sizes), self.varlen.batch, (self.varlen.rows,)
        total, batch, _ = self.x.shape
        return total, batch, (total, batch)


@dataclass(frozen=True, eq=False)
class Residuals:
    """The results of a forward pass, and its residuals for the backward pass of a compiled backend.

    Attributes:
        output: The first state after each step, (T, B, width); packed rows with `varlen`.
        states: Each state after the last step, (B, width).
        kept: The recorded values by node, each (T, B, width), without a graph; conditions are 0 or 1.
        history: Each state before each step and after the last, ((T + 1), B, width), or of a single step before it,
            (B, width); of sequences of unequal length (B + rows, width). Empty where no backward pass follows.
        saved: The values that the gradient reads, concatenated, (T, B, columns).
    """

    output: Tensor
    states: tuple[Tensor, ...]
    kept: Mapping[int, Tensor] = field(default_factory=dict)
    history: tuple[Tensor, ...] = ()
    saved: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradients that a backward pass returns.

    Attributes:
        x: The gradient of the input, (T, B, I); None if not requested.
        states: Those of the initial states, each (B, width).
        aux: Those of the auxiliary inputs in the program's order, each (T, B, width).
        params: Those of the tensors that hold the parameters.
    """

    x: Tensor | None
    states: tuple[Tensor, ...]
    aux: tuple[Tensor, ...]
    params: tuple[Tensor, ...]
