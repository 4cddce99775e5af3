"""`conveyor export`: a trained model or a saved layer to ONNX, torch or Keras."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from rich.console import Console
from torch import nn

from conveyor.atomic_write import write as write_whole
from conveyor.cli.console.convert_table import Row, print_table, row_of
from conveyor.cli.console.progress import Told, progress
from conveyor.cli.train import make_console
from conveyor.errors import ArgumentError
from conveyor.interop.keras.layer import KerasLayer
from conveyor.interop.onnx.exporter.reverse import Reverse
from conveyor.interop.torch import describe, to_torch
from conveyor.layers.cell import _Step
from conveyor.layers.core.stack import Stack
from conveyor.tasks.saved import load_if_sequences, load_saved
from conveyor.tasks.sequences.trained import Trained
from conveyor.tasks.training.checkpoint import read_checkpoint

_ENDINGS = {"onnx": (".onnx",), "torch": (".pt", ".pth", ".safetensors"), "keras": (".keras", ".h5", ".hdf5")}


def run_export(model: Path, to: str, output: Path, *, force: bool) -> int:
    """Write a model in another library's format, and show what became of its layers; return the exit code.

    Raises:
        ConveyorError: the model can't be read, has no counterpart there, or the output is taken.
    """
    if output.suffix.lower() not in _ENDINGS[to]:
        raise ArgumentError(f"--output: expected a file {' or '.join(_ENDINGS[to])} for {to}, got {output}")
    if output.is_dir():
        raise ArgumentError(f"--output: {output} is a folder; name a file")
    if output.exists() and not force:
        raise ArgumentError(f"--output: {output} is there already; name another, or overwrite it with --force")
    console = make_console()
    if to == "onnx" and model.is_dir() and read_checkpoint(model).get("task") == "forecast":
        return _export_forecaster(model, output, console, force=force)
    if to == "onnx" and (trained := load_if_sequences(model)) is not None:
        _write_sequences(console, trained, output, force)
        return 0
    with progress(console, f"Reading {model}") as told:
        network = load_saved(model)
        rows, lines = {"onnx": _to_onnx, "torch": _to_torch, "keras": _to_keras}[to](network, output, told, force)
    print_table(console, rows)
    told.check()
    for line in lines:
        console.print(line)
    return 0


def _export_forecaster(model: Path, output: Path, console: Console, *, force: bool) -> int:
    from conveyor.tasks.forecast.onnx_graph import export_forecaster
    from conveyor.tasks.forecast.run import load_trained

    made = export_forecaster(load_trained(model), output, overwrite=force)
    checked = "not compared: onnxruntime is missing" if made.difference is None else f"differs by {made.difference:.1e}"
    console.print(f"Wrote {output}: {', '.join(made.inputs)} → quantiles; {checked} of the series' scale.")
    return 0


def _write_sequences(console: Console, trained: Trained, output: Path, force: bool) -> None:
    """Write a model of sequences whole, from raw values to probabilities."""
    from conveyor.tasks.sequences.onnx_graph import write_onnx

    made = write_onnx(trained, output, overwrite=force)
    rows = [
        Row(r.layer, r.source, r.result, r.source, r.sizes.replace("->", "→"), r.directions, made.difference, r.note)
        for r in made.rows
    ]
    print_table(console, rows)
    console.print(f"Wrote {output}: {', '.join(made.inputs)} → {', '.join(made.outputs)}")


Written = tuple[list[Row], list[str]]  # what became of the layers, and what to do next


def _recurrent(network: nn.Module) -> dict[str, Any]:
    """The recurrent layers of a model, by name; a layer alone has none."""
    return {name: m for name, m in network.named_modules() if isinstance(m, Stack | _Step)}


def _plain(network: nn.Module) -> tuple[nn.Module, str]:
    """The layer itself, and which settings around it the other library's layers do not have."""
    if isinstance(network, KerasLayer):
        return network.layer, f"without {network.extra_repr()}"
    if isinstance(network, Reverse):
        return network.layer, "turn its input and output round in time"
    return network, ""


def _to_onnx(network: nn.Module, output: Path, told: Told, force: bool) -> Written:
    from conveyor.interop.onnx import to_onnx

    note = ""
    if isinstance(network, KerasLayer):  # ONNX has a direction for what runs backwards, but not Keras's outputs
        network, note = _plain(network)
    made = to_onnx(network, output, overwrite=force)
    rows = []
    for r in made.rows:
        sizes, notes = r.sizes.replace("->", "→"), "; ".join(n for n in (r.note, note) if n)
        rows.append(Row(r.layer, r.source, r.result, r.source, sizes, r.directions, made.difference, notes))
    optional = [f"[{n}]" if n in made.optional else n for n in made.inputs]
    return rows, [f"Wrote {output}: {', '.join(optional)} → {', '.join(made.outputs)}"]


def _to_torch(network: nn.Module, output: Path, told: Told, force: bool) -> Written:
    network, note = _plain(network)
    rows, state, made = [], dict(network.state_dict()), []
    for name, layer in _recurrent(network).items():
        module = to_torch(layer, report=told)
        made.append(describe(module))
        prefix = f"{name}." if name else ""
        state = {k: v for k, v in state.items() if not k.startswith(prefix)}
        state |= {f"{prefix}{k}": v for k, v in module.state_dict().items()}
        rows.append(row_of(name, describe(layer), layer, made[-1], told.reports[-1].difference, note))
    told.check()
    write_whole(output, _serialised({k: v.detach().clone() for k, v in state.items()}, output), force)
    path = repr(str(output))
    call = f"torch.load({path}, weights_only=True)"
    if output.suffix.lower() == ".safetensors":
        call = f"safetensors.torch.load_file({path})"
    return rows, [f"Wrote {output}, a state_dict of {len(state)} tensors for {', '.join(made)}", f"In Python: {call}"]


def _serialised(state: dict[str, torch.Tensor], output: Path) -> bytes:
    if output.suffix.lower() == ".safetensors":
        return safetensors.torch.save({k: v.contiguous() for k, v in state.items()})
    made = io.BytesIO()
    torch.save(state, made)
    return made.getvalue()


def _to_keras(network: nn.Module, output: Path, told: Told, force: bool) -> Written:
    from conveyor.interop.keras import to_keras
    from conveyor.interop.keras.recognise import layers_of

    to_keras(network, output, overwrite=force, report=told)
    difference = told.reports[-1].difference
    rows = []
    for name, layer in _recurrent(network).items():
        # A layer with Keras's settings holds the plain one.
        whole = network if isinstance(network, KerasLayer) else layer
        rows.append(row_of(name, describe(layer), layer, ", ".join(map(str, layers_of(whole))), difference))
    path = repr(str(output))
    call = f"keras.saving.load_model({path})"
    if output.name.endswith(".weights.h5"):
        call = f"model.load_weights({path}), for a Sequential of the same layers"
    return rows, [f"Wrote {output}", f"In Python: {call}"]
