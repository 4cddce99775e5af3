"""`conveyor import`: recurrent layers from files of Keras, ONNX and torch to files of `cv.save`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from conveyor.cli.console.convert_table import Row, print_table, row_of
from conveyor.cli.console.progress import Told, progress
from conveyor.cli.train import make_console
from conveyor.errors import ArgumentError
from conveyor.interop.common.layer_file import save
from conveyor.interop.common.weight_files import JSON
from conveyor.interop.torch.from_state_dict import TorchLayers, from_state_dict

_KERAS = (".keras", ".h5", ".hdf5")
_TORCH = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".safetensors", ".npz", *JSON)


_TIME_FIRST = "Input time first, (T, B, input), which the file does not tell; --batch-first makes it (B, T, input)"


@dataclass(frozen=True)
class Assumed:
    """The user's settings for a file of weights alone.

    Attributes:
        activation: Keras's activation, or torch.nn.RNN's nonlinearity.
        recurrent_activation: The activation of Keras's gates.
        reset_after: Whether the reset gate of a Keras GRU without biases acts after the product.
        batch_first: Whether the layers of a torch file take (B, T, input).
    """

    activation: str | None = None
    recurrent_activation: str | None = None
    reset_after: bool | None = None
    batch_first: bool | None = None


@dataclass(frozen=True)
class _Read:
    layers: Mapping[str, nn.Module]
    rows: list[Row]  # one each, and one for each that was left out
    lines: tuple[str, ...] = ()  # what else there is to say
    refused: Mapping[str, str] = field(default_factory=dict)


def run_import(file: Path, output: Path | None, layer: str | None, assumed: Assumed, *, force: bool) -> int:
    """Read the layers of a file, show them and write them; return the exit code.

    Raises:
        ConveyorError: the file can't be read, a layer does not compute the same, or the output is taken.
    """
    console = make_console()
    with progress(console, f"Reading {file}") as told:
        read = _read(file, assumed, told)
        if layer is not None:
            read = _chosen(read, layer)
        print_table(console, read.rows)
        for line in read.lines:
            console.print(line)
        told.check()
    targets = _targets(file, output, list(read.layers))
    taken = next((p for p in targets.values() if p.exists()), None)
    if taken is not None and not force:
        raise ArgumentError(f"output: {taken} is there already; name another, or overwrite it with --force")
    for name, path in targets.items():
        _make_folder(path.parent)
        save(read.layers[name], path, overwrite=force)
        console.print(f"Wrote {path}")
    console.print(f"In Python: cv.load({str(next(iter(targets.values())))!r})")
    return 0


def _read(file: Path, assumed: Assumed, told: Told) -> _Read:
    kind = _kind(file)
    for name, value in (("recurrent-activation", assumed.recurrent_activation), ("reset-after", assumed.reset_after)):
        if kind != "keras" and value is not None:
            raise ArgumentError(f"--{name}: expected with a Keras file of weights alone; leave it out")
    if kind != "torch" and assumed.batch_first is not None:
        raise ArgumentError("--batch-first: expected with a file of torch, whose weights do not tell; leave it out")
    if kind == "onnx":
        if assumed.activation is not None:
            raise ArgumentError("--activation: an ONNX file says its activations; leave it out")
        return _read_onnx(file)
    return _read_keras(file, assumed, told) if kind == "keras" else _read_torch(file, assumed, told)


def _kind(file: Path) -> str:
    """Return the library that wrote a file, from its suffix or its first bytes."""
    for kind, endings in (("keras", _KERAS), ("torch", _TORCH), ("onnx", (".onnx",))):
        if file.suffix.lower() in endings:
            return kind
    try:
        with file.open("rb") as opened:
            head = opened.read(4)
    except OSError as error:
        raise ArgumentError(f"file: {file} cannot be read ({error.strerror}); check the path") from error
    if head == b"\x89HDF":
        return "keras"
    raise ArgumentError(f"file: expected one of {', '.join((*_KERAS, '.onnx', *_TORCH))}, got {file}; rename it")


def _read_keras(file: Path, assumed: Assumed, told: Told) -> _Read:
    from conveyor.interop.keras import from_keras
    from conveyor.interop.keras.compare import after

    found = from_keras(
        file,
        activation=assumed.activation,
        recurrent_activation=assumed.recurrent_activation,
        reset_after=assumed.reset_after,
        report=told,
    )
    rows = [
        row_of(r.name, r.before, found[r.name], after(found[r.name]), r.difference, "; ".join(found.notes[r.name]))
        for r in found.reports
    ]
    return _Read(found, [*rows, *(Row(name, why, note="not read") for name, why in found.unread.items())])


def _read_onnx(file: Path) -> _Read:
    from conveyor.interop.onnx import from_onnx

    found = from_onnx(file)
    rows = []
    for r in found.report.rows:
        if r.layer in found.refused:
            rows.append(Row(r.layer, r.source, note=f"not read: {r.note}"))
        else:
            difference = found.nodes[r.layer].difference
            rows.append(row_of(r.layer, r.source, found[r.layer], r.result, difference, r.note))
    return _Read(found, rows)


def _read_torch(file: Path, assumed: Assumed, told: Told) -> _Read:
    found = from_state_dict(file, batch_first=bool(assumed.batch_first), nonlinearity=assumed.activation, report=told)
    layers, rows = {}, []
    for r, (name, layer) in zip(found.reports, found.items(), strict=True):
        shown = name or file.stem
        layers[shown] = layer
        rows.append(row_of(shown, r.before, layer, r.after, r.difference, r.note))
    rows += [
        Row(name or file.stem, "a group of tensors", note=f"not read: {why}") for name, why in found.unread.items()
    ]
    return _Read(layers, rows, _summary(found, assumed), found.unread)


def _summary(found: TorchLayers, assumed: Assumed) -> tuple[str, ...]:
    """Return notes on the settings assumed for all layers, and on the file's contents in no layer."""
    lines = ["Input rows first, (B, T, input), as --batch-first says" if assumed.batch_first else _TIME_FIRST]
    if found.rest:
        names = [*found.rest]
        lines.append(f"Not in a layer: {', '.join(names[:6])}{', …' if len(names) > 6 else ''}")
    facts = ", ".join(f"{k}={v}" for k, v in found.facts.items())
    return (*lines, *([f"The file also says: {facts}"] if facts else []))


def _chosen(read: _Read, layer: str) -> _Read:
    if layer in read.refused:
        raise ArgumentError(f"--layer: {layer} could not be read: {read.refused[layer]}")
    if layer not in read.layers:
        known = ", ".join(read.layers)
        raise ArgumentError(f"--layer: expected one of {known}, got {layer}")
    return _Read({layer: read.layers[layer]}, [r for r in read.rows if r.layer == layer], read.lines)


def _targets(file: Path, output: Path | None, names: list[str]) -> dict[str, Path]:
    """Return the output path of each layer: a single one to the output itself, several into it as a folder."""
    stem = file.name.split(".")[0] or "imported"
    if len(names) == 1:
        usual = Path(f"{stem}.safetensors")
        return {names[0]: output or (usual if usual != file else Path(f"{stem}.conveyor.safetensors"))}
    folder = output or Path(stem)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"output: {len(names)} layers go into a folder, and {folder} is a file; name another")
    made: dict[str, Path] = {}
    for name in names:
        path = folder / f"{re.sub(r'[^A-Za-z0-9_.-]+', '.', name).strip('.') or 'layer'}.safetensors"
        made[name] = path if path not in made.values() else path.with_stem(f"{path.stem}-{len(made)}")
    return made


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"output: {folder} cannot be made ({error.strerror}); name another") from error
