"""docs/forecasting.md: its Python is run, its commands exist, and what its comments promise is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conveyor.cli import main

GUIDE = (Path(__file__).parents[1] / "docs/forecasting.md").read_text()


def test_the_python_of_the_guide_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(compile(block, "docs/forecasting.md", "exec"), names)
    output = capsys.readouterr().out
    assert "'y-q0.1'" in output and "every hour (h), found: 100.0%" in output
    table = names["table"]
    assert len(table) == 24 and (np.diff(table.filter(like="y-q").to_numpy(), axis=1) >= 0).all()
    assert {"cutoff", "y", "seasonal naive", "ridge", "y-q0.5"} <= set(names["result"].table.columns)
    np.testing.assert_array_equal(
        names["again"].predict(names["df"].iloc[:-24], future=names["df"].iloc[-24:])["y-q0.5"], table["y-q0.5"]
    )
    streamed = names["stream"].forecast({"temp": names["df"]["temp"].iloc[-24:]})
    np.testing.assert_array_equal(streamed["y-q0.5"], table["y-q0.5"])


def test_the_commands_of_the_guide_take_those_options(capsys: pytest.CaptureFixture[str]) -> None:
    commands = re.findall(r"^conveyor .*$", GUIDE, re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        words = command.split()[1:]
        head = [words[0], *(["--task", "forecast"] if "--task" in words else [])]
        assert main([*head, "--help"]) == 0
        told = capsys.readouterr().out
        if words[0] != "inspect":  # the checkpoint decides its options
            assert all(option in told for option in words if option.startswith("--") and option != "--task")
    assert main(["train", "--task", "forecast", "--help"]) == 0
    told = capsys.readouterr().out
    for option in set(re.findall(r"`(--[a-z-]+)", GUIDE)) - {"--refit", "--resume"}:
        assert option in told, option
