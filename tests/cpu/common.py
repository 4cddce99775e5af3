"""What the tests of the compiled backend share: runs of a problem on a backend, comparisons, subprocesses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass

import torch
from torch import Tensor

import conveyor as cv
from conveyor.torch_ops import recurrence
from support import Case, Problem, problem

Tensors = dict[str, Tensor]
# From 3.12 on Python warns of a fork while there are threads; that it goes well is what is tested.
WARNINGS = ("-W", "error", "-W", "ignore:This process:DeprecationWarning")


@dataclass(frozen=True)
class Shape:
    """Length, batch, input and hidden size."""

    T: int
    B: int
    I: int  # noqa: E741
    H: int

    @property
    def id(self) -> str:
        return f"B{self.B}-T{self.T}-I{self.I}-H{self.H}"

    def problem(self, case: Case, seed: int = 0) -> Problem:
        return problem(case, self.T, self.B, self.I, self.H, seed)


def shape(text: str) -> Shape:
    """B3-T5-I4-H7."""
    found = re.fullmatch(r"B(\d+)-T(\d+)-I(\d+)-H(\d+)", text)
    assert found is not None, text
    b, t, i, h = map(int, found.groups())
    return Shape(t, b, i, h)


def case(cell: cv.CellDefinition) -> Case:
    return Case(cell.name, cell)


def forward(backend: str, given: Problem) -> Tensors:
    """Outputs and final states."""
    result = recurrence(backend, given.args())
    names = [f"final {s.name}" for s in given.program.states]
    return {"output": result.output} | dict(zip(names, result.states, strict=True))


def infer(backend: str, given: Problem) -> Tensors:
    with torch.no_grad():
        return forward(backend, given)


def train(backend: str, given: Problem, seed: int = 7) -> Tensors:
    """Outputs, final states and the gradients of everything, with random cotangents of every output."""
    leaves = given.require_grad()
    found = forward(backend, leaves)
    g = torch.Generator().manual_seed(seed)
    cotangents = {n: torch.randn(v.shape, generator=g, dtype=torch.float64).to(v.dtype) for n, v in found.items()}
    # Where nothing is computed (T=0), the reference hands states through that need no gradient of their own.
    reached = [n for n, v in found.items() if v.requires_grad]
    grads = torch.autograd.grad(
        [found[n] for n in reached], leaves.tensors, [cotangents[n] for n in reached], allow_unused=True
    )
    names = ["x", *(s.name for s in given.program.states), *map(" ".join, given.params), *given.aux]
    gradients = {
        f"gradient of {n}": torch.zeros_like(t) if v is None else v
        for n, t, v in zip(names, leaves.tensors, grads, strict=True)
    }
    return {n: v.detach() for n, v in found.items()} | gradients


def ulp(value: float, dtype: torch.dtype) -> float:
    """The distance from a positive number to the next in a type."""
    there = torch.tensor(value, dtype=dtype)
    return (torch.nextafter(there, torch.tensor(torch.inf, dtype=dtype)) - there).item()


def assert_same(got: Tensors, want: Tensors) -> None:
    """Bit for bit."""
    assert got.keys() == want.keys()
    for name, wanted in want.items():
        assert got[name].dtype == wanted.dtype and got[name].shape == wanted.shape, name
        differ = (got[name] != wanted) & ~(got[name].isnan() & wanted.isnan())
        assert not differ.any(), f"{name}: {int(differ.sum())} of {differ.numel()} numbers differ"


# For a script: its work is shared by threads, however small it is.
SPLIT = "from conveyor.backends.cpu.runtime import threads; threads._WORTHWHILE, threads.is_crowded = 0, lambda: False"


def python(code: str, timeout: float = 60, **environment: str | None) -> str:
    """What a new interpreter prints; None as a variable's value unsets it. The cache is that of the session."""
    changed = os.environ | {n: v for n, v in environment.items() if v is not None}
    kept = {n: v for n, v in changed.items() if environment.get(n, "") is not None}
    done = subprocess.run(
        [sys.executable, *WARNINGS, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=kept,
        check=False,
    )
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stderr}"
    return done.stdout
