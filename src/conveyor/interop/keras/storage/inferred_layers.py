"""Layers from a file of weights that has no configuration: what they are is told by names and shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

from conveyor.errors import ArgumentError
from conveyor.frontend.activations import NAMES
from conveyor.interop.keras.spec import GATES, CellSpec, LayerSpec, Unread, is_fused, with_arrays
from conveyor.interop.keras.storage.config import Found
from conveyor.interop.keras.storage.hdf5 import Array, Group
from conveyor.interop.keras.storage.weight_store import Tree, cells_in

_KINDS = {count: kind for kind, count in GATES.items()}
_MOST_CELLS = 6  # of a stack whose order the file does not tell
_UNTOLD = "its two directions differ, or hold several cells; give a file with its model"


def guess_named(root: Group) -> Iterator[Found]:
    """The layers of a file of weights of Keras 2, or one of Keras 3 in that layout.

    Keras before 2.3 had hard_sigmoid for the gates by default; CuDNN's layers have a sigmoid, and so has what comes
    from TensorFlow 2, whose version ends in -tf.
    """
    said = root.text("keras_version") or "2"
    numbers = tuple(int(n) for n in re.findall(r"\d+", said)[:2])
    gates = "hard_sigmoid" if numbers < (2, 3) and "tf" not in said else "sigmoid"
    for name in root.names("layer_names"):
        group = root.group(name)
        cells = {} if group is None else cells_in(group)
        if cells:
            yield from _named_layer(name, list(cells), list(cells.values()), gates)


def _named_layer(name: str, paths: Sequence[str], arrays: Sequence[list[Array]], gates: str) -> Iterator[Found]:
    try:
        cells = [_cell(a, gates, name) for a in arrays]
    except ArgumentError as error:
        yield Unread(name, "", str(error))
        return
    # Bidirectional's two layers are called forward_… and backward_…
    turned = [k for k, p in enumerate(paths) if "backward_" in p]
    first = tuple(c for k, c in enumerate(cells) if k not in turned)
    second = tuple(cells[k] for k in turned)
    if len(cells) == 1 or (len(first) == len(second) == 1 and first == second):
        yield LayerSpec(name, first, second, notes=_notes(first[0]))
    elif not second:  # a model within the model
        for path, cell in zip(paths, cells, strict=True):
            yield LayerSpec(path, (cell,), notes=_notes(cell))
    else:
        yield Unread(name, "Bidirectional", _UNTOLD)


def guess_tree(root: Group) -> Iterator[Found]:
    """The layers of a `.weights.h5` file of Keras 3."""
    for path, group in sorted(_layers(root, "", {root.address}), key=lambda found: _natural(found[0])):
        directions = [g for d in ("forward_layer", "backward_layer") if (g := group.group(d)) is not None] or [group]
        noted = group.group("vars")
        name = (noted and noted.text("name")) or path.removeprefix("layers/")
        try:
            first, *second = [_cells(d, path) for d in directions]
        except ArgumentError as error:
            yield Unread(name, "", str(error))
            continue
        if second and (len(first) > 1 or (first,) != tuple(second)):
            yield Unread(name, "Bidirectional", _UNTOLD)
        else:
            yield LayerSpec(name, first, second[0] if second else (), notes=_notes(first[0]))


def _layers(group: Group, path: str, seen: set[object]) -> Iterator[tuple[str, Group]]:
    """The groups of recurrent layers: those with a cell, or with two directions."""
    for key in group:
        child = group.group(key)
        if child is None or key in ("vars", "optimizer") or child.address in seen:
            continue
        seen.add(child.address)
        inner = f"{path}/{key}".lstrip("/")
        if child.group("cell") is not None or child.group("forward_layer") is not None:
            yield inner, child
        else:
            yield from _layers(child, inner, seen)


def _cells(layer: Group, where: str) -> tuple[CellSpec, ...]:
    place = layer.group("cell")
    stack = None if place is None else place.group("cells")
    if stack is None:
        return (_cell(Tree(place).variables(), "sigmoid", where),)
    cells = [_cell(Tree(stack.group(k)).variables(), "sigmoid", where) for k in sorted(stack, key=_natural)]
    if len(cells) > _MOST_CELLS:
        raise ArgumentError(f"it stacks {len(cells)} cells, whose order the file does not tell; give the .keras file")
    # Cells of one class are in order; where classes are mixed, widths must tell how they follow each other.
    kinds = [c.kind for c in cells]
    fitting = [
        order
        for order in permutations(range(len(cells)))
        if all(cells[b].input_size == cells[a].units for a, b in zip(order, order[1:], strict=False))
        and all(a < b for a, b in _of_one_class(order, kinds))
    ]
    if len(fitting) != 1:
        raise ArgumentError("it stacks cells in an order that the file does not tell; give the .keras file")
    return tuple(cells[k] for k in fitting[0])


def _of_one_class(order: Sequence[int], kinds: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The pairs of neighbours of one class in an order."""
    for kind in dict.fromkeys(kinds):
        same = [k for k in order if kinds[k] == kind]
        yield from zip(same, same[1:], strict=False)


def _cell(arrays: Sequence[Array], gates: str, where: str) -> CellSpec:
    if len(arrays) not in (2, 3) or any(a.ndim != 2 for a in arrays[:2]):
        raise ArgumentError("its arrays are not a kernel, a recurrent kernel and a bias")
    units, width = arrays[1].shape
    kind = _KINDS.get(width // units) if units and width % units == 0 else None
    if kind is None:
        raise ArgumentError(f"a recurrent kernel of shape {arrays[1].shape} is of no cell that is known here")
    fused = is_fused(kind, arrays)
    spec = CellSpec(
        kind,
        units,
        recurrent_activation="sigmoid" if fused or kind == "SimpleRNN" else gates,
        use_bias=len(arrays) == 3,
        # Without biases, GRU's two forms have the same arrays; the usual form of Keras 2 and 3 is taken.
        reset_after=kind == "GRU" and (len(arrays) == 2 or fused or arrays[2].ndim == 2),
    )
    return with_arrays(spec, arrays, where)


def _notes(cell: CellSpec) -> tuple[str, ...]:
    said = cell.activation if cell.kind == "SimpleRNN" else f"{cell.recurrent_activation} and {cell.activation}"
    return (f"{ASSUMED}{said}",)


ASSUMED = "the file says no activations, assumed "


def assume(spec: LayerSpec, activation: str | None, recurrent_activation: str | None) -> LayerSpec:
    """A guessed layer with activations that the user names.

    Raises:
        ArgumentError: It is not guessed, or there is no such activation.
    """
    given = {"activation": activation, "recurrent_activation": recurrent_activation}
    changes = {name: value for name, value in given.items() if value is not None}
    for name, value in changes.items():
        if value not in NAMES:
            raise ArgumentError(f"{name} is one of {', '.join(NAMES)}, got {value!r}")
        if not any(n.startswith(ASSUMED) for n in spec.notes):
            raise ArgumentError(f"{name} is for weights alone, and the source says it of '{spec.name}'; leave it out")
    if not changes:
        return spec

    def changed(cells: tuple[CellSpec, ...]) -> tuple[CellSpec, ...]:
        return tuple(replace(c, **changes) for c in cells)  # type: ignore[arg-type]

    made = replace(spec, forward=changed(spec.forward), backward=changed(spec.backward))
    return replace(made, notes=_notes(made.forward[0]))


def _natural(name: str) -> list[tuple[str, int]]:
    """An order in which lstm_2 stands before lstm_10."""
    return [(word, int(part or 0)) for word, part in re.findall(r"([^\d]*)(\d*)", name)]
