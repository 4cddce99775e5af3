"""The layout of a layer direction's parameters in another library's tensors, and copies both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from conveyor.errors import ArgumentError
from conveyor.ir.program import Program
from conveyor.ir.types import Bias, Matrix
from conveyor.layers.arguments.conversion import as_cell
from conveyor.layers.core.layer_direction import LayerDirection

if TYPE_CHECKING:
    from conveyor.interop.common.weight_layouts import Order

Key = tuple[str, str]


@dataclass(frozen=True)
class Piece:
    """A part of a tensor, transposed so that gates are rows, and the parameter of the program that it holds.

    Attributes:
        tensor: The tensor's name.
        rows: Its first row and the one after the last; of a bias, entries.
        columns: Likewise; of a bias with a row for each operand, that row; None where it has one dimension.
        key: The parameter.
        part: The index among the layer's tensors that add up to it; torch's layers have two biases.
    """

    tensor: str
    rows: slice
    columns: slice | int | None
    key: Key
    part: int


@dataclass(frozen=True)
class Places:
    """The pieces of a layer direction, the tensors' shapes, constants added to biases, and the tensors of states."""

    pieces: tuple[Piece, ...]
    shapes: Mapping[str, tuple[int, ...]]
    transposed: bool
    added: Mapping[Key, float]
    initial: Mapping[str, str]

    @classmethod
    def of(cls, order: Order, unit: LayerDirection) -> Places:
        """Make the pieces of a weight layout.

        Raises:
            ArgumentError: The order names what the cell does not have, or lacks what it has.
        """
        pieces = [*_weights(order, unit), *_biases(order, unit), *_vectors(order, unit)]
        held = [p.key for p in pieces if p.key[0] != "bias"]
        for key in unit.layout.rows:
            if key[0] != "bias" and held.count(key) != 1:
                said = "twice" if key in held else "nowhere"
                raise ArgumentError(f"order has the {key[0]} '{key[1]}' of cell {unit.cell.name} {said}; name it once")
        shapes: dict[str, tuple[int, ...]] = {}
        for p in pieces:
            rows, *columns = shapes.get(p.tensor, (0,) if p.columns is None else (0, 0))
            stop = [] if p.columns is None else [p.columns + 1 if isinstance(p.columns, int) else p.columns.stop]
            shapes[p.tensor] = (max(rows, p.rows.stop), *(max(a, b) for a, b in zip(columns, stop, strict=True)))
        added = {_bias_key(order, unit, gate, ()): float(value) for gate, value in order.added.items()}
        return cls(tuple(pieces), shapes | _initial_shapes(order, unit), order.transposed, added, order.initial)

    def stored(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor as the library stores it."""
        return self.shapes[name][::-1] if self._turned(name) else self.shapes[name]

    def turn(self, name: str, tensor: Tensor) -> Tensor:
        """Transpose a stored tensor so that gates are rows, or back."""
        return tensor.t() if self._turned(name) else tensor

    def _turned(self, name: str) -> bool:
        if len(self.shapes[name]) < 2:
            return False
        # A bias with a row for each operand is (operands, gates) whichever way matrices stand.
        return self.transposed or any(isinstance(p.columns, int) for p in self.pieces if p.tensor == name)


@torch.no_grad()
def read(module: nn.Module, unit: LayerDirection, places: Places, tensors: Mapping[str, Tensor]) -> None:
    """Copy another library's tensors into the parameters of a layer direction."""
    for name in places.shapes:
        if name not in tensors:
            raise ArgumentError(f"tensors lacks '{name}'; it has {', '.join(tensors)}")
    for name, tensor in tensors.items():
        if name not in places.shapes:
            raise ArgumentError(f"tensors has '{name}', which order does not name; it names {', '.join(places.shapes)}")
        if tuple(tensor.shape) != places.stored(name):
            raise ArgumentError(f"tensors['{name}'] is {tuple(tensor.shape)}, order expects {places.stored(name)}")
    for key in unit.layout.rows:
        if key[0] == "bias":
            for part in unit.rows(module, key):
                part.zero_()
    for p in places.pieces:
        turned = places.turn(p.tensor, tensors[p.tensor])
        value = turned[p.rows] if p.columns is None else turned[p.rows, p.columns]
        _part(module, unit, p).add_(value) if p.key[0] == "bias" else _part(module, unit, p).copy_(value)
    for key, number in places.added.items():
        unit.rows(module, key)[0].add_(number)
    for state, value in _initial_values(module, unit).items():
        held = next((tensors[name] for name, s in places.initial.items() if s == state), None)
        value.zero_() if held is None else value.copy_(held)


@torch.no_grad()
def write(module: nn.Module, unit: LayerDirection, places: Places) -> dict[str, Tensor]:
    """Return the parameters of a layer direction as another library's tensors."""
    like = next(t for _, t in unit.tensors(module))
    made = {name: torch.zeros(shape, dtype=like.dtype, device=like.device) for name, shape in places.shapes.items()}
    todo = {key: unit.rows(module, key) for key in unit.layout.rows}
    biases = {key: [v.clone() for v in rows] for key, rows in todo.items() if key[0] == "bias"}
    for key, number in places.added.items():
        biases[key][0] -= number
    for key, values in biases.items():
        homes = [p for p in places.pieces if p.key == key]
        if not homes and any(v.any() for v in values):
            raise ArgumentError(
                f"order has no place for the bias '{key[1]}' of cell {unit.cell.name}; name it in biases"
            )
        for k, value in enumerate(values):
            home = next((p for p in homes if p.part == k), homes[0] if homes else None)
            if home is not None:
                _place(made, home).add_(value)
    for p in places.pieces:
        if p.key[0] != "bias":
            _place(made, p).copy_(_part(module, unit, p))
    for state, value in _initial_values(module, unit).items():
        name = next((n for n, s in places.initial.items() if s == state), None)
        if name is None and value.any():
            raise ArgumentError(f"order has no place for the initial state '{state}', which the layer has learned")
        if name is not None:
            made[name].copy_(value)
    return {name: places.turn(name, tensor).contiguous() for name, tensor in made.items()}


def _initial_values(module: nn.Module, unit: LayerDirection) -> dict[str, Tensor]:
    """Return the learned initial states by name; empty if the initial states are zero."""
    return dict(zip((s.name for s in unit.program.states), unit.initial(module), strict=False))


def _initial_shapes(order: Order, unit: LayerDirection) -> dict[str, tuple[int, ...]]:
    widths = {s.name: unit.widths[s.width] for s in unit.program.states}
    for name, state in order.initial.items():
        if state not in widths:
            raise ArgumentError(f"order.initial['{name}'] is '{state}', and the cell's states are {', '.join(widths)}")
    if order.initial and not unit.learned:
        raise ArgumentError("order has initial states, and the layer begins from zero; pass learn_initial_state=True")
    return {name: (widths[state],) for name, state in order.initial.items()}


def _place(made: Mapping[str, Tensor], p: Piece) -> Tensor:
    return made[p.tensor][p.rows] if p.columns is None else made[p.tensor][p.rows, p.columns]


def _part(module: nn.Module, unit: LayerDirection, p: Piece) -> Tensor:
    return unit.rows(module, p.key)[p.part]


def _weights(order: Order, unit: LayerDirection) -> Iterator[Piece]:
    for pattern, spec in order.weights.items():
        for tensor, gates, operands in _spread(order, pattern, spec):
            start = 0
            for gate in gates:
                left = 0
                for operand in operands:
                    matrix = find_matrix(unit.program, gate, operand)
                    rows, columns = unit.widths[matrix.rows], unit.widths[matrix.cols] // matrix.blocks
                    where = slice(start, start + rows), slice(left, left + columns)
                    yield Piece(tensor, *where, ("product", matrix.key), 0)
                    left += columns
                start += rows


def _biases(order: Order, unit: LayerDirection) -> Iterator[Piece]:
    for pattern, spec in order.biases.items():
        lines: list[str] = [spec] if isinstance(spec, str) else list(spec)
        for line, each in enumerate(lines):
            for tensor, gates, operands in _spread(order, pattern, each):
                start = 0
                for gate in gates:
                    key = _bias_key(order, unit, gate, operands)
                    stop = start + unit.widths[_bias(unit.program, key).width]
                    column = None if isinstance(spec, str) else line
                    yield Piece(tensor, slice(start, stop), column, key, _bias_part(unit, key, gate, operands))
                    start = stop


def _vectors(order: Order, unit: LayerDirection) -> Iterator[Piece]:
    for tensor, name in order.vectors.items():
        key = ("vector", name)
        if key not in unit.layout.rows:
            raise ArgumentError(
                f"order.vectors['{tensor}'] is '{name}', and cell {unit.cell.name} has no such cv.weight"
            )
        rows = unit.layout.rows[key][0]
        yield Piece(tensor, slice(0, rows.stop - rows.start), None, key, 0)


def _spread(order: Order, pattern: str, spec: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield the tensors that an entry of a weight layout describes: name, gates, operands."""
    own, _, operands = spec.rpartition(":")
    names = dict(order.gates) if isinstance(order.gates, Mapping) else {g: g for g in order.gates.split()}
    gates = own.split() or list(names)
    if "{gate}" not in pattern:
        yield pattern, gates, operands.split()
        return
    for gate in gates:
        yield pattern.replace("{gate}", names.get(gate, gate)), [gate], operands.split()


def find_matrix(program: Program, gate: str, operand: str) -> Matrix:
    """Return the matrix of a gate that multiplies a value; `h` may be any one value that it reads besides x.

    Raises:
        ArgumentError: The gate has no such matrix.
    """
    own = [p for p in program.params if isinstance(p, Matrix) and p.name == gate]
    if not own:
        known = dict.fromkeys(p.name for p in program.params if isinstance(p, Matrix))
        raise ArgumentError(f"order names the gate '{gate}', and the cell's affine maps are {', '.join(known)}")
    exact = [m for m in own if m.operand == operand]
    others = [m for m in own if m.operand != "x"]
    if not exact and operand == program.states[0].name and len(others) == 1:
        return others[0]
    if not exact:
        raise ArgumentError(
            f"order has gate '{gate}' multiply '{operand}'; it reads {', '.join(m.operand for m in own)}"
        )
    return exact[0]


def _bias(program: Program, key: Key) -> Bias:
    found = program.param[key]
    assert isinstance(found, Bias)
    return found


def _bias_key(order: Order, unit: LayerDirection, gate: str, operands: list[str] | tuple[()]) -> Key:
    """Return the bias of the gate's call that reads one of these values, or of its first call."""
    own = [p for p in unit.program.params if isinstance(p, Bias) and p.name == gate]
    if not own:
        raise ArgumentError(f"order has a bias for '{gate}', and the layer's cell {unit.cell.name} has none there")
    named = {find_matrix(unit.program, gate, o).operand for o in operands}
    return ("bias", next((p for p in own if named & {*p.operands}), own[0]).key)


def _bias_part(unit: LayerDirection, key: Key, gate: str, operands: list[str]) -> int:
    read = _bias(unit.program, key).operands
    named = {find_matrix(unit.program, gate, o).operand for o in operands}
    part = next((k for k, operand in enumerate(read) if operand in named), 0)
    return min(part, len(unit.layout.rows[key]) - 1)


def input_and_hidden(order: Order, tensors: Mapping[str, Any]) -> tuple[int, int]:
    """Return (input_size, hidden_size) from the shapes of the matrices.

    Raises:
        ArgumentError: The shapes do not determine them.
    """
    program = as_cell(order.cell).program
    hidden, width = 0, 0
    found = []
    for pattern, spec in order.weights.items():
        for name, gates, operands in _spread(order, pattern, spec):
            if name not in tensors or len(tensors[name].shape) != 2:
                came = tuple(tensors[name].shape) if name in tensors else f"only {', '.join(tensors)}"
                raise ArgumentError(f"tensors has '{name}', a matrix of {' '.join(gates)}; got {came}")
            rows, columns = tensors[name].shape[::-1] if order.transposed else tensors[name].shape
            if not gates or rows % len(gates):
                raise ArgumentError(f"tensors['{name}'] has {rows} rows, no multiple of the {len(gates)} gates")
            for gate in gates:
                for operand in operands:
                    find_matrix(program, gate, operand)
            hidden = rows // len(gates)
            found.append((columns, operands))
    for columns, operands in found:
        if "x" in operands:
            width = columns - hidden * (len(operands) - 1)
    if width < 1 or hidden < 1:
        raise ArgumentError(
            f"the shapes of tensors tell input_size {width} and hidden_size {hidden}; is transposed right?"
        )
    return width, hidden
