"""The picture of a cell, drawn from its program: no cell has a picture of its own.

`blocks` finds what a reader sees as one thing, `place` sets it on a grid, `route` finds the lines, `svg` draws.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from conveyor.ir.program import Program
from conveyor.views.diagram.blocks import blocks_of
from conveyor.views.diagram.place import place
from conveyor.views.diagram.route import NoWayError, Routed, route
from conveyor.views.diagram.svg import render

_TRIES = 8


class Picture(str):
    """SVG text, which a notebook shows as the picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)

    def save(self, path: str | Path) -> None:
        """Write it to a file."""
        Path(path).write_text(self, encoding="utf-8")


def draw(program: Program, title: str, *, standalone: bool = True) -> Picture:
    """Draw the diagram of a program.

    Args:
        program: A forward program.
        title: What it is called, for readers who don't see it.
        standalone: Whether the picture brings its own style and background.

    Returns:
        SVG.
    """
    return Picture(render(lay_out(program), title, standalone=standalone))


@lru_cache(maxsize=64)
def lay_out(program: Program) -> Routed:
    """Places and routes a program's diagram.

    Raises:
        NoWayError: The lines found no room, however much there was.
    """
    blocks = blocks_of(program)
    # More room does not help where a result is walled in by lines that were laid before it.
    tries = [(slack, results_first) for slack in range(_TRIES) for results_first in (False, True)]
    for slack, results_first in tries:
        try:
            return route(place(blocks, slack), results_first)
        except NoWayError:
            if (slack, results_first) == tries[-1]:
                raise
    raise AssertionError
