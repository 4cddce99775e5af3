"""Programs run in float64 by NumPy, apart from the code that builds them; networks of random weights; built code run."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding as llvm
from numpy.typing import NDArray

import conveyor as cv
from conveyor.build.codegen.emit import emit
from conveyor.build.lowering.graph import Graph
from conveyor.build.lowering.lower import lower
from conveyor.build.lowering.plan import Plan, make_plan
from conveyor.build.network import Layer, Linear, Network
from conveyor.build.targets.table import Target, find_target
from conveyor.frontend import CellDefinition
from conveyor.ir.transforms.param_layout import merged_layout, resolve_widths

Array = NDArray[np.float64]

# What each operation means, in NumPy.
MEANING: dict[str, Any] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "sigmoid": lambda a: np.where(a < 0, np.exp(np.minimum(a, 0)), 1) / (1 + np.exp(-np.abs(a))),
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "softplus": lambda a: np.logaddexp(a, 0),
    "sin": np.sin,
    "cos": np.cos,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "square": np.square,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "detach": lambda a: a,
    "clip_gradient": lambda a: a,
    "where": np.where,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "sum": lambda a: np.sum(a, keepdims=True),
    "max": lambda a: np.max(a, keepdims=True),
}


def whole(weight: Array, blocks: int) -> Array:
    """A block-diagonal matrix with its zeros."""
    rows, inner = weight.shape[0] // blocks, weight.shape[1]
    found = np.zeros((weight.shape[0], inner * blocks))
    for k in range(blocks):
        found[k * rows : (k + 1) * rows, k * inner : (k + 1) * inner] = weight[k * rows : (k + 1) * rows]
    return found


def step(layer: Layer, given: Mapping[str, Array]) -> dict[str, Array]:
    """One step of a layer: its new states."""
    program, values = layer.program, dict[int, Any]()
    for n, node in enumerate(program.nodes):
        args = [values[a] for a in node.args]
        if node.op == "input":
            values[n] = given[node.attr]
        elif node.op == "const":
            values[n] = np.array([node.attr])
        elif node.op == "width":
            values[n] = np.array([float(layer.widths[node.attr])])
        elif node.op in ("bias", "vector"):
            values[n] = layer.parameters[node.op, node.attr].astype(np.float64)
        elif node.op == "product":
            matrix = program.matrix(node)
            values[n] = whole(layer.parameters["product", matrix.key].astype(np.float64), matrix.blocks) @ args[0]
        elif node.op == "broadcast":
            values[n] = np.broadcast_to(args[0], (layer.widths[str(node.attr)],))
        elif node.op == "clip":
            values[n] = np.clip(args[0], *node.attr)
        else:
            values[n] = MEANING[node.op](*args)
    return {o.name: values[o.args[0]] for o in program.outputs}


def expected(network: Network, x: NDArray[Any]) -> Array:
    """What a network gives for x (T, inputs)."""
    states = [
        {s.name: start.astype(np.float64) for s, start in zip(layer.program.states, layer.initial, strict=True)}
        for layer in network.layers
    ]
    out = []
    with np.errstate(all="ignore"):
        for row in x.astype(np.float64):
            out.append(_step_of(network, row, states))
    return np.array(out)


def _step_of(network: Network, row: Array, states: list[dict[str, Array]]) -> Array:
    at, aux = network.input_size, {}
    for name, width in network.aux.items():
        aux[name] = row[at : at + width]
        at += width
    value = row[: network.input_size]
    if network.embedding is not None:
        value = network.embedding[int(value[0])].astype(np.float64)
    for linear in network.projections:
        value = _linear(linear, value)
    lowest = below = value
    for k, layer in enumerate(network.layers):
        reads = np.concatenate([below, lowest]) if network.connections == "skip" and k else below
        states[k] = step(layer, {layer.program.inputs[0].name: reads, **states[k], **aux})
        output = np.asarray(states[k][layer.program.states[0].name])
        below = output + below if network.connections == "residual" and k else output
    for linear in network.heads:
        below = _linear(linear, below)
    if network.activation == "sigmoid":
        below = MEANING["sigmoid"](below)
    elif network.activation == "softmax":
        powers = np.exp(below - below.max())
        below = powers / powers.sum()
    return below + row[: network.input_size] if network.skips_input else below


def _linear(linear: Linear, value: Array) -> Array:
    total = linear.weight.astype(np.float64) @ value
    return total if linear.bias is None else total + linear.bias


def random_layer(cell: CellDefinition, input_size: int, hidden: int, random: np.random.Generator) -> Layer:
    """A layer with weights as torch draws them: evenly from −1/√H to 1/√H."""
    program = cell.program
    named = {"proj": hidden // 2 + 1, "K": 3}
    sizes = {w: n for w, n in named.items() if w in program.widths}
    widths = resolve_widths(program, input_size, hidden, sizes)
    bound = hidden**-0.5

    def draw(*shape: int) -> NDArray[np.float32]:
        return random.uniform(-bound, bound, shape).astype(np.float32)

    layout = merged_layout(program, widths)
    shapes = {slot.name: slot.shape for slot in layout.slots}
    parameters = {
        key: draw(rows[0].stop - rows[0].start, *shapes[rows[0].slot][1:]) for key, rows in layout.rows.items()
    }
    initial = tuple(np.zeros(widths[s.width], np.float32) for s in program.states)
    return Layer(cell.name, program, widths, parameters, initial)


def random_network(
    cell: CellDefinition | str,
    input_size: int,
    hidden: int,
    layers: int = 1,
    outputs: int = 0,
    seed: int = 0,
    **more: Any,
) -> Network:
    """Some layers of a cell, and a linear map if `outputs` is not 0."""
    random = np.random.default_rng(seed)
    cell = cv.cells[cell] if isinstance(cell, str) else cell
    made: list[Layer] = []
    for k in range(layers):
        below = made[-1].output_size if made else input_size
        reads = below + input_size if more.get("connections") == "skip" and k else below
        made.append(random_layer(cell, reads, hidden, random))
    heads = ()
    if outputs:
        bound = made[-1].output_size ** -0.5
        weight = random.uniform(-bound, bound, (outputs, made[-1].output_size)).astype(np.float32)
        heads = (Linear(weight, random.uniform(-bound, bound, outputs).astype(np.float32)),)
    aux = {a.name: made[0].widths[a.width] for a in made[0].program.aux}
    return Network(None, (), tuple(made), heads=heads, aux=aux, **more)


def data(network: Network, steps: int, seed: int = 1) -> NDArray[np.float32]:
    """Steps of normal numbers; auxiliary inputs are from 0 to 1."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((steps, network.inputs)).astype(np.float32)
    x[:, network.input_size :] = random.uniform(0, 1, (steps, network.inputs - network.input_size))
    if network.embedding is not None:
        x[:, 0] = random.integers(0, len(network.embedding), steps)
    return x


@cache
def _host() -> Target:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return find_target("host")


def planned(network: Network, weights: str = "float32", target: Target | None = None) -> Plan:
    return make_plan(lower(network), target or _host(), weights)


def object_of(plan: Plan, target: Target, prefix: str = "model", assembly: bool = False) -> bytes:
    """An object made in this process, for tests that make many."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    from conveyor.build.codegen.compile import compile_text

    return compile_text(emit(plan, target, prefix), target, assembly)


class Running:
    """Built code in this process."""

    def __init__(self, plan: Plan, target: Target | None = None) -> None:
        self.graph: Graph = plan.graph
        machine = llvm.Target.from_default_triple().create_target_machine()
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        code = object_of(plan, target or _host())
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()
        self.code = code
        # What is beyond the state must not be touched; it begins at no multiple of eight bytes.
        self.memory = np.full(plan.memory.size + 9, np.nan, np.float32)
        self.state = self.memory[1 : 1 + plan.memory.size]

    def call(self, name: str, *args: Any) -> None:
        kinds = [ctypes.c_int32 if isinstance(a, int) else ctypes.c_void_p for a in args]
        function = ctypes.CFUNCTYPE(None, *kinds)(self.engine.get_function_address(f"model_{name}"))
        function(*(a if isinstance(a, int) else a.ctypes.data for a in args))

    def run(self, x: NDArray[np.float32], start: bool = True) -> NDArray[np.float32]:
        y = np.full((len(x), self.graph.outputs), np.nan, np.float32)
        if start:
            self.call("init", self.state)
        self.call("run", self.state, np.ascontiguousarray(x), y, len(x))
        assert np.isnan(self.memory[[0, *range(len(self.state) + 1, len(self.memory))]]).all()
        return y


def run(network: Network, x: NDArray[np.float32], weights: str = "float32") -> NDArray[np.float32]:
    """What the code for this machine gives."""
    return Running(planned(network, weights)).run(x)
