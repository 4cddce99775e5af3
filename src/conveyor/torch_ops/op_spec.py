"""What a call has beside tensors, as two texts: they stand in torch's graphs, and are all that an exported one needs.

The first is the program's own. The second says the numbers of its widths, and in which rows of which tensor each
parameter stands:

    width H 128
    rows product i.x 0 0 128        operation, key, tensor, first row, row behind the last
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from conveyor.backends.parameters import Key, Part, Places
from conveyor.errors import ProgramError
from conveyor.ir.program import Program
from conveyor.ir.text import parse


@dataclass(frozen=True, eq=False)
class Form:
    """What runs.

    Attributes:
        program: A forward program.
        widths: The numbers of its widths.
        places: Where its parameters stand.
    """

    program: Program
    widths: Mapping[str, int]
    places: Places

    @property
    def state_widths(self) -> tuple[int, ...]:
        """The width of each state."""
        return tuple(self.widths[s.width] for s in self.program.states)

    @property
    def aux(self) -> tuple[str, ...]:
        """The names of the auxiliary inputs, in order."""
        return tuple(a.name for a in self.program.aux)


def layout_text(widths: Mapping[str, int], parts: Mapping[Key, tuple[Part, ...]]) -> str:
    """The second text."""
    lines = [f"width {name} {number}" for name, number in widths.items()]
    for (op, key), rows in parts.items():
        lines += [f"rows {op} {key} {p.tensor} {p.start} {p.stop}" for p in rows]
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=1024)
def read(program: str, layout: str) -> Form:
    """A form from its texts.

    Raises:
        ProgramError: A text is damaged, or that of the program was written by a later version.
    """
    widths: dict[str, int] = {}
    parts: dict[Key, tuple[Part, ...]] = {}
    for line in layout.splitlines():
        word, *rest = line.split()
        if word == "width" and len(rest) == 2:
            widths[rest[0]] = int(rest[1])
        elif word == "rows" and len(rest) == 5:
            key = (rest[0], rest[1])
            parts[key] = (*parts.get(key, ()), Part(*map(int, rest[2:])))
        else:
            raise ProgramError(f"the layout of the parameters has a line that cannot be read: {line!r}")
    return Form(parse(program), widths, Places(parts))
