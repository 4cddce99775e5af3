"""Makes a cell's function into a program: traces it, checks its results, resolves the widths, names the values."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any

from conveyor.errors import CellError
from conveyor.frontend.tracer import Tracer, Value
from conveyor.frontend.widths import Width, WidthMismatch
from conveyor.ir.ops import OPS
from conveyor.ir.program import Builder, Program
from conveyor.ir.types import HIDDEN, INPUT, ROW, Bias, Call, Input, Matrix, Output, Param


@dataclass(frozen=True)
class Signature:
    """The parameters of a cell's function: input, states, auxiliary inputs, options."""

    input: str
    states: tuple[str, ...]
    aux: tuple[str, ...]
    options: Mapping[str, Any]


def read_signature(name: str, function: Callable[..., Any]) -> Signature:
    """Read from a function's parameters the input, the states, auxiliary inputs and options.

    Raises:
        CellError: The function's parameters have no such meaning.
    """
    states: list[str] = []
    aux: list[str] = []
    options: dict[str, Any] = {}
    if not callable(function):
        raise CellError(f"cv.cell takes a function, got {function!r}; write @cv.cell, or @cv.cell(name=…) for a name")
    for p in inspect.signature(function).parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise CellError(f"cell {name}: *{p.name} can't be read as states; name each: def {name}(x, h, c)")
        if p.kind is p.KEYWORD_ONLY:
            if p.default is p.empty:
                aux.append(p.name)
            else:
                options[p.name] = p.default
        elif p.default is not p.empty:
            raise CellError(f"cell {name}: state {p.name} has a default; put options after a *: def {name}(x, h, *, …)")
        else:
            states.append(p.name)
    if len(states) < 2:
        raise CellError(f"cell {name} has no state: its parameters are x, then the states; write def {name}(x, h)")
    source, *rest = states
    if "x" in aux and source != "x":
        raise CellError(f"cell {name}: x stands among the auxiliary inputs; the input comes first: def {name}(x, h)")
    if "x" in rest:
        raise CellError(f"cell {name}: x stands among the states; the input comes first: def {name}(x, h)")
    return Signature(source, tuple(rest), tuple(aux), options)


def code_of(function: Callable[..., Any]) -> CodeType | None:
    """Return the code of the function itself, below wrappers, partial applications and callable objects."""
    while True:
        function = inspect.unwrap(function)
        if not isinstance(function, functools.partial):
            break
        function = function.func
    found = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return found if isinstance(found, CodeType) else None


def trace(name: str, function: Callable[..., Any], signature: Signature, options: Mapping[str, Any]) -> Program:
    """Trace a cell's function into a program.

    Raises:
        CellError: A mistake of the cell's author, with the line of the equation and the mend.
    """
    rows: set[str] = set()
    while True:
        # A state is a vector until the function returns one number a row for it, or nothing in the function says how
        # wide it is; then it is traced again as one number a row.
        run = _Run(name, function, signature, options, frozenset(rows))
        found = {s for s, v in run.returned.items() if v.width.is_row} | run.unsized()
        if found <= rows:
            break
        rows |= found
    return run.program()


class _Run:
    """One call of the function on traced values."""

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        signature: Signature,
        options: Mapping[str, Any],
        rows: frozenset[str],
    ) -> None:
        self.tracer = Tracer(name, code_of(function))
        self.signature = signature
        self.widths = {signature.input: Width(INPUT)}
        self.widths |= {s: Width(ROW if s in rows else None) for s in signature.states}
        self.widths |= {a: Width() for a in signature.aux}
        with self.tracer:
            given = {n: self.tracer.read("x" if n == signature.input else n, w) for n, w in self.widths.items()}
            positional = [given[n] for n in (signature.input, *signature.states)]
            keywords = {a: given[a] for a in signature.aux} | dict(options)
            result = self._call(function, positional, keywords)
            self.returned = self._check_returned(result)

    def _call(self, function: Callable[..., Any], args: list[Value], keywords: dict[str, Any]) -> Any:
        try:
            return self.tracer.namer.run(function, *args, **keywords)
        except (NameError, AttributeError, TypeError) as error:
            if not _of_the_equations(error, self.tracer):
                raise
            # A misspelt or foreign function, or a wrong number of arguments: the author's line says it best.
            arity = isinstance(error, TypeError) and ("takes" in str(error) or "missing" in str(error))
            hint = "" if arity else "; " + _FUNCTIONS
            raise CellError(f"{self.tracer.where(_line_in(error, self.tracer))}: {error}{hint}") from error

    def unsized(self) -> set[str]:
        """Return the states, except the output, whose width nothing determines."""
        known = [w for learned in self.tracer.learned.values() for w in learned.widths]

        def is_unsized(state: str) -> bool:
            ends = (self.widths[state], self.returned[state].width)
            return all(end.symbol is None and not any(end.same(w) for w in known) for end in ends)

        return {state for state in self.signature.states[1:] if is_unsized(state)}

    def _check_returned(self, result: Any) -> dict[str, Value]:
        tracer, states = self.tracer, self.signature.states
        if inspect.isgenerator(result):
            tracer.fail(f"the function yields its values one by one; end it with `return {', '.join(states)}`")
        values = result if isinstance(result, tuple | list) else (result,)
        wanted = f"return {', '.join(states)}"
        if result is None:
            tracer.fail(f"the function returns nothing; end it with `{wanted}`")
        if len(values) != len(states):
            missing = ", ".join(states[len(values) :])
            tracer.fail(
                f"{len(values)} value{'s' * (len(values) != 1)} returned for {len(states)} states"
                + (f": {missing} is not returned" if missing else "")
                + f"; end the function with `{wanted}`"
            )
        returned: dict[str, Value] = {}
        for state, value in zip(states, values, strict=True):
            value = tracer.operand(value, f"state {state}")
            if value.boolean:
                tracer.fail(f"state {state} is returned as a condition; make numbers with cv.where(condition, 1, 0)")
            if state == states[0] and tracer.nodes[value.node].op == "input" and tracer.nodes[value.node].attr == "x":
                tracer.fail(f"the input x is returned as state {state}, the output; return the new {state} first")
            if state == states[0] and value.width.symbol == INPUT:
                tracer.fail(
                    f"the output {state} would have the input's width, since it is mixed with x element by element;"
                    f' bring x to the hidden size with cv.affine("name", x)'
                )
            returned[state] = value
        return returned

    def program(self) -> Program:
        """Return the program, with every width resolved."""
        self._settle_widths()
        tracer = self.tracer
        names = self._names()
        keep = self._reachable([v.node for v in self.returned.values()] + list(names.values()))
        params = self._params(keep)
        roles = {self.signature.input: "input"} | dict.fromkeys(self.signature.states, "state")
        inputs = [
            Input(roles.get(n, "aux"), "x" if n == self.signature.input else n, w.settle(HIDDEN))  # type: ignore[arg-type]
            for n, w in self.widths.items()
        ]
        builder = Builder(inputs, params)
        moved: dict[int, int] = {}
        lines: list[int | None] = []
        for index in keep:
            draft = tracer.nodes[index]
            attr = draft.attr.settle(HIDDEN) if isinstance(draft.attr, Width) else draft.attr
            moved[index] = builder.add(draft.op, tuple(moved[a] for a in draft.args), attr)
            if len(builder.nodes) > len(lines):
                lines.append(draft.line)
        program = Program(
            builder.inputs,
            builder.params,
            tuple(builder.nodes),
            tuple(Output("state", s, (moved[v.node],)) for s, v in self.returned.items()),
            {name: moved[n] for name, n in names.items()},
            {moved[n]: Call(c.function, c.name, moved[c.operand]) for n, c in tracer.calls.items() if n in moved},
            tuple(lines),
        )
        program.verify()
        return program

    def _settle_widths(self) -> None:
        for state, value in self.returned.items():
            try:
                self.widths[state].unify(value.width)
            except WidthMismatch as error:
                self.tracer.fail(
                    f"state {state} has width {error.first} where it is read and {error.second} where it is returned;"
                    f" return it with cv.affine(…, size=…) of the same width"
                )
        # The output first: where it meets nothing but an auxiliary input, that has the hidden size, not the reverse.
        self.widths[self.signature.states[0]].settle(HIDDEN)
        for aux in self.signature.aux:
            self.widths[aux].settle(aux)

    def _names(self) -> dict[str, int]:
        names: dict[str, int] = {}
        for variable, values in self.tracer.namer.history.items():
            nodes = list(dict.fromkeys(v.node for v in values[:-1] if v.node != values[-1].node))
            names |= {f"{variable}@{k}": node for k, node in enumerate(nodes, 1)}
            names[variable] = values[-1].node
        for state, value in self.returned.items():
            names.setdefault(state, value.node)
        for name, node in list(names.items()):
            draft, called = self.tracer.nodes[node], self.tracer.calls.get(node)
            if called is not None:
                names[f"{name}.pre"] = called.operand
            elif OPS[draft.op].function and len(draft.args) == 1:
                names[f"{name}.pre"] = draft.args[0]
        return names

    def _reachable(self, roots: list[int]) -> list[int]:
        seen: set[int] = set()
        todo = list(roots)
        while todo:
            n = todo.pop()
            if n not in seen:
                seen.add(n)
                todo.extend(self.tracer.nodes[n].args)
        return sorted(seen)

    def _params(self, keep: list[int]) -> list[Param]:
        read = {
            (self.tracer.nodes[n].op, self.tracer.nodes[n].attr) for n in keep if OPS[self.tracer.nodes[n].op].arity < 2
        }
        params: list[Param] = []
        for key, learned in self.tracer.learned.items():
            if key not in read:
                continue
            widths = [w.settle(HIDDEN) for w in learned.widths]
            p = learned.param
            if isinstance(p, Matrix):
                params.append(replace(p, rows=widths[0], cols=widths[1]))
            elif isinstance(p, Bias):
                params.append(replace(p, width=widths[0]))
            else:
                params.append(replace(p, width=widths[0]))
        return params


_FUNCTIONS = (
    "the language's functions are cv.affine weight layer_norm sigmoid tanh relu exp log log1p softplus sin cos sqrt abs"
    " square clip clip_gradient maximum minimum where sum mean max detach"
)


def _of_the_equations(error: BaseException, tracer: Tracer) -> bool:
    """Tell whether the last frame outside conveyor is the cell's function, rather than a helper of it."""
    last = None
    step = error.__traceback__
    while step is not None:
        frame = step.tb_frame
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if frame.f_code is tracer._code or package not in ("conveyor", "numpy", "torch"):
            last = frame.f_code
        step = step.tb_next
    return last is None or last is tracer._code


def _line_in(error: BaseException, tracer: Tracer) -> int | None:
    line = None
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code is tracer._code:
            line = step.tb_lineno
        step = step.tb_next
    return line
