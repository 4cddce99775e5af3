"""Lines about single steps: a stream's, from Python, and a cell's with its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

import conveyor as cv
from conveyor.bench.correctness import compare
from conveyor.bench.rows import Line
from conveyor.bench.run import Run
from conveyor.bench.timing import alternate
from release import onnx_step

SIZES = ((1, 64), (1, 128), (1, 256), (32, 64), (32, 128), (32, 256))
"""Rows and hidden sizes of a cell's step."""

_CHECKED = 20  # steps whose outputs the check compares


def streams(run: Run) -> Iterator[Line]:
    """`layer.stream(1).step(x)`: one row, one layer, beside torch.nn.LSTMCell and ONNX Runtime's operator."""
    for hidden in (64, 128, 256, 512):
        torch.manual_seed(0)
        yield stream(run, cv.LSTM(hidden, hidden), hidden)


def stream(run: Run, layer: Any, hidden: int) -> Line:
    """A stream's step at a hidden size.

    Args:
        run: The run.
        layer: Has `stream(1)`, whose `step` takes (1, H) to (1, H), and the parameters of torch.nn.LSTM.
        hidden: The size H, of the input too.
    """
    x = torch.randn(_CHECKED, 1, hidden)
    cell = nn.LSTMCell(hidden, hidden)
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in layer.state_dict().items()})
    ours, theirs, onnx = _stepper(layer), _torch_stepper(cell), onnx_step.stepper(cell, run.threads)

    def check() -> None:
        found = [torch.cat([step(row).clone() for row in x]) for step in (ours(), theirs(), onnx())]
        for got in (found[0], found[2]):
            compare({"output": got}, {"output": found[1]})

    def measure() -> Mapping[str, float]:
        one = x[0]
        running = [make() for make in (ours, theirs, onnx)]
        mine, torchs, runtimes = alternate([lambda step=step: step(one) for step in running], run.seconds)  # type: ignore[misc]
        weights = 4 * (4 * hidden * 2 * hidden)
        return {
            "ours": mine.seconds,
            "theirs": torchs.seconds,
            "ratio": torchs.seconds / mine.seconds,
            "onnx": runtimes.seconds,
            "onnx_ratio": runtimes.seconds / mine.seconds,
            "of_bandwidth": weights / mine.seconds / run.calibration.reading(weights),
        }

    return run.line(f"H={hidden}", check, measure, {"H": hidden})


def _stepper(layer: Any) -> Callable[[], onnx_step.Step]:
    return lambda: layer.stream(1).step


def _torch_stepper(cell: nn.LSTMCell) -> Callable[[], onnx_step.Step]:
    def make() -> onnx_step.Step:
        state: list[Any] = [None]

        def step(x: Tensor) -> Tensor:
            with torch.inference_mode():
                state[0] = cell(x, state[0])
            h: Tensor = state[0][0]
            return h

        return step

    return make


def cells(run: Run) -> Iterator[Line]:
    """`cv.LSTMCell` forward and backward, beside torch.nn.LSTMCell."""
    for batch, hidden in SIZES:
        torch.manual_seed(0)
        ours, theirs = cv.LSTMCell(hidden, hidden), nn.LSTMCell(hidden, hidden)
        theirs.load_state_dict(ours.state_dict())
        yield _cell(run, ours, theirs, batch, hidden)


def _cell(run: Run, ours: nn.Module, theirs: nn.Module, batch: int, hidden: int) -> Line:
    given = [torch.randn(batch, hidden, requires_grad=True) for _ in range(3)]
    gradients = [torch.randn(batch, hidden) for _ in range(2)]

    def results(module: nn.Module) -> dict[str, Tensor]:
        h, c = module(given[0], (given[1], given[2]))
        named = {"x": given[0], "h": given[1], "c": given[2], **dict(module.named_parameters())}
        found = torch.autograd.grad((h, c), list(named.values()), gradients)
        return {"output": h, "c": c, **{f"gradient of {n}": g for n, g in zip(named, found, strict=True)}}

    def step(module: nn.Module) -> Callable[[], None]:
        leaves = [*given, *module.parameters()]

        def both() -> None:
            for leaf in leaves:
                leaf.grad = None
            h, c = module(given[0], (given[1], given[2]))
            torch.autograd.backward((h, c), gradients)

        return both

    def measure() -> Mapping[str, float]:
        mine, other = alternate([step(ours), step(theirs)], run.seconds / 2)
        return {"ours": mine.seconds, "theirs": other.seconds, "ratio": other.seconds / mine.seconds}

    return run.line(
        f"B={batch} H={hidden}", lambda: compare(results(ours), results(theirs)), measure, {"B": batch, "H": hidden}
    )
