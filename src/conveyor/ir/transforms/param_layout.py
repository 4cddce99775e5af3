"""The layout of a program's parameters in the tensors of a layer: names, shapes, rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conveyor.errors import ArgumentError
from conveyor.ir.program import Program
from conveyor.ir.types import HIDDEN, INPUT, ROW, Bias, Matrix, Vector, op_of
from conveyor.scalars import as_whole


@dataclass(frozen=True)
class Slot:
    """A tensor of the layer. `initial` is its first value where the language fixes it."""

    name: str
    shape: tuple[int, ...]
    initial: float | None = None


@dataclass(frozen=True)
class Rows:
    """Rows of a slot."""

    slot: str
    start: int
    stop: int


@dataclass(frozen=True)
class Layout:
    """Slots, and for each parameter of the program its rows in them; several are summed."""

    slots: tuple[Slot, ...]
    rows: Mapping[tuple[str, str], tuple[Rows, ...]]
    widths: Mapping[str, int]


def named_widths(program: Program) -> tuple[str, ...]:
    """Return the widths that a layer needs numbers for, beside input_size and hidden_size."""
    has_default = {ROW, INPUT, HIDDEN, *(i.name for i in program.aux)}
    return tuple(w for w in program.widths if w not in has_default)


def resolve_widths(
    program: Program, input_size: int, hidden_size: int, sizes: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Return the values of a program's symbolic widths.

    An auxiliary input whose width nothing fixes has width 1 unless `sizes` names it.

    Raises:
        ArgumentError: A width is missing, unknown, not positive, or no multiple of its matrix's blocks.
    """
    sizes = dict(sizes or {})
    known = {ROW: 1, INPUT: input_size, HIDDEN: hidden_size}
    free = [w for w in program.widths if w not in known]
    defaults = {i.name: 1 for i in program.aux}
    for width in free:
        if width in sizes:
            known[width] = sizes.pop(width)
        elif width in defaults:
            known[width] = defaults[width]
        else:
            raise ArgumentError(f"sizes lacks '{width}', a width that this cell names; pass sizes={{'{width}': …}}")
    if sizes:
        said = ", ".join(sizes)
        raise ArgumentError(f"sizes has {said}, which this cell does not name; it names {', '.join(free) or 'none'}")
    for name, number in known.items():
        what = {INPUT: "input_size", HIDDEN: "hidden_size"}.get(name, f"sizes['{name}']")
        known[name] = as_whole(what, number, 1)
    for p in program.params:
        if isinstance(p, Matrix) and p.blocks > 1 and (known[p.rows] % p.blocks or known[p.cols] % p.blocks):
            raise ArgumentError(
                f"the matrix of ('{p.name}', {p.operand}) is {known[p.rows]} x {known[p.cols]} and has {p.blocks}"
                f" blocks; choose sizes that are multiples of {p.blocks}"
            )
    return known


def merged_layout(program: Program, widths: Mapping[str, int]) -> Layout:
    """Return the layout of `Recurrent`: one bias per call.

    `weight_ih` holds the matrices of x and `weight_hh` those of the first state, in order of appearance; other operands
    have one matrix each, `weight_<name>_<operand>`; `bias` holds the biases in order of appearance.
    """
    table = _Table(widths)
    _add_matrices(table, program)
    for p in program.params:
        if isinstance(p, Bias):
            table.add(p, "bias", (widths[p.width],))
    _add_vectors(table, program)
    return table.layout()


def doubled_layout(program: Program, widths: Mapping[str, int], rename: Mapping[str, str]) -> Layout:
    """Return the layout of torch.nn: `bias_ih` beside `weight_ih` and `bias_hh` beside `weight_hh`.

    The bias of a call is the sum of those of the operands that it reads.

    Args:
        program: A program whose biased calls read x, the first state, or both.
        widths: The values of its widths.
        rename: Other names for slots of `merged_layout`.
    """
    table = _Table(widths)
    _add_matrices(table, program, rename)
    places = {op_key[1]: rows[0] for op_key, rows in table.rows.items()}
    biases: dict[str, str] = {"weight_ih": "bias_ih", "weight_hh": "bias_hh"}
    has_bias = any(isinstance(p, Bias) for p in program.params)
    for slot, bias in biases.items():
        if has_bias and slot in table.shapes:
            table.shapes[bias] = (table.shapes[slot][0],)
    for p in program.params:
        if isinstance(p, Bias):
            beside = [places[f"{p.name}.{operand}"] for operand in p.operands]
            table.rows[("bias", p.key)] = tuple(Rows(biases[r.slot], r.start, r.stop) for r in beside)
    _add_vectors(table, program)
    return table.layout(("weight_ih", "weight_hh", "bias_ih", "bias_hh"))


class _Table:
    """A collector of slots that grow row by row."""

    def __init__(self, widths: Mapping[str, int]) -> None:
        self.widths = widths
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.initial: dict[str, float] = {}
        self.rows: dict[tuple[str, str], tuple[Rows, ...]] = {}

    def add(self, param: Matrix | Bias | Vector, slot: str, shape: tuple[int, ...]) -> None:
        if self.shapes.get(slot, shape)[1:] != shape[1:]:
            raise ArgumentError(
                f"two matrices of the cell, {self.shapes[slot][1]} and {shape[1]} wide, would both be named '{slot}';"
                " give one of the affine maps or of the values it reads another name"
            )
        start = self.shapes[slot][0] if slot in self.shapes else 0
        self.shapes[slot] = (start + shape[0], *shape[1:])
        self.rows[(op_of(param), param.key)] = (Rows(slot, start, start + shape[0]),)

    def layout(self, first: Iterable[str] = ()) -> Layout:
        order = [n for n in first if n in self.shapes]
        order += [n for n in self.shapes if n not in order]
        slots = tuple(Slot(n, self.shapes[n], self.initial.get(n)) for n in order)
        return Layout(slots, dict(self.rows), dict(self.widths))


def _add_matrices(table: _Table, program: Program, rename: Mapping[str, str] | None = None) -> None:
    first = program.states[0].name
    shared = {"x": "weight_ih", first: "weight_hh"}
    blocks: dict[str, int] = {}
    for p in program.params:
        if not isinstance(p, Matrix):
            continue
        slot = shared.get(p.operand) if _reads_input(program, p) else None
        # Matrices with another number of blocks have other columns, so they can't share the tensor.
        if slot is not None and blocks.setdefault(slot, p.blocks) != p.blocks:
            slot = None
        slot = slot or f"weight_{p.name}_{p.operand}"
        slot = (rename or {}).get(slot, slot)
        table.add(p, slot, (table.widths[p.rows], table.widths[p.cols] // p.blocks))


def _reads_input(program: Program, matrix: Matrix) -> bool:
    readers = (n for n in program.nodes if n.op == "product" and n.attr == matrix.key)
    return all(program.nodes[n.args[0]].op == "input" for n in readers)


def _add_vectors(table: _Table, program: Program) -> None:
    for p in program.params:
        if isinstance(p, Vector):
            if p.name in table.shapes:
                raise ArgumentError(f"the weight '{p.name}' has the name of a tensor that every layer has; rename it")
            table.add(p, p.name, (table.widths[p.width],))
            if p.initial is not None:
                table.initial[p.name] = p.initial


def parameter_shapes(
    program: Program, input_size: int, hidden_size: int, sizes: Mapping[str, int], bias: bool
) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the parameters of a layer with `merged_layout`."""
    from conveyor.ir.transforms.rewrite import without_bias

    program = program if bias else without_bias(program)
    layout = merged_layout(program, resolve_widths(program, input_size, hidden_size, sizes))
    return {slot.name: slot.shape for slot in layout.slots}
