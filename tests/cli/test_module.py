"""`python -m conveyor` is the command, alone and under torchrun."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import TINY


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "conveyor", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("conveyor ") and done.stderr == ""
    done = subprocess.run([sys.executable, "-m", "conveyor", "none"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("conveyor: ")


@pytest.mark.slow
def test_torchrun_trains_with_it(text_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "conveyor"]
    arguments = ["train", str(text_file), "-o", str(out), *TINY, "--max-steps", "3"]
    done = subprocess.run([*launcher, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "checkpoint.json").read_text())["trainer"]["progress"]["step"] == 3
