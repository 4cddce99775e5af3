"""Watches the variables that a cell's function assigns, so that every one of them is a named value.

A profile hook at the return would see only the last bindings. Opcode events of the cell's own frame see each one, with
no need of the source text, so that cells made in a REPL, a notebook or by `exec` work like any other.
"""

from __future__ import annotations

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
        self.history: dict[str, list[Any]] = {}
        self.last_line: int | None = None

    def current(self, predicate: Callable[[Any], bool]) -> str | None:
        """The first variable that is now bound to a value for which `predicate` holds."""
        return next((name for name, value in self._bound.items() if predicate(value)), None)

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call `function`, watching its frame; whatever tracer was there before is put back."""
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
        self._bound = {k: v for k, v in frame.f_locals.items() if isinstance(v, self._wanted)}
        frame.f_trace_opcodes = True
        self.last_line = frame.f_lineno
        return self._on_opcode

    def _on_opcode(self, frame: FrameType, event: str, arg: Any) -> Any:
        self.last_line = frame.f_lineno
        for name, value in frame.f_locals.items():
            if isinstance(value, self._wanted) and self._bound.get(name) is not value:
                self._bound[name] = value
                self.history.setdefault(name, []).append(value)
        return self._on_opcode
