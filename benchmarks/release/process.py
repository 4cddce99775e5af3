"""Measurements that need a process of their own: `python -m release.process TASK ARGUMENTS`.

What is measured once in the life of a process (the first use of a cell, the most memory that it ever held) is measured
here by a task that prints its figures as JSON. What is the same for everybody, such as importing torch, comes before.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conveyor.errors import ConveyorError

_SECONDS = 600.0
_BENCHMARKS = Path(__file__).parent.parent  # where `release` is found


def run(task: str, *arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, float]:
    """The figures of a task that runs in a new process.

    Raises:
        ConveyorError: It failed.
    """
    command = [sys.executable, "-m", "release.process", task, *map(str, arguments)]
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_SECONDS,
        env=os.environ | dict(environment or {}),
        cwd=_BENCHMARKS,
        check=False,
    )
    if done.returncode:
        last = next(
            (line for line in reversed(done.stderr.splitlines()) if line.strip()), f"exit code {done.returncode}"
        )
        raise ConveyorError(f"bench: a process that measures {task} failed: {last}")
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


def first_use(kind: str, threads: str) -> Mapping[str, float]:
    """Seconds from a cell's definition to its first result: `inference` or `training`."""
    import torch

    import conveyor as cv
    from conveyor.backends.cpu.codegen import isa
    from release.user_cell import define

    torch.set_num_threads(int(threads))
    for module in ("conveyor.layers", "conveyor.torch_ops", "conveyor.backends.cpu"):
        importlib.import_module(module)
    isa.width()  # LLVM is loaded
    warm = torch.randn(64, 64, requires_grad=True)
    torch.nn.functional.linear(warm, warm).tanh().sum().backward()  # and torch's own first steps are done
    x = torch.randn(100, 32, 128, requires_grad=kind == "training")
    began = time.perf_counter()
    layer = cv.Recurrent(define(), 128, 128)
    if kind == "training":
        layer(x)[0].sum().backward()
    else:
        with torch.inference_mode():
            layer(x)
    return {"first": time.perf_counter() - began}


def memory(kind: str, threads: str, *size: str) -> Mapping[str, float]:
    """Bytes that the process held at most, by its imports alone and after two steps of training, `ours` or `theirs`."""
    import torch

    import conveyor as cv
    from conveyor.backends.cpu.codegen import isa

    torch.set_num_threads(int(threads))
    isa.width()
    torch.optim.SGD([torch.zeros(1)], lr=1.0)  # torch imports a part of itself, 70 MB, with the first optimizer
    steps, batch, hidden = map(int, size)
    before = _most_memory()
    make = cv.LSTM if kind == "ours" else torch.nn.LSTM
    layer: Any = make(hidden, hidden)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1e-3)
    x = torch.randn(steps, batch, hidden, requires_grad=True)
    for _ in range(2):
        optimizer.zero_grad()
        x.grad = None
        layer(x)[0].square().mean().backward()
        optimizer.step()
    return {"before": before, "peak": _most_memory()}


def _most_memory() -> float:
    """The most that this process ever held, in bytes."""
    try:
        # What getrusage says begins, on Linux, with what the process that started this one held.
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return 1024.0 * int(status.split("VmHWM:")[1].split()[0])
    except (OSError, IndexError):
        import resource

        most = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return most if sys.platform == "darwin" else most * 1024  # macOS counts bytes, others KiB


TASKS: dict[str, Callable[..., Mapping[str, float]]] = {"first_use": first_use, "memory": memory}


if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
