"""Where a program's parameters stand in the tensors of a layer. No torch here: code that runs without it reads this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Key = tuple[str, str]


@dataclass(frozen=True)
class Part:
    """Rows of a tensor."""

    tensor: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Places:
    """Where each parameter stands. Compared by identity.

    Attributes:
        parts: The rows that each parameter is made of; several are added up.
        text: The same with the numbers of widths, as `conveyor.torch_ops.op_spec` writes it; empty if nobody has.
        worked_out: What a backend has worked out for these places, for it to use again.
    """

    parts: Mapping[Key, tuple[Part, ...]]
    text: str = ""
    worked_out: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __deepcopy__(self, memo: Any) -> Places:
        return Places(self.parts, self.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return Places, (dict(self.parts), self.text)

    @cached_property
    def edges(self) -> Mapping[int, tuple[int, ...]]:
        """For each tensor, where its parts begin and end."""
        found: dict[int, set[int]] = {}
        for parts in self.parts.values():
            for p in parts:
                found.setdefault(p.tensor, set()).update((p.start, p.stop))
        return {k: tuple(sorted(e | {0})) for k, e in found.items()}
