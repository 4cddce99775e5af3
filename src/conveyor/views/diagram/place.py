"""Places the blocks of a diagram: belts along the top, operations under them, learned maps on their inputs below.

Everything stands on a grid. A block is placed after those that it reads, so that time runs from left to right, and
above the last of them where that place is free, so that its line is straight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from conveyor.views.diagram.blocks import Block, Blocks

PITCH = 12  # pixels between two lines of the grid
MARGIN = 2  # from the cell's frame to what is in it


@dataclass
class Box:
    """A block on the grid: its centre, and half its size."""

    block: Block
    column: int
    row: str  # "belt", "middle" or "map"
    half_width: int
    half_height: int
    x: int = 0
    y: int = 0
    state: str = ""  # whose belt it stands on


@dataclass(frozen=True)
class Rail:
    """A line under the maps, from which those are fed that read the same given values."""

    sources: tuple[int, ...]
    readers: tuple[int, ...]
    y: int
    start: int


@dataclass
class Placed:
    """The blocks of a diagram on the grid.

    Attributes:
        blocks: What is drawn.
        boxes: The blocks but the given ones, by node.
        belts: For each state with one, the line it runs along.
        rails: The lines under the maps.
        trunks: For each given value that the maps read, or that enters beside a belt: the line it comes up or down.
        entries: For each given value that has no belt, the side it enters from and the line.
        width: Of the frame, in grid lines.
        height: Of the frame.
    """

    blocks: Blocks
    boxes: dict[int, Box] = field(default_factory=dict)
    belts: dict[str, int] = field(default_factory=dict)
    rails: list[Rail] = field(default_factory=list)
    trunks: dict[int, int] = field(default_factory=dict)
    entries: dict[int, tuple[str, int]] = field(default_factory=dict)
    exits: dict[str, int] = field(default_factory=dict)
    width: int = 0
    height: int = 0


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in pixels; rather too wide than too narrow."""
    return sum(0.34 if c in " .,()[]il|·'" else 0.9 if c in "mwMW@" else 0.62 for c in text) * size


def place(blocks: Blocks, slack: int = 0) -> Placed:
    """Place blocks.

    Args:
        blocks: Of a program.
        slack: Grid lines to add between rows and columns, where a first try left too little room for the lines.
    """
    return _Placing(blocks, slack).run()


class _Placing:
    def __init__(self, blocks: Blocks, slack: int) -> None:
        self.blocks = blocks
        self.slack = slack
        self.placed = Placed(blocks)
        self.last = -1  # the last column that holds anything
        self.slots: set[tuple[int, str]] = set()
        self.belt_of = self._belts()

    def _belts(self) -> dict[int, str]:
        """Returns the state on whose belt a block stands; where two share blocks, the first to take them."""
        taken: dict[int, str] = {}
        for state, path in self.blocks.belts.items():
            if state in self.blocks.old and not any(node in taken for node in path):
                taken.update(dict.fromkeys(path, state))
                self.placed.belts[state] = 0
        return taken

    def run(self) -> Placed:
        order = sorted(set(self.blocks.results.values()))
        for node in order:
            self._put(node)
        self._columns()
        self._rows()
        return self.placed

    # Columns

    def _put(self, node: int) -> None:
        block = self.blocks.of[node]
        if block.kind == "given" or node in self.placed.boxes:
            return
        own = self.belt_of.get(node)

        def urgency(source: int) -> int:
            """Orders blocks: those on the belt first, maps last, so that they stand under what reads them."""
            other = self.blocks.of[source]
            return 0 if own is not None and self.belt_of.get(source) == own else 2 if other.kind == "map" else 1

        sources = sorted((w.source for w in block.inputs), key=urgency)
        for source in sources:
            self._put(source)
        if block.kind == "map":
            self._stand(block, self.last + 1, "map")
        elif own is not None:
            self._stand(block, self._above(block, "belt"), "belt", own)
        else:
            self._stand(block, self._above(block, "middle"), "middle")

    def _above(self, block: Block, row: str) -> int:
        """The last column, if the block finds room there above something that it reads; else a new one."""
        under = [b for w in block.inputs if (b := self.placed.boxes.get(w.source)) and b.column == self.last]
        wanted = [b for b in under if b.row != "belt" and not (row == "middle" and b.row == "middle")]
        blocked = (self.last, row) in self.slots
        if row == "belt" and any(b.row == "map" for b in wanted):
            blocked = blocked or (self.last, "middle") in self.slots
        return self.last if wanted and not blocked else self.last + 1

    def _stand(self, block: Block, column: int, row: str, state: str = "") -> None:
        width, height = _half(block)
        self.placed.boxes[block.node] = Box(block, column, row, width, height, state=state)
        self.slots.add((column, row))
        if row == "belt":
            self.slots.add((column, "middle"))  # what comes next must not stand in this block's line
        self.last = max(self.last, column)

    def _columns(self) -> None:
        boxes = self.placed.boxes.values()
        self.placed.trunks = self._trunks()
        x = max(self.placed.trunks.values(), default=MARGIN - 1) + 2
        for column in range(self.last + 1):
            half = max(b.half_width for b in boxes if b.column == column)
            x += half
            for box in boxes:
                if box.column == column:
                    box.x = x
            x += half + 3 + self.slack
        self.placed.width = x

    # Rows

    def _trunks(self) -> dict[int, int]:
        """A line for each given value that does not simply run along its belt."""
        found: dict[int, int] = {}
        for node, block in self.blocks.of.items():
            if block.kind != "given":
                continue
            fed = any(self.blocks.of[r].kind == "map" and self._feeds(node, r) for r in self.blocks.readers[node])
            if fed or block.name not in self.placed.belts:
                found[node] = 0
        states = [n for n in found if self.blocks.of[n].name in self.blocks.results]
        order = [*states, *(n for n in found if n not in states)]
        x = MARGIN + 1
        for node in order:
            below = node not in states
            half = ceil((text_width(self.blocks.of[node].name, 15) + 14) / 2 / PITCH) if below else 1
            x += half - 1
            found[node] = x
            x += 1 + half
        return found

    def _feeds(self, source: int, reader: int) -> bool:
        return any(w.source == source and w.by == "matrix" for w in self.blocks.of[reader].inputs)

    def _rows(self) -> None:
        placed, slack = self.placed, self.slack
        boxes = placed.boxes.values()
        y = MARGIN
        names = list(self.blocks.results)
        for state in sorted(placed.belts, key=lambda s: (s == names[0], names.index(s))):
            y += 1
            placed.belts[state] = y
            y += 2 + (1 if len(placed.belts) > 1 else 0)
        middle = any(b.row == "middle" for b in boxes)
        y += 1 + slack if placed.belts else 0
        if middle:
            y += 2
            at_middle = y
            y += 2 + slack
        else:
            at_middle = y
        y += 2
        at_map = y
        y += 4
        for box in boxes:
            box.y = placed.belts[box.state] if box.row == "belt" else at_middle if box.row == "middle" else at_map
        self._rails(y)

    def _rails(self, y: int) -> None:
        placed, of = self.placed, self.blocks.of
        readers: dict[tuple[int, ...], list[int]] = {}
        for box in placed.boxes.values():
            if box.row == "map":
                given = {w.source for w in box.block.inputs if w.by == "matrix" and of[w.source].kind == "given"}
                if given:
                    key = tuple(sorted(given, key=lambda n: placed.trunks[n]))
                    readers.setdefault(key, []).append(box.block.node)
        for sources, read in sorted(readers.items(), key=lambda item: -len(item[0])):
            placed.rails.append(Rail(sources, tuple(read), y, min(placed.trunks[s] for s in sources)))
            y += 2
        taken: set[int] = set()
        for node in placed.trunks:
            name = of[node].name
            if name in placed.belts:
                continue
            if name not in self.blocks.results:
                placed.entries[node] = ("below", placed.trunks[node])
                continue
            # On the line of a rail only its first value can enter: the piece before a later one is the rail's already.
            own = [r.y for r in placed.rails if r.sources[0] == node and r.y not in taken]
            if own:
                line = own[0]
            else:
                line, y = y, y + 2
            taken.add(line)
            placed.entries[node] = ("left", line)
        beside = {of[n].name: at for n, (side, at) in placed.entries.items() if side == "left"}
        for state in self.blocks.results:
            known = placed.belts.get(state, beside.get(state))
            placed.exits[state] = y if known is None else known
            y += 2 if known is None else 0
        placed.height = y


def _half(block: Block) -> tuple[int, int]:
    """Half the width and height of a block, in grid lines."""
    if block.kind == "map":
        longest = max(text_width(block.label, 15), text_width(block.name, 12) + (18 if block.normed else 0))
        return max(2, ceil((longest + 14) / 2 / PITCH)), 2
    wide = text_width(shown(block), 13)
    return (1, 1) if wide < 14 else (ceil((wide + 14) / 2 / PITCH), 1)


def shown(block: Block) -> str:
    """Give the label of a block as written into it."""
    label = block.label.removesuffix("(·)") if block.label.count("(") == 1 else block.label
    return label.removesuffix(" ·") or label
