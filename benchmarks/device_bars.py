"""Measures of built networks beside speed: jitter, denormals, small weights, Cortex-M7, Node, and the runtime.

    .venv/bin/python benchmarks/device_bars.py [jitter] [small] [cortex] [node] [runtime]

Without a word all are measured. The tools are those of `make device-tools`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import conveyor as cv
from conveyor.build.build import build_network
from conveyor.build.targets.table import find_target
from devices import GATES, WRAP, C, float_pointer, network_of, shared

JITTER = """
#include <time.h>
#include "model.h"
static model_state state;
void steps(const float *x, double *ns, int n, int zero) {
    float y[MODEL_OUTPUTS];
    struct timespec a, b;
    if (zero) model_init(&state);
    for (int t = 0; t < n; t++) {
        clock_gettime(CLOCK_MONOTONIC, &a);
        model_step(&state, x + t, y);
        clock_gettime(CLOCK_MONOTONIC, &b);
        ns[t] = 1e9 * (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec);
    }
}
"""


def built(folder: Path, network: Any, target: str = "host", weights: str = "float32") -> Path:
    build_network(network, folder, find_target(target), weights, "model", None, True)
    return folder


def jitter(folder: Path) -> None:
    """Times of a million single steps, with the clock's own; and steps on denormal states against ordinary ones."""
    place = built(folder / "jitter", network_of("lstm", 32)[0])
    (place / "jitter.c").write_text(JITTER)
    library = shared(place, "jitter", ["jitter.c", "model.o"], ["-O2"])
    x = np.random.default_rng(0).standard_normal(10**6).astype(np.float32)
    ns = np.zeros(10**6)
    library.steps(float_pointer(x), float_pointer(ns), 10**6, 1)
    median, p999 = np.percentile(ns, [50, 99.9])
    print(f"jitter: LSTM 32, a million steps: median {median:.0f} ns, p99.9 {p999 / median:.2f} times that")
    for cell in GATES:
        network = network_of(cell, 32)[0]
        for array in network.layers[0].parameters.values():
            if array.ndim == 1:
                array[...] = 0
        network.heads[0].bias[...] = 0  # type: ignore[index]
        place = built(folder / f"denormal_{cell}", network)
        (place / "wrap.c").write_text(WRAP)
        library = shared(place, cell, ["wrap.c", "model.o"], ["-O3"])
        y = np.zeros(256, np.float32)
        best = {}
        quiet, loud = np.full(256, 1e-41, np.float32), x[:256].copy()
        for name, given in (("ordinary", loud), ("denormal", quiet)) * 40:
            library.load(float_pointer(given))
            for _ in range(8):
                library.run(float_pointer(given), float_pointer(y), 256)
            start = time.perf_counter()
            library.run(float_pointer(given), float_pointer(y), 256)
            best[name] = min(best.get(name, 1e9), (time.perf_counter() - start) / 256 * 1e9)
        print(f"denormals: {cell} 32: {best['denormal'] / best['ordinary']:.2f} times {best['ordinary']:.0f} ns")


def small(folder: Path) -> None:
    """The error of small weights on a trained model, and int8 beside onnxruntime's, a step of 512."""
    import onnxruntime as ort
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    torch.manual_seed(0)
    x = torch.randn(400, 16, 1)
    y = torch.tanh(3 * torch.stack([x[max(t - 3, 0) : t + 1].mean(0) for t in range(400)]))
    layer, head = cv.LSTM(1, 64), torch.nn.Linear(64, 1)
    optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.005)
    for _ in range(120):
        loss = (head(layer(x)[0]) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    data = torch.randn(4000, 1).numpy()
    for weights in ("bf16", "int8"):
        made = cv.build([layer, head], folder / weights, weights=weights, data=data)
        print(
            f"error, trained LSTM 64 (loss {loss.item():.4f}), {weights}: {made.difference.relative:.2g} relative RMS"
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    for hidden in (64, 128, 256, 512):
        theirs = torch.nn.LSTM(1, hidden)
        names = ["x", "h", "c"], ["y", "hn", "cn"]
        state = tuple(torch.zeros(1, 1, hidden) for _ in range(2))
        path = folder / f"{hidden}.onnx"
        torch.onnx.export(
            theirs,
            (torch.zeros(512, 1, 1), state),
            str(path),
            input_names=names[0],
            output_names=names[1],
            dynamo=False,
        )
        quantize_dynamic(path, folder / "q.onnx", weight_type=QuantType.QInt8, op_types_to_quantize=["LSTM"])
        session = ort.InferenceSession(str(folder / "q.onnx"), options)
        given = {"x": np.random.randn(512, 1, 1).astype(np.float32)} | {n: state[0].numpy() for n in ("h", "c")}
        place = built(folder / f"int8_{hidden}", network_of("lstm", hidden)[0], weights="int8")
        (place / "wrap.c").write_text(WRAP)
        library = shared(place, "ours", ["wrap.c", "model.o"], ["-O3"])
        out, best = np.zeros(512, np.float32), [1e9, 1e9]
        library.load(None)
        end = time.process_time() + 2
        while time.process_time() < end:
            start = time.perf_counter()
            session.run(None, given)
            middle = time.perf_counter()
            library.run(float_pointer(given["x"]), float_pointer(out), 512)
            stop = time.perf_counter()
            best = [min(best[0], middle - start), min(best[1], stop - middle)]
        a, b = (t / 512 * 1e6 for t in best)
        print(f"int8, LSTM {hidden}: onnxruntime {a:.2f} us a step, built {b:.2f}: {a / b:.2f} times")


BARE = """
#include <stdint.h>
#include "weights.h"
extern uint32_t stack_top;
void start(void);
__attribute__((section(".vectors"), used)) static const void *const vectors[] = {&stack_top, (const void *)start};
static int call(int what, const void *with) {
    register int r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = with;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
void load(const float *w);
void run(const float *x, float *y, int steps);
static volatile uint32_t *const tick = (void *)0xe000e010u; /* control, reload, current */
static float x[STEPS], y[STEPS];
void start(void) {
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20;
    __asm__ volatile("dsb\\nisb");
    for (int t = 0; t < STEPS; t++) x[t] = (float)((t * 7) % 11) / 11.0f - 0.5f;
    load(weights);
    run(x, y, STEPS);
    tick[1] = 0xffffffu; tick[2] = 0; tick[0] = 5;
    const uint32_t before = tick[2];
    run(x, y, STEPS);
    uint32_t ticks = (before - tick[2]) & 0xffffffu;
    char text[12] = {0};
    for (int k = 7; k >= 0; k--, ticks >>= 4) text[k] = "0123456789abcdef"[ticks & 15];
    text[8] = '\\n';
    call(4, text);
    call(0x18, (const void *)0x20026);
    for (;;) {}
}
void *_sbrk(int n) { (void)n; return (void *)-1; }
int *__errno(void) { static int e; return &e; }
"""
SCRIPT = """
ENTRY(start)
MEMORY { code (rx) : ORIGIN = 0x00000000, LENGTH = 4M  data (rw) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > code
    .bss : { *(.bss*) *(COMMON) *(.data*) } > data
    /DISCARD/ : { *(.ARM.exidx*) }
    stack_top = ORIGIN(data) + LENGTH(data);
}
"""
BARE_STEPS = 200
CLOCK = 25_000_000  # of the board; an instruction takes a nanosecond with -icount shift=0


def instructions(place: Path, sources: list[str], flags: list[str], weights: Any) -> float:
    """Instructions of a step on a Cortex-M7 under qemu."""
    text = ",".join(float(v).hex() + "f" for v in weights)
    head = f"#define STEPS {BARE_STEPS}\nstatic const float weights[] = {{{text}}};\n"
    (place / "weights.h").write_text(head)
    (place / "bare.c").write_text(BARE)
    (place / "script.ld").write_text(SCRIPT)
    cpu = ["-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"]
    command = [
        "arm-none-eabi-gcc",
        *cpu,
        *flags,
        "-nostartfiles",
        "-Tscript.ld",
        "bare.c",
        *sources,
        "-lm",
        "-o",
        "bare",
    ]
    subprocess.run(command, cwd=place, check=True)
    qemu = ["qemu-system-arm", "-machine", "mps2-an500", "-icount", "shift=0", "-nographic", "-semihosting", "-kernel"]
    done = subprocess.run([*qemu, "bare"], cwd=place, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    return int((done.stdout or done.stderr).split()[0], 16) * (1e9 / CLOCK) / BARE_STEPS


def cortex(folder: Path) -> None:
    """Instructions of a step on a Cortex-M7 beside the better of rows and columns in C at -O3."""
    for cell, gates in GATES.items():
        for hidden in (8, 16, 20, 32):
            network, flat = network_of(cell, hidden)
            place = built(folder / f"{cell}{hidden}", network, "cortex-m7")
            (place / "wrap.c").write_text(WRAP)
            (place / "c.c").write_text(C.format(hidden=hidden, gates=gates))
            ours = instructions(place, ["wrap.c", "model.o"], ["-O3"], flat)
            theirs = [instructions(place, ["c.c"], ["-O3", *more], flat) for more in ([], ["-DCOLUMNS"])]
            print(f"cortex-m7: {cell} {hidden}: {ours:.0f} against {min(theirs):.0f}: {min(theirs) / ours:.2f} times")


def node(folder: Path) -> None:
    """Nanoseconds of a step in Node."""
    for target in ("wasm32", "wasm32-relaxed", "wasm32-plain"):
        place = built(folder / target, network_of("lstm", 20)[0], target)
        (place / "time.mjs").write_text(
            "import { load } from './model.js';\n"
            "const stream = (await load()).stream();\n"
            "const x = Float32Array.from({length: 256}, (_, t) => Math.sin(t)), y = new Float32Array(256);\n"
            "let best = 1e9;\n"
            "for (let k = 0; k < 4000; k++) {\n"
            "  const start = performance.now(); stream.run(x, y);\n"
            "  best = Math.min(best, (performance.now() - start) / 256 * 1e6);\n}\n"
            "console.log(best.toFixed(0));\n"
        )
        done = subprocess.run(["node", "time.mjs"], cwd=place, capture_output=True, text=True)
        print(f"node: LSTM 20, {target}: {done.stdout.strip() or done.stderr.strip().splitlines()[-1][:100]} ns a step")


def runtime(folder: Path) -> None:
    """A step of the runtime, and what its start costs above its libraries."""
    from conveyor.runtime import load

    for hidden in (32, 64):
        path = cv.save(cv.LSTM(1, hidden), folder / f"{hidden}.safetensors")
        layer, x, best = load(path), np.ones(1, np.float32), 1e9
        for _ in range(400):
            start = time.perf_counter()
            for _ in range(200):
                layer.step(x)
            best = min(best, (time.perf_counter() - start) / 200 * 1e6)
        print(f"runtime: LSTM {hidden}: {best:.2f} us a step")
    libraries = "import numpy, llvmlite.binding"
    ours = f"{libraries}\nfrom conveyor.runtime import load\nload({str(path)!r}).step(0.5)"
    used: dict[str, float] = {}
    # As installed: with bytecode on disk.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder)
    for _ in range(12):
        for name, code in (("libraries", libraries), ("ours", ours)):
            said = "\nimport time\nprint(time.process_time())"
            done = subprocess.run(
                [sys.executable, "-c", code + said], capture_output=True, text=True, check=True, env=environment
            )
            used[name] = min(used.get(name, 1e9), float(done.stdout))
    print(
        f"runtime: start {1e3 * (used['ours'] - used['libraries']):.0f} ms of CPU above {1e3 * used['libraries']:.0f}"
    )


MEASURES = {m.__name__: m for m in (jitter, small, cortex, node, runtime)}


def main() -> None:
    """Measures what the command line names."""
    unknown = [name for name in sys.argv[1:] if name not in MEASURES]
    if unknown:
        sys.exit(f"device_bars.py: expected {', '.join(MEASURES)}; got {', '.join(unknown)}")
    for name in sys.argv[1:] or MEASURES:
        with tempfile.TemporaryDirectory() as folder:
            MEASURES[name](Path(folder))


if __name__ == "__main__":
    main()
