"""What docs/classification.md shows runs, and its commands have the options that they are shown with."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from conveyor.cli import main

GUIDE = (Path(__file__).parents[3] / "docs/classification.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", GUIDE, re.DOTALL)
SHELL = [line for language, code in BLOCKS if language == "sh" for line in code.splitlines() if line]


def test_snippets_run_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {}
    for language, code in BLOCKS:
        if language == "python":
            exec(compile(code, "classification.md", "exec"), namespace)
    assert namespace["scores"].accuracy >= 0.95
    assert all(channel == "dim_1" and 4 <= step <= 6 for step, channel, _ in namespace["found"].strongest(2))
    assert namespace["written"].difference <= 1e-5
    assert (namespace["again"].predict(namespace["X"]) == namespace["model"].predict(namespace["X"])).all()


@pytest.mark.parametrize("line", SHELL)
def test_commands_have_the_options_that_are_shown(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, command, *words = shlex.split(line)
    task = words[words.index("--task") + 1] if "--task" in words else "classify"
    assert main([command, *(["--task", task] if command in ("train", "inspect") else []), "--help"]) == 0
    told = capsys.readouterr().out
    for option in (w for w in words if w.startswith("--") and w != "--task"):
        assert option in told, f"{command} has no {option}"
