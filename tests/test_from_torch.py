"""What docs/from-torch.md shows is run, and what its comments promise is true."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import conveyor as cv

PAGE = (Path(__file__).parents[1] / "docs/from-torch.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # torch's own
def test_blocks_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch._dynamo.reset()
    found: dict[str, Any] = {}
    after = []
    for code in BLOCKS:
        exec(compile(code, "from-torch.md", "exec"), found)
        after.append({n: found.get(n) for n in ("y", "state")})
    start, replaced, unequal, kept, derivatives, graphs, loaded, precision, optimizer = after
    layer, x = found["layer"], found["x"]
    assert unequal["y"].is_nested and [len(p) for p in unequal["y"].unbind()] == [10, 4, 7]
    assert type(found["held"]["hidden"]) is type(kept["state"]) and kept["y"].shape == (8, 10, 32)
    assert start["y"] is None and isinstance(found["model"].encoder, cv.LSTM) and replaced is not None
    assert all(g.shape == (8, *layer.get_parameter(n).shape) for n, g in found["per_sample"].items())
    assert found["tangent"].shape == derivatives["y"].shape == (8, 10, 32) and found["tangent"].abs().max() > 0
    assert graphs["y"].shape == (8, 10, 32) and loaded["y"].shape == (3, 25, 32)
    assert precision["y"].dtype == torch.bfloat16 and precision["state"].c.dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, state = layer(x)
    assert y.dtype == torch.bfloat16 and state.h.dtype == torch.float32
    assert found["small"](x.bfloat16())[1].c.dtype == torch.bfloat16
    assert optimizer is not None and found["optimizer"].param_groups[0]["lr"] == 1e-3
    both = [p for group in found["optimizer"].param_groups for p in group["params"]]
    assert sum(p.numel() for p in both) == sum(p.numel() for p in layer.parameters())


def test_names_on_the_page_exist() -> None:
    for name in re.findall(r"\bcv\.(\w+)", PAGE):
        assert hasattr(cv, name), name
    for name in re.findall(r"`?layer\.(\w+)\(", PAGE):
        assert hasattr(cv.LSTM, name), name
