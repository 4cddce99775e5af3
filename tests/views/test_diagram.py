"""Diagrams: whatever the cell, every block is there, every line arrives, and nothing lies on anything else."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

import conveyor as cv
from conveyor.ir.program import Program
from conveyor.views.diagram import draw, lay_out
from conveyor.views.diagram.blocks import blocks_of
from conveyor.views.diagram.route import Routed
from frontend.random_cells import Cell, cells

SVG = "{http://www.w3.org/2000/svg}"


def check(program: Program) -> Routed:
    """Assert that a diagram is whole; return it."""
    routed = lay_out(program)
    boxes, nets = routed.placed.boxes, routed.nets
    blocks = routed.placed.blocks
    assert set(boxes) == {n for n, b in blocks.of.items() if b.kind != "given"}
    for a, b in combinations(boxes.values(), 2):
        apart = abs(a.x - b.x) > a.half_width + b.half_width or abs(a.y - b.y) > a.half_height + b.half_height
        assert apart, f"{a.block} lies on {b.block}"
    for box in boxes.values():
        assert 0 < box.x - box.half_width and box.x + box.half_width < routed.placed.width
        assert 0 < box.y - box.half_height and box.y + box.half_height < routed.placed.height
    owners: dict[object, object] = {}
    for key, net in nets.items():
        for edge in net.edges:
            assert owners.setdefault(edge, key) == key, "two values share a piece of a line"
        # every point of it is reached from what makes the value, or from where it comes in
        todo = [p for p in net.points if p[0] == 0 or p[1] == routed.placed.height]
        if key in boxes:
            made = boxes[key]
            around = (made.half_width, made.half_height)
            todo = [p for p in net.points if abs(p[0] - made.x) <= around[0] and abs(p[1] - made.y) <= around[1]]
        elif isinstance(key, tuple):
            todo = [p for s in key for p in nets[s].points & net.points]
        seen = set()
        while todo:
            p = todo.pop()
            if p not in seen:
                seen.add(p)
                todo += [(p[0] + dx, p[1] + dy) for dx, dy in net.around(p)]
        assert seen == net.points, key
        for p in net.points:
            for box in boxes.values():
                inside = abs(p[0] - box.x) < box.half_width and abs(p[1] - box.y) < box.half_height
                assert not inside, f"a line runs through {box.block}"
    for box in boxes.values():
        ends = [
            key
            for key, net in nets.items()
            for (x, y), _, _ in net.heads
            if abs(x - box.x) <= box.half_width and abs(y - box.y) <= box.half_height
        ]
        reached = {s for key in ends for s in (key if isinstance(key, tuple) else (key,))}
        assert reached >= {w.source for w in box.block.inputs}, f"a line into {box.block} is missing"
    for state in blocks.results:
        y = routed.placed.exits[state]
        leaving = [key for key, net in nets.items() if (routed.placed.width, y) in net.points]
        assert leaving == [blocks.results[state]]
    return routed


@pytest.mark.parametrize("name", [*cv.cells])
def test_every_built_in_cell_has_a_diagram(name: str) -> None:
    routed = check(cv.cells[name].program)
    picture = cv.cells[name].diagram()
    root = ElementTree.fromstring(picture)
    assert root.find(f"{SVG}title").text == f"Diagram of the cell {name}"  # type: ignore[union-attr]
    words = root.find(f"{SVG}desc").text  # type: ignore[union-attr]
    texts = ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]
    for block in routed.placed.blocks.of.values():
        if block.kind == "map" and block.name:
            assert any(t.startswith(block.name) for t in texts), block
            assert f"{block.name}: a learned map of" in words
    for state in routed.placed.blocks.results:
        assert {f"{state}t−1", f"{state}t"} <= set(texts)


@settings(max_examples=60, deadline=None)
@given(cells())
def test_diagrams_of_cells_that_nobody_wrote(cell: Cell) -> None:
    space: dict[str, object] = {"cv": cv}
    exec(compile(cell.text, "<random cell>", "exec"), space)
    program = cv.cell(space["f"]).program  # type: ignore[arg-type]
    check(program)
    ElementTree.fromstring(draw(program, "random"))


def test_a_result_that_other_lines_would_wall_in_leaves_first() -> None:
    @cv.cell
    def walled(x, h, c, *, dt):
        dt = dt + cv.weight("w0")
        c = cv.affine("m1", x, h, bias=False)
        other = (a := cv.abs(h)) * 0.5
        a = twin = cv.affine("m2", other, bias=False)  # noqa: F841
        return twin + cv.weight("w0") * h, h + cv.weight("w0") * c

    check(walled.program)


def test_a_value_enters_beside_the_rail_that_it_joins_later() -> None:
    @cv.cell
    def joined(x, h, c, *, dt):
        dt = dt + cv.weight("w0")
        h = cv.affine("m1", c, h, bias=False)
        return h + cv.weight("w0") * h, h + cv.weight("w0") * c

    check(joined.program)


def test_belts_are_what_no_learned_map_interrupts() -> None:
    belts = {name: tuple(blocks_of(cv.cells[name].program).belts) for name in cv.cells}
    assert belts["lstm"] == belts["lstm_peephole"] == belts["lstm_coupled"] == ("c",)
    assert belts["gru"] == ("h",) and belts["rnn"] == () and belts["slstm"] == ("c", "n", "m")


def test_the_memory_runs_along_the_top_and_the_output_below() -> None:
    placed = lay_out(cv.cells["lstm"].program).placed
    rows = {b.block.name or b.block.label: b.y for b in placed.boxes.values()}
    assert placed.belts["c"] == min(rows.values()) < rows["h"] < rows["f"] == rows["i"] == rows["g"] == rows["o"]
    assert placed.exits["h"] > rows["f"] and placed.exits["c"] == placed.belts["c"]
    along = sorted((b.x, b.block.label) for b in placed.boxes.values() if b.row == "belt")
    assert [label for _, label in along] == ["×", "+"], "what is forgotten is forgotten before what is new comes in"


def test_a_renamed_cell_has_the_same_picture() -> None:
    @cv.cell
    def other(token, out, belt):
        keep = cv.sigmoid(cv.affine("keep", token, out))
        let = cv.sigmoid(cv.affine("let", token, out))
        new = cv.tanh(cv.affine("new", token, out))
        show = cv.sigmoid(cv.affine("show", token, out))
        belt = keep * belt + let * new
        out = show * cv.tanh(belt)
        return out, belt

    def shape(program: Program) -> list[tuple[int, str, str, int]]:
        placed = lay_out(program).placed
        return sorted((b.column, b.row, b.block.label, b.y) for b in placed.boxes.values())

    assert shape(other.program) == shape(cv.cells["lstm"].program)


def test_a_picture_can_be_saved_and_shown(tmp_path) -> None:
    picture = cv.cells["gru"].diagram()
    picture.save(tmp_path / "gru.svg")
    assert (tmp_path / "gru.svg").read_text(encoding="utf-8") == picture == picture._repr_svg_()
    assert picture.startswith("<svg ") and "prefers-color-scheme:dark" in picture
    bare = draw(cv.cells["gru"].program, "x < y", standalone=False)
    assert "<style>" not in bare and "<title>x &lt; y</title>" in bare


def test_what_is_drawn_is_the_same_every_time() -> None:
    program = cv.cells["lstm_peephole"].program
    lay_out.cache_clear()
    first = draw(program, "p")
    lay_out.cache_clear()
    assert draw(program, "p") == first


def test_colours_have_contrast_on_their_backgrounds() -> None:
    """At least 4.5 : 1 for names in boxes, as WCAG 2.2 asks of text."""
    from conveyor.views.diagram.palette import DARK, LIGHT
    from conveyor.views.diagram.svg import variables

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a: str, b: str) -> float:
        high, low = sorted((luminance(a), luminance(b)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    blocks = re.findall(r"\{(--[^}]*)\}", variables(".x"))
    for palette, block in zip((LIGHT, DARK), blocks, strict=True):
        named = dict(pair.split(":") for pair in block.split(";"))
        for colour in (*palette, named["--cv-ink"], named["--cv-soft"]):
            for back in ("--cv-fill", "--cv-body", "--cv-back"):
                assert contrast(colour, named[back]) >= 4.5, (colour, back)
