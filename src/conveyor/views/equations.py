"""Prints a program as the equations that it came from: as plain text, and as LaTeX.

Each named value has a line. What is printed is read from the program, so a cell that was loaded without its source
prints as well, and what it prints is what runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conveyor.ir.ops import OPS
from conveyor.ir.program import Program
from conveyor.ir.types import ROW, Matrix

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega"
).split()
_ACCENTS = ("tilde", "hat", "bar")


@dataclass(frozen=True)
class _Style:
    """A notation: how names, numbers and operations are written."""

    template: Callable[[str], str]  # op to its template
    value: Callable[[str, str], str]  # name and time ("t", "t-1") of a value
    parameter: Callable[[str, str], str]  # letter and index
    weight: Callable[[str], str]  # name of a per-unit weight
    call: Callable[[str, str, str], str]  # function, its name, its operand
    number: Callable[[float], str]
    scale: str  # between a number a row and a vector
    equals: str
    bracket: str


def print_equations(program: Program) -> str:
    """Print the equations as plain text, a line for each named value."""
    return "\n".join(_Printer(program, _TEXT).lines()) + "\n"


def print_latex(program: Program) -> str:
    """Print the equations as LaTeX, an `align*` environment with a line for each named value."""
    body = " \\\\\n".join(_Printer(program, _LATEX).lines())
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def print_equation(program: Program, node: int, *, latex: bool = False) -> str:
    """Print the equation of one value; of a value without a name, its right side alone.

    Args:
        program: The program.
        node: The value.
        latex: As LaTeX rather than plain text.
    """
    style = _LATEX if latex else _TEXT
    printer = _Printer(program, style)
    told = printer._expression(node)[0]
    name = printer.names.get(node)
    return f"{style.value(name, 't')}{style.equals.replace('&', '')}{told}" if name else told


def print_value(program: Program, node: int, *, latex: bool = False) -> str:
    """Writes a value in an equation: by its name, or as the expression that makes it."""
    return _Printer(program, _LATEX if latex else _TEXT)._operand(node)[0]


class _Printer:
    def __init__(self, program: Program, style: _Style) -> None:
        self.program = program
        self.style = style
        self.names = _primary_names(program)

    def lines(self) -> list[str]:
        """Print an equation for each named value, in the order of computation."""
        style = self.style
        return [
            f"{style.value(name, 't')}{style.equals}{self._expression(index)[0]}"
            for index, name in sorted(self.names.items())
        ] + self._renamed_states()

    def _renamed_states(self) -> list[str]:
        """Print the states whose new value has another name, or that of another state."""
        lines = []
        for out in self.program.outputs:
            index = out.args[0]
            if self.names.get(index) != out.name:
                told = self._operand(index)[0]
                lines.append(f"{self.style.value(out.name, 't')}{self.style.equals}{told}")
        return lines

    def _operand(self, index: int) -> tuple[str, int]:
        """Print a value inside an expression, and give its precedence."""
        if index in self.names:
            return self.style.value(self.names[index], "t"), 9
        return self._expression(index)

    def _expression(self, index: int) -> tuple[str, int]:
        program, style = self.program, self.style
        node, called = program.nodes[index], program.calls.get(index)
        if called is not None:
            return style.call(called.function, called.name, self._operand(called.operand)[0]), 9
        if node.op == "input":
            state = any(s.name == node.attr for s in program.states)
            return style.value(node.attr, "t-1" if state else "t"), 9
        if node.op == "const":
            return style.number(node.attr), 9
        if node.op == "vector":
            return style.weight(node.attr), 9
        if node.op == "bias":
            name, _, count = str(node.attr).partition("#")
            return style.parameter("b" + "'" * (int(count) - 1 if count else 0), name), 9
        args = [self._operand(a) for a in node.args]
        if node.op in ("product", "product_t"):
            matrix = style.parameter(*self._matrix(program.matrix(node)))
            return style.template(node.op).format(self._wrap(*args[0], 8), attr=matrix), 7
        row = OPS[node.op]
        if row.function or row.result in ("source", "broadcast", "reduction"):
            attr = tuple(style.number(a) for a in node.attr) if isinstance(node.attr, tuple) else node.attr
            return style.template(node.op).format(*(a for a, _ in args), attr=attr), 9
        if node.op == "mul" and any(program.nodes[a].type.width == ROW for a in node.args):
            return self._infix(f"{{0}}{style.scale}{{1}}", args, row.precedence, False), row.precedence
        fraction = "frac" in style.template(node.op)
        template, ordered = style.template(node.op), node.op in ("sub", "div")
        if fraction:
            return template.format(*(a for a, _ in args)), 9
        return self._infix(template, args, row.precedence, ordered), row.precedence

    def _infix(self, template: str, args: list[tuple[str, int]], precedence: int, ordered: bool) -> str:
        """Operands bracketed where they bind less tightly; the right one of a − b and a / b also where equally."""
        last = len(args) - 1
        return template.format(*(self._wrap(*a, precedence + (ordered and k == last)) for k, a in enumerate(args)))

    def _wrap(self, text: str, binds: int, wanted: int) -> str:
        return text if binds >= wanted else self.style.bracket.format(text)

    def _matrix(self, matrix: Matrix) -> tuple[str, str]:
        """Letter and index: W for the input, R for the first state, V for anything else."""
        inputs = self._inputs_of(matrix)
        if inputs == ["x"]:
            return "W", matrix.name
        if inputs == [self.program.states[0].name]:
            return "R", matrix.name
        others = [p for p in self.program.params if isinstance(p, Matrix) and p.name == matrix.name]
        alone = sum(p.operand not in ("x", self.program.states[0].name) for p in others) == 1
        return "V", matrix.name if alone else f"{matrix.name}_{matrix.operand}"

    def _inputs_of(self, matrix: Matrix) -> list[str]:
        """The given value that a matrix multiplies; empty for a value that the step computes."""
        nodes = self.program.nodes
        operands = {n.args[0] for n in nodes if n.op == "product" and n.attr == matrix.key}
        return [str(nodes[a].attr) for a in operands if nodes[a].op == "input"]


def _primary_names(program: Program) -> dict[int, str]:
    """One name a value: that of the state it is the new value of, or its first. Given values keep their own."""
    states = {out.args[0]: out.name for out in reversed(program.outputs)}
    chosen: dict[int, str] = {}
    for name, index in program.names.items():
        if name.endswith(".pre") or program.nodes[index].op in ("input", "const", "vector", "bias"):
            continue
        if index not in chosen or states.get(index) == name:
            chosen[index] = name
    return chosen


_TEXT = _Style(
    template=lambda op: OPS[op].text,
    value=lambda name, time: f"{name}[{time}]",
    parameter=lambda letter, index: f"{letter}_{index}",
    weight=lambda name: name,
    call=lambda function, name, operand: f'{function}("{name}", {operand})' if name else f"{function}({operand})",
    number=lambda number: f"{number:g}",
    scale=" * ",
    equals=" = ",
    bracket="({})",
)


def _latex_number(number: float) -> str:
    mantissa, _, exponent = f"{number:g}".partition("e")
    if mantissa in ("inf", "-inf"):
        return mantissa.replace("inf", r"\infty")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def _symbol(word: str) -> str:
    if word in _GREEK:
        return "\\" + word
    return word if len(word) == 1 else rf"\mathrm{{{word}}}"


def _latex_value(name: str, time: str) -> str:
    name, _, version = name.partition("@")
    base, *rest = name.split("_")
    if len(base) > 1 and base not in _GREEK:
        base, rest = name.replace("_", r"\_"), []
    symbol = _symbol(base)
    if rest and rest[0] in _ACCENTS:
        symbol = rf"\{rest.pop(0)}{{{symbol}}}"
    above = ",".join([*map(_symbol, rest), *([f"({version})"] if version else [])])
    return symbol + (f"^{{{above}}}" if above else "") + f"_{{{time}}}"


def _latex_index(index: str) -> str:
    return ",".join(_symbol(part) for part in index.split("_") if part)


def _latex_weight(name: str) -> str:
    base, *rest = name.split("_")
    return _symbol(base) + (f"_{{{','.join(map(_symbol, rest))}}}" if rest else "")


def _latex_call(function: str, name: str, operand: str) -> str:
    short = {"layer_norm": "LN"}.get(function, function)
    return rf"\mathrm{{{short}}}" + (f"_{{{_latex_index(name)}}}" if name else "") + f"({operand})"


_LATEX = _Style(
    template=lambda op: OPS[op].latex,
    value=_latex_value,
    parameter=lambda letter, index: f"{letter}_{{{_latex_index(index)}}}",
    weight=_latex_weight,
    call=_latex_call,
    number=_latex_number,
    scale=r"\,",
    equals=" &= ",
    bracket="({})",
)
