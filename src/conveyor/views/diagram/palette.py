"""One colour for each named value, the same in the diagram, the walk and every figure.

The colours are those of Okabe & Ito 2008, "Color Universal Design", which stay apart for colour-blind readers, darkened
where text of that colour would lack contrast on white, and lightened for dark pages.
"""

from __future__ import annotations

from conveyor.views.diagram.blocks import Blocks

LIGHT = ("#00715a", "#0063a0", "#b84a00", "#9c4a7d", "#8a6100", "#2b6f95", "#6b6b00", "#5b5f97")
DARK = ("#4fd0ad", "#6bb6f0", "#ff9a5c", "#e6a3cb", "#efb93f", "#8fd0ee", "#d6d36a", "#b3b7f2")


def tones(blocks: Blocks) -> dict[str, int]:
    """Assign a colour of the palette to each named value, in the order of computation."""
    program = blocks.program
    maps = sorted(b.node for b in blocks.of.values() if b.kind == "map" and b.name)
    others = sorted(b.node for b in blocks.of.values() if b.kind in ("function", "operation") and b.name)
    names = [blocks.of[n].name for n in (*maps, *others)]
    names += [s.name for s in program.states if s.name not in names]
    return {name: k % len(LIGHT) for k, name in enumerate(dict.fromkeys(names))}
