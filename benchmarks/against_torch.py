"""conveyor's LSTM, GRU and RNN beside torch.nn's, in one process, run in turns; medians.

    python benchmarks/against_torch.py [--cell lstm] [--threads 2] [T,B,H ...]

A row is only timed after both have given the same numbers. A product measured before and after each row says whether
the machine was its usual self: a row during which it was more than 10% off the run's best is marked.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

import conveyor as cv
from conveyor.backends.cpu.products import product

PAIRS = {"lstm": (cv.LSTM, torch.nn.LSTM), "gru": (cv.GRU, torch.nn.GRU), "rnn": (cv.RNN, torch.nn.RNN)}
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
SIZES = [
    (100, 1, 64),
    (100, 1, 128),
    (100, 1, 256),
    (100, 8, 128),
    (100, 32, 64),
    (100, 32, 128),
    (100, 32, 256),
    (100, 32, 512),
    (100, 128, 256),
    (35, 20, 200),
    (35, 20, 650),
    (1000, 8, 128),
    (50, 64, 1024),
    (100, 32, 100),
    (100, 7, 37),
]


def alternate(first: Callable[[], object], second: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Median seconds of two functions that run in turns."""
    first(), second()
    taken: tuple[list[float], list[float]] = ([], [])
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken[1]) < 5:
        for times, function in zip(taken, (first, second), strict=True):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
    return statistics.median(taken[0]), statistics.median(taken[1])


def peak() -> float:
    """GFLOP/s of a product that fits the caches, by our kernel."""
    a, b = torch.randn(960, 512), torch.randn(512, 512)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        product(a, [b])
        times.append(time.perf_counter() - start)
    return 2 * 960 * 512 * 512 / min(times) / 1e9


def gate(ours: torch.nn.Module, theirs: torch.nn.Module, x: Tensor) -> None:
    """Stop unless both give the same output and gradients."""
    theirs.load_state_dict(ours.state_dict())
    found = [m(x)[0] for m in (ours, theirs)]
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(found[0])
    grads = [
        torch.autograd.grad((y * weights).sum(), [x, *m.parameters()])
        for m, y in zip((ours, theirs), found, strict=True)
    ]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3 * b.abs().max().item())


def row(cell: str, size: tuple[int, int, int], seconds: float) -> tuple[float, float, float, float]:
    """Medians in seconds: forward+backward ours, torch's; inference ours, torch's."""
    steps, batch, hidden = size
    ours, theirs = (make(hidden, hidden) for make in PAIRS[cell])
    x = torch.randn(steps, batch, hidden, requires_grad=True)
    gate(ours, theirs, x)
    both = alternate(lambda: ours(x)[0].sum().backward(), lambda: theirs(x)[0].sum().backward(), seconds)
    with torch.inference_mode():
        inference = alternate(lambda: ours(x), lambda: theirs(x), seconds / 2)
    return *both, *inference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", help="T,B,H; all of them without any")
    parser.add_argument("--cell", choices=sorted(PAIRS), default="lstm")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each row's training; half for inference")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    sizes = [tuple(int(n) for n in s.split(",")) for s in given.sizes] or SIZES
    best = max(peak() for _ in range(3))
    print(f"{platform.processor() or platform.machine()}, {given.threads} threads, torch {torch.__version__}, float32")
    print(f"| {given.cell} T x B x H | train, ms | torch | ratio | GFLOP/s | infer, ms | torch | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    train, infer = [], []
    for size in sizes:
        before = peak()
        ours, theirs, ours_i, theirs_i = row(given.cell, size, given.seconds)
        after = peak()
        best = max(best, before, after)
        steps, batch, hidden = size
        flops = 6 * steps * batch * GATES[given.cell] * hidden * 2 * hidden
        void = " (void: the machine was busy)" if min(before, after) < 0.9 * best else ""
        if not void:
            train.append(theirs / ours)
            infer.append(theirs_i / ours_i)
        print(
            f"| {' x '.join(map(str, size))}{void} | {ours * 1e3:.2f} | {theirs * 1e3:.2f} | {theirs / ours:.2f} |"
            f" {flops / ours / 1e9:.0f} | {ours_i * 1e3:.2f} | {theirs_i * 1e3:.2f} | {theirs_i / ours_i:.2f} |",
            flush=True,
        )
    if train:
        means = [math.exp(statistics.fmean(map(math.log, ratios))) for ratios in (train, infer)]
        print(f"geometric means of the ratios of {len(train)} rows: train {means[0]:.2f}, infer {means[1]:.2f}")
    print(f"product kernel: {best:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
