"""The stores of Keras's arrays: the two layouts of its HDF5 files, and live layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conveyor.errors import ArgumentError
from conveyor.interop.keras.storage.config import Cells, Entry, Place
from conveyor.interop.keras.storage.hdf5 import Array, Group


def split(arrays: Sequence[Array], directions: Sequence[Cells]) -> list[list[list[Array]]]:
    """Split a layer's arrays, one after another, by direction and cell."""
    wanted = sum(count for cells in directions for _, count in cells)
    if len(arrays) != wanted:
        raise ArgumentError(f"expected {wanted} arrays, got {len(arrays)}; a layer that was never built has none")
    rest = iter(arrays)
    return [[[next(rest) for _ in range(count)] for _, count in cells] for cells in directions]


# Layers that are alive


@dataclass(frozen=True)
class Live:
    """The store of a live layer or model of Keras."""

    alive: Any

    def layer(self, entries: Sequence[Entry], index: int) -> Place:
        """Return the store of one of its layers."""
        return Live(self.alive.layers[index])

    def wrapped(self) -> Place:
        """Return the store of the layer that it wraps."""
        return Live(self.alive.layer)

    def arrays(self, directions: Sequence[Cells]) -> list[list[list[Array]]]:
        """Return its weights by direction and cell."""
        return split([_as_numpy(w) for w in self.alive.get_weights()], directions)


def _as_numpy(array: Any) -> Array:
    found = np.asarray(array)
    return found.astype(np.float32) if found.dtype.name == "bfloat16" else found


def live_entry(alive: Any) -> Entry:
    """Return the configuration of a live layer or model, with that of the layers inside it."""
    kind = {"class_name": type(alive).__name__, "module": type(alive).__module__}
    if isinstance(getattr(alive, "layers", None), list):
        graph = _graph(alive)
        inside = [{**live_entry(k), **graph.get(k.name, {})} for k in alive.layers]
        return kind | {"config": {"name": alive.name, "layers": inside}}
    if kind["class_name"] != "Bidirectional" and hasattr(getattr(alive, "layer", None), "get_config"):
        return kind | {"config": {"name": alive.name, "layer": live_entry(alive.layer)}}
    return kind | {"config": alive.get_config()}


def _graph(alive: Any) -> dict[str, Entry]:
    """Return the inbound nodes of each layer of a functional model, by name; empty if there are none."""
    try:
        entries = alive.get_config().get("layers", [])
    except Exception:  # a class of the user's own may say nothing, and in whatever way
        return {}
    return {e["name"]: {"inbound_nodes": e["inbound_nodes"]} for e in entries if e.get("inbound_nodes")}


# Files of Keras 3: a group for each object, named by its class and its number among its like


@dataclass(frozen=True)
class Tree:
    """The store of a group of a `.weights.h5` file, or of that in a `.keras` file; None if there is no group."""

    group: Group | None

    def layer(self, entries: Sequence[Entry], index: int) -> Place:
        """Return the store of one of the layers: by the name that newer files record, else by class and number."""
        inside = self._child("layers", "_layer_checkpoint_dependencies").group
        if inside is None:
            return Tree(None)
        name = entries[index].get("config", {}).get("name")
        for key in inside:
            noted = inside.group(f"{key}/vars")
            if noted is not None and name is not None and noted.text("name") == name:
                return Tree(inside.group(key))
        return Tree(inside.group(unique_names([str(e.get("class_name")) for e in entries])[index]))

    def wrapped(self) -> Place:
        """Return the store of the wrapped layer."""
        return self._child("layer")

    def _child(self, *names: str) -> Tree:
        found = (self.group.group(n) for n in names) if self.group is not None else ()
        return Tree(next((g for g in found if g is not None), None))

    def arrays(self, directions: Sequence[Cells]) -> list[list[list[Array]]]:
        """Return the variables of each cell."""
        layers = [self._child(n) for n in ("forward_layer", "backward_layer")] if len(directions) > 1 else [self]
        return [layer._cells(cells) for layer, cells in zip(layers, directions, strict=True)]

    def _cells(self, cells: Cells) -> list[list[Array]]:
        cell = self._child("cell")
        stack = cell._child("cells")
        places = [cell]
        if stack.group is not None:
            places = [stack._child(n) for n in unique_names([kind for kind, _ in cells])]
        return split([a for place in places for a in place.variables()], [cells])[0]

    def variables(self) -> list[Array]:
        """Return the arrays of this object."""
        held = self._child("vars", "_vars").group
        return [] if held is None else [held.array(k) for k in sorted(held, key=int)]


def unique_names(kinds: Sequence[str]) -> list[str]:
    """Return the names that Keras gives the groups of objects of these classes: `lstm`, `lstm_1`, `simple_rnn`."""
    used: dict[str, int] = {}
    names = []
    for kind in kinds:
        name = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("([A-Z]+)([A-Z][a-z])", r"\1_\2", kind)).lower()
        names.append(f"{name}_{used[name]}" if name in used else name)
        used[name] = used.get(name, 0) + 1
    return names


# Files of Keras 2, which Keras 3 can write too: a group a layer, arrays with names


@dataclass
class Named:
    """The store of one group of a legacy file: arrays by the path of the cell, consumed as they are read."""

    cells: dict[str, list[Array]] = field(default_factory=dict)

    def layer(self, entries: Sequence[Entry], index: int) -> Place:
        """Return the store of a nested model's layer: its arrays have its name in their path, or come next."""
        name = entries[index].get("config", {}).get("name")
        return _Narrowed(self, [path for path in self.cells if name in path.split("/")])

    def wrapped(self) -> Place:
        """Return the same store."""
        return self

    def arrays(self, directions: Sequence[Cells]) -> list[list[list[Array]]]:
        """Return the next cells of the group."""
        return self.take(list(self.cells), directions)

    def take(self, paths: Sequence[str], directions: Sequence[Cells]) -> list[list[list[Array]]]:
        """Remove and return the cells at the first of these paths."""
        wanted = sum(len(cells) for cells in directions)
        if len(paths) < wanted:
            raise ArgumentError(f"expected the arrays of {wanted} cells, found those of {len(paths)}")
        return split([a for path in paths[:wanted] for a in self.cells.pop(path)], directions)


@dataclass(frozen=True)
class _Narrowed:
    owner: Named
    paths: Sequence[str]

    def layer(self, entries: Sequence[Entry], index: int) -> Place:
        name = entries[index].get("config", {}).get("name")
        mine = [p for p in self.paths or self.owner.cells if name in p.split("/")]
        return _Narrowed(self.owner, mine)

    def wrapped(self) -> Place:
        return self

    def arrays(self, directions: Sequence[Cells]) -> list[list[list[Array]]]:
        return self.owner.take([p for p in self.paths if p in self.owner.cells] or list(self.owner.cells), directions)


@dataclass(frozen=True)
class NamedFile:
    """The store of a legacy file: its root, or its group `model_weights`."""

    root: Group

    def layer(self, entries: Sequence[Entry], index: int) -> Place:
        """Return the store of a layer."""
        name = entries[index].get("config", {}).get("name")
        group = self.root.group(str(name))
        return Named() if group is None else Named(cells_in(group))

    def wrapped(self) -> Place:
        """Return the same store: a model has no wrapper."""
        return self

    def arrays(self, directions: Sequence[Cells]) -> list[list[list[Array]]]:
        """Return the arrays of all groups in order: the file is that of one layer."""
        found: dict[str, list[Array]] = {}
        for name in self.root.names("layer_names"):
            group = self.root.group(name)
            found |= {} if group is None else cells_in(group)
        return Named(found).arrays(directions)


_PARTS = ("kernel", "recurrent_kernel", "bias")


def cells_in(group: Group) -> dict[str, list[Array]]:
    """Return the arrays of each recurrent cell in a layer's group, in the order of its names."""
    found: dict[str, dict[str, str]] = {}
    for path in group.names("weight_names"):
        parent, _, name = path.rpartition("/")
        found.setdefault(parent, {})[name.partition(":")[0]] = path
    return {
        parent: [group.array(paths[p]) for p in _PARTS if p in paths]
        for parent, paths in found.items()
        if "recurrent_kernel" in paths
    }
