"""A step as portable C11: the same graph and order of work, in loops over units that compilers make vectors of.

    for each loop over units:
        sums = biases
        for eight numbers of an operand at a time: sums += their columns of the matrices
        for each unit: pointwise work, stores

A sum over the units is made in eight partial sums, since a compiler must not change the order of additions. Nothing is
called, libm neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.build.c_source.functions import number, write_functions
from conveyor.build.codegen.functions import is_gate
from conveyor.build.lowering import pack
from conveyor.build.lowering.graph import Graph, Matrix
from conveyor.build.lowering.memory import Memory, lay_out
from conveyor.build.lowering.pack import BF16, FLOAT32, INT8, dense, format_of, row_scales, to_bf16, to_int8
from conveyor.build.lowering.stages import REDUCTIONS, Loop, schedule
from conveyor.build.lowering.tiling import Tiling

# One table keyed by the names of conveyor.ir.ops: the expression, and the functions that it calls.
EXPRESSIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "add": ("{0} + {1}", ()),
    "sub": ("{0} - {1}", ()),
    "mul": ("{0} * {1}", ()),
    "div": ("{0} / {1}", ()),
    "neg": ("-{0}", ()),
    "sigmoid": ("f_sigmoid({0})", ("f_sigmoid",)),
    "tanh": ("f_tanh({0})", ("f_tanh",)),
    "relu": ("f_above({0}, 0.0f)", ("f_above",)),
    "exp": ("f_exp({0})", ("f_exp",)),
    "log": ("f_log({0})", ("f_log",)),
    "log1p": ("f_log1p({0})", ("f_log1p",)),
    "softplus": ("f_softplus({0})", ("f_softplus",)),
    "sin": ("f_wave({0}, 0u)", ("f_wave",)),
    "cos": ("f_wave({0}, 1u)", ("f_wave",)),
    "sqrt": ("f_sqrt({0})", ("f_sqrt",)),
    "abs": ("f_abs({0})", ("f_abs",)),
    "square": ("{0} * {0}", ()),
    "clip": ("f_below(f_above({0}, {low}), {high})", ("f_below", "f_above")),
    "maximum": ("f_larger({0}, {1})", ("f_larger",)),
    "minimum": ("f_smaller({0}, {1})", ("f_smaller",)),
    "detach": ("{0}", ()),
    "clip_gradient": ("{0}", ()),
    "broadcast": ("{0}", ()),
    "where": ("{0} ? {1} : {2}", ()),
    "lt": ("{0} < {1}", ()),
    "le": ("{0} <= {1}", ()),
    "gt": ("{0} > {1}", ()),
    "ge": ("{0} >= {1}", ()),
    "eq": ("{0} == {1}", ()),
    "ne": ("{0} != {1}", ()),
    "and": ("{0} & {1}", ()),
    "or": ("{0} | {1}", ()),
    "not": ("!{0}", ()),
}
READERS = ("input", "const", "width", "bias", "vector", "product", "product_t", "sum", "max")
TOGETHER = 8  # numbers of an operand whose columns are added at once
_TYPES = {FLOAT32: "float", BF16: "uint16_t", INT8: "int8_t"}
_READ = {FLOAT32: "{0}", BF16: "from_bits((uint32_t){0} << 16)", INT8: "(float){0}"}


def emit_c(graph: Graph, weights: str, prefix: str) -> tuple[Memory, str]:
    """Writes a step as C.

    Args:
        graph: The step.
        weights: How weights are stored.
        prefix: What names begin with.

    Returns:
        The layout of the state, and the source.
    """
    writer = _Writer(graph, weights, prefix)
    source = writer.source()
    return writer.memory, source


def _padded(width: int) -> int:
    return width if width <= 4 else -(-width // 8) * 8


class _Writer:
    def __init__(self, graph: Graph, weights: str, prefix: str) -> None:
        self.graph, self.nodes, self.weights, self.prefix = graph, graph.nodes, weights, prefix
        self.stages = schedule(graph)
        # All sums of a loop are made before its units are gone over.
        laid = lay_out(self.stages, _padded, lambda loop: True, False)
        loops = [loop for level in self.stages.levels for loop in level.loops]
        self.sums_at = laid.size
        wide = max((_padded(x.width) * (len(x.sums) + self._extra(x)) for x in loops), default=0)
        self.memory = Memory(graph, laid.states, laid.second, laid.slots, {}, -1, laid.size + wide)
        self.constants: list[str] = []
        self.used: dict[str, None] = {}
        self.kinds: dict[str, None] = {}
        self.lines: list[str] = []
        self.count = 0

    def _extra(self, loop: Loop) -> int:
        """Rows of memory beside the sums: whole-number products, and what reductions read."""
        return (len(loop.sums) if self.weights == INT8 else 0) + len(loop.reductions)

    # Constants

    def constant(self, values: NDArray[Any], kind: str) -> str:
        """Writes an array; returns its name."""
        name = f"{self.prefix}_c{self.count}"
        self.count += 1
        flat = values.ravel()
        words = [number(v) for v in flat] if kind == "float" else [str(int(v)) for v in flat]
        rows = [", ".join(words[k : k + 8]) for k in range(0, len(words), 8)]
        self.constants.append(f"static const {kind} {name}[{len(flat)}] = {{\n    " + ",\n    ".join(rows) + "};")
        return name

    def per_unit(self, values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
        found = np.zeros(_padded(width), np.float32)
        found[: len(values)] = values
        return found

    # The source

    def source(self) -> str:
        self._step()
        text = "\n".join(self.lines)
        step = "\n".join(f"    {line}" if line else "" for line in self.lines)
        p, upper = self.prefix, self.prefix.upper()
        initial = []
        for k, s in enumerate(self.graph.states):
            if np.any(s.initial):
                name = self.constant(np.asarray(s.initial), "float")
                slot = self.memory.states[k]
                initial.append(f"    for (int k = 0; k < {len(s.initial)}; k++) state->memory[{slot} + k] = {name}[k];")
        kernels = "\n\n".join(_kernel(kind) for kind in self.kinds)
        names = [n for n in ("from_bits",) if self.kinds.keys() & {BF16}] + list(self.used)
        parts = [
            f'#include "{p}.h"',
            write_functions(dict.fromkeys(names)),
            _SUMS if "sum_of" in text else "",
            _MOST if "most_of" in text else "",
            kernels,
            "\n\n".join(self.constants),
            f"void {p}_init({p}_state *state) {{\n"
            f"    for (int k = 0; k < {upper}_STATE_SIZE; k++) state->memory[k] = 0.0f;\n" + "\n".join(initial) + "\n}",
            f"void {p}_reset({p}_state *state) {{ {p}_init(state); }}",
            f"void {p}_step({p}_state *state, const float *x, float *y) {{\n"
            f"    float *const m = state->memory;\n{step}\n}}",
            f"void {p}_run({p}_state *state, const float *x, float *y, int32_t steps) {{\n"
            f"    for (int32_t t = 0; t < steps; t++)\n"
            f"        {p}_step(state, x + (intptr_t)t * {upper}_INPUTS, y + (intptr_t)t * {upper}_OUTPUTS);\n}}",
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def say(self, line: str) -> None:
        self.lines.append(line)

    # The step

    def _step(self) -> None:
        for n, node in enumerate(self.nodes):
            if node.op == "state" and node.width is None and n in self.graph.live():
                self.say(f"const float n{n} = m[{self.memory.states[node.attr]}];")
        for n in self.stages.copied:
            self._copy_in(n)
        for level in self.stages.levels:
            for n in level.concats:
                start = self.memory.slots[n]
                for a in self.nodes[n].args:
                    width = self.nodes[a].width or 0
                    self.say(f"for (int k = 0; k < {width}; k++) m[{start} + k] = {self.address(a)}[k];")
                    start += width
            for n in level.numbers:
                self._number(n)
            for loop in level.loops:
                self._loop(loop)
        self._finish()

    def address(self, n: int) -> str:
        """Write the address of a vector."""
        node = self.nodes[n]
        if n in self.memory.slots:
            return f"(m + {self.memory.slots[n]})"
        if node.op == "input":
            return f"(x + {node.attr})"
        assert node.op == "array", node
        return self.constant(self.graph.arrays[node.attr], "float")

    def _copy_in(self, n: int) -> None:
        node, slot = self.nodes[n], self.memory.slots[n]
        if node.op == "input":
            self.say(f"for (int k = 0; k < {node.width}; k++) m[{slot} + k] = x[{node.attr} + k];")
            return
        table = self.graph.arrays[node.attr]
        self._use("f_above", "f_below")
        self.say(f"const float asked = f_below(f_above(x[0], 0.0f), {number(float(table.shape[0] - 1))});")
        self.say("const int32_t token = asked == asked ? (int32_t)asked : 0;")
        name = self.constant(table, "float")
        self.say(f"for (int k = 0; k < {node.width}; k++) m[{slot} + k] = {name}[token * {node.width} + k];")

    def _use(self, *names: str) -> None:
        for name in names:
            self.used[name] = None

    def _number(self, n: int) -> None:
        node = self.nodes[n]
        if node.op in ("const", "state"):
            return
        kind = "int" if node.boolean else "float"
        if node.op == "input":
            self.say(f"const float n{n} = x[{node.attr}];")
        else:
            self.say(f"const {kind} n{n} = {self.expression(n)};")

    def expression(self, n: int) -> str:
        """A pointwise node in C; its operands are variables."""
        node = self.nodes[n]
        args = [self.named(a) for a in node.args]
        if node.op == "sigmoid" and is_gate(self.graph, n):
            self._use("f_gate")
            return f"f_gate({args[0]})"
        text, calls = EXPRESSIONS[node.op]
        self._use(*calls)
        limits = dict(zip(("low", "high"), map(number, node.attr), strict=True)) if node.op == "clip" else {}
        return text.format(*args, **limits)

    def named(self, n: int) -> str:
        """The variable of a node, or the number that it is."""
        node = self.nodes[n]
        if node.op == "const":
            text = number(node.attr)
            if "INFINITE" in text:
                self._use("INFINITE")
            return f"({text})" if text.startswith("-") else text
        return f"n{n}"

    # Loops

    def _loop(self, loop: Loop) -> None:
        width, wide = loop.width, _padded(loop.width)
        self.say("{")
        self._sums(loop, wide)
        for k, r in enumerate(loop.reductions):
            self.say(f"float *const r{r} = m + {self.sums_at + (self._rows(loop) + k) * wide};")
        self.say(f"for (int u = 0; u < {wide}; u++) {{")
        for k, n in enumerate(loop.sums):
            self.say(f"    const float n{n} = m[{self.sums_at + k * wide} + u];")
        for n in sorted((*loop.reads, *loop.pointwise)):
            node = self.nodes[n]
            kind = "int" if node.boolean else "float"
            text = self._read(n, width) if n in loop.reads else self.expression(n)
            self.say(f"    const {kind} n{n} = {text};")
        for n in loop.stores:
            value = f"(n{n} ? 1.0f : 0.0f)" if self.nodes[n].boolean else f"n{n}"
            for slot in self.memory.targets(n):
                self.say(f"    m[{slot} + u] = {value};")
        for r in loop.reductions:
            self.say(f"    r{r}[u] = n{self.nodes[r].args[0]};")
        self.say("}")
        self.say("}")
        for k, r in enumerate(loop.reductions):
            place = self.sums_at + (self._rows(loop) + k) * wide
            if self.nodes[r].op == "max":
                self._use("f_larger", "INFINITE")
            name = {"sum": "sum_of", "max": "most_of"}[self.nodes[r].op]
            self.say(f"const float n{r} = {name}(m + {place}, {width});")

    def _rows(self, loop: Loop) -> int:
        return len(loop.sums) * (2 if self.weights == INT8 else 1)

    def _read(self, n: int, width: int) -> str:
        node = self.nodes[n]
        if node.op == "array":
            return f"{self.constant(self.per_unit(self.graph.arrays[node.attr], width), 'float')}[u]"
        text = f"m[{self.memory.slots[n]} + u]"
        return f"{text} != 0.0f" if node.boolean else text

    def _sums(self, loop: Loop, wide: int) -> None:
        if not loop.sums:
            return
        biases = np.zeros((len(loop.sums), wide), np.float32)
        for s, n in enumerate(loop.sums):
            if self.nodes[n].attr.bias is not None:
                biases[s, : loop.width] = self.graph.arrays[self.nodes[n].attr.bias]
        start = self.constant(biases, "float") + "[k]" if biases.any() else "0.0f"
        self.say(f"for (int k = 0; k < {biases.size}; k++) m[{self.sums_at} + k] = {start};")
        tiling = Tiling(wide, 1, 1, TOGETHER, False)
        for (operand, _, _), members in pack.loop_groups(self.graph, loop, tiling).items():
            self._products(loop, operand, members, wide)

    def _products(self, loop: Loop, operand: int, members: Sequence[tuple[int, Matrix]], wide: int) -> None:
        full = [dense(self.graph.arrays[m.array], m.blocks) for _, m in members]
        inner = full[0].shape[1]
        kind = format_of(inner, self.weights)
        self.kinds[kind] = None
        scales = [row_scales(w) for w in full]
        stored: list[NDArray[Any]]
        if kind == FLOAT32:
            stored = list(full)
        elif kind == BF16:
            stored = [to_bf16(w) for w in full]
        else:
            stored = [to_int8(w, s) for w, s in zip(full, scales, strict=True)]
        rows = np.zeros((inner, len(full), wide), stored[0].dtype)
        for k, w in enumerate(stored):
            rows[:, k, : loop.width] = w.T
        name = self.constant(rows, _TYPES[kind])
        base = self.sums_at + (len(loop.sums) * wide if kind == INT8 else 0)
        if kind == INT8:
            self.say(f"for (int k = 0; k < {len(loop.sums) * wide}; k++) m[{base} + k] = 0.0f;")
        for first, last in _runs([s for s, _ in members]):
            at = [s for s, _ in members].index(first)
            run = (last - first + 1) * wide
            self.say(
                f"add_{_names(kind)}(m + {base + first * wide}, {name} + {at * wide}, {self.address(operand)}, {run},"
                f" {len(full) * wide}, {inner});"
            )
        if kind == INT8:
            factors = np.zeros((len(loop.sums), wide), np.float32)
            for (s, _), values in zip(members, scales, strict=True):
                factors[s, : loop.width] = values
            scale = self.constant(factors, "float")
            self.say(f"for (int k = 0; k < {factors.size}; k++) m[{self.sums_at} + k] += m[{base} + k] * {scale}[k];")

    def _finish(self) -> None:
        graph = self.graph
        if isinstance(graph.output, int):
            if self.nodes[graph.output].width is None:
                self.say(f"y[0] = {self.named(graph.output)};")
            else:
                self.say(f"for (int k = 0; k < {graph.outputs}; k++) y[k] = {self.address(graph.output)}[k];")
        else:
            for k, n in enumerate(graph.output):
                self.say(f"y[{k}] = {self.named(n)};")
        for k, s in enumerate(graph.states):
            if s.width is None:
                self.say(f"m[{self.memory.states[k]}] = {self.named(s.next)};")
            elif k in self.memory.second:
                self.say(
                    f"for (int k = 0; k < {s.width}; k++)"
                    f" m[{self.memory.states[k]} + k] = m[{self.memory.second[k]} + k];"
                )


def _names(kind: str) -> str:
    return {FLOAT32: "products", BF16: "halves", INT8: "wholes"}[kind]


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers in order, as runs from first to last."""
    found: list[tuple[int, int]] = []
    for n in numbers:
        if found and n == found[-1][1] + 1:
            found[-1] = found[-1][0], n
        else:
            found.append((n, n))
    return found


def _kernel(kind: str) -> str:
    """The function that adds the columns of a matrix, times the numbers of an operand."""
    read: Callable[[str], str] = _READ[kind].format
    lines = [
        f"static inline void add_{_names(kind)}(float *restrict sums, const {_TYPES[kind]} *restrict weights,",
        "        const float *restrict operand, int columns, int stride, int inner) {",
        "    int k = 0;",
        f"    for (; k + {TOGETHER} <= inner; k += {TOGETHER}) {{",
        f"        const {_TYPES[kind]} *const w = weights + (intptr_t)k * stride;",
        "        const float " + ", ".join(f"v{k} = operand[k + {k}]" for k in range(TOGETHER)) + ";",
        "        for (int j = 0; j < columns; j++) {",
        "            float total = sums[j];",
        *(f"            total += v{k} * {read(f'w[{k} * stride + j]')};" for k in range(TOGETHER)),
        "            sums[j] = total;",
        "        }",
        "    }",
        "    for (; k < inner; k++) {",
        f"        const {_TYPES[kind]} *const w = weights + (intptr_t)k * stride;",
        "        const float v = operand[k];",
        f"        for (int j = 0; j < columns; j++) sums[j] += v * {read('w[j]')};",
        "    }",
        "}",
    ]
    return "\n".join(lines)


_SUMS = """\
/* The sum of some numbers, in eight partial sums. */
static inline float sum_of(const float *values, int count) {
    float parts[8] = {0};
    int k = 0;
    for (; k + 8 <= count; k += 8)
        for (int j = 0; j < 8; j++) parts[j] += values[k + j];
    for (; k < count; k++) parts[0] += values[k];
    return ((parts[0] + parts[4]) + (parts[1] + parts[5])) + ((parts[2] + parts[6]) + (parts[3] + parts[7]));
}"""
_MOST = """\
/* The largest of some numbers; NaN if one is. */
static inline float most_of(const float *values, int count) {
    float most = -INFINITE;
    for (int k = 0; k < count; k++) most = f_larger(most, values[k]);
    return most;
}"""

__all__ = ["EXPRESSIONS", "READERS", "REDUCTIONS", "emit_c"]
