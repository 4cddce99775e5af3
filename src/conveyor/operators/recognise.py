"""Finds out whether a program says what ONNX's LSTM, GRU or RNN operator computes, from its equations alone.

The operators' equations, in the notation of their specification (operator set 22), with * between matrices and (.) unit
by unit:

    LSTM  i = f(W[i]*X + R[i]*H + P[i](.)C + b[i])      f = f(W[f]*X + R[f]*H + P[f](.)C + b[f])
          c = g(W[c]*X + R[c]*H + b[c])                 C' = f (.) C + i (.) c
          o = f(W[o]*X + R[o]*H + P[o](.)C' + b[o])     H' = o (.) h(C')
    GRU   z = f(W[z]*X + R[z]*H + b[z])                 r = f(W[r]*X + R[r]*H + b[r])
          h = g(W[h]*X + R[h]*(r (.) H) + b[h])         linear_before_reset = 0
          h = g(W[h]*X + r (.) (R[h]*H + Rb[h]) + Wb[h])   linear_before_reset = 1
          H' = (1 - z) (.) h + z (.) H
    RNN   H' = f(W*X + R*H + b)

`input_forget` puts f = 1 - i. Where 1 - f(v) = f(-v), a gate of the other sign and gates coupled the other way round
are these as well, with the gate's weights negated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from conveyor.ir.canonical.linear import Linear, read_linear
from conveyor.ir.canonical.polynomials import ZERO, Forms, Polynomial
from conveyor.ir.program import Program
from conveyor.operators.activations import Activation, Match, match_activation


@dataclass(frozen=True)
class Operator:
    """One of ONNX's recurrent operators, and what of the program makes its weights.

    Attributes:
        name: `LSTM`, `GRU` or `RNN`.
        gates: The pre-activations in the operator's order (iofc, zrh); their terms read `x`, `h` and, for peepholes,
            `c`.
        activations: The operator's activations (fgh, fg, f).
        after_reset: The part of the GRU's candidate that the reset gate multiplies, with `linear_before_reset`.
        clip: The bound of the activations' operands, or None.
        coupled: Whether the forget gate is one minus the input gate.
    """

    name: str
    gates: tuple[Linear, ...]
    activations: tuple[Activation, ...]
    after_reset: Linear | None = None
    clip: float | None = None
    coupled: bool = False

    @property
    def peepholes(self) -> bool:
        """Tells whether a gate reads the memory."""
        return any(gate.reading("c") for gate in self.gates)


@dataclass(frozen=True)
class _Gate:
    """A value as an activation of a linear form."""

    activation: Activation
    linear: Linear
    clip: float | None

    def turned(self) -> _Gate | None:
        """One minus this; None if that is not the same activation."""
        return replace(self, linear=self.linear.negated()) if self.activation.turns_over() else None


@dataclass(frozen=True)
class _Reader:
    """A program under inspection."""

    forms: Forms
    width: str  # of the gates
    x: Polynomial
    h: Polynomial

    def gates(self, value: Polynomial, seen: Mapping[int, str] | None = None) -> Iterator[_Gate]:
        """List the ways to read a value as an activation of a linear form in x and h."""
        for found in match_activation(self.forms, value):
            linear = read_linear(self.forms, found.operand, self.width, {self.x: "x", self.h: "h"}, seen)
            if linear is not None:
                yield _Gate(found.activation, linear, found.clip)

    def atom_gates(self, atom: int | None, seen: Mapping[int, str] | None = None) -> Iterator[_Gate]:
        """List the ways to read a single atom as such an activation."""
        if atom is not None:
            yield from self.gates(Polynomial.atom(atom), seen)


@lru_cache(maxsize=256)
def recognise(program: Program) -> Operator | None:
    """Find the operator that computes this program, or None.

    Neither the names of the cell, its values and its parameters nor the order of operands have a say.
    """
    if program.aux or program.states[0].width != program.states[-1].width:
        return None
    forms = Forms(program)
    x, h = (Polynomial.atom(forms.atom("input", name)) for name in ("x", program.states[0].name))
    reader = _Reader(forms, program.states[0].width, x, h)
    results = [out.args[0] for out in program.outputs]
    find: dict[int, tuple[Callable[[_Reader, list[int]], Operator | None], ...]] = {1: (_plain, _gru), 2: (_lstm,)}
    for look in find.get(len(results), ()):
        found = look(reader, results)
        if found is not None:
            return found
    return None


def _plain(reader: _Reader, results: list[int]) -> Operator | None:
    for gate in reader.gates(reader.forms.of(results[0])):
        if gate.linear.reading("h"):
            return Operator("RNN", (gate.linear,), (gate.activation,), clip=gate.clip)
    return None


# The gated unit with one state


def _gru(reader: _Reader, results: list[int]) -> Operator | None:
    value, old = reader.forms.of(results[0]), reader.h
    for atom in value.atoms:
        parts = value.split(atom)
        if parts is None:
            continue
        keeps = parts[1] == old - parts[0]
        if not keeps and parts[0] != old:
            continue
        candidate = parts[0] if keeps else parts[1] + old
        for update in reader.atom_gates(atom):
            kept = update if keeps else update.turned()
            found = _with_reset(reader, kept, candidate) if kept is not None else None
            if found is not None:
                return found
    return None


@dataclass(frozen=True)
class _Reset:
    """A candidate's operand in which an atom is the reset gate."""

    atom: int
    linear: Linear
    inner: Linear | None


def _with_reset(reader: _Reader, update: _Gate, candidate: Polynomial) -> Operator | None:
    for found in match_activation(reader.forms, candidate):
        if found.clip != update.clip:
            continue
        for reset in _resets(reader, found):
            for gate in reader.atom_gates(reset.atom):
                if (gate.activation, gate.clip) == (update.activation, update.clip):
                    gates = (update.linear, gate.linear, reset.linear)
                    activations = (update.activation, found.activation)
                    return Operator("GRU", gates, activations, reset.inner, update.clip)
    return None


def _resets(reader: _Reader, candidate: Match) -> Iterator[_Reset]:
    forms, value = reader.forms, candidate.operand
    for atom in value.atoms:
        # after the product: outer + r · inner
        parts = value.split(atom)
        if parts is not None and parts[1] != ZERO:
            outer = read_linear(forms, parts[0], reader.width, {reader.x: "x"})
            inner = read_linear(forms, parts[1], reader.width, {reader.h: "h"})
            if outer is not None and inner is not None and inner.reading("h"):
                yield _Reset(atom, outer, inner)
        # before it: a matrix times r · h
        op, _, *args = forms.said(atom)
        for gate in args[0].atoms if op == "product" else ():
            if args[0] == Polynomial.atom(gate) * reader.h:
                linear = read_linear(forms, value, reader.width, {reader.x: "x", args[0]: "h"})
                if linear is not None:
                    yield _Reset(gate, linear, None)


# The gated unit with a memory


@dataclass(frozen=True)
class _Memory:
    """A new memory as forget · memory + admit · candidate; a gate that is None is one minus the other."""

    forget: int | None
    admit: int | None
    candidate: Polynomial


def _lstm(reader: _Reader, results: list[int]) -> Operator | None:
    forms = reader.forms
    memory = forms.atom("input", forms.program.states[1].name)
    new = forms.of(results[1])
    ways = list(_memories(new, Polynomial.atom(memory)))
    if not ways:
        return None
    # From here on the new memory is one thing, wherever it stands.
    fresh = forms.rename(new, "memory")
    for way in ways:
        for out in _outputs(reader, forms.of(results[0]), fresh):
            found = _with_gates(reader, way, memory, out)
            if found is not None:
                return found
    return None


def _memories(new: Polynomial, old: Polynomial) -> Iterator[_Memory]:
    for atom in new.atoms:
        parts = new.split(atom)
        if parts is None or Polynomial.atom(atom) == old:
            continue
        if parts[1] == old:
            for other in parts[0].atoms:
                product = parts[0].split(other)
                if product is not None and product[0] == ZERO:
                    yield _Memory(atom, other, product[1])
        elif parts[0] == old:
            yield _Memory(None, atom, parts[1] + old)
        elif parts[1] == old - parts[0]:
            yield _Memory(atom, None, parts[0])


@dataclass(frozen=True)
class _Out:
    """An output as gate · activation(new memory)."""

    gate: _Gate
    activation: Activation


def _outputs(reader: _Reader, value: Polynomial, fresh: int) -> Iterator[_Out]:
    for atom in value.atoms:
        parts = value.split(atom)
        if parts is None or parts[0] != ZERO:
            continue
        for shown in match_activation(reader.forms, parts[1]):
            if shown.operand == Polynomial.atom(fresh):
                gates = (g for g in reader.atom_gates(atom, {fresh: "c"}) if g.clip == shown.clip)
                yield from (_Out(gate, shown.activation) for gate in gates)


def _with_gates(reader: _Reader, way: _Memory, memory: int, out: _Out) -> Operator | None:
    candidates = [g for g in reader.gates(way.candidate) if g.clip == out.gate.clip]
    pairs = _input_and_forget(reader, way, {memory: "c"}, out.gate)
    for candidate in candidates:
        for admit, forget in pairs:
            gates = (admit.linear, out.gate.linear, forget.linear, candidate.linear)
            activations = (out.gate.activation, candidate.activation, out.activation)
            coupled = way.forget is None or way.admit is None
            return Operator("LSTM", gates, activations, clip=out.gate.clip, coupled=coupled)
    return None


def _input_and_forget(reader: _Reader, way: _Memory, seen: Mapping[int, str], out: _Gate) -> list[tuple[_Gate, _Gate]]:
    """Give the input and the forget gate; a coupled pair becomes two gates, for runtimes without coupling."""

    def read(atom: int | None) -> list[_Gate]:
        found = reader.atom_gates(atom, seen)
        return [g for g in found if (g.activation, g.clip) == (out.activation, out.clip)]

    admits, forgets = read(way.admit), read(way.forget)
    if way.forget is None:
        return [(g, g.turned() or replace(g, linear=Linear())) for g in admits]
    if way.admit is None:
        return [(turned, g) for g in forgets if (turned := g.turned()) is not None]
    return [(a, f) for a in admits for f in forgets]
