"""`cv.build`: a trained network as files that a C compiler, or a web page, takes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conveyor.build.codegen.compile import compile_object
from conveyor.build.codegen.emit import emit
from conveyor.build.files import texts
from conveyor.build.files.archive import write_archive
from conveyor.build.files.texts import Facts
from conveyor.build.lowering.lower import lower
from conveyor.build.lowering.pack import FLOAT32, WEIGHTS
from conveyor.build.lowering.plan import make_plan
from conveyor.build.measure import Difference, measure
from conveyor.build.network import Floats, Network
from conveyor.build.plugin_files import JSON, is_plugin_file, read_plugin_file
from conveyor.build.read import read_network
from conveyor.build.targets.table import Target, find_target
from conveyor.errors import ArgumentError, shown

_KEYWORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register"
    " restrict return short signed sizeof static struct switch typedef union unsigned void volatile while"
).split()
EMITS = ("object", "c")
MEASURED_STEPS = 2000  # of noise, where no data is given


@dataclass(frozen=True)
class Built:
    """The result of a build.

    Attributes:
        folder: Where it lies.
        files: Its files.
        target: The target; None for portable C.
        weights: How weights are stored.
        inputs: Numbers that a step is given.
        outputs: Numbers that it gives.
        state_bytes: Bytes of the state.
        code_bytes: Bytes of the object, the module or the source.
        difference: How far the output is from that of float32 weights; None for these.
    """

    folder: Path
    files: tuple[str, ...]
    target: Target | None
    weights: str
    inputs: int
    outputs: int
    state_bytes: int
    code_bytes: int
    difference: Difference | None


def build(
    model: Any,
    path: str | os.PathLike[str],
    *,
    target: str = "host",
    cpu: str | None = None,
    weights: str = FLOAT32,
    emit: str = "object",
    prefix: str = "model",
    activation: str | None = None,
    skip: bool = False,
    data: Any = None,
    overwrite: bool = False,
) -> Built:
    """Builds a trained network for a device.

    Args:
        model: A recurrent layer of any cell; an `nn.Sequential` or list of an embedding or linear maps, recurrent
            layers, linear maps and a softmax or sigmoid; a model whose `chain()` gives these; or the name of an audio
            plug-in's file (`.nam`, or RTNeural's, AIDA-X's or GuitarML's JSON), read with its head and its skip.
        path: The folder that is made.
        target: A name of `conveyor build --list-targets`, a triple, or `host`.
        cpu: The processor, for code that runs on no lesser one.
        weights: How weights are stored: `float32`, `bf16` or `int8`.
        emit: `object`, or `c` for portable C11.
        prefix: What the names of functions and files begin with.
        activation: `softmax`, `sigmoid` or `none` at the end, in place of what the model says.
        skip: Whether the input is added to the output.
        data: (T, inputs) over which smaller weights are compared with float32; noise without.
        overwrite: Whether a folder that stands there is written over.

    Returns:
        What was built.

    Raises:
        ArgumentError: An argument has a wrong value, the model can't be built, or the folder is there.
        BackendError: LLVM could not make the code.
    """
    _check(weights, emit, prefix)
    folder = _folder(path, overwrite)
    if isinstance(model, str | os.PathLike):
        model, adds = _plugin(Path(model))
        skip = skip or adds
    network = read_network(model, activation, skip)
    given = None if data is None else _data(data, network)
    chosen = find_target(target, cpu) if emit == "object" else None
    return build_network(network, folder, chosen, weights, prefix, given, overwrite)


def build_network(
    network: Network,
    folder: Path,
    target: Target | None,
    weights: str,
    prefix: str,
    data: Floats | None,
    overwrite: bool,
) -> Built:
    """Builds a network that was read; without a target, as portable C."""
    graph = lower(network)
    files: dict[str, bytes]
    if target is None:
        from conveyor.build.c_source.emit import emit_c

        memory, source = emit_c(graph, weights, prefix)
        code = source.encode()
        files, main = {f"{prefix}.c": code}, f"{prefix}.c"
    else:
        plan = make_plan(graph, target, weights)
        memory = plan.memory
        code = compile_object(emit(plan, target, prefix), target)
        files, main = dict(_objects(code, target, prefix)), f"{prefix}.o"
    difference = None
    if weights != FLOAT32:
        noise = "noise (give data of your own)"
        difference = measure(
            graph, weights, _noise(network) if data is None else data, noise if data is None else "the given data"
        )
    facts = Facts(prefix, network, memory, target, weights, len(code))
    if target is not None and target.is_web:
        from conveyor.build.files.web import link_module, web_files

        module, free = link_module(code, prefix)
        facts = Facts(prefix, network, memory, target, weights, len(module))
        files |= web_files(facts, module, free)
        main = f"{prefix}.wasm"
    said = "" if difference is None else difference.sentence(weights)
    files |= {f"{prefix}.h": texts.header(facts).encode(), "example.c": texts.example(facts).encode()}
    files["README.md"] = texts.readme(facts, said, main).encode()
    _write(folder, files, overwrite)
    made = (network.inputs, network.outputs, 4 * memory.size, facts.size)
    return Built(folder, tuple(sorted(files)), target, weights, *made, difference)


_FUNCTIONS = ("init", "reset", "step", "run")


def _objects(code: bytes, target: Target, prefix: str) -> Mapping[str, bytes]:
    if target.is_web:
        return {f"{prefix}.o": code}
    is_mac = "apple" in target.triple
    symbols = [f"{'_' if is_mac else ''}{prefix}_{name}" for name in _FUNCTIONS]
    return {f"{prefix}.o": code, f"{prefix}.a": write_archive(f"{prefix}.o", code, symbols, is_mac)}


def _plugin(path: Path) -> tuple[Any, bool]:
    """Reads an audio plug-in's file: its modules, and whether the input is added to the output."""
    if not is_plugin_file(path):
        raise ArgumentError(f"model: expected a layer, or a file of {', '.join(JSON)}; got {path}; read it by cv.load")
    return read_plugin_file(path)


def _check(weights: Any, emit: Any, prefix: Any) -> None:
    if weights not in WEIGHTS:
        raise ArgumentError(f"weights: expected {', '.join(WEIGHTS)}; got {shown(weights)}")
    if emit not in EMITS:
        raise ArgumentError(f"emit: expected {' or '.join(EMITS)}; got {shown(emit)}")
    if not isinstance(prefix, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", prefix) or prefix in _KEYWORDS:
        raise ArgumentError(f"prefix: expected a name of C (letters, digits, _; no keyword); got {shown(prefix)}")


def _folder(path: Any, overwrite: bool) -> Path:
    if not isinstance(path, str | os.PathLike) or not str(path) or "\0" in str(path):
        raise ArgumentError(f"path is the name of a folder, got {shown(path)}")
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"output: {folder} is a file; name a folder")
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise ArgumentError(f"output: {folder} exists and isn't empty; name another, or overwrite it with --force")
    return folder


def _data(data: Any, network: Network) -> Floats:
    found = np.asarray(data, np.float32)
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2 or found.shape[1] != network.inputs or not len(found) or not np.isfinite(found).all():
        raise ArgumentError(
            f"data: expected finite numbers (steps, {network.inputs}), got shape {np.shape(data)}; transpose or cut it"
        )
    return np.ascontiguousarray(found)


def _noise(network: Network) -> Floats:
    """Steps of noise: tokens at random with an embedding, normal numbers else."""
    random = np.random.default_rng(0)
    found = random.standard_normal((MEASURED_STEPS, network.inputs)).astype(np.float32)
    if network.embedding is not None:
        found[:, 0] = random.integers(0, network.embedding.shape[0], MEASURED_STEPS)
    return found


def _write(folder: Path, files: Mapping[str, bytes], overwrite: bool) -> None:
    """Writes all files beside the folder's name first, so that the folder appears whole."""
    writing = folder.with_name(f".{folder.name}.writing-{os.getpid()}")
    try:
        writing.mkdir(parents=True)
        for name, data in files.items():
            (writing / name).write_bytes(data)
        if folder.exists() and overwrite:
            for name in files:
                os.replace(writing / name, folder / name)
            shutil.rmtree(writing)
        else:
            os.replace(writing, folder)
    except OSError as error:
        shutil.rmtree(writing, ignore_errors=True)
        raise ArgumentError(f"output: {folder} cannot be written ({error.strerror}); name another") from error
