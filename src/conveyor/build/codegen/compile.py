"""From LLVM IR to an object file, in a process of its own: what LLVM can't do ends its process.

The process reads a line of JSON and the text of a module, and writes the object. It loads nothing but llvmlite.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

from conveyor.errors import BackendError


def compile_object(text: str, target: Any, assembly: bool = False) -> bytes:
    """Compiles a module for a target.

    Args:
        text: The text of the module.
        target: A `conveyor.build.targets.table.Target`.
        assembly: Whether assembly is made instead, as text.

    Raises:
        BackendError: LLVM could not.
    """
    told = {k: v for k, v in asdict(target).items() if k in _READ}
    head = json.dumps(told | {"assembly": assembly}).encode() + b"\n"
    command = [sys.executable, "-m", "conveyor.build.codegen.compile"]
    done = subprocess.run(command, input=head + text.encode(), capture_output=True)
    if done.returncode != 0 or not done.stdout:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise BackendError(f"LLVM can't make code for {told['triple']} ({told['cpu']}): {lines[-1][:300]}")
    return done.stdout


_READ = ("triple", "cpu", "features", "abi", "code_model", "relocation")


def compile_text(text: str, target: Any, assembly: bool = False) -> bytes:
    """Compiles a module in this process; what LLVM can't do ends it."""
    from llvmlite import binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu,
        features=target.features,
        opt=3,
        reloc=target.relocation,
        codemodel=target.code_model,
        abiname=target.abi,
    )
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = target.triple, str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    # What is emitted is in vectors and unrolled as far as is good already.
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine.emit_assembly(module).encode() if assembly else bytes(machine.emit_object(module))


def main() -> None:
    """Reads a request from standard input and writes the object to standard output."""
    head, _, text = sys.stdin.buffer.read().partition(b"\n")
    wanted = json.loads(head)
    assembly = wanted.pop("assembly")
    made = compile_text(text.decode(), SimpleNamespace(**wanted), assembly)
    sys.stdout.buffer.write(made)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
