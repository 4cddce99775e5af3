"""A placed and routed diagram as SVG: text that scales, follows light and dark, and says what it shows."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from conveyor.views.diagram.blocks import Block, Blocks
from conveyor.views.diagram.markup import escape_text, well_formed
from conveyor.views.diagram.palette import DARK, LIGHT, tones
from conveyor.views.diagram.place import PITCH, Box, Placed, shown, text_width
from conveyor.views.diagram.route import Net, Point, Routed

_CORNER = 6.0
_TIP = 8.0
_STUB = 16  # how far a line stands out of the frame

_VARIABLES = {
    "ink": ("#1d2530", "#e8edf3"),
    "soft": ("#57616e", "#a9b4c0"),
    "line": ("#3c4653", "#c3ccd6"),
    "back": ("#ffffff", "#12171d"),
    "body": ("#f5f7fa", "#1a2129"),
    "edge": ("#c9d1da", "#3a4552"),
    "belt": ("#f3c66b", "#8a651b"),
    "fill": ("#ffffff", "#232c36"),
}


def variables(selector: str) -> str:
    """Write the colours of diagrams as CSS variables: light, dark and printed."""

    def block(index: int) -> str:
        pairs = [f"--cv-{name}:{values[index]}" for name, values in _VARIABLES.items()]
        pairs += [f"--cv-t{k}:{colour}" for k, colour in enumerate((LIGHT, DARK)[index])]
        return f"{selector}{{{';'.join(pairs)}}}"

    return f"{block(0)}@media screen and (prefers-color-scheme:dark){{{block(1)}}}"


RULES = (
    ".cv-diagram text{font-family:ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',"
    "sans-serif;fill:var(--cv-ink)}"
    ".cv-diagram .back{fill:var(--cv-back)}"
    ".cv-diagram .body{fill:var(--cv-body);stroke:var(--cv-edge);stroke-width:1.5}"
    ".cv-diagram .halo{fill:none;stroke:var(--cv-body);stroke-width:7;stroke-linejoin:round}"
    ".cv-diagram .wire{fill:none;stroke:var(--cv-line);stroke-width:1.7;stroke-linejoin:round}"
    ".cv-diagram .own{stroke-dasharray:2 3.5;stroke-linecap:round}"
    ".cv-diagram .belt{fill:none;stroke:var(--cv-belt);stroke-width:10;stroke-linecap:butt}"
    ".cv-diagram .core{fill:none;stroke:var(--cv-ink);stroke-width:1.8}"
    ".cv-diagram .tip,.cv-diagram .dot{fill:var(--cv-line);stroke:none}"
    ".cv-diagram .op{fill:var(--cv-fill);stroke:var(--cv-line);stroke-width:1.7}"
    ".cv-diagram .map{fill:var(--cv-fill);stroke-width:2.2}"
    ".cv-diagram .symbol{font-size:15px;text-anchor:middle}"
    ".cv-diagram .small{font-size:13px;text-anchor:middle}"
    ".cv-diagram .sign{font-size:18px;text-anchor:middle}"
    ".cv-diagram .name{font-size:13px;font-style:italic;text-anchor:middle;font-weight:600}"
    ".cv-diagram .value{font-size:15px;font-style:italic}"
    ".cv-diagram .note{font-size:12px;fill:var(--cv-soft)}"
    ".cv-diagram .tag{font-size:12px;font-style:italic;paint-order:stroke;stroke:var(--cv-body);stroke-width:4;"
    "stroke-linejoin:round}"
)


def render(routed: Routed, title: str, *, standalone: bool = True) -> str:
    """Render the SVG.

    Args:
        routed: The diagram.
        title: What it is, for readers who don't see it.
        standalone: Whether it brings its style; a page that holds several gives `variables` and `RULES` once.
    """
    return _Drawing(routed, title, standalone).text()


class _Drawing:
    def __init__(self, routed: Routed, title: str, standalone: bool) -> None:
        self.routed = routed
        self.placed: Placed = routed.placed
        self.blocks: Blocks = routed.placed.blocks
        self.title = title
        self.standalone = standalone
        self.tones = tones(self.blocks)
        states = [*self.blocks.results]
        longest = max(text_width(s, 15) for s in states)
        self.left = ceil(longest + 34 + _STUB)
        self.right = ceil(longest + 22 + _STUB)
        self.top = 14

    def text(self) -> str:
        placed = self.placed
        below = any(side == "below" for side, _ in placed.entries.values())
        frame = (placed.width * PITCH, placed.height * PITCH)
        legend, legend_width, legend_height = self._legend(self.left + frame[0] + self.right)
        floor = self.top + frame[1] + (_STUB + 24 if below else 8)
        width, height = max(self.left + frame[0] + self.right, legend_width), floor + legend_height
        body = [
            f'<rect class="body" x="{self.left}" y="{self.top}" width="{frame[0]}" height="{frame[1]}" rx="16"/>',
            *self._wires(),
            *self._stubs(),
            *self._belts(),
            *self._dots(),
            *self._boxes(),
            *self._tags(),
            f'<g transform="translate(0 {floor})">{"".join(legend)}</g>',
        ]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="cv-diagram" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">'
            f"<title>{escape_text(self.title)}</title><desc>{escape_text(describe(self.blocks))}</desc>"
        )
        own = (
            f'<style>{variables(".cv-diagram")}{RULES}</style><rect class="back" width="{width}" height="{height}"/>'
            if self.standalone
            else ""
        )
        return well_formed(f"{head}{own}{''.join(body)}</svg>\n")

    def _at(self, point: tuple[float, float]) -> tuple[float, float]:
        return self.left + point[0] * PITCH, self.top + point[1] * PITCH

    # Lines

    def _wires(self) -> list[str]:
        out = []
        for net in self.routed.nets.values():
            chains = [c for c in _chains(net) if not {_pair(a, b) for a, b in zip(c, c[1:], strict=False)} <= net.belt]
            heads = {end: way for end, way, _ in net.heads}
            paths = [(self._path(c, heads), c) for c in chains]
            out += [f'<path class="halo" d="{d}"/>' for d, _ in paths]
            for d, chain in paths:
                own = " own" if _pair(chain[0], chain[1]) in net.dashed else ""
                out.append(f'<path class="wire{own}" d="{d}"/>')
            for end, way, _ in net.heads:
                if not any(end in edge for edge in net.belt):
                    out.append(self._tip(self._at(end), way))
        return out

    def _path(self, chain: list[Point], heads: dict[Point, Point]) -> str:
        """A line with rounded corners; it ends where its head begins."""
        corners = [chain[0]]
        for before, p, after in zip(chain, chain[1:], chain[2:], strict=False):
            if (p[0] - before[0], p[1] - before[1]) != (after[0] - p[0], after[1] - p[1]):
                corners.append(p)
        corners.append(chain[-1])
        points = [self._at(p) for p in corners]
        for k in (0, -1):
            if way := heads.get(chain[k]):
                points[k] = (points[k][0] - way[0] * _TIP * 0.8, points[k][1] - way[1] * _TIP * 0.8)
        parts = [f"M{_xy(points[0])}"]
        for a, b, c in zip(points, points[1:], points[2:], strict=False):
            parts.append(f"L{_xy(_toward(b, a))}Q{_xy(b)} {_xy(_toward(b, c))}")
        parts.append(f"L{_xy(points[-1])}")
        return "".join(parts)

    def _tip(self, at: tuple[float, float], way: Point) -> str:
        x, y = at
        (dx, dy), half = way, _TIP * 0.45
        a = (x - dx * _TIP - dy * half, y - dy * _TIP - dx * half)
        b = (x - dx * _TIP + dy * half, y - dy * _TIP + dx * half)
        return f'<path class="tip" d="M{_xy(at)}L{_xy(a)}L{_xy(b)}Z"/>'

    def _stubs(self) -> list[str]:
        """Draws inputs and outputs outside the frame, with their names."""
        out = []
        blocks, placed = self.blocks, self.placed
        right = placed.width * PITCH + self.left
        for state, node in blocks.old.items():
            at = placed.belts[state] if state in placed.belts else placed.entries[node][1]
            line = self._at((0, at))[1]
            if state not in placed.belts:
                out.append(f'<path class="wire" d="M{self.left - _STUB} {line}H{self.left}"/>')
            out.append(self._value(self.left - _STUB - 6, line, state, "t−1", "end"))
        for node, (side, at) in placed.entries.items():
            if side == "below":
                x = self._at((at, 0))[0]
                bottom = self.top + placed.height * PITCH
                out.append(f'<path class="wire" d="M{_n(x)} {bottom + _STUB - 2}V{bottom}"/>')
                out.append(self._value(x, bottom + _STUB + 10, blocks.of[node].name, "t", "middle"))
        for state, line_at in placed.exits.items():
            line = self._at((0, line_at))[1]
            if state not in placed.belts:
                out.append(f'<path class="wire" d="M{right} {line}H{right + _STUB - 6}"/>')
                out.append(self._tip((right + _STUB, line), (1, 0)))
            out.append(self._value(right + _STUB + 6, line, state, "t", "start"))
        return out

    def _value(self, x: float, y: float, name: str, time: str, anchor: str) -> str:
        return (
            f'<text class="value" x="{_n(x)}" y="{_n(y + 4)}" text-anchor="{anchor}">{escape_text(name)}'
            f'<tspan dy="4" font-size="11">{time}</tspan></text>'
        )

    def _belts(self) -> list[str]:
        out = []
        right = self.left + self.placed.width * PITCH
        for y in self.placed.belts.values():
            line = self._at((0, y))[1]
            out.append(f'<path class="belt" d="M{self.left - _STUB} {line}H{right + _STUB - 8}"/>')
            out.append(f'<path class="core" d="M{self.left - _STUB} {line}H{right + _STUB - 6}"/>')
            out.append(self._tip((right + _STUB + 1, line), (1, 0)))
        return out

    def _dots(self) -> list[str]:
        return [
            f'<circle class="dot" cx="{_n(x)}" cy="{_n(y)}" r="3.4"/>'
            for net in self.routed.nets.values()
            for x, y in map(self._at, sorted(net.junctions()))
        ]

    # Blocks

    def _boxes(self) -> Iterable[str]:
        for box in self.placed.boxes.values():
            yield f"<g><title>{escape_text(self._told(box.block))}</title>{self._box(box)}</g>"

    def _told(self, block: Block) -> str:
        return tell(self.blocks, block)

    def _box(self, box: Box) -> str:
        block = box.block
        x, y = self._at((box.x, box.y))
        w, h = box.half_width * PITCH, box.half_height * PITCH
        if block.kind == "map":
            tone = f"var(--cv-t{self.tones[block.name]})" if block.name else "var(--cv-line)"
            parts = [
                f'<rect class="map" x="{_n(x - w)}" y="{_n(y - h)}" width="{2 * w}" height="{2 * h}" rx="7" '
                f'style="stroke:{tone}"/>',
                _text("symbol", x, y - 2 if block.name else y + 5, block.label),
            ]
            if block.name:
                norm = '<tspan class="note" font-style="normal" font-weight="400"> LN</tspan>' if block.normed else ""
                parts.append(_text("name", x, y + 16, block.name, f'style="fill:{tone}"', norm))
            return "".join(parts)
        label = shown(block)
        if box.half_width == 1:
            sign = "sign" if len(label) == 1 else "small"
            shift = 6 if sign == "sign" else 4.5
            return f'<circle class="op" cx="{_n(x)}" cy="{_n(y)}" r="{PITCH}"/>' + _text(sign, x, y + shift, label)
        return f'<rect class="op" x="{_n(x - w)}" y="{_n(y - h)}" width="{2 * w}" height="{2 * h}" rx="{h}"/>' + _text(
            "small", x, y + 4.5, label
        )

    def _tags(self) -> list[str]:
        """Names of values that no box holds, and of the weights on dashed lines."""
        out = []
        told = set(self.blocks.results)
        for box in self.placed.boxes.values():
            block = box.block
            if block.kind != "map" and block.name and block.name not in told:
                x, y = self._at((box.x, box.y))
                tone = f"var(--cv-t{self.tones[block.name]})"
                across = x + 7 if box.half_width == 1 else x + 6
                out.append(_text("tag", across, y - PITCH - 4, block.name, f'style="fill:{tone}"'))
        for box in self.placed.boxes.values():
            for wire in box.block.inputs:
                if wire.by == "own":
                    out += self._weight(box, wire.source, wire.label)
        return out

    def _weight(self, box: Box, source: int, label: str) -> list[str]:
        for (x, y), (dx, dy), own in self.routed.nets[source].heads:
            inside = abs(x - box.x) <= box.half_width and abs(y - box.y) <= box.half_height
            if own and inside:
                px, py = self._at((x, y))
                if dy:
                    side = -1 if x < box.x else 1
                    anchor = "end" if side < 0 else "start"
                    beside = py - 8 * dy + (4 if dy < 0 else 0)
                    return [_text("tag", px + 6 * side, beside, label, f'text-anchor="{anchor}"')]
                return [_text("tag", px - 4 * dx, py + 16, label, 'text-anchor="end"')]
        return []

    # What the signs mean

    def _legend(self, width: int) -> tuple[list[str], int, int]:
        """Signs that this diagram uses, each with its meaning, in as many rows as they need."""
        boxes = [b.block for b in self.placed.boxes.values()]
        entries: list[tuple[str, int, str]] = []
        if self.placed.belts:
            belt = '<path class="belt" d="M0 0H26"/><path class="core" d="M0 0H26"/>'
            entries.append((belt, 26, "state, carried without a learned map"))
        if any(b.kind == "map" for b in boxes):
            entries.append(
                (
                    '<rect class="map" x="0" y="-8" width="22" height="16" rx="4" style="stroke:var(--cv-line)"/>',
                    22,
                    "learned map W·x + R·h + b, then its function",
                )
            )
        if any(b.kind != "map" for b in boxes):
            entries.append(('<circle class="op" cx="8" cy="0" r="8"/>', 16, "unit by unit"))
        if any(w.by == "own" for b in boxes for w in b.inputs):
            entries.append(('<path class="wire own" d="M0 0H24"/>', 24, "times one learned weight a unit"))
        if not self.placed.belts:
            entries.append(("", -8, "no belt: each step makes the state anew"))
        out, x, y, widest = [], 14.0, 16, 0.0
        for sign, wide, words in entries:
            need = wide + 8 + text_width(words, 11.5) + 22
            if x > 14 and x + need > width:
                x, y = 14.0, y + 24
            out.append(f'<g transform="translate({_n(x)} {y})">{sign}{_text("note", wide + 8, 4, words)}</g>')
            x += need
            widest = max(widest, x)
        return out, ceil(widest), y + 18


def tell(blocks: Blocks, block: Block) -> str:
    """Describe one block in words."""
    names = [_name(blocks, w.source) for w in block.inputs]
    told = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
    if block.kind == "map":
        what = f"a learned map of {told}" + ("" if block.label == "linear" else f", then {block.label}")
    elif block.kind == "function":
        what = f"{block.label} of {told}"
    else:
        what = f" {block.label} ".join(names) if len(block.label) == 1 else f"{block.label}({', '.join(names)})"
    return f"{block.name}: {what}" if block.name else what


def _name(blocks: Blocks, node: int) -> str:
    block = blocks.of[node]
    if block.kind == "given":
        return f"the old {block.name}" if block.name in blocks.results else block.name
    return block.name or f"({tell(blocks, block)})"


def describe(blocks: Blocks) -> str:
    """Describe a diagram in words."""
    carried = [s for s in blocks.belts if s in blocks.old]
    maps = [b for b in blocks.of.values() if b.kind == "map"]
    named = [b for b in blocks.of.values() if b.kind in ("operation", "function") and b.name]
    parts = [f"{s} runs along the top." for s in carried]
    parts += [f"{tell(blocks, b)}." for b in (*maps, *named)]
    return " ".join(parts)


def _pair(a: Point, b: Point) -> tuple[Point, Point]:
    return (a, b) if a < b else (b, a)


def _chains(net: Net) -> list[list[Point]]:
    """Split a net at its ends and branches into pieces, each as the points along it."""
    neighbours: dict[Point, list[Point]] = {}
    for a, b in sorted(net.edges):
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    ends = {end for end, _, _ in net.heads} | {p for e in net.belt for p in e}
    stops = {p for p, others in neighbours.items() if len(others) != 2 or p in ends}
    stops |= {p for p in neighbours if len({_pair(p, q) in net.dashed for q in neighbours[p]}) > 1}
    left, out = set(net.edges), []
    for start in sorted(stops):
        for following in neighbours[start]:
            if _pair(start, following) not in left:
                continue
            chain, before, here = [start], start, following
            left.discard(_pair(start, following))
            while here not in stops:
                chain.append(here)
                here, before = next(q for q in neighbours[here] if q != before), here
                left.discard(_pair(before, here))
            out.append([*chain, here])
    return out


def _toward(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """A corner's begin: from a, a little toward b."""
    length = max(abs(b[0] - a[0]), abs(b[1] - a[1]))
    step = min(_CORNER, length / 2) / length if length else 0.0
    return a[0] + (b[0] - a[0]) * step, a[1] + (b[1] - a[1]) * step


def _text(kind: str, x: float, y: float, words: str, more: str = "", inside: str = "") -> str:
    """A text of a class of the style sheet; `inside` is markup that follows the words."""
    attributes = f" {more}" if more else ""
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}"{attributes}>{escape_text(words)}{inside}</text>'


def _n(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")


def _xy(point: tuple[float, float]) -> str:
    return f"{_n(point[0])} {_n(point[1])}"
