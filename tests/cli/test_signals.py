from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conveyor.cli import main

from .conftest import TINY, start

STEPS = 100
OPTIONS = {
    "adamw": ("--optimizer", "adamw", "--schedule", "cosine"),
    "sgd": ("--optimizer", "sgd", "--momentum", "0.9", "--lr", "0.1", "--schedule", "plateau"),
}


def steps_done(folder: Path) -> int:
    path = folder / "checkpoint.json"
    return int(json.loads(path.read_text())["trainer"]["progress"]["step"]) if path.exists() else 0


def train(text_file: Path, folder: Path, *options: str) -> list[str]:
    extent = ("--dropout", "0.3", "--epochs", "99", "--max-steps", str(STEPS), "--checkpoint-every", "5")
    return ["train", str(text_file), "-o", str(folder), *TINY, *extent, *options]


def interrupt(process: subprocess.Popen[str], folder: Path, number: signal.Signals) -> tuple[str, str]:
    """Send a signal once a few checkpoints are written; return what the process printed."""
    while steps_done(folder) < 10:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(number)
    return process.communicate(timeout=60)


def finished_files(folder: Path) -> dict[str, str]:
    document = json.loads((folder / "checkpoint.json").read_text())
    assert document["trainer"]["progress"]["step"] == STEPS
    return {role: entry["sha256"] for role, entry in document["files"].items()}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_killed_run_resumes_and_ends_bitwise_the_same(
    text_file: Path, tmp_path: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(*train(text_file, killed, *options))
    interrupt(process, killed, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert steps_done(killed) < STEPS
    assert main(["train", "--resume", str(killed)]) == 0
    assert "Resuming after step" in capsys.readouterr().out
    assert main(train(text_file, whole, *options)) == 0
    assert finished_files(killed) == finished_files(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_interrupted_run_saves_and_says_how_to_resume(text_file: Path, tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "my run"
    process = start(*train(text_file, folder))
    output, error = interrupt(process, folder, number)
    assert process.returncode == 130, error
    assert error == ""
    assert f"conveyor train --resume '{folder}'" in output
    assert f"Stopped at step {steps_done(folder)}" in output
    assert 10 <= steps_done(folder) < STEPS
