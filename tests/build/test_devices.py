"""Built objects on other processors, under qemu, wine and Node; the tools are those of `make device-tools`.

| target                  | linked by           | run by                          |
|-------------------------|---------------------|---------------------------------|
| aarch64, armv7, riscv64 | Debian's gcc        | qemu-user                       |
| riscv64-v               | the same            | qemu-user, vectors of 128 … 512 |
| cortex-m7, cortex-m4f   | gcc, no system      | qemu-system-arm, semihosting    |
| windows, windows-sse2   | mingw               | wine                            |
| wasm32 (3)              | conveyor            | Node, Chromium                  |
| macos, macos-x86-64     | ld64.lld            | nothing: inspected              |
| windows-arm64, riscv32, aarch64-dot | nothing | nothing: inspected              |
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from build.oracle import data, expected, random_network
from build.programs import MAIN, compiled, run_bare, run_files
from conveyor.build.build import build_network
from conveyor.build.network import Network
from conveyor.build.targets.table import find_target

USER = {
    "aarch64": (["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"]),
    "armv7": (["arm-linux-gnueabihf-gcc", "-static"], ["qemu-arm", "-cpu", "cortex-a7"]),
    "riscv64": (["riscv64-linux-gnu-gcc", "-static"], ["qemu-riscv64"]),
    "riscv64-v": (["riscv64-linux-gnu-gcc", "-static"], ["qemu-riscv64", "-cpu", "rv64,v=true,vlen=256"]),
    "windows": (["x86_64-w64-mingw32-gcc", "-static"], ["wine"]),
}
CORTEX = {
    "cortex-m7": (["-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"], "mps2-an500"),
    "cortex-m4f": (["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"], "mps2-an386"),
}


def networks() -> list[Network]:
    return [
        random_network("lstm", 1, 20, 2, 1),
        random_network("gru", 3, 32, 1, 6, activation="softmax"),
        random_network("lstm_layer_norm", 2, 9, 1),
    ]


def built(folder: Path, network: Network, target: str, weights: str = "float32") -> Path:
    return build_network(network, folder, find_target(target), weights, "model", None, True).folder


@pytest.mark.slow
@pytest.mark.parametrize("target", USER)
def test_under_an_emulator(target: str, tmp_path: Path) -> None:
    compiler, runner = USER[target]
    for k, network in enumerate(networks()):
        folder = built(tmp_path / str(k), network, target)
        made = compiled(folder, MAIN, [*compiler, "-O2"])
        if target == "windows":
            made.with_suffix(".exe").replace(made) if made.with_suffix(".exe").exists() else None
        x = data(network, 500)
        np.testing.assert_allclose(run_files(folder, x, network.outputs, runner), expected(network, x), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("length", [128, 512])
def test_vectors_of_other_lengths(length: int, tmp_path: Path) -> None:
    network = networks()[0]
    folder = built(tmp_path / "out", network, "riscv64-v")
    compiled(folder, MAIN, ["riscv64-linux-gnu-gcc", "-static", "-O2"])
    x = data(network, 100)
    runner = ["qemu-riscv64", "-cpu", f"rv64,v=true,vlen={length}"]
    np.testing.assert_allclose(run_files(folder, x, 1, runner), expected(network, x), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("target", CORTEX)
def test_without_a_system(target: str, tmp_path: Path) -> None:
    flags, machine = CORTEX[target]
    for k, network in enumerate(networks()):
        folder = built(tmp_path / str(k), network, target)
        x = data(network, 100)
        got = run_bare(folder, x, network.outputs, flags, machine)
        np.testing.assert_allclose(got, expected(network, x), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["float32", "bf16", "int8"])
@pytest.mark.parametrize("target", ["wasm32", "wasm32-plain"])
def test_in_node(target: str, weights: str, tmp_path: Path) -> None:
    for k, network in enumerate(networks()):
        folder = built(tmp_path / str(k), network, target, weights)
        x = data(network, 200)
        x.tofile(folder / "x.bin")
        (folder / "run.mjs").write_text(NODE)
        subprocess.run(["node", "run.mjs"], cwd=folder, check=True)
        largest = 1e-5 if weights == "float32" else 2e-2
        for name in ("steps.bin", "run.bin", "second.bin"):
            got = np.fromfile(folder / name, np.float32).reshape(-1, network.outputs)
            np.testing.assert_allclose(got, expected(network, x), atol=largest)


NODE = """\
import { readFileSync, writeFileSync } from "node:fs";
import { load, INPUTS, OUTPUTS } from "./model.js";

const bytes = readFileSync("x.bin");
const x = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const model = await load();
const [one, two] = [model.stream(), model.stream()];
const steps = x.length / INPUTS;
const y = new Float32Array(steps * OUTPUTS);
for (let t = 0; t < steps; t++) {
  y.set(one.step(x.subarray(t * INPUTS, (t + 1) * INPUTS)), t * OUTPUTS);
  two.step(new Float32Array(INPUTS));
}
writeFileSync("steps.bin", y);
one.reset();
writeFileSync("run.bin", one.run(x));
two.free();
const three = (await load(readFileSync("model.wasm"))).stream();
writeFileSync("second.bin", three.run(x, new Float32Array(steps * OUTPUTS)));
"""


@pytest.mark.slow
@pytest.mark.parametrize("target", ["macos", "macos-x86-64"])
def test_links_for_macos(target: str, tmp_path: Path) -> None:
    """A dynamic library, which needs nothing, from the static one."""
    folder = built(tmp_path / "out", networks()[0], target)
    machine = "arm64" if target == "macos" else "x86_64"
    names = [part for f in ("init", "reset", "step", "run") for part in ("-exported_symbol", f"_model_{f}")]
    linker = next(p for name in ("ld64.lld", "ld64.lld-14", "ld64.lld-19") if (p := shutil.which(name)))
    command = [linker, "-arch", machine, "-platform_version", "macos", "11.0", "11.0", "-dylib", "-all_load"]
    subprocess.run([*command, *names, "model.a", "-o", "model.dylib"], cwd=folder, check=True)
    assert (folder / "model.dylib").stat().st_size > 4000
