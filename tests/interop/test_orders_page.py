"""What docs/orders.md shows is run, and what its comments promise is true."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/orders.md").read_text(encoding="utf-8")


def test_blocks_run_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(code, "orders.md", "exec"), found)
    out = capsys.readouterr().out
    assert isinstance(found["encoder"], cv.LSTM) and found["head"].shape == (1, 4)
    assert "it would with gates=\"i g f o\", added={'f': 1.0}" in out
    assert "dropout is not in the file" in out
    assert found["layer"].units[0].cell.program == found["chung"].program != cv.cells["gru"].program
    layer = cv.from_order(found["order"], found["theirs"])
    y = layer(torch.from_numpy(found["x"]))[0].detach().numpy()
    np.testing.assert_allclose(y, found["run"](found["theirs"], found["x"]), atol=1e-12)


def test_names_on_the_page_exist() -> None:
    for name in re.findall(r"\bcv\.(\w+)", PAGE):
        assert hasattr(cv, name), name


def test_the_readme_lists_it() -> None:
    assert "docs/orders.md" in (ROOT / "README.md").read_text(encoding="utf-8")
