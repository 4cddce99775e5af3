"""From the description of a file to what runs: programs, and where their parameters lie in its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.backends.param_layout import ParamLayout, Part
from conveyor.errors import ArgumentError
from conveyor.ir.parser import parse
from conveyor.ir.program import Program
from conveyor.ir.transforms.param_layout import Layout, doubled_layout, merged_layout, named_widths, resolve_widths
from conveyor.ir.transforms.regularisation import with_expected_zoneout
from conveyor.ir.transforms.rewrite import without_bias
from conveyor.runtime.safetensors import LayerFile

_TORCH_LIKE = ("LSTM", "GRU", "RNN")  # two biases a gate, and torch's name for the projection
_RUN = ("Recurrent", *_TORCH_LIKE)


@dataclass(frozen=True, eq=False)
class RuntimeUnit:
    """One layer: its program, widths, parameters and first states.

    Attributes:
        program: One step.
        widths: The numbers of its widths.
        tensors: What holds its parameters.
        layout: Where each lies in them.
        initial: Its states before the first step, (width,) each.
    """

    program: Program
    widths: Mapping[str, int]
    tensors: tuple[NDArray[Any], ...]
    layout: ParamLayout
    initial: tuple[NDArray[Any], ...]

    @property
    def output_size(self) -> int:
        """Width of the first state, the output."""
        return self.widths[self.program.states[0].width]


def units_of(file: LayerFile) -> tuple[str, tuple[RuntimeUnit, ...]]:
    """The connections and the layers of a file, the lowest first.

    Raises:
        ArgumentError: Its layer is of a kind that does not run step by step.
    """
    about = file.description
    kind, arguments = about["kind"], about["arguments"]
    if kind not in _RUN or "keras" in about or "reverse" in about:
        raise ArgumentError(f"path: the file holds a {kind}, expected one of {', '.join(_RUN)}; use cv.load for it")
    if arguments.get("bidirectional"):
        raise ArgumentError("path: the file's layer runs both ways in time, so it has no step; use cv.load for it")
    programs = [parse(cell["program"]) for cell in about["cells"]]
    chosen = [programs[k] for k in about["cell_of_layer"]]
    connections, width, found = arguments.get("connections", "plain"), arguments["input_size"], []
    for k, program in enumerate(chosen):
        reads = width + arguments["input_size"] if connections == "skip" and k else width
        unit = _unit(file, k, program, reads)
        found.append(unit)
        width = unit.output_size
    return connections, tuple(found)


def _unit(file: LayerFile, k: int, program: Program, input_size: int) -> RuntimeUnit:
    arguments = file.description["arguments"]
    hidden = arguments["hidden_size"]
    hidden = hidden[k] if isinstance(hidden, list) else hidden
    sizes = dict(arguments.get("sizes") or {})
    if arguments.get("proj_size"):
        sizes["proj"] = arguments["proj_size"]
    plain = program if arguments["bias"] else without_bias(program)
    known = {*named_widths(plain), *(a.name for a in plain.aux)}
    widths = resolve_widths(plain, input_size, hidden, {n: s for n, s in sizes.items() if n in known})
    layout = _layout(file.description["kind"], plain, widths)
    index = {slot.name: number for number, slot in enumerate(layout.slots)}
    parts = {key: tuple(Part(index[r.slot], r.start, r.stop) for r in rows) for key, rows in layout.rows.items()}
    tensors = tuple(np.ascontiguousarray(_tensor(file, f"{slot.name}_l{k}")) for slot in layout.slots)
    rates = arguments.get("zoneout") or {}
    rates = rates if isinstance(rates, dict) else {s.name: rates for s in plain.states}
    running = with_expected_zoneout(plain, rates) if rates else plain
    dtype = tensors[0].dtype if tensors else np.dtype(np.float32)
    learned = arguments.get("learn_initial_state")
    initial = tuple(
        _tensor(file, f"initial_{s.name}_l{k}") if learned else np.zeros(widths[s.width], dtype) for s in plain.states
    )
    return RuntimeUnit(running, widths, tensors, ParamLayout(parts, widths), initial)


def _layout(kind: str, program: Program, widths: Mapping[str, int]) -> Layout:
    if kind in _TORCH_LIKE:
        return doubled_layout(program, widths, {"weight_proj_value": "weight_hr"})
    return merged_layout(program, widths)


def _tensor(file: LayerFile, name: str) -> NDArray[Any]:
    shared = file.description.get("shared", {})
    return file.tensors[shared.get(name, name)]
