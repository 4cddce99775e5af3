"""Pictures show text in fonts that have it; what no font has is escaped, and said once."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager

from conveyor.inspect.draw import fonts
from conveyor.inspect.draw.fonts import MissingGlyphs, escape_missing, families_for
from conveyor.inspect.draw.heat import heat_maps

LACKING = "\U000f0000"  # private use: no usual font has it


def test_the_usual_font_is_enough_for_what_it_has() -> None:
    assert families_for("The whale, Ж é\n", ["monospace"]) == (["monospace"], frozenset())


def test_another_font_is_taken_for_what_the_usual_one_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A font with one character more, which is made here and is found although matplotlib's list is older."""
    from fontTools.ttLib import TTFont

    font = TTFont(font_manager.findfont("DejaVu Sans Mono"))
    for table in font["cmap"].tables:
        if table.format == 12:
            table.cmap[ord(LACKING)] = "A"
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = "Whale Sans"
    font.save(tmp_path / "whale.ttf")
    fonts._choose.cache_clear()
    usual = font_manager.findSystemFonts()
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [*usual, str(tmp_path / "whale.ttf")])
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    assert families_for(LACKING, ["monospace"]) == (["monospace", "Whale Sans"], frozenset())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = heat_maps({"f": np.ones((3, 2))}, ["a", LACKING, "b"])
    assert LACKING in drawn.svg and "Whale Sans" in drawn.svg


def test_what_no_font_has_is_escaped_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts._choose.cache_clear()
    other = "\U000f0001"
    with pytest.warns(MissingGlyphs) as caught:
        drawn = heat_maps({"f": np.ones((4, 2))}, ["a", LACKING, other, LACKING])
    assert len(caught) == 1
    assert "no installed font has the characters \\U000f0000, \\U000f0001: pictures show" in str(caught[0].message)
    assert "\\U000f0000" in drawn.svg and LACKING not in drawn.svg


def test_a_damaged_font_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fonts._choose.cache_clear()
    (tmp_path / "bad.ttf").write_bytes(b"junk")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(tmp_path / "bad.ttf")])
    assert families_for(LACKING, ["monospace"]) == (["monospace"], frozenset(LACKING))
    assert escape_missing(f"a{LACKING}", frozenset(LACKING)) == "a\\U000f0000"
