"""A small cell is compiled, run, and compared with the reference: `python -m conveyor.doctor.trial`."""

from __future__ import annotations

import json
import time

import torch

import conveyor as cv


def main() -> None:
    """Run the cell, and print what it took and how far it is from the reference."""

    @cv.cell
    def small(x, h, c):  # type: ignore[no-untyped-def]
        a = cv.affine("a", x, h)
        c = cv.sigmoid(a) * c + cv.tanh(cv.affine("b", x, h))
        h = cv.tanh(c) / (1.0 + cv.mean(cv.square(a)))
        return h, c

    torch.manual_seed(0)
    began, seconds, error = time.perf_counter(), 0.0, {}
    for dtype in (torch.float32, torch.float64):
        found = []
        weights = None
        x = torch.randn(12, 48, 13, dtype=dtype)  # enough work for two threads, and no multiple of a vector
        for backend in ("cpu", "reference"):
            layer = cv.Recurrent(small, 13, 37, dtype=dtype, backend=backend, strict_backend=True)
            if weights is not None:
                layer.load_state_dict(weights)
            weights = layer.state_dict()
            y, state = layer(x)
            (y.square().sum() + state.c.sum()).backward()
            found.append([y.detach(), state.c.detach(), *(p.grad for p in layer.parameters())])
            seconds = seconds or time.perf_counter() - began
        ratios = [(a - b).abs().max() / b.abs().max() for a, b in zip(*found, strict=True)]
        error[str(dtype).removeprefix("torch.")] = torch.stack(ratios).max().item()
    print(json.dumps({"seconds": seconds, "error": error}))


if __name__ == "__main__":
    main()
