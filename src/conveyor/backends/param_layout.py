"""The parameter layout: the rows of a layer's tensors that hold each parameter; torch is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from conveyor.errors import ProgramError

Key = tuple[str, str]  # of a parameter: its operation and its name


@dataclass(frozen=True)
class Part:
    """Rows `start` to before `stop` of a tensor, known by its number."""

    tensor: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class ParamLayout:
    """The parameter layout: the rows of a layer's tensors that make up each parameter. Compared by identity.

    Attributes:
        parts: The rows that each parameter is made of; several are added up.
        widths: The numbers of the program's symbolic widths.
        launches: What a backend has worked out for this layout, to be used again; neither copied nor pickled.
    """

    parts: Mapping[Key, tuple[Part, ...]]
    widths: Mapping[str, int]
    launches: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __deepcopy__(self, memo: Any) -> ParamLayout:
        return ParamLayout(self.parts, self.widths)

    def __reduce__(self) -> tuple[Any, ...]:
        return ParamLayout, (dict(self.parts), dict(self.widths))

    @cached_property
    def edges(self) -> Mapping[int, tuple[int, ...]]:
        """For each tensor, where its parts begin and end."""
        found: dict[int, set[int]] = {}
        for parts in self.parts.values():
            for p in parts:
                found.setdefault(p.tensor, set()).update((p.start, p.stop))
        return {k: tuple(sorted(e | {0})) for k, e in found.items()}

    @cached_property
    def tensors(self) -> int:
        """The number of tensors that hold the parameters."""
        return 1 + max((p.tensor for parts in self.parts.values() for p in parts), default=-1)

    @cached_property
    def text(self) -> str:
        """The layout as text, all that an exported graph needs beside the program's own.

        width H 128
        rows product i.x 0 0 128        operation, key, tensor, first row, row behind the last
        """
        lines = [f"width {name} {number}" for name, number in self.widths.items()]
        for (op, key), rows in self.parts.items():
            lines += [f"rows {op} {key} {p.tensor} {p.start} {p.stop}" for p in rows]
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, text: str) -> ParamLayout:
        """Read a layout from its text.

        Raises:
            ProgramError: The text is damaged.
        """
        widths: dict[str, int] = {}
        parts: dict[Key, tuple[Part, ...]] = {}
        for line in text.splitlines():
            word, *rest = line.split()
            if word == "width" and len(rest) == 2:
                widths[rest[0]] = int(rest[1])
            elif word == "rows" and len(rest) == 5:
                key = (rest[0], rest[1])
                parts[key] = (*parts.get(key, ()), Part(*map(int, rest[2:])))
            else:
                raise ProgramError(f"the layout of the parameters has a line that cannot be read: {line!r}")
        return cls(parts, widths)
