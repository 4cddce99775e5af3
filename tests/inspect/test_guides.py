"""What the guides show is run, block after block; their asserts are the test."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["inspect.md", "from-the-equations.md"])
def test_the_guide_runs(name: str) -> None:
    torch.manual_seed(0)
    namespace: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(), re.DOTALL)
    assert len(blocks) > 6
    for code in blocks:
        exec(compile(code, name, "exec"), namespace)
    if name == "inspect.md":
        said = next(line for line in blocks[-2].splitlines() if line.startswith("print(found)"))
        assert str(namespace["cv"].diagnose(namespace["layer"], namespace["broken"])) == said.split("# ")[1]
