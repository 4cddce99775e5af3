"""Every cell, on every backend, keeps every promise; and a cell or backend that breaks one is found out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import conveyor as cv
from conveyor.backends import cpu
from conveyor.layers import call_plan, checkpointing, recurrent
from conveyor.layers.arguments.lengths import Packing
from conveyor.layers.core import connections, layer_call, layer_direction, stack
from conveyor.layers.stream import Stream
from conveyor.sequences import tbptt as tbptt_module
from conveyor.testing import CHECKS, ConformanceError, check, check_cell
from conveyor.torch_ops import recurrence
from support import BUILT_IN, Case

# Every built-in cell as it is; options change equations, not forms.
CASES = [case for case in BUILT_IN if not case.options]


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_promise(case: Case, backend: str, name: str) -> None:
    hidden = 6 * case.multiple
    check(case.cell, name, backend, hidden_size=hidden, sizes=case.sizes(hidden))


# The checks can fail


@cv.cell
def own(x, h, s):
    """A cell of a user's: a narrower second state, a feature a step, a helper width."""
    s = cv.tanh(cv.affine("s", x, h, size="proj"))
    h = 0.5 * h + 0.5 * cv.tanh(cv.affine("h", s))
    return h, s


def test_a_cell_of_ones_own_passes() -> None:
    found = check_cell(own, hidden_size=8, checks=["agrees with the reference", "lengths", "stream", "files"])
    assert {(f.check, f.backend) for f in found} >= {("stream", "cpu"), ("stream", "reference")}
    assert len(found) == 8 and all(f.problem is None for f in found)


def _shifted(original: Any) -> Any:
    def changed(*args: Any, **given: Any) -> Any:
        found = original(*args, **given)
        return found if found is None else [found[0] + 1e-4, *found[1:]]

    return changed


def _forgetful(*_: Any, **__: Any) -> None:
    return None


def _tail(self: Packing, rows: Tensor, batch: int) -> Tensor:
    return _unpack(self, rows, batch) + 1


def _no_turn(self: cpu.Launch, *args: Any) -> Any:
    return dataclasses.replace(_shape(self, *args), reverse=False)


def _without_states(layer: Any, x: Any, fields: Any) -> Any:
    return _called(layer, x, None)


def _plain_sum(kind: str, layer: int, below: Tensor, output: Tensor) -> Tensor:
    return output


def _unchanged(program: Any, limits: Any) -> Any:
    return program


def _attached(state: Any) -> Any:
    return state


_unpack, _shape, _called = Packing.unpack, cpu.Launch._shape, recurrent.call_stack
BUGS: dict[str, tuple[Any, str, Any, str]] = {
    # what is broken, by what; and the check that must say so
    "a backend's numbers": (recurrent, "call_stack", _shifted(recurrent.call_stack), "steps"),
    "what stands behind an end": (Packing, "unpack", _tail, "lengths"),
    "a stream that keeps its state": (Stream, "reset", _forgetful, "stream"),
    "a direction that does not turn": (cpu.Launch, "_shape", _no_turn, "reverse"),
    "resets that are not heard": (stack.Stack, "_given", None, "resets"),
    "a residual that is not added": (connections, "given", _plain_sum, "connections"),
    "a mean that is not taken": (layer_direction, "with_expected_zoneout", _unchanged, "zoneout"),
    "a state that is not kept": (layer_direction, "with_zoneout", _unchanged, "zoneout"),
    "a limit that is not kept": (layer_direction, "with_clipped_gradients", _unchanged, "gradient limits"),
    "chunks that are not put together": (checkpointing.TimeDirection, "put", _forgetful, "chunks"),
    "a state that is not cut off": (tbptt_module, "detached", _attached, "parts"),
    "a state that is not given on": (recurrent, "call_stack", _without_states, "initial states"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, change, finder = BUGS[bug]
    original = getattr(where, name)
    if name == "_given":
        change = lambda self, x, aux, reset, *rest: original(self, x, aux, None, *rest)  # noqa: E731
    monkeypatch.setattr(where, name, change)
    with pytest.raises(ConformanceError, match=rf"^cell 'lstm' on cpu, {finder}: "):
        check("lstm", finder)


def test_a_backend_that_is_slightly_off_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = call_plan.CallPlan.forward

    def off(*args: Any, **given: Any) -> Any:
        found = original(*args, **given)
        found[0][0].mul_(1 + 1e-6)
        return found

    monkeypatch.setattr(call_plan.CallPlan, "forward", off)
    with pytest.raises(ConformanceError, match=r"agrees with the reference: output: off by .*, allowed"):
        check("gru", "agrees with the reference")
    with pytest.raises(ConformanceError, match="exact in float32"):
        check("gru", "exact in float32")


def test_all_problems_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrent, "call_stack", _shifted(recurrent.call_stack))
    monkeypatch.setattr(
        layer_call, "recurrence", lambda *a: dataclasses.replace(f := recurrence(*a), output=f.output + 1e-4)
    )
    with pytest.raises(ConformanceError) as caught:
        check_cell("rnn", checks=["steps", "memory layouts", "stream"])
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"cell 'rnn' on {backend}, {name}" for backend in ("reference", "cpu") for name in ("steps", "stream")
    ]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: check("lstm", "lenghts"), "no check is called 'lenghts'; they are"),
        (lambda: check("lstmm", "lengths"), "cell 'lstmm' is not built in"),
        (lambda: check(own.program, "lengths"), "cell is what @cv.cell makes"),
        (lambda: check("lstm", "lengths", "triton"), "backend 'triton' can't run here"),
        (lambda: check("lstm", "lengths", "gpu"), "backend 'gpu' is unknown"),
        (lambda: check("lstm", "lengths", hidden_size=0), "hidden_size is a whole number from 1"),
        (lambda: check(own, "lengths", sizes={"prj": 3}), "sizes has 'prj'"),
    ],
)
def test_wrong_calls(call: Callable[[], None], message: str) -> None:
    with pytest.raises(cv.ArgumentError, match=message):
        call()


def test_the_callers_random_numbers_stay() -> None:
    torch.manual_seed(3)
    want = torch.rand(2)
    torch.manual_seed(3)
    check("rnn", "steps")
    assert torch.equal(torch.rand(2), want)
