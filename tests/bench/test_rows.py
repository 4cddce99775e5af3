from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from bench.conftest import Steady
from conveyor.bench.correctness import WrongNumbers
from conveyor.bench.rows import Line, Row, Target, geometric_mean
from conveyor.bench.run import TRIES, Run, measure


def line(label: str, ratio: float, state: str = "ok", **facts: float) -> Line:
    return Line(label, {"ratio": ratio}, state, facts=facts)  # type: ignore[arg-type]


EACH = Target("≥ 1.15×", "ratio", least=1.15)
MEAN = Target("≥ 1.5× geometric mean", "ratio", least=1.5, mean=True)
MOST = Target("≤ 2×", "ratio", most=2.0)


@pytest.mark.parametrize(
    ("target", "ratios", "met", "value"),
    [
        (EACH, [1.15, 3.0], True, 1.15),
        (EACH, [1.14, 3.0], False, 1.14),
        (MOST, [2.0, 0.5], True, 2.0),
        (MOST, [2.01, 0.5], False, 2.01),
        (MEAN, [1.0, 2.25], True, 1.5),
        (MEAN, [1.0, 2.0], False, math.sqrt(2)),
    ],
)
def test_targets(target: Target, ratios: list[float], met: bool, value: float) -> None:
    verdict = target.judge([line(f"l{k}", r) for k, r in enumerate(ratios)])
    assert verdict.met is met and verdict.value == pytest.approx(value) and verdict.text == target.text
    if not target.mean:
        assert verdict.reason == "worst: l0"


def test_a_bar_is_about_some_lines() -> None:
    target = Target("≥ 3× at B = 1", "ratio", least=3.0, where=lambda line: line.facts["B"] == 1)
    assert target.judge([line("a", 4.0, B=1), line("b", 1.0, B=8)]).met is True
    assert target.judge([line("a", 2.0, B=1), line("b", 9.0, B=8)]).met is False
    none = target.judge([line("b", 9.0, B=8)])
    assert none.met is None and none.reason == "no such line"


def test_another_figure_may_do_instead() -> None:
    target = Target("≥ 1.3×, or 0.85 of peak", "ratio", least=1.3, instead=("of_peak", 0.85))
    fast = Line("a", {"ratio": 1.1, "of_peak": 0.9})
    slow = Line("b", {"ratio": 1.2, "of_peak": 0.8})
    assert target.judge([fast]).met is True
    verdict = target.judge([fast, slow, Line("c", {"ratio": 1.0})])
    assert verdict.met is False and verdict.reason == "worst: c"
    assert target.judge([fast, slow]).reason == "worst: b"  # the lower ratio of the other does not count


def test_void_lines_leave_a_bar_open_unless_it_is_missed_anyway() -> None:
    void = line("v", 9.0, "void")
    found = EACH.judge([line("a", 2.0), void])
    assert found.met is None and found.value == 2.0 and "void: v" in found.reason
    assert EACH.judge([line("a", 1.0), void]).met is False
    assert MEAN.judge([line("a", 1.0), void]).met is None  # of a mean all lines are a part
    assert EACH.judge([void]).met is None


def test_wrong_numbers_miss_the_bar() -> None:
    red = Line("r", state="red", note="output is off")
    for target in (EACH, MEAN, MOST):
        found = target.judge([line("a", 1.7), red])
        assert found.met is False and found.value is None and found.reason == "wrong numbers at r"


def test_geometric_mean() -> None:
    assert geometric_mean([1.0, 4.0]) == pytest.approx(2.0)
    assert all(math.isnan(geometric_mean(v)) for v in ([], [1.0, 0.0], [1.0, -2.0], [1.0, math.inf], [math.nan]))
    assert MEAN.judge([line("a", math.nan)]).met is False
    assert EACH.judge([line("a", math.nan)]).met is False


def red() -> None:
    raise WrongNumbers("output is off by 1")


def nothing() -> None:
    return None


def test_a_red_gate_gives_no_time() -> None:
    measured = []
    run = Run(Steady())
    found = run.line("a", red, lambda: measured.append(1) or {"ours": 1.0}, {"B": 1})  # type: ignore[func-returns-value]
    assert measured == [] and found.figures == {}
    assert (found.state, found.note, found.facts) == ("red", "output is off by 1", {"B": 1})


def test_a_steady_line_is_measured_once() -> None:
    times = iter(range(10))
    run = Run(Steady(100.0, 95.0, 98.0))
    found = run.line("a", nothing, lambda: {"ours": float(next(times))})
    assert (found.state, found.figures, found.product) == ("ok", {"ours": 0.0}, 95.0)


@pytest.mark.parametrize("products", [(100.0, 80.0, 80.0, 100.0, 99.0, 98.0), (100.0, 80.0, 100.0, 100.0, 97.0, 98.0)])
def test_a_void_line_is_measured_again(products: tuple[float, ...]) -> None:
    """Whether the machine was off before the line or after it."""
    times = iter(range(10))
    run = Run(Steady(*products))
    run.calibration.settle()
    found = run.line("a", nothing, lambda: {"ours": float(next(times))})
    assert (found.state, found.figures) == ("ok", {"ours": 1.0})


def test_a_line_that_is_always_void_stays_so() -> None:
    times = iter(range(10))
    run = Run(Steady(100.0, 80.0))
    run.calibration.settle()
    found = run.line("a", nothing, lambda: {"ours": float(next(times))})
    assert found.state == "void" and next(times) == TRIES


def test_what_was_found_out_meanwhile_is_forgotten() -> None:
    calibration = Steady(100.0, 80.0, 80.0, 100.0)
    calibration.settle()
    calibration._known = {("copying", 1): 5.0}

    def measures() -> dict[str, float]:
        calibration._known["copying", 2] = calibration.products[0]
        return {"ours": 1.0}

    assert Run(calibration).line("a", nothing, measures).state == "ok"
    assert calibration._known == {("copying", 1): 5.0, ("copying", 2): 100.0}


def rows_of(*lines: Line) -> list[Row]:
    return [Row("r", "title", lambda run: iter(lines), (EACH,))]


def test_a_line_is_void_if_the_machine_does_much_better_later() -> None:
    run = Run(Steady(100.0))
    early, late = Line("e", {"ratio": 2.0}, product=100.0), Line("l", {"ratio": 2.0}, product=120.0)
    timeless = Line("t", {"ratio": 2.0})

    def lines(run: Run) -> Iterator[Line]:
        yield early
        run.calibration.best = 120.0
        yield late
        yield timeless

    (result,) = measure([Row("r", "title", lines, (EACH,))], run)
    assert [found.state for found in result.lines] == ["void", "ok", "ok"]
    assert result.verdicts[0].met is None and run.finished


def test_lines_are_said_as_they_come() -> None:
    said = []
    run = Run(Steady(), say=lambda row, line: said.append((row.name, line.label)))
    measure(rows_of(line("a", 1.0), line("b", 1.0)), run)
    assert said == [("r", "a"), ("r", "b")]


def test_an_interrupt_leaves_what_there_is() -> None:
    def lines(run: Run) -> Iterator[Line]:
        yield line("a", 2.0)
        raise KeyboardInterrupt

    run = Run(Steady())
    results = measure([*rows_of(line("z", 2.0)), Row("s", "other", lines, (EACH,)), *rows_of()], run)
    assert [[found.label for found in r.lines] for r in results] == [["z"], ["a"]] and not run.finished


def test_json_holds_all_of_it() -> None:
    (result,) = measure(
        rows_of(Line("a", {"ratio": math.inf, "ours": 1.0}, "ok", "n", 5.0, {"B": 1})), Run(Steady(5.0))
    )
    assert result.to_json() == {
        "name": "r",
        "title": "title",
        "lines": [
            {
                "label": "a",
                "state": "ok",
                "note": "n",
                "figures": {"ratio": None, "ours": 1.0},
                "calibration": 5.0,
                "facts": {"B": 1},
            }
        ],
        "bars": [{"bar": "≥ 1.15×", "met": True, "value": None, "reason": "worst: a"}],
    }
