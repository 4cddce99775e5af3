"""Reads programs from the text that `conveyor.ir.printer` writes."""

from __future__ import annotations

import re
from typing import Any, get_args

from conveyor.errors import ProgramError
from conveyor.ir.ops import OPS
from conveyor.ir.printer import HEADER, VERSION
from conveyor.ir.program import Program
from conveyor.ir.types import Bias, Call, Input, Matrix, Node, Output, Param, Role, Type, Vector

_WHOLE = re.compile(r"[0-9]{1,9}")


def parse(text: str) -> Program:
    """Read a program from its text.

    Raises:
        ProgramError: The text is not a program, was written by a later version, or is ill-formed; with the line.
    """
    lines = text.split("\n")  # splitlines() would also split at separators that only a damaged text has
    head = lines[0].split()
    if len(head) != 2 or head[0] != HEADER or not _WHOLE.fullmatch(head[1]) or int(head[1]) < 1:
        raise ProgramError(f"not the text of a program: expected its first line to be '{HEADER} {VERSION}'")
    if int(head[1]) > VERSION:
        raise ProgramError(f"the program has version {head[1]}, this conveyor reads up to {VERSION}; upgrade conveyor")
    if lines[-1].strip():
        # Half a number can look like a whole one: `return state h %1` of `%12`.
        raise ProgramError(f"line {len(lines)} of the program is cut off: {lines[-1].strip()!r} lacks its line end")
    reader = _Reader()
    for number, line in enumerate(lines[1:], 2):
        try:
            reader.read(line)
        except (ValueError, IndexError) as error:
            raise ProgramError(f"line {number} of the program cannot be read: {line.strip()!r} ({error})") from None
    if not reader.outputs:
        raise ProgramError(f"line {len(lines)} of the program: the text ends before the program returns anything")
    program = reader.program()
    program.verify()
    return program


class _Reader:
    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.params: list[Param] = []
        self.nodes: list[Node] = []
        self.outputs: list[Output] = []
        self.names: dict[str, int] = {}
        self.calls: dict[int, Call] = {}

    def program(self) -> Program:
        return Program(
            tuple(self.inputs), tuple(self.params), tuple(self.nodes), tuple(self.outputs), self.names, self.calls
        )

    def read(self, line: str) -> None:
        body, _, names = line.partition(";")
        words = body.split()
        if not words:
            return
        first = words[0]
        if first.startswith("%"):
            self._node(words, [n.strip() for n in names.split(",")] if names.strip() else [])
        elif first in get_args(Role):
            _, name, width = words
            self.inputs.append(Input(first, name, width))  # type: ignore[arg-type]
        elif first == "matrix":
            _, name, operand, rows, cols, blocks = words
            self.params.append(Matrix(name, operand, rows, cols, int(blocks)))
        elif first == "bias":
            _, name, index, width, operands = words
            self.params.append(Bias(name, int(index), width, tuple(operands.split(","))))
        elif first == "vector":
            _, name, width, *initial = words
            if len(initial) > 1:
                raise ValueError("expected a name, a width, and at most one first value")
            self.params.append(Vector(name, width, float(initial[0]) if initial else None))
        elif first == "call":
            _, node, function, name, operand = words
            self.calls[_index(node)] = Call(function, "" if name == "-" else name, _index(operand))
        elif first == "return":
            self.outputs.append(Output(words[1], words[2], tuple(_index(w) for w in words[3:])))
        else:
            raise ValueError(f"unknown item '{first}'")

    def _node(self, words: list[str], names: list[str]) -> None:
        index, equals, op = _index(words[0]), words[1], words[2]
        if index != len(self.nodes) or equals != "=":
            raise ValueError(f"expected '%{len(self.nodes)} ='")
        if op not in OPS:
            raise ValueError(f"unknown operation '{op}'")
        colon = words.index(":", 3)
        rest = words[3:colon]
        attr: Any = rest.pop(0) if rest and not rest[0].startswith("%") else None
        if attr is not None and op in ("const", "clip", "clip_gradient"):
            attr = _numbers(attr)
        args = tuple(_index(w) for w in rest)
        *boolean, width = words[colon + 1 :]
        if boolean not in ([], ["bool"]):
            raise ValueError(f"expected a width, or bool and a width, got '{' '.join(words[colon + 1 :])}'")
        self.nodes.append(Node(op, args, attr, Type(width, bool(boolean))))
        for name in names:
            if self.names.setdefault(name, index) != index:
                raise ValueError(f"the name '{name}' already belongs to %{self.names[name]}")


def _index(word: str) -> int:
    if not word.startswith("%") or not _WHOLE.fullmatch(word[1:]):
        raise ValueError(f"expected a value such as %3, got '{word}'")
    return int(word[1:])


def _numbers(word: str) -> Any:
    if word.startswith("(") and word.endswith(")"):
        return tuple(float(w) for w in word[1:-1].split(","))
    return float(word)
