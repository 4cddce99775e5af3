"""Finds the recurrent layers in a Keras configuration, and their arrays in any weight store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from conveyor.errors import ArgumentError
from conveyor.interop.keras.masks import masks_of, name_of
from conveyor.interop.keras.spec import CellSpec, LayerSpec, Unread, our_activation, with_arrays
from conveyor.interop.keras.storage.hdf5 import Array

Entry = Mapping[str, Any]  # {"class_name": …, "config": …}, as Keras writes layers
Found = LayerSpec | Unread
Cells = Sequence[tuple[str, int]]  # the class of each cell, and how many arrays it has

_CELLS = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "SimpleRNN", "CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}
_OF_CELL = {"LSTMCell": "LSTM", "GRUCell": "GRU", "SimpleRNNCell": "SimpleRNN"}
_LAYERS = (*_CELLS, "RNN", "Bidirectional")
MERGES = ("concat", "sum", "mul", "ave", None)
_OF_KERAS = ("keras", "tf_keras", "tensorflow")


class Place(Protocol):
    """A weight store: it returns the arrays of a layer."""

    def layer(self, entries: Sequence[Entry], index: int) -> Place:
        """Return the store of one of the layers of this model."""
        ...

    def wrapped(self) -> Place:
        """Return the store of the layer that this layer wraps."""
        ...

    def arrays(self, directions: Sequence[Cells]) -> list[list[list[Array]]]:
        """Return the arrays of each direction and cell.

        Args:
            directions: The cells of each direction.
        """
        ...


def find_layers(
    entry: Entry, place: Place, major: int, path: str = "", top: bool = True, masked: str = ""
) -> Iterator[Found]:
    """Find the recurrent layers in a layer or model, in order.

    Nothing of a configuration is run: a Lambda, or a user's class, is skipped.

    Args:
        entry: Its configuration.
        place: The store of its arrays.
        major: The first number of the version of Keras that wrote it.
        path: The names of the enclosing models.
        top: Whether it is the outermost model, whose name the user did not choose.
        masked: The source of its input's mask; empty if it has none.
    """
    kind, config = str(entry.get("class_name")), entry.get("config")
    if isinstance(config, list):  # a Sequential of Keras before 2.2.3
        config = {"layers": config}
    if not isinstance(config, Mapping):
        return
    name = "/".join(p for p in (path, _on_one_line(config.get("name", ""))) if p)
    if kind in _LAYERS:
        try:
            _check_own(entry, kind)
            for spec in _read(name or kind, kind, config, place, major):
                notes = (*spec.notes, *_left_behind(config), *([MASKED.format(masked)] if masked else []))
                yield replace(spec, notes=notes, trainable=config.get("trainable") is not False)
        except ArgumentError as error:
            yield Unread(name or kind, kind, _on_one_line(error))
    elif kind.startswith("ConvLSTM"):
        yield Unread(name, kind, "its states are images, and ours are vectors")
    elif isinstance(config.get("layers"), Sequence):
        entries = config["layers"]
        masks = masks_of([e for e in entries if isinstance(e, Mapping)], masked)
        for index, child in enumerate(entries):
            if isinstance(child, Mapping):
                mask = masks.get(name_of(child), "")
                yield from find_layers(child, place.layer(entries, index), major, "" if top else name, False, mask)
    elif isinstance(config.get("layer"), Mapping):
        yield from find_layers(config["layer"], place.wrapped(), major, path, False, masked)


MASKED = (
    "its input is masked there by {}: pass lengths= where padding stands at the end; past it outputs are zero here, and"
    " there the last one again"
)


def _on_one_line(text: Any) -> str:
    return " ".join(str(text).split())


def _check_own(entry: Entry, kind: str) -> None:
    """Raise if an entry is a user's class with the name of a Keras class."""
    module = entry.get("module")
    if isinstance(module, str) and module.split(".")[0] not in _OF_KERAS:
        raise ArgumentError(f"it is a class {kind} of {module}, not Keras's, and may compute something else")


def _read(name: str, kind: str, config: Mapping[str, Any], place: Place, major: int) -> Iterator[LayerSpec]:
    if kind != "Bidirectional":
        cells = _cells(kind, config, major)
        arrays = place.arrays([_counted(cells)])[0]
        yield LayerSpec(
            name,
            _filled(cells, arrays, name),
            go_backwards=bool(config.get("go_backwards", False)),
            return_sequences=bool(config.get("return_sequences", False)),
            notes=_notes(config, cells),
        )
        return
    inner = config["layer"]
    other = config.get("backward_layer") or inner
    for each in (inner, other):
        _check_own(each, each["class_name"])
    if bool(inner["config"].get("go_backwards", False)):
        raise ArgumentError("its forward layer goes backwards; exchange its two layers")
    forward, backward = (_cells(e["class_name"], e["config"], major) for e in (inner, other))
    arrays, reverse = place.arrays([_counted(forward), _counted(backward)])
    forward, backward = _filled(forward, arrays, name), _filled(backward, reverse, name)
    sequences = bool(inner["config"].get("return_sequences", False))
    notes, merge = _notes(inner["config"], forward), config.get("merge_mode", "concat")
    if merge not in MERGES:
        raise ArgumentError(f"its merge_mode is {merge!r}, and Keras has {', '.join(map(str, MERGES))}")
    if len(forward) == 1 and forward == backward:
        yield LayerSpec(name, forward, backward, False, sequences, merge, notes)
        return
    # Each direction runs through all its cells by itself, or has cells of its own: two layers.
    apart = (*notes, f"one direction of a Bidirectional: merge the two yourself ({merge})")
    yield LayerSpec(f"{name}/forward", forward, return_sequences=sequences, notes=apart)
    turned = (*apart, "turn its outputs round in time") if sequences else apart
    yield LayerSpec(f"{name}/backward", backward, go_backwards=True, return_sequences=sequences, notes=turned)


def _left_behind(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the training settings of a configuration that conveyor's layers do not have."""
    inner = [
        c.get("config", {}) for n in ("layer", "backward_layer", "cell") if isinstance(c := config.get(n), Mapping)
    ]
    for what in ("regularizer", "constraint"):
        if any(value for c in (config, *inner) for key, value in c.items() if key.endswith(f"_{what}")):
            yield f"without its {what}s"


def _counted(cells: Sequence[CellSpec]) -> Cells:
    return [(f"{c.kind}Cell", c.count) for c in cells]


def _filled(cells: Sequence[CellSpec], arrays: Sequence[list[Array]], where: str) -> tuple[CellSpec, ...]:
    filled = tuple(with_arrays(c, a, where) for c, a in zip(cells, arrays, strict=True))
    for below, above in zip(filled, filled[1:], strict=False):
        if above.input_size != below.units:
            raise ArgumentError(f"{where}: a cell of {below.units} units stands below one of {above.input_size} inputs")
    return filled


def _cells(kind: str, config: Mapping[str, Any], major: int) -> tuple[CellSpec, ...]:
    """Return the cells of a layer, or of the cell of an RNN."""
    if kind == "RNN":
        cell = config["cell"]
        _check_own(cell, cell["class_name"])
        return _cells(cell["class_name"], cell["config"], major)
    if kind == "StackedRNNCells":
        if not config["cells"]:
            raise ArgumentError("it stacks no cells")
        for each in config["cells"]:
            _check_own(each, each["class_name"])
        return tuple(c for e in config["cells"] for c in _cells(e["class_name"], e["config"], major))
    base = _CELLS.get(kind) or _OF_CELL.get(kind)
    if base is None:
        known = ", ".join((*_OF_CELL, "StackedRNNCells"))
        raise ArgumentError(f"its cell is a {kind}; write its equations with @cv.cell, here only {known} are known")
    if "units" not in config and "output_dim" in config:
        raise ArgumentError("it was written by Keras 1; load and save it with Keras 2 first")
    units = config["units"]
    if not isinstance(units, int) or units < 1:
        raise ArgumentError(f"its units are {units!r}")
    fused = kind.startswith("CuDNN")
    gates = config.get("recurrent_activation", "sigmoid" if major >= 3 else "hard_sigmoid")
    return (
        CellSpec(
            base,
            units,
            "tanh" if fused else our_activation(config.get("activation", "tanh"), major),
            "sigmoid" if fused or base == "SimpleRNN" else our_activation(gates, major),
            fused or bool(config.get("use_bias", True)),
            base == "GRU" and (fused or bool(config.get("reset_after", False))),
        ),
    )


def _notes(config: Mapping[str, Any], cells: Sequence[CellSpec]) -> tuple[str, ...]:
    notes = []
    cell = config.get("cell", {}).get("config", {})
    if any(c.get("dropout") or c.get("recurrent_dropout") for c in (config, cell)):
        notes.append("without its dropout")
    if config.get("stateful"):
        notes.append("stateful there: pass the state yourself")
    if config.get("time_major"):
        notes.append("time_major there: batch first here")
    if len({c.use_bias for c in cells}) > 1:
        notes.append("biases of zero where a cell had none")
    return tuple(notes)
