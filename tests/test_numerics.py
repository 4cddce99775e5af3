"""What docs/numerics.md and docs/sequences.md say: their examples run, and each statement has a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import conveyor as cv
from conveyor.testing import CHECKS

ROOT = Path(__file__).parents[1]
NUMERICS = (ROOT / "docs/numerics.md").read_text()
SEQUENCES = (ROOT / "docs/sequences.md").read_text()


def test_the_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    space: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", SEQUENCES, re.DOTALL):
        exec(compile(code, "sequences.md", "exec"), space)
    said = capsys.readouterr().out.splitlines()
    assert [len(space["outputs"]), space["outputs"][-1].shape] == [3, (50, 8, 32)]
    assert not space["y"].isnan().any() and space["inputs"].shape[1] == 8
    whole, beyond = said[1], float(said[2])
    assert re.search(r"memory_estimate\(T=100_000, B=8\)\)  # ([\d,.]+) MiB \(input 781.2, output 781.2, …\)", SEQUENCES)[1] == whole.split()[0]  # type: ignore[index]
    assert abs(beyond - float(re.search(r"about (\d+) MiB beyond", SEQUENCES)[1])) < 1  # type: ignore[index]
    assert said[0].startswith("state h was carried over from a call through which backward has already gone; ")


def statements() -> list[str]:
    """The items of the lists, each on one line."""
    items = re.findall(r"^- (.*?)(?=\n- |\n\n|\Z)", NUMERICS, re.DOTALL | re.MULTILINE)
    return [" ".join(item.split()) for item in items]


def test_there_are_statements() -> None:
    assert len(statements()) > 25


@pytest.mark.parametrize("statement", statements(), ids=lambda s: s[:40])
def test_each_statement_has_its_test(statement: str) -> None:
    promises, tests = re.findall(r"`promise: ([^`]+)`", statement), re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", statement)
    assert promises or tests, "no test is named"
    for name in promises:
        assert name in CHECKS
    for file, name in tests:
        found = {n.name for n in ast.parse((ROOT / file).read_text()).body if isinstance(n, ast.FunctionDef)}
        assert name in found


def test_pictures_and_pages_exist() -> None:
    for page in (NUMERICS, SEQUENCES):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page):
            assert (ROOT / "docs" / target).exists(), target


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_the_picture(backend: str) -> None:
    """docs/pictures/output-and-h_n.svg: what its boxes and lines say."""
    layer = cv.LSTM(3, 5, num_layers=2, bidirectional=True, backend=backend, dtype=torch.float64)
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    (first, output), state = layer(x, every_layer=True)
    h_n = state.h
    assert torch.equal(output, layer(x)[0]) and h_n.shape == (4, 2, 5)
    assert torch.equal(output[-1, :, :5], h_n[2]) and torch.equal(output[0, :, 5:], h_n[3])
    assert torch.equal(first[-1, :, :5], h_n[0]) and torch.equal(first[0, :, 5:], h_n[1])
    # The reverse direction's first step has seen the last input alone.
    _, alone = layer(x[-1:], every_layer=True)
    assert torch.allclose(first[-1, :, 5:], alone.h[1])
    lengths = torch.tensor([4, 2])
    y, ends = layer(x, lengths=lengths)
    assert torch.equal(y[1, 1, :5], ends.h[2, 1]) and torch.equal(y[0, 1, 5:], ends.h[3, 1])
    picture = (ROOT / "docs/pictures/output-and-h_n.svg").read_text()
    for said in ("output[-1, :, :H] is h_n[2]", "output[0, :, H:] is h_n[3]"):
        assert said in picture
