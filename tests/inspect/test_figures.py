"""Figures and coloured text: whole, the same every time, and clear about wrong calls."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import conveyor as cv
from conveyor.cli import main
from conveyor.inspect import report as report_package
from conveyor.inspect.draw.figure import Drawn
from conveyor.inspect.draw.flow import flow, relative
from conveyor.inspect.draw.heat import heat_maps
from conveyor.inspect.draw.memory import memory_lengths
from conveyor.inspect.draw.numbers import set_number
from conveyor.inspect.draw.text import coloured_text, scaled

MAKER = np.random.default_rng(0)
GATE = MAKER.uniform(size=(41, 8))
TOKENS = list("the whale <swam> & $dived$\n below the sea")


def figures() -> dict[str, Drawn]:
    return {
        "heat": heat_maps({"f": GATE, "c": GATE - 0.5}, TOKENS),
        "wide": heat_maps({"f": MAKER.uniform(size=(400, 500))}, ["x"] * 400),
        "memory": memory_lengths({"layer 1": np.array([1.0, 3.0, np.inf]), "layer 2": np.array([0.2, 9.0, 50.0])}),
        "flow": flow({"a": {"h": np.array([1e-9, 1e-3, 1.0])}, "b": {"h": np.array([0.0, 0.5, 1.0])}}),
    }


@pytest.mark.parametrize("name", ["heat", "wide", "memory", "flow"])
def test_every_figure_is_whole(name: str, tmp_path: Path) -> None:
    drawn = figures()[name]
    root = ElementTree.fromstring(drawn.svg)
    assert root.tag.endswith("svg") and drawn.png.startswith(b"\x89PNG")
    assert len(drawn.words) > 30 and drawn.words.endswith(".") and "nan" not in drawn.words
    drawn.save(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {f"{drawn.name}.svg", f"{drawn.name}.png"}
    inline = drawn.inline()
    ElementTree.fromstring(inline)
    assert 'role="img"' in inline and "<desc>" in inline
    assert "var(--cv-ink)" in inline and "#1d2530" not in inline, "it takes the page's colours"


def test_figures_are_the_same_every_time() -> None:
    values = {"f": GATE}
    assert heat_maps(values, TOKENS) == heat_maps(values, TOKENS)


def test_text_is_coloured_by_its_values() -> None:
    html = coloured_text(["a", "<", "\n"], np.array([-2.0, 0.0, 2.0]), "unit 3 & c")
    assert '<b style="--v:-1.00">a</b><b style="--v:0.00">&lt;</b><b style="--v:1.00">⏎\n</b>' in html
    assert "unit 3 &amp; c, from -2.00 (blue) to 2.00 (orange)" in html
    gate, middle, high = scaled(np.array([0.0, 0.5, 1.0]))
    assert gate.tolist() == [-1, 0, 1] and (middle, high) == (0.5, 1.0)
    assert scaled(np.zeros(3))[0].tolist() == [-1, -1, -1] and scaled(np.array([]))[0].tolist() == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: heat_maps({}, []), "values: expected at least one value over time, got none; name what was recorded"),
        (lambda: heat_maps({"f": GATE}, ["a"]), r"values: expected \(1, H\), as many as tokens, got \(41, 8\) of f"),
        (lambda: flow({}), "panels: expected at least one curve a panel, got none"),
        (lambda: coloured_text(["a"], np.zeros(2), ""), "values: expected 1, as many as tokens, got 2; cut them alike"),
    ],
)
def test_wrong_calls(call, message: str) -> None:
    with pytest.raises(cv.ArgumentError, match=message):
        call()


def test_gradients_are_shares_of_the_last() -> None:
    assert relative(np.array([1.0, 2.0, 4.0])).tolist() == [0.25, 0.5, 1.0]
    assert relative(np.array([0.0, 0.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0.0, "0"),
        (0.21, "0.21"),
        (1.7, "1.7"),
        (-3.0, "−3"),
        (2.63e-6, "2.6·10⁻⁶"),
        (4e7, "4.0·10⁷"),
        (214.4, "214"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_in_text(number: float, told: str) -> None:
    assert set_number(number) == told


def test_what_is_missing_is_named_before_any_work(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(report_package, "find_spec", lambda n: None if n in ("pandas", "matplotlib") else real(n))
    assert main(["inspect", str(model), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "conveyor: a report needs matplotlib, pandas: pip install 'conveyor[inspect]'\n"


def test_the_picture_in_the_documentation_is_the_one_that_is_drawn() -> None:
    kept = Path(__file__).parents[2] / "docs/pictures/lstm.svg"
    assert kept.read_text(encoding="utf-8") == cv.cells["lstm"].diagram()
