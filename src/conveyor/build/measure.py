"""The difference of a network to that in float32, over given data: both are compiled for this machine and run."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from conveyor.build.codegen.compile import compile_object
from conveyor.build.codegen.emit import emit
from conveyor.build.lowering.graph import Graph
from conveyor.build.lowering.plan import Plan, make_plan
from conveyor.build.network import Floats
from conveyor.build.targets.table import find_target
from conveyor.errors import BackendError


@dataclass(frozen=True)
class Difference:
    """The difference of outputs to those of float32 weights.

    Attributes:
        steps: Steps of the data.
        relative: Root mean square of the difference, over that of the output.
        largest: The largest difference of a number.
        source: What the data was.
    """

    steps: int
    relative: float
    largest: float
    source: str

    def sentence(self, weights: str) -> str:
        """The measurement in words."""
        return (
            f"Against float32 weights, over {self.steps} steps of {self.source}, the output with {weights} weights"
            f" differs by {self.relative:.2g} of its root mean square, at most by {self.largest:.2g}."
        )


def run_on_host(plan: Plan, x: Floats, text: str | None = None) -> Floats:
    """Runs a step for this machine over data, in a process of its own.

    Args:
        plan: The step, planned for the host.
        x: (T, inputs).
        text: Its module, if it is there already; its prefix is `model`.
    """
    code = compile_object(text or emit(plan, find_target("host"), "model"), find_target("host"))
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "model.o").write_bytes(code)
        np.save(place / "x.npy", np.ascontiguousarray(x, np.float32))
        head = {"outputs": plan.graph.outputs, "state": plan.memory.size, "folder": folder}
        command = [sys.executable, "-m", "conveyor.build.measure", json.dumps(head)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise BackendError(f"the built code did not run here: {done.stderr.strip()[-300:] or done.returncode}")
        return np.asarray(np.load(place / "y.npy"))


def measure(graph: Graph, weights: str, x: Floats, source: str) -> Difference:
    """Measures how far weights in a format are from float32."""
    host = find_target("host")
    exact, small = (run_on_host(make_plan(graph, host, kind), x).astype(np.float64) for kind in ("float32", weights))
    off = small - exact
    size = float(np.sqrt(np.mean(exact**2)))
    relative = float(np.sqrt(np.mean(off**2))) / size if size > 0 else 0.0
    return Difference(len(x), relative, float(np.abs(off).max()), source)


def _run(told: dict[str, Any]) -> None:
    from llvmlite import binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    folder = Path(told["folder"])
    target = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data((folder / "model.o").read_bytes()))
    engine.finalize_object()
    x = np.load(folder / "x.npy")
    y = np.full((len(x), told["outputs"]), np.nan, np.float32)
    state = np.full(told["state"], np.nan, np.float32)
    pointer = ctypes.c_void_p
    start = ctypes.CFUNCTYPE(None, pointer)(engine.get_function_address("model_init"))
    run = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, ctypes.c_int32)(engine.get_function_address("model_run"))
    start(state.ctypes.data)
    run(state.ctypes.data, x.ctypes.data, y.ctypes.data, len(x))
    np.save(folder / "y.npy", y)


if __name__ == "__main__":
    _run(json.loads(sys.argv[1]))
