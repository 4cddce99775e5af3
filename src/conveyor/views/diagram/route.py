"""The lines of a diagram: found on the grid one after another, each by the cheapest way with few bends and crossings.

Two nets never share a piece of a line, and meet only where they cross at a right angle.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from conveyor.views.diagram.place import Box, Placed

Point = tuple[int, int]
Edge = tuple[Point, Point]
_WAYS: tuple[Point, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))
_BEND, _CROSSING, _NEW_PORT = 3.0, 5.0, 1.0


class NoWayError(Exception):
    """There is too little room for a line."""


@dataclass
class Net:
    """A value's line, with its branches.

    Attributes:
        source: The node whose value it carries; None for several that are joined.
        edges: Pieces of one grid step, the smaller end first.
        heads: Where it ends at a block, with the way it comes from and whether through a weight of each unit's own.
        belt: The pieces that are a part of a belt.
    """

    source: int | None
    edges: set[Edge] = field(default_factory=set)
    heads: list[tuple[Point, Point, bool]] = field(default_factory=list)
    belt: set[Edge] = field(default_factory=set)
    dashed: set[Edge] = field(default_factory=set)
    ports: set[Point] = field(default_factory=set)
    dots: set[Point] = field(default_factory=set)

    @property
    def points(self) -> set[Point]:
        """Every grid point on it."""
        return {p for edge in self.edges for p in edge}

    def around(self, point: Point) -> set[Point]:
        """The ways in which it goes on from a point."""
        x, y = point
        return {(dx, dy) for dx, dy in _WAYS if _edge(point, (x + dx, y + dy)) in self.edges}

    def junctions(self) -> set[Point]:
        """Returns the points at which the net branches."""
        return {p for p in self.points if len(self.around(p)) > 2} | self.dots


@dataclass
class Routed:
    """All lines of a diagram."""

    placed: Placed
    nets: dict[object, Net]


def route(placed: Placed, results_first: bool = False) -> Routed:
    """Find the lines.

    Args:
        placed: The blocks with their places.
        results_first: Whether the lines of results are laid before those between blocks, rather than after them.

    Raises:
        NoWayError: There is too little room.
    """
    return _Routing(placed).run(results_first)


def _edge(a: Point, b: Point) -> Edge:
    return (a, b) if a < b else (b, a)


class _Routing:
    def __init__(self, placed: Placed) -> None:
        self.placed = placed
        self.of = placed.blocks.of
        self.nets: dict[object, Net] = {}
        self.owner: dict[Edge, object] = {}
        self.at: dict[Point, set[object]] = {}
        self.walls: dict[Point, int] = {}
        self.used: set[Point] = set()  # ports at which a line begins or ends
        for node, box in placed.boxes.items():
            for x in range(box.x - box.half_width, box.x + box.half_width + 1):
                for y in range(box.y - box.half_height, box.y + box.half_height + 1):
                    self.walls[x, y] = node

    def run(self, results_first: bool) -> Routed:
        self._belts()
        self._rails()
        if results_first:
            self._leave_all()
        for key, reader, own in self._missing():
            self._connect(key, self._ins(self.placed.boxes[reader], own), own)
        if not results_first:
            self._leave_all()
        return Routed(self.placed, self.nets)

    def _leave_all(self) -> None:
        for state, node in self.placed.blocks.results.items():
            self._leave(state, node)

    # What is laid without a search

    def _net(self, key: object) -> Net:
        if key not in self.nets:
            self.nets[key] = Net(key if isinstance(key, int) else None)
        return self.nets[key]

    def _lay(self, key: object, a: Point, b: Point, *, belt: bool = False) -> None:
        net = self._net(key)
        dx, dy = (b[0] > a[0]) - (b[0] < a[0]), (b[1] > a[1]) - (b[1] < a[1])
        p = a
        while p != b:
            q = (p[0] + dx, p[1] + dy)
            self._take(key, net, _edge(p, q))
            if belt:
                net.belt.add(_edge(p, q))
            p = q

    def _take(self, key: object, net: Net, edge: Edge) -> None:
        net.edges.add(edge)
        self.owner[edge] = key
        for p in edge:
            self.at.setdefault(p, set()).add(key)

    def _belts(self) -> None:
        for state, y in self.placed.belts.items():
            before: int = self.placed.blocks.old[state]
            x = 0
            for node in (n for n in self.placed.blocks.belts[state]):
                box = self.placed.boxes[node]
                end = (box.x - box.half_width, y)
                self._lay(before, (x, y), end, belt=True)
                self._net(before).heads.append((end, (1, 0), False))
                self.used |= {end, (box.x + box.half_width, y)}
                before, x = node, box.x + box.half_width
                self._net(node).ports.add((x, y))
            self._lay(before, (x, y), (self.placed.width, y), belt=True)

    def _rails(self) -> None:
        placed = self.placed
        for rail in placed.rails:
            key: object = rail.sources if len(rail.sources) > 1 else rail.sources[0]
            end = max(placed.boxes[n].x for n in rail.readers)
            self._lay(key, (rail.start, rail.y), (end, rail.y))
            for node in rail.readers:
                box = placed.boxes[node]
                foot = (box.x, box.y + box.half_height)
                self._lay(key, (box.x, rail.y), foot)
                self._net(key).heads.append((foot, (0, -1), False))
                self.used.add(foot)
        for node, x in placed.trunks.items():
            lines = [r.y for r in placed.rails if node in r.sources]
            name = self.of[node].name
            if name in placed.belts:
                start = placed.belts[name]
            else:
                side, at = placed.entries[node]
                start = placed.height if side == "below" else at
                if side == "left":
                    self._lay(node, (0, at), (x, at))
                elif not lines:
                    lines = [placed.height - 1]
            if lines:
                self._lay(node, (x, min(*lines, start)), (x, max(*lines, start)))
            for rail in placed.rails:
                if node in rail.sources and len(rail.sources) > 1:
                    self._net(rail.sources).dots.add((x, rail.y))
        self._loose_ends()

    def _loose_ends(self) -> None:
        """A value that merely goes on into the line it joins needs no dot."""
        for key, net in self.nets.items():
            if isinstance(key, tuple):
                for dot in list(net.dots):
                    sides = {way for k in self.at[dot] for way in self.nets[k].around(dot)}
                    if len(sides) < 3:
                        net.dots.discard(dot)

    def _missing(self) -> list[tuple[object, int, bool]]:
        """The connections that are not laid yet: short ones first, as they have the least choice."""
        placed, found = self.placed, []
        on_belt = {
            (before, node)
            for state in placed.belts
            for before, node in zip(
                (placed.blocks.old[state], *placed.blocks.belts[state]), placed.blocks.belts[state], strict=False
            )
        }
        for node, box in placed.boxes.items():
            for wire in box.block.inputs:
                railed = wire.by == "matrix" and self.of[wire.source].kind == "given" and box.row == "map"
                if not railed and (wire.source, node) not in on_belt:
                    found.append((wire.source, node, wire.by == "own"))
                on_belt.discard((wire.source, node))

        def length(item: tuple[object, int, bool]) -> tuple[bool, int]:
            source, reader = placed.boxes.get(item[0]), placed.boxes[item[1]]  # type: ignore[call-overload]
            return item[2], abs(source.x - reader.x) + abs(source.y - reader.y) if source else 10_000

        return sorted(found, key=length)

    # What is searched for

    def _ins(self, box: Box, own: bool) -> dict[Point, float]:
        """The places where a line may enter a block, with what each costs."""
        x, y, w, h = box.x, box.y, box.half_width, box.half_height
        if box.row == "map":
            ports = {
                (x - w, y): 0.0,
                (x - w, y + 1): 1.0,
                (x - w, y - 1): 1.0,
                (x - 1, y + h): 1.0,
                (x + 1, y + h): 1.0,
            }
            if own:
                ports |= {(x - 1, y - h): 0.0, (x + 1, y - h): 0.0, (x, y - h): 4.0}
            return ports
        return {(x - w, y): 0.0, (x, y + h): 0.0, (x, y - h): 0.5, (x + w, y): 8.0}

    def _outs(self, box: Box) -> dict[Point, float]:
        x, y, w, h = box.x, box.y, box.half_width, box.half_height
        if box.row == "map":
            return {(x, y - h): 0.0, (x + w, y): 0.5}
        return {(x + w, y): 0.0, (x, y - h): 0.0, (x, y + h): 2.0}

    def _connect(self, key: object, goals: dict[Point, float], own: bool = False) -> None:
        path = self._search(key, {p: c for p, c in goals.items() if p not in self.used})
        net = self._net(key)
        for a, b in zip(path, path[1:], strict=False):
            self._take(key, net, _edge(a, b))
            if own:
                net.dashed.add(_edge(a, b))
        if path[0] in self.walls:
            net.ports.add(path[0])
            self.used.add(path[0])
        end, before = path[-1], path[-2]
        self.used.add(end)
        if end in self.walls:
            net.heads.append((end, (end[0] - before[0], end[1] - before[1]), own))

    def _leave(self, state: str, node: int) -> None:
        y = self.placed.exits[state]
        if state in self.placed.belts and self.placed.blocks.belts[state][-1:] == (node,):
            return
        self._connect(node, {(self.placed.width, y): 0.0})

    def _starts(self, key: object) -> dict[Point, float]:
        net = self._net(key)
        starts = {p: 0.0 for p in net.points if self.at[p] == {key} and p not in self.walls and 0 < p[0]}
        if isinstance(key, int) and key in self.placed.boxes:
            fresh = _NEW_PORT + (6.0 if net.edges else 0.0)
            for port, cost in self._outs(self.placed.boxes[key]).items():
                if port not in self.used:
                    starts[port] = cost + fresh
        return starts

    def _search(self, key: object, goals: dict[Point, float]) -> list[Point]:
        """The cheapest way from a net to one of the goals."""
        width, height = self.placed.width, self.placed.height
        heap: list[tuple[float, int, Point, Point]] = []
        best: dict[tuple[Point, Point], float] = {}
        came: dict[tuple[Point, Point], tuple[Point, Point] | None] = {}
        for count, (p, cost) in enumerate(sorted(self._starts(key).items())):
            heapq.heappush(heap, (cost, count, p, (0, 0)))
            best[p, (0, 0)], came[p, (0, 0)] = cost, None
        count = len(heap)
        while heap:
            cost, _, p, way = heapq.heappop(heap)
            if cost > best[p, way]:
                continue
            if p in goals and way != (0, 0):
                return self._path(came, (p, way))
            crossing = any(k != key for k in self.at.get(p, ()))
            for step in _WAYS:
                q = (p[0] + step[0], p[1] + step[1])
                if crossing and step != way or (step[0] == -way[0] and step[1] == -way[1] and way != (0, 0)):
                    continue
                if not self._open(key, p, q, step, goals, width, height, way == (0, 0)):
                    continue
                price = cost + 1.0 + (_BEND if way not in ((0, 0), step) else 0.0)
                price += _CROSSING if any(k != key for k in self.at.get(q, ())) else 0.0
                price += 0.6 * self._beside(key, q, step)
                if q in goals:
                    price += goals[q]
                if price < best.get((q, step), float("inf")):
                    best[q, step], came[q, step] = price, (p, way)
                    count += 1
                    heapq.heappush(heap, (price, count, q, step))
        raise NoWayError

    def _beside(self, key: object, q: Point, step: Point) -> int:
        """Tells whether another net or a block lies close beside."""
        sides = ((q[0] + step[1], q[1] + step[0]), (q[0] - step[1], q[1] - step[0]))
        return sum(s in self.walls or any(k != key for k in self.at.get(s, ())) for s in sides)

    def _open(
        self,
        key: object,
        p: Point,
        q: Point,
        step: Point,
        goals: dict[Point, float],
        width: int,
        height: int,
        first: bool,
    ) -> bool:
        if not (0 < q[0] < width and 0 < q[1] < height) and q not in goals:
            return False
        if q in self.walls and (q not in goals or not self._faces(q, step)):
            return False
        if p in self.walls and not (first and self._faces(p, (-step[0], -step[1]))):
            return False
        if self.owner.get(_edge(p, q)) is not None:
            return False
        others = [k for k in self.at.get(q, ()) if k != key]
        if key in self.at.get(q, ()):
            return False  # it has reached itself: a shorter way begins there
        if others:
            across = {(step[1], step[0]), (-step[1], -step[0])}
            return len(others) == 1 and q not in goals and self.nets[others[0]].around(q) == across
        return True

    def _faces(self, port: Point, step: Point) -> bool:
        """Tells whether a step enters the block at this port from outside."""
        return self.walls.get((port[0] - step[0], port[1] - step[1])) != self.walls[port]

    def _path(
        self, came: dict[tuple[Point, Point], tuple[Point, Point] | None], end: tuple[Point, Point]
    ) -> list[Point]:
        path, at = [], end
        while True:
            path.append(at[0])
            before = came[at]
            if before is None:
                return path[::-1]
            at = before
