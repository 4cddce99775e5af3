"""Tracers, profilers and debuggers that run already: names are found all the same, and what ran before runs on."""

import bdb
import sys
import threading
import trace
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

import conveyor as cv

NAMES = {"z@1", "z@2", "z", "h", "z@1.pre", "z@2.pre"}


def good(x, h):
    z = cv.tanh(cv.affine("z", x, h))
    z = cv.exp(z)
    z = z * 2
    h = z
    return h


def mistaken(x, h):
    z = cv.tanh(h)
    return z[0]


def divides(x, h):
    z = cv.tanh(h)
    return z * (1 / 0)


class Recorder:
    """A tracer in pure Python, as a coverage tool without its C extension has."""

    def __init__(self, opcodes: bool) -> None:
        self.lines: list[tuple[str, int]] = []
        self.opcodes = opcodes

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        frame.f_trace_opcodes = self.opcodes
        if event == "line":
            self.lines.append((frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno))
        return self


@pytest.fixture
def bare() -> Iterator[None]:
    """Without the tracer that this test runs under, which is put back."""
    before, profiler = sys.gettrace(), sys.getprofile()
    sys.settrace(None)
    sys.setprofile(None)
    yield
    sys.settrace(before)
    sys.setprofile(profiler)


def trace_and_go_on(function: Callable[..., Any]) -> None:
    """Three lines, the second of which makes a cell."""
    first = 1
    cv.cell(function)
    assert first == 1


@pytest.mark.parametrize("opcodes", [False, True], ids=["lines", "opcodes"])
def test_names_under_a_tracer_that_goes_on_afterwards(bare: None, opcodes: bool) -> None:
    recorder = Recorder(opcodes)
    sys.settrace(recorder)
    try:
        trace_and_go_on(good)
        found = cv.cell(good).program.names
        kept = sys.gettrace()
    finally:
        sys.settrace(None)
    assert set(found) == NAMES
    assert kept is recorder
    assert [line for name, line in recorder.lines if name == "trace_and_go_on"] == [2, 3, 4]


@pytest.mark.parametrize(("function", "error"), [(mistaken, cv.CellError), (divides, ZeroDivisionError)])
def test_the_tracer_is_put_back_when_the_function_raises(bare: None, function: Any, error: type[Exception]) -> None:
    recorder = Recorder(False)
    sys.settrace(recorder)
    try:
        with pytest.raises(error):
            cv.cell(function)
        kept = sys.gettrace()
    finally:
        sys.settrace(None)
    assert kept is recorder


@pytest.mark.parametrize("function", [good, mistaken, divides])
def test_without_a_tracer_none_is_left_behind(bare: None, function: Any) -> None:
    try:
        cv.cell(function)
    except (cv.CellError, ZeroDivisionError):
        assert function is not good
    assert sys.gettrace() is None and sys.getprofile() is None
    assert sys._getframe().f_trace is None


def test_names_under_the_trace_module(bare: None) -> None:
    counting = trace.Trace(count=True, trace=False)
    names = counting.runfunc(lambda: set(cv.cell(good).program.names))
    assert names == NAMES
    counting.runfunc(trace_and_go_on, good)
    first = trace_and_go_on.__code__.co_firstlineno
    counted = {line - first for (file, line), _ in counting.counts.items() if file == __file__ and line > first}
    assert {2, 3, 4} <= counted


def test_names_under_a_debugger_that_steps(bare: None) -> None:
    class Stepper(bdb.Bdb):
        stopped: list[str]

        def user_line(self, frame: FrameType) -> None:
            self.stopped.append(frame.f_code.co_name)
            self.set_step()

    stepper = Stepper()
    stepper.stopped = []
    names: list[set[str]] = []
    stepper.runcall(lambda: names.append(set(cv.cell(good).program.names)))
    stepper.runcall(trace_and_go_on, good)
    assert names == [NAMES]
    assert stepper.stopped.count("trace_and_go_on") == 3


def test_names_under_a_profiler_that_sees_the_call(bare: None) -> None:
    seen: list[str] = []

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            seen.append(frame.f_code.co_name)

    sys.setprofile(profile)
    try:
        names = set(cv.cell(good).program.names)
        kept = sys.getprofile()
    finally:
        sys.setprofile(None)
    assert names == NAMES and kept is profile
    assert seen.count("good") == 1 and "affine" in seen


def test_a_tracer_of_another_thread_sees_nothing_of_this_one(bare: None) -> None:
    """Tracers belong to threads: many cells are traced at once, each with its own names."""
    found: dict[int, Any] = {}
    start = threading.Barrier(6)

    def work(k: int) -> None:
        scope: dict[str, Any] = {"cv": cv}
        lines = [f"    v{k} = cv.{f}(v{k})\n" for f in ("tanh", "exp", "sin") * 10]
        exec(f"def f(x, h):\n    v{k} = cv.affine('a{k}', x, h)\n{''.join(lines)}    return v{k}\n", scope)
        recorder = Recorder(False)
        start.wait()
        if k % 2:
            sys.settrace(recorder)
        program = cv.cell(scope["f"]).program
        kept = sys.gettrace()
        sys.settrace(None)
        found[k] = set(program.names), kept is (recorder if k % 2 else None)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(6):
        plain = {f"v{k}", "h", *(f"v{k}@{n}" for n in range(1, 31))}
        assert {n for n in found[k][0] if not n.endswith(".pre")} == plain
        assert found[k][1]


def test_values_are_not_asked_for_their_class(bare: None) -> None:
    """Proxies, such as those of web frameworks, raise when something looks at their class too early."""

    class Proxy:
        @property
        def __class__(self) -> Any:
            raise RuntimeError("no object behind this proxy")

    def f(x, h):
        proxy = Proxy()
        z = cv.tanh(cv.affine("z", x, h))
        del proxy
        return z

    assert set(cv.cell(f).program.names) == {"z", "z.pre", "h", "h.pre"}
