"""Two processes on torch's gloo: gradients and steps are those of one process with the whole batch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from torch_ops import distributed_worker as worker


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ddp", "fsdp2"])
def test_two_processes_equal_one(kind: str, tmp_path: Path) -> None:
    ranks = [
        subprocess.Popen(
            [sys.executable, worker.__file__, kind, str(rank), str(tmp_path)], stderr=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    for process in ranks:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said
    want = worker.train(worker.Net(), slice(None))
    for rank in range(2):
        for got, wanted in zip(torch.load(tmp_path / f"{rank}.pt"), want, strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-10, atol=1e-13)
