from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conveyor.cli import main

Failure = Callable[..., str]

COMMAND = [sys.executable, "-c", "import sys; from conveyor.cli import main; sys.exit(main())"]
TINY = ("--hidden-size", "8", "--embedding-size", "4", "--batch-size", "4", "--window", "8", "--warmup", "2")


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("The white whale, the sea; and Ahab.\n" * 40, encoding="utf-8")
    return path


@pytest.fixture
def trained(text_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A checkpoint of a few steps."""
    folder = tmp_path / "trained"
    assert main(["train", str(text_file), "-o", str(folder), *TINY, "--max-steps", "3"]) == 0
    capsys.readouterr()
    return folder


@pytest.fixture
def failure(capsys: pytest.CaptureFixture[str]) -> Failure:
    """Run a command that must fail with exactly one line on standard error; return that line."""

    def fail(*arguments: object, code: int = 2) -> str:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == code
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("conveyor: ")
        return lines[0]

    return fail


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    return subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
