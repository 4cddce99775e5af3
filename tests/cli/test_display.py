from __future__ import annotations

import io
import math

from rich.console import Console

from conveyor.cli.console.display import display
from conveyor.cli.console.meter import Meter, duration, score
from conveyor.tasks.training.trainer import StepReport, Validation


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def report(step: int, validated: bool = False) -> StepReport:
    loss = 2 * math.log(2)
    validation = Validation(step, 1, loss, 3 * math.log(2), 0.1, True) if validated else None
    return StepReport(step, 500, loss, 0.1, 1.0, validation)


def run(console: Console, steps: int, seconds: float, validated_at: int = 0) -> None:
    clock = Clock()
    meter = Meter("character", 0, 100, None, clock)
    with display(console, meter) as shown:
        for step in range(1, steps + 1):
            clock.now += seconds
            meter.update(report(step, step == validated_at))
            shown.update(report(step, step == validated_at))


def test_terminal_shows_a_bar_with_all_figures() -> None:
    stream = io.StringIO()
    run(Console(file=stream, force_terminal=True, width=80), 50, 2.0, validated_at=40)
    text = stream.getvalue()
    for expected in ("50%", "250 characters/s", "train 2.000", "valid 3.000", "1:40 left"):
        assert expected in text


def test_logs_get_a_line_now_and_then() -> None:
    stream = io.StringIO()
    run(Console(file=stream, force_terminal=False, width=200), 50, 1.0, validated_at=25)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 5, lines
    assert lines[2].split() == (
        "step 25/100 (25%) 500 characters/s train 2.000, valid 3.000 bits per character 1:15 left".split()
    )
    assert "valid …" in lines[0]


def test_resumed_run_counts_its_own_time() -> None:
    clock = Clock()
    meter = Meter("byte", 50, 100, math.log(2), clock)
    clock.now = 10.0
    meter.update(report(60))
    assert meter.line() == "step 60/100 (60%)  50 bytes/s  train 2.000, valid 1.000 bits per byte  0:40 left"


def test_the_estimate_leaves_out_the_first_steps() -> None:
    clock = Clock()
    meter = Meter("byte", 10, 110, None, clock)
    for step in range(11, 15):
        clock.now += 5.0  # while code is compiled
        meter.update(report(step))
        assert meter.estimate() is None
    for step in range(15, 22):
        clock.now += 0.5
        meter.update(report(step))
        assert (meter.estimate() is None) == (step < 21), "three seconds are watched"
    assert meter.estimate() == 0.5 * (110 - 21)


def test_durations_and_scores() -> None:
    assert [duration(seconds) for seconds in (5, 245, 3845)] == ["0:05", "4:05", "1:04:05"]
    assert score(math.log(8), "character") == "3.000 bits per character"
    assert score(math.log(8), "word") == "3.000 bits per word (perplexity 8.0)"
