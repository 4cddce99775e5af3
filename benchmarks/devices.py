"""Speed and size of built objects on this machine, beside C of our own and, if it is given, RTNeural.

    .venv/bin/python benchmarks/devices.py [--cells lstm,gru] [--hidden 8,16,…] [--rtneural LIBRARY …] [--json FILE]

Every contender is a function in a shared library that runs 256 steps of a cell with one input and a linear head of one
output, with the same weights, and is checked against float64 first. They take turns in one process; the least time of
each counts.

RTNeural is built elsewhere, a LIBRARY a backend: for each cell and size it has
`void rtneural_lstm_20_load(const float *weights)` and `void rtneural_lstm_20_run(const float *x, float *y, int steps)`.
The weights are W_ih, W_hh, b_ih, b_hh as torch lays them out, then the head's row and bias.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import conveyor as cv
from conveyor.build.build import build_network
from conveyor.build.network import Layer, Linear, Network
from conveyor.build.targets.table import find_target
from conveyor.ir.transforms.param_layout import doubled_layout, resolve_widths

STEPS = 256
SIZES = (8, 16, 20, 24, 32, 40, 64)
LARGE = (64, 128, 256, 512)
GATES = {"lstm": 4, "gru": 3}

# Rows as torch stores them, a dot product a gate of a unit; and columns, the operand outermost.
C = """
#include <math.h>
#include <string.h>
#define H {hidden}
#define G {gates}
static float wih[G * H], whh[G * H * H], wt[H * G * H], bih[G * H], bhh[G * H], head[H], bias;
static float h[H], c[H];
void load(const float *w) {{
    memcpy(wih, w, sizeof wih); w += G * H;
    memcpy(whh, w, sizeof whh); w += G * H * H;
    memcpy(bih, w, sizeof bih); w += G * H;
    memcpy(bhh, w, sizeof bhh); w += G * H;
    memcpy(head, w, sizeof head); w += H;
    bias = *w;
    for (int r = 0; r < G * H; r++) for (int k = 0; k < H; k++) wt[k * G * H + r] = whh[r * H + k];
    memset(h, 0, sizeof h); memset(c, 0, sizeof c);
}}
static float sigmoid(float x) {{ return 1.0f / (1.0f + expf(-x)); }}
void run(const float *xs, float *ys, int steps) {{
    for (int t = 0; t < steps; t++) {{
        float a[G * H], b[G * H];
        for (int r = 0; r < G * H; r++) {{ a[r] = wih[r] * xs[t] + bih[r]; b[r] = bhh[r]; }}
#ifdef COLUMNS
        for (int k = 0; k < H; k++) {{
            const float v = h[k];
            for (int r = 0; r < G * H; r++) b[r] += wt[k * G * H + r] * v;
        }}
#else
        for (int r = 0; r < G * H; r++) {{
            float s = 0;
            for (int k = 0; k < H; k++) s += whh[r * H + k] * h[k];
            b[r] += s;
        }}
#endif
#if G == 4
        for (int u = 0; u < H; u++) {{
            const float i = sigmoid(a[u] + b[u]), f = sigmoid(a[H + u] + b[H + u]);
            const float g = tanhf(a[2 * H + u] + b[2 * H + u]), o = sigmoid(a[3 * H + u] + b[3 * H + u]);
            c[u] = f * c[u] + i * g;
            h[u] = o * tanhf(c[u]);
        }}
#else
        for (int u = 0; u < H; u++) {{
            const float r = sigmoid(a[u] + b[u]), z = sigmoid(a[H + u] + b[H + u]);
            const float n = tanhf(a[2 * H + u] + r * b[2 * H + u]);
            h[u] = (1.0f - z) * n + z * h[u];
        }}
#endif
        float y = bias;
        for (int u = 0; u < H; u++) y += head[u] * h[u];
        ys[t] = y;
    }}
}}
"""
WRAP = """
#include "model.h"
static model_state state;
void load(const float *w) { (void)w; model_init(&state); }
void run(const float *x, float *y, int steps) { model_run(&state, x, y, steps); }
"""
CONTENDERS = {
    "C rows": ["-O3"],
    "C rows fast-math": ["-O3", "-ffast-math"],
    "C columns fast-math": ["-O3", "-ffast-math", "-DCOLUMNS"],
}


@dataclass
class Contender:
    """A function that runs steps, and one that starts it anew with weights."""

    name: str
    load: Callable[..., None]
    run: Callable[..., None]
    library: Any
    best: float = float("inf")


def network_of(cell: str, hidden: int) -> tuple[Network, np.ndarray[Any, Any]]:
    """A layer and its head with random weights, and these in RTNeural's order."""
    random, gates, bound = np.random.default_rng(hidden), GATES[cell], hidden**-0.5

    def draw(*shape: int) -> Any:
        return random.uniform(-bound, bound, shape).astype(np.float32)

    held = {"weight_ih": draw(gates * hidden, 1), "weight_hh": draw(gates * hidden, hidden)}
    held |= {"bias_ih": draw(gates * hidden), "bias_hh": draw(gates * hidden)}
    program = cv.cells[cell].program
    widths = resolve_widths(program, 1, hidden)
    rows = doubled_layout(program, widths, {}).rows
    parameters = {key: sum(held[r.slot][r.start : r.stop] for r in parts) for key, parts in rows.items()}
    initial = tuple(np.zeros(hidden, np.float32) for _ in program.states)
    head, bias = draw(1, hidden), draw(1)
    layer = Layer(cell, program, widths, parameters, initial)  # type: ignore[arg-type]
    flat = np.concatenate([a.ravel() for a in (*held.values(), head, bias)])
    return Network(None, (), (layer,), heads=(Linear(head, bias),)), flat


def shared(folder: Path, name: str, sources: list[str], flags: list[str]) -> Any:
    made = folder / f"{name.replace(' ', '_')}.so"
    command = ["gcc", "-march=native", "-shared", "-fPIC", *flags, *sources, "-o", str(made), "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(made))


def contenders(folder: Path, cell: str, hidden: int, network: Network, rtneural: list[str]) -> list[Contender]:
    (folder / "c.c").write_text(C.format(hidden=hidden, gates=GATES[cell]))
    found = []
    for name, flags in CONTENDERS.items():
        library = shared(folder, name, ["c.c"], flags)
        found.append(Contender(name, library.load, library.run, library))
    for name, emit in (("emit c", None), ("object", find_target("host"))):
        place = folder / name.replace(" ", "_")
        build_network(network, place, emit, "float32", "model", None, True)
        (place / "wrap.c").write_text(WRAP)
        library = shared(place, name, ["wrap.c", "model.c" if emit is None else "model.o"], ["-O3"])
        found.append(Contender(name, library.load, library.run, library))
    for path in rtneural:
        library = ctypes.CDLL(path)
        if hasattr(library, f"rtneural_{cell}_{hidden}_run"):
            load, run = (getattr(library, f"rtneural_{cell}_{hidden}_{what}") for what in ("load", "run"))
            found.append(Contender(f"RTNeural {Path(path).stem}", load, run, library))
    return found


def float_pointer(array: Any) -> Any:
    return array.ctypes.data_as(ctypes.c_void_p)


def race(found: list[Contender], weights: Any, seconds: float) -> None:
    """Lets contenders take turns; each must give what the first gives."""
    x = np.random.default_rng(1).standard_normal(STEPS).astype(np.float32)
    outputs = []
    for one in found:
        y = np.zeros(STEPS, np.float32)
        one.load(float_pointer(weights))
        one.run(float_pointer(x), float_pointer(y), STEPS)
        outputs.append(y)
    for one, y in zip(found, outputs, strict=True):
        off = float(np.abs(y - outputs[0]).max())
        assert off < 1e-4, f"{one.name} is off by {off}"
    end = time.process_time() + seconds
    while time.process_time() < end:
        for one in found:
            start = time.perf_counter()
            one.run(float_pointer(x), float_pointer(outputs[0]), STEPS)
            one.best = min(one.best, (time.perf_counter() - start) / STEPS * 1e9)


def small_weights(cell: str, hidden: int, seconds: float) -> dict[str, float]:
    """Nanoseconds a step of the object with each kind of weights."""
    network, flat = network_of(cell, hidden)
    with tempfile.TemporaryDirectory() as name:
        found = []
        for weights in ("float32", "bf16", "int8"):
            place = Path(name) / weights
            build_network(network, place, find_target("host"), weights, "model", None, True)
            (place / "wrap.c").write_text(WRAP)
            library = shared(place, weights, ["wrap.c", "model.o"], ["-O3"])
            found.append(Contender(weights, library.load, library.run, library))
        x = np.random.default_rng(1).standard_normal(STEPS).astype(np.float32)
        y = np.zeros(STEPS, np.float32)
        end = time.process_time() + seconds
        while time.process_time() < end:
            for one in found:
                start = time.perf_counter()
                one.run(float_pointer(x), float_pointer(y), STEPS)
                one.best = min(one.best, (time.perf_counter() - start) / STEPS * 1e9)
        del flat
        return {one.name: one.best for one in found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default="lstm,gru")
    parser.add_argument("--hidden", default=",".join(map(str, SIZES)))
    parser.add_argument("--seconds", type=float, default=1.0, help="of CPU time for each size")
    parser.add_argument("--rtneural", nargs="*", default=[], help="libraries built elsewhere, one a backend")
    parser.add_argument("--small", action="store_true", help="compare bf16 and int8 with float32 instead")
    parser.add_argument("--json", help="a file for the figures")
    given = parser.parse_args()
    table: list[dict[str, Any]] = []
    for cell in given.cells.split(","):
        for hidden in map(int, given.hidden.split(",")):
            if given.small:
                row = small_weights(cell, hidden, given.seconds)
            else:
                network, flat = network_of(cell, hidden)
                with tempfile.TemporaryDirectory() as name:
                    found = contenders(Path(name), cell, hidden, network, given.rtneural)
                    race(found, flat, given.seconds)
                row = {one.name: one.best for one in found}
            table.append({"cell": cell, "hidden": hidden, **row})
            print(cell, hidden, "  ".join(f"{name} {best:.1f}" for name, best in row.items()), flush=True)
    if given.json:
        Path(given.json).write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
