"""Infers layers from a file of weights without a configuration, by names and shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
    """Infer the layers of a weights file of Keras 2, or of Keras 3 in that layout.

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
        yield LayerSpec(name, first, second, notes=_notes(first, second), guessed=True)
    elif not second:  # a model within the model
        for path, cell in zip(paths, cells, strict=True):
            yield LayerSpec(path, (cell,), notes=_notes((cell,)), guessed=True)
    else:
        yield Unread(name, "Bidirectional", _UNTOLD)


def guess_tree(root: Group) -> Iterator[Found]:
    """Infer the layers of a `.weights.h5` file of Keras 3."""
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
            back = second[0] if second else ()
            yield LayerSpec(name, first, back, notes=_notes(first, back), guessed=True)


def _layers(group: Group, path: str, seen: set[object]) -> Iterator[tuple[str, Group]]:
    """Yield the groups of recurrent layers: those with a cell, or with two directions."""
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
    """Yield the pairs of neighbours of one class in an order."""
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
        # Without biases, GRU's two forms have the same arrays.
        reset_after=kind == "GRU" and (None if len(arrays) == 2 else fused or arrays[2].ndim == 2),
    )
    return with_arrays(spec, arrays, where)


def _notes(forward: Sequence[CellSpec], backward: Sequence[CellSpec] = ()) -> tuple[str, ...]:
    cell = forward[0]
    said = cell.activation if cell.kind == "SimpleRNN" else f"{cell.recurrent_activation} and {cell.activation}"
    form = f", reset_after={cell.reset_after}" if cell.kind == "GRU" and not cell.use_bias else ""
    returned = "every step returned, " + ("both directions side by side" if backward else "forwards")
    return (f"{ASSUMED}{said}{form}", f"nor what it returns, assumed {returned}")


ASSUMED = "the file says no activations, assumed "
_UNTOLD_FORM = (
    "a GRU without biases, of which the file does not tell whether its reset gate acts after the product; say"
    " reset_after=True (the default of Keras 3 and TensorFlow 2) or reset_after=False (of Keras 2)"
)


@dataclass(frozen=True)
class Said:
    """The user's settings for a file of weights alone.

    Attributes:
        activation: The activation.
        recurrent_activation: The activation of the gates.
        reset_after: Whether the reset gate of a GRU without biases acts after the product.
    """

    activation: str | None = None
    recurrent_activation: str | None = None
    reset_after: bool | None = None


def assume(spec: LayerSpec, said: Said) -> Found:
    """Apply the user's settings to an inferred layer; `Unread` if its equations remain undetermined.

    Raises:
        ArgumentError: It is not guessed, or there is no such activation.
    """
    _check(spec, said)
    if said == Said() and spec.forward[0].reset_after is not None:
        return spec
    if spec.forward[0].reset_after is None and said.reset_after is None:
        return Unread(spec.name, spec.kind, _UNTOLD_FORM)

    def changed(cells: tuple[CellSpec, ...]) -> tuple[CellSpec, ...]:
        return tuple(_changed(c, said) for c in cells)

    made = replace(spec, forward=changed(spec.forward), backward=changed(spec.backward))
    return replace(made, notes=_notes(made.forward, made.backward))


def _changed(cell: CellSpec, said: Said) -> CellSpec:
    return replace(
        cell,
        activation=said.activation or cell.activation,
        recurrent_activation=said.recurrent_activation or cell.recurrent_activation,
        reset_after=said.reset_after if cell.reset_after is None else cell.reset_after,
    )


def _check(spec: LayerSpec, said: Said) -> None:
    for name, value in (("activation", said.activation), ("recurrent_activation", said.recurrent_activation)):
        if value is not None and value not in NAMES:
            raise ArgumentError(f"{name} is one of {', '.join(NAMES)}, got {value!r}")
        if value is not None and not spec.guessed:
            raise ArgumentError(f"{name} is for weights alone, and the source says it of '{spec.name}'; leave it out")
    if said.reset_after is not None:
        if not isinstance(said.reset_after, bool):
            raise ArgumentError(f"reset_after is True or False, got {said.reset_after!r}")
        cell = spec.forward[0]
        if spec.guessed and cell.kind == "GRU" and cell.reset_after is (not said.reset_after):
            raise ArgumentError(f"reset_after={said.reset_after}, and the biases of '{spec.name}' say the other form")
        if not spec.guessed:
            raise ArgumentError(
                f"reset_after is for weights alone, and the source says it of '{spec.name}'; leave it out"
            )


def _natural(name: str) -> list[tuple[str, int]]:
    """Return a sort key by which lstm_2 comes before lstm_10."""
    return [(word, int(part or 0)) for word, part in re.findall(r"([^\d]*)(\d*)", name)]
