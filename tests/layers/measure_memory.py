"""Trains a layer once and prints what it took beyond its input and the gradient of its output, and the estimate."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

import conveyor as cv


def peak() -> int:
    """The largest memory of this program; getrusage's counts what the process was before it, too."""
    line = next(n for n in Path("/proc/self/status").read_text().splitlines() if n.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main(steps: int, batch: int, width: int, options: str) -> None:
    torch.set_num_threads(1)
    layer = cv.LSTM(width, width, **json.loads(options))
    small = torch.randn(400, 2, width).requires_grad_()
    y, _ = layer(small)
    y.backward(torch.ones_like(y))  # compiles, and lets torch load what it needs
    layer.zero_grad()
    del y, small
    x = torch.randn(steps, batch, width).requires_grad_()
    estimate = layer.memory_estimate(steps, batch)
    grad = torch.randn(steps, batch, layer.output_size)
    before = peak()
    y, _ = layer(x)
    y.backward(grad)
    assert x.grad is not None and y.shape == grad.shape
    took = peak() - before
    # The output and the input's gradient are among what it took; the input and the output's gradient were there.
    beyond = took - (estimate.input + estimate.output) // 2
    print(json.dumps({"beyond": beyond, "estimate": estimate.beyond, "said": str(estimate)}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4])
