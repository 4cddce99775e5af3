"""Traces the assignments of a cell's function, so that every variable is a named value.

A profile hook at the return would see only the last bindings. Opcode events of the cell's own frame see each one, with
no need of the source text, so that cells made in a REPL, a notebook or by `exec` work like any other.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any


class Namer:
    """Collects, per variable of one function, the values of one class that were bound to it, in order."""

    def __init__(self, code: CodeType | None, wanted: type) -> None:
        self._code = code
        self._wanted = wanted
        self._bound: dict[str, Any] = {}
        self._started = False
        self._borrowed = {} if code is None else _borrowed(code)
        self.history: dict[str, list[Any]] = {}
        self.last_line: int | None = None

    def current(self, predicate: Callable[[Any], bool]) -> str | None:
        """Return the first variable that is now bound to a value for which `predicate` holds."""
        return next((name for name, value in self._bound.items() if predicate(value)), None)

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call `function` under a trace of its frame; the previous tracer is restored."""
        earlier = sys.gettrace()
        sys.settrace(self._on_call)
        try:
            return function(*args, **kwargs)
        finally:
            sys.settrace(earlier)

    def _on_call(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code is not self._code or self._started:
            return None
        self._started = True
        # What is bound on entry are the parameters: given, not assigned.
        self._bound = self._values(frame)
        # In this order: Python 3.13 sends no opcode events to a frame that has no tracer yet when they are asked for.
        frame.f_trace = self._on_opcode
        frame.f_trace_opcodes = True
        self.last_line = frame.f_lineno
        return self._on_opcode

    def _on_opcode(self, frame: FrameType, event: str, arg: Any) -> Any:
        self.last_line = frame.f_lineno
        now = self._values(frame)
        for name in [n for n in self._bound if n not in now and not self._is_borrowed(n, frame.f_lasti)]:
            del self._bound[name]  # deleted, or bound to something that is no value of the step
        for name, value in now.items():
            if self._bound.get(name) is not value and not self._is_borrowed(name, frame.f_lasti):
                self._bound[name] = value
                self.history.setdefault(name, []).append(value)
        return self._on_opcode

    def _values(self, frame: FrameType) -> dict[str, Any]:
        # `type` rather than isinstance, which asks foreign objects (proxies) for their class and may raise.
        return {name: value for name, value in frame.f_locals.items() if type(value) is self._wanted}

    def _is_borrowed(self, name: str, offset: int) -> bool:
        return any(first < offset <= last for first, last in self._borrowed.get(name, ()))


def _borrowed(code: CodeType) -> dict[str, list[tuple[int, int]]]:
    """Return for each variable the bytecode offsets at which it belongs to a comprehension.

    Since Python 3.12 a comprehension runs in the frame of its function (PEP 709): it sets the variables of that name
    aside, uses them, and puts them back. They are not assigned by the function, and Python 3.11 does not show them.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    instructions = list(dis.get_instructions(code))
    for k, instruction in enumerate(instructions):
        if instruction.opname == "LOAD_FAST_AND_CLEAR":
            name = instruction.argval
            loop = next((i for i in instructions[k:] if i.opname == "FOR_ITER"), None)
            after = instruction.offset if loop is None else loop.argval
            back = (i.offset for i in instructions[k:] if i.offset >= after and _stores(i, name))
            found.setdefault(name, []).append((instruction.offset, next(back, after)))
    return found


def _stores(instruction: dis.Instruction, name: str) -> bool:
    # Two instructions may be joined into one that has two variables, such as STORE_FAST_STORE_FAST.
    if not instruction.opname.startswith("STORE_FAST"):
        return False
    stored = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
    return name in (stored[:1] if instruction.opname == "STORE_FAST_LOAD_FAST" else stored)
