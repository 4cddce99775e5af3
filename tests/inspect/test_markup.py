"""Text with any characters gives XML and HTML that parse, in every picture and page."""

from __future__ import annotations

import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import conveyor as cv
from conveyor.cli import main
from conveyor.inspect.draw.flow import flow
from conveyor.inspect.draw.heat import heat_maps
from conveyor.inspect.draw.text import coloured_text
from conveyor.inspect.report.gather import Subject, gather
from conveyor.inspect.report.write import write_report
from conveyor.views.diagram import draw
from conveyor.views.diagram.markup import escape_controls, escape_text, well_formed

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Reader(HTMLParser):
    """Reads a page, and asserts that its elements nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag


NASTY = "\x00\x0b\x0c\x1b\x7f\x85\x9f\ud800\udfff\ufffe\uffff\ufdd0\U0001ffff\r\u2028<&>\"'$x$]]>-- a\n\t"


def parse_svg(svg: str) -> ET.Element:
    root = ET.fromstring(svg.encode("utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return root


def is_html_character(c: str) -> bool:
    """Whether a code point may stand in HTML (https://html.spec.whatwg.org, "preprocessing the input stream")."""
    code = ord(c)
    return not (unicodedata.category(c) == "Cs" or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF) and (
        unicodedata.category(c) != "Cc" or c in "\t\n"
    )


@given(st.text(st.characters() | st.sampled_from(NASTY), max_size=40))
def test_any_text_parses_and_what_can_stands_as_it_is(text: str) -> None:
    for markup in (
        f"<a>{escape_text(text)}</a>",
        f'<a b="{escape_text(text)}"/>',
        well_formed(f"<a>{escape_text(text)}</a>"),
    ):
        ET.fromstring(markup.encode("utf-8"))
    assert all(map(is_html_character, escape_text(text)))
    if all(map(is_html_character, text)):
        assert ET.fromstring(f"<a>{escape_text(text)}</a>").text == (text or None)
    assert all(unicodedata.category(c) != "Cc" or c in "\t\n" for c in escape_controls(text))


def test_signs_show_what_was_there() -> None:
    assert escape_text("a\x00\x0c\r\x7f\x85\ud800<") == "a␀␌␍␡\\x85\\ud800&lt;"


@pytest.mark.filterwarnings("ignore::conveyor.inspect.draw.fonts.MissingGlyphs")
def test_every_drawing_of_any_text_parses() -> None:
    tokens = list(NASTY)
    values = np.linspace(0, 1, len(tokens))[:, None].repeat(3, 1)
    drawings = [
        heat_maps({"f\x0c": values}, tokens, title=NASTY, titles={"f\x0c": f"f {NASTY}"}),
        flow({NASTY: {"h\x00": values[:, 0] + 1}}, title=NASTY),
    ]
    for drawn in drawings:
        parse_svg(drawn.svg)
        parse_svg(drawn.inline())
        assert drawn.png.startswith(b"\x89PNG")
    assert any(sign in drawings[0].svg for sign in ("␌", r"\x0c"))  # the sign where an installed font has it
    parse_svg(draw(cv.cells["lstm"].program, NASTY))
    html = coloured_text(tokens, values[:, 0], NASTY)
    Reader().feed(html)
    assert all(map(is_html_character, html))


def check_report(folder: Path) -> str:
    svgs = sorted(folder.rglob("*.svg"))
    assert len(svgs) >= 4
    for path in svgs:
        parse_svg(path.read_text(encoding="utf-8"))
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert all(map(is_html_character, page))
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(picture)
    json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    return page


@pytest.mark.filterwarnings("ignore::conveyor.inspect.draw.fonts.MissingGlyphs")
def test_a_report_on_any_text_parses(tmp_path: Path) -> None:
    tokens = [*NASTY, "</script>", "<!--", "]]>", "\ud800", *"The whale "] * 4
    layer = cv.Recurrent("gru", 4, 6)
    x = torch.randn(len(tokens), 1, 4, generator=torch.Generator().manual_seed(0))
    subject = Subject(NASTY, [(NASTY, NASTY)], layer, x, tokens, 90, lambda y: y[-1].square().sum())
    write_report(gather(subject, lambda what: None), tmp_path)
    page = check_report(tmp_path)
    assert "␌" in page
    read = pd.read_parquet(tmp_path / "data/values-1.parquet")["token"]
    assert list(read[:3]) == tokens[:3] and len(read) == 90


@pytest.mark.filterwarnings("ignore::conveyor.inspect.draw.fonts.MissingGlyphs")
def test_the_command_on_a_text_with_form_feeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.txt"
    text.write_text("Chapter <1> & 2\x0c\x00 \x1b[0m «кит» \U000f0000\r\n" * 120, encoding="utf-8", newline="")
    sizes = ["--hidden-size", "6", "--embedding-size", "4", "--batch-size", "2", "--window", "8", "--max-steps", "1"]
    run = tmp_path / "run\x0c<b>"
    assert main(["train", str(text), "-o", str(run), *sizes, "--warmup", "1"]) == 0
    capsys.readouterr()
    assert main(["inspect", str(run), "-o", str(tmp_path / "report"), "--length", "100"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("conveyor: no installed font has the characters ") and "\\U000f0000" in line
    page = check_report(tmp_path / "report")
    assert "Inside run␌&lt;b&gt;" in page and "␀" in page
