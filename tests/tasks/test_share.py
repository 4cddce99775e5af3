"""Several processes on one run: torchrun starts two, and they learn what one learns with both shares of the batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import conveyor as cv
from conveyor.cli.app import app
from conveyor.tasks.training.checkpoint import read_checkpoint
from conveyor.tasks.training.distributed import Distributed

TEXT = "the recurrent cell keeps what it has seen, and forgets what it need not keep. " * 60
OPTIONS = [
    *("--hidden-size", "16", "--embedding-size", "8", "--num-layers", "2", "--window", "7", "--batch-size", "6"),
    *("--evaluate-every", "5", "--checkpoint-every", "5", "--clip", "0.5", "--dropout", "0"),
]


def torchrun(folder: Path, *words: str) -> str:
    """What two processes print; each runs the command line."""
    start = "import sys; from conveyor.cli.app import main; sys.exit(main())"
    script = folder / "start.py"
    script.write_text(start)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        str(script),
        *words,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def alone(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def curve(folder: Path) -> list[list[float]]:
    history: list[dict[str, Any]] = read_checkpoint(folder).get("trainer")["history"]
    return [[h["step"], h["training_loss"], h["loss"], h["lr"]] for h in history]


@pytest.mark.slow
def test_two_processes_learn_as_one_with_both_shares(tmp_path: Path) -> None:
    text = tmp_path / "book.txt"
    text.write_text(TEXT)
    together, single = tmp_path / "two", tmp_path / "one"
    said = torchrun(tmp_path, "train", str(text), "-o", str(together), *OPTIONS, "--max-steps", "20")
    alone("train", str(text), "-o", str(single), *OPTIONS, "--max-steps", "20")
    assert said.count("Finished:") == 1, "one of them prints"
    got, want = curve(together), curve(single)
    assert len(want) == 4 and want[-1][2] < want[0][2]
    torch.testing.assert_close(torch.tensor(got), torch.tensor(want), rtol=1e-5, atol=1e-6)
    for role in ("weights", "training"):
        theirs = read_checkpoint(single).tensors(role)
        ours = read_checkpoint(together).tensors(role)
        assert ours.keys() == theirs.keys()
        for name, tensor in theirs.items():
            assert ours[name].shape == tensor.shape, name  # the states of both, in one
            if role == "weights":
                torch.testing.assert_close(ours[name], tensor, rtol=1e-3, atol=1e-5)


def test_a_batch_that_cannot_be_shared() -> None:
    with pytest.raises(cv.ArgumentError, match="batch_size: expected a multiple of the 2 processes.*, got 3"):
        Distributed(0, 2).check(3)
    Distributed(0, 2).check(4)


def test_shares_are_parts_of_the_whole() -> None:
    whole = (torch.arange(24).view(2, 6, 2), (torch.arange(12).view(1, 6, 2),))
    parts = [Distributed(rank, 3).part_of(whole) for rank in range(3)]
    assert torch.equal(torch.cat([p[0] for p in parts], 1), whole[0])
    assert torch.equal(torch.cat([p[1][0] for p in parts], 1), whole[1][0])
    assert Distributed().part(whole[0]) is whole[0] and Distributed().mean(0.1) == 0.1 and Distributed().any(True)


def test_a_world_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(
        cv.ArgumentError, match="WORLD_SIZE is 2, but the processes can't meet .*; start them by torchrun"
    ):
        Distributed.of_environment()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert Distributed.of_environment() == Distributed(0, 1)
