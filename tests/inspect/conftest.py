from __future__ import annotations

from pathlib import Path

import pytest

from conveyor.cli import main

TEXT = "“The white whale,” said Ahab (he was old), and he looked at the sea.\nIt was calm. Nothing moved there!\n"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of a few steps, of two layers."""
    folder = tmp_path_factory.mktemp("model")
    text = folder / "text.txt"
    text.write_text(TEXT * 60, encoding="utf-8")
    sizes = ("--hidden-size", "12", "--embedding-size", "6", "--batch-size", "4", "--window", "8", "--num-layers", "2")
    arguments = ["train", str(text), "-o", str(folder / "run"), *sizes, "--max-steps", "3", "--warmup", "1"]
    assert main(arguments) == 0
    return folder / "run"


@pytest.fixture(scope="session")
def report(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its report."""
    folder = tmp_path_factory.mktemp("report") / "report"
    assert main(["inspect", str(model), "-o", str(folder), "--length", "200"]) == 0
    return folder
