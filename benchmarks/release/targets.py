"""The table of targets: what every release is held to, a row a claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

import conveyor as cv
from conveyor.bench import baselines
from conveyor.bench.baselines import square
from conveyor.bench.rows import Line, Row, Target
from conveyor.bench.run import Run
from conveyor.bench.sequences import inference, training
from conveyor.errors import ArgumentError
from release import calls, cells, end_to_end, onnx_step, steps, user

SIZES = tuple(
    square(*size)
    for size in (
        (100, 1, 64),
        (100, 1, 128),
        (100, 1, 256),
        (100, 8, 128),
        (100, 32, 64),
        (100, 32, 128),
        (100, 32, 256),
        (100, 32, 512),
        (100, 128, 256),
        (35, 20, 200),
        (35, 20, 650),
        (1000, 8, 128),
        (50, 64, 1024),
        (100, 32, 100),  # this and the next are no multiples of a vector
        (100, 7, 37),
    )
)


def _beside_torch(name: str, measure: Callable[..., Line]) -> Callable[[Run], Iterator[Line]]:
    def lines(run: Run) -> Iterator[Line]:
        for size in SIZES:
            torch.manual_seed(0)
            given = baselines.setting(cv.cells[name], size, run.dtype)
            yield measure(run, given, baselines.beside_torch(given))

    return lines


def _is(letter: str, number: float) -> Callable[[Line], bool]:
    return lambda line: line.facts[letter] == number


def _wide(line: Line) -> bool:
    return line.facts["H"] > 128


def _peak(line: Line) -> bool:
    return line.facts["B"] >= 32 and line.facts["H"] >= 256


def _torch_targets() -> tuple[Target, ...]:
    return (
        Target("≥ 3× geometric mean where H ≤ 128", "ratio", least=3.0, mean=True, where=lambda line: not _wide(line)),
        Target("≥ 1.3× elsewhere, or 0.85 of peak", "ratio", least=1.3, where=_wide, instead=("of_peak", 0.85)),
    )


ROWS: tuple[Row, ...] = (
    Row(
        "lstm",
        "LSTM forward and backward, beside torch.nn.LSTM",
        _beside_torch("lstm", training),
        (
            Target("≥ 1.5× geometric mean", "ratio", least=1.5, mean=True),
            Target("≥ 1.15× at every size", "ratio", least=1.15),
            Target(
                "≥ 0.75 of peak at H = 256, B ≥ 32",
                "of_peak",
                least=0.75,
                where=lambda line: _peak(line) and line.facts["H"] == 256,
            ),
            Target(
                "≥ 0.85 of peak at H ≥ 512, B ≥ 32",
                "of_peak",
                least=0.85,
                where=lambda line: _peak(line) and line.facts["H"] >= 512,
            ),
            Target("≥ 0.9 of the sum of parts where the peak is asked for", "of_bound", least=0.9, where=_peak),
        ),
    ),
    Row(
        "lstm-inference",
        "LSTM inference, beside torch.nn.LSTM",
        _beside_torch("lstm", inference),
        (
            Target("≥ 1.5× geometric mean", "ratio", least=1.5, mean=True),
            Target("≥ 3× at B = 1", "ratio", least=3.0, where=_is("B", 1)),
            Target("≥ 1.1× at every size", "ratio", least=1.1),
        ),
    ),
    Row("gru", "GRU forward and backward, beside torch.nn.GRU", _beside_torch("gru", training), _torch_targets()),
    Row("rnn", "RNN forward and backward, beside torch.nn.RNN", _beside_torch("rnn", training), _torch_targets()),
    Row(
        "projection",
        "LSTM with projection to H/2, forward and backward, beside torch.nn.LSTM",
        _beside_torch("lstm_projection", training),
        _torch_targets(),
    ),
    Row(
        "cells",
        "Every other cell with a recurrent matrix, forward and backward: time a FLOP, by that of our LSTM",
        cells.recurrent,
        (
            Target(
                "≤ 1.25× at B ≥ 8",
                "per_flop",
                most=1.25,
                where=lambda line: line.facts["B"] >= 8 and not line.facts["in_sequence"],
            ),
            Target(
                "≤ 1.6× at B ≥ 8 with reductions or two products in sequence",
                "per_flop",
                most=1.6,
                where=lambda line: line.facts["B"] >= 8 and bool(line.facts["in_sequence"]),
            ),
            Target("≤ 2× at B = 1", "per_flop", most=2.0, where=_is("B", 1)),
        ),
    ),
    Row(
        "free-cells",
        "Cells without a recurrent matrix, forward and backward",
        cells.free,
        (
            Target("≤ 0.5× our LSTM of that size", "to_lstm", most=0.5),
            Target("≤ 1.25× products and bytes", "to_bound", most=1.25),
        ),
    ),
    Row(
        "user-cell",
        "A user's cell, forward and backward, beside the best plain loop in torch",
        user.plain,
        (Target("≥ 4× geometric mean", "ratio", least=4.0, mean=True),),
    ),
    Row(
        "user-cell-compiled",
        "A user's cell, forward and backward, beside the best plain loop under torch.compile",
        user.compiled,
        (
            Target("≥ 2.5×", "ratio", least=2.5),
            Target("compiled in a hundredth of its time", "compiling_ratio", most=0.01),
        ),
        asked=True,
    ),
    Row(
        "stream",
        "A stream's step, one row and layer, from Python, beside torch.nn.LSTMCell and ONNX Runtime",
        steps.streams,
        (
            Target("≤ 8 µs at H = 64", "ours", most=8e-6, where=_is("H", 64)),
            Target("≥ 8× LSTMCell at H = 64", "ratio", least=8.0, where=_is("H", 64)),
            Target("≥ 5× ONNX Runtime at H = 64", "onnx_ratio", least=5.0, where=_is("H", 64)),
            Target("≥ 2.5× LSTMCell at H = 256", "ratio", least=2.5, where=_is("H", 256)),
            Target("≥ 2× ONNX Runtime at H = 256", "onnx_ratio", least=2.0, where=_is("H", 256)),
        ),
        missing=onnx_step.missing,
    ),
    Row(
        "lstm-cell",
        "LSTMCell forward and backward, beside torch.nn.LSTMCell",
        steps.cells,
        (Target("≥ 2× at H ≤ 256", "ratio", least=2.0),),
    ),
    Row(
        "single-steps",
        "A sequence of one step and one row, LSTM and GRU, beside torch.nn's",
        calls.single_steps,
        (
            Target("≥ 1.3× training", "ratio", least=1.3),
            Target("≥ 2× inference", "inference_ratio", least=2.0),
        ),
    ),
    Row(
        "small-cells",
        "LSTMCell and GRUCell with states, training and inference, beside torch.nn's",
        calls.cells,
        (
            Target("≥ 1.2× training", "ratio", least=1.2),
            Target("≥ 1.2× inference", "inference_ratio", least=1.2),
        ),
    ),
    Row(
        "stacks",
        "LSTM of several layers and both directions: its speed-up over torch.nn by that of one layer in one direction",
        calls.stacks,
        (
            Target("≥ 1.6× training", "to_single", least=1.6),
            Target("≥ 1.6× inference", "inference_to_single", least=1.6),
        ),
    ),
    Row(
        "new-lengths",
        "LSTM training steps of a new T each, T from 50 to 150",
        calls.new_lengths,
        (Target("≤ 1.05× the same T each time", "to_same", most=1.05),),
    ),
    Row(
        "padding",
        "LSTM forward and backward on sequences that fill half of their batch",
        calls.padding,
        (Target("≤ fill + 0.10 of the padded time", "over_fill", most=0.10),),
    ),
    Row(
        "steadiness",
        "LSTM, 500 training steps",
        calls.steadiness,
        (Target("95th percentile ≤ 1.25× the median", "p95", most=1.25),),
    ),
    Row(
        "first-use",
        "First use of a new cell in a new process, 100×32×128, imports left out",
        end_to_end.first_use,
        (
            Target("≤ 1 s inference", "first", most=1.0, where=lambda line: line.facts == {"training": 0, "warm": 0}),
            Target("≤ 2.5 s training", "first", most=2.5, where=lambda line: line.facts == {"training": 1, "warm": 0}),
            Target("≤ 50 ms from the disk", "first", most=0.05, where=_is("warm", 1)),
        ),
    ),
    Row(
        "busy",
        "LSTM while two other processes keep the cores busy",
        end_to_end.busy,
        (Target("≤ 3× its idle time", "slowdown", most=3.0),),
    ),
    Row(
        "denormals",
        "LSTM forward and backward on numbers below the smallest normal one",
        end_to_end.denormals,
        (Target("≤ 1.25× the time on ordinary numbers", "denormal_cost", most=1.25),),
    ),
    Row(
        "memory",
        "Peak memory of two training steps in a new process, beside torch.nn.LSTM's",
        end_to_end.memory,
        (Target("≤ 0.8×", "memory", most=0.8),),
    ),
    Row(
        "length",
        "LSTM forward and backward at ever greater lengths",
        end_to_end.length,
        (Target("a step at T = 100,000 costs ≤ 1.5× one at T = 1,000", "linear", most=1.5, where=_is("T", 100_000)),),
    ),
)


def choose(names: list[str], compiled: bool = False) -> list[Row]:
    """Rows by name; all that can be measured here without any.

    Args:
        names: Of the rows.
        compiled: Whether rows that wait for torch.compile, minutes, are among those taken without names.

    Raises:
        ArgumentError: No row has a name, or one can't be measured here.
    """
    known = {row.name: row for row in ROWS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ArgumentError(f"rows: no row is called {unknown[0]!r}; they are {', '.join(known)}")
    if not names:
        return [row for row in ROWS if row.missing() is None and (compiled or not row.asked)]
    for name in names:
        reason = known[name].missing()
        if reason is not None:
            raise ArgumentError(f"rows: {name} can't be measured here: {reason}")
    return [known[name] for name in dict.fromkeys(names)]
