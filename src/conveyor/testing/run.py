"""The checks by name, and a cell through all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from conveyor import backends
from conveyor.errors import ArgumentError
from conveyor.frontend import CellDefinition
from conveyor.testing import agreement, keeping, sequences, single, training
from conveyor.testing.compare import ConformanceError
from conveyor.testing.trial import Trial, trial_of

CHECKS: Mapping[str, Callable[[Trial], None]] = {
    "agrees with the reference": agreement.agrees,
    "exact in float32": agreement.is_exact,
    "inference is training": agreement.inference_is_training,
    "memory layouts": agreement.lies_anywhere,
    "rows apart": agreement.does_not_mix_rows,
    "repeatable": agreement.repeats,
    "second derivatives": agreement.has_second_derivatives,
    "lengths": sequences.lengths,
    "packed sequences": sequences.packed,
    "resets": sequences.resets,
    "reverse": sequences.reverse,
    "initial states": sequences.initial_states,
    "stacks": sequences.stacks,
    "connections": training.connections,
    "dropout": training.dropout,
    "zoneout": training.zoneout,
    "gradient limits": training.gradient_limits,
    "chunks": training.chunks,
    "parts": training.parts,
    "steps": single.steps,
    "stream": single.stream,
    "functional calls": single.functional,
    "copies": keeping.copies,
    "files": keeping.files,
}


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    Attributes:
        check: The check's name.
        backend: The backend that ran.
        problem: What is wrong; None if nothing is.
    """

    check: str
    backend: str
    problem: str | None


def check(
    cell: CellDefinition | str,
    name: str,
    backend: str = "cpu",
    *,
    input_size: int = 4,
    hidden_size: int = 6,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
) -> None:
    """One check of one cell on one backend; made for `pytest.mark.parametrize`.

    Args:
        cell: The cell, or a built-in one's name.
        name: One of `CHECKS`.
        backend: The backend that runs.
        input_size: I.
        hidden_size: H; a cell with blocks needs a multiple of their number.
        sizes: Numbers for the widths that the cell names; half the hidden size without.
        seed: Of all numbers.

    Raises:
        ArgumentError: There is no such check, cell or backend, or a size does not fit.
        ConformanceError: What is promised does not hold.
    """
    if name not in CHECKS:
        raise ArgumentError(f"name: no check is called {name!r}; they are {', '.join(CHECKS)}")
    reason = backends.why_not(backend)
    if reason is not None:
        raise ArgumentError(f"backend {backend!r} can't run here: {reason}")
    trial = trial_of(cell, backend, input_size, hidden_size, sizes, seed)
    # Nothing here may change what random numbers the caller draws next.
    with torch.random.fork_rng(devices=[]):
        try:
            CHECKS[name](trial)
        except ConformanceError as error:
            raise ConformanceError(f"cell {trial.cell.name!r} on {backend}, {name}: {error}") from None


def check_cell(
    cell: CellDefinition | str,
    *,
    checks: Sequence[str] | None = None,
    on: Sequence[str] | None = None,
    input_size: int = 4,
    hidden_size: int = 6,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
) -> list[Finding]:
    """All that is promised, tried with a cell of your own.

    Args:
        cell: The cell, or a built-in one's name.
        checks: Some of `CHECKS`; all without.
        on: Names of backends; without, the reference and every compiled one that can run here.
        input_size: I.
        hidden_size: H; a cell with blocks needs a multiple of their number.
        sizes: Numbers for the widths that the cell names; half the hidden size without.
        seed: Of all numbers.

    Returns:
        A finding for each check and backend.

    Raises:
        ArgumentError: There is no such check, cell or backend, or a size does not fit.
        ConformanceError: A promise does not hold; the message has a line for each.
    """
    used = [name for name in backends.NAMES if backends.why_not(name) is None] if on is None else list(on)
    found = []
    for backend in used:
        for name in CHECKS if checks is None else checks:
            problem = None
            try:
                check(cell, name, backend, input_size=input_size, hidden_size=hidden_size, sizes=sizes, seed=seed)
            except ConformanceError as error:
                problem = str(error)
            found.append(Finding(name, backend, problem))
    problems = [f.problem for f in found if f.problem is not None]
    if problems:
        raise ConformanceError("\n".join(problems))
    return found
