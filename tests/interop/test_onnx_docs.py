"""What docs/onnx.md shows is run, and what its table says is so."""

import re
from pathlib import Path
from typing import Any

import pytest

import conveyor as cv

TEXT = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::FutureWarning:copyreg", "ignore::DeprecationWarning")  # torch's exporter's own
def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(code, "onnx.md", "exec"), namespace)
    assert namespace["y"].shape == (3, 50, 32) and [type(v) for v in namespace["layers"].values()] == [cv.LSTM] * 2
    first, again = namespace["y"][0], namespace["again"][:, 0].detach().numpy()
    assert abs(first - again).max() <= 1e-5, "the first row is as long as the sequence"
    promised = re.search(r"inputs x, .*; outputs y, h_n, c_n", TEXT)
    assert promised and promised[0] in capsys.readouterr().out


@pytest.mark.parametrize("row", [line for line in TEXT.splitlines() if line.startswith("| `")])
def test_the_table_of_operators(row: str, tmp_path: Path) -> None:
    _, cells, becomes, _ = row.split("|")
    for name in re.findall(r"`(\w+)`", cells):
        if name in cv.cells:
            report = cv.to_onnx(cv.Recurrent(name, 3, 4), tmp_path / name)
            assert report.rows[0].result == becomes.split("`")[1], name
