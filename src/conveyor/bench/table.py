"""The format of measured rows: a table on the terminal, markdown, or JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from conveyor.bench.calibration import Calibration
from conveyor.bench.rows import Line, Result, Verdict
from conveyor.doctor.machine import Machine

FORMAT = 1
"""Of the JSON; a reader can tell what it reads."""


_PARTS = ("bound_products", "bound_pointwise", "bound_bytes")
_WIDE = 110  # characters of a terminal, from which on the parts of the bound are shown there too


def _time(seconds: float) -> str:
    for unit, scale in (("µs", 1e6), ("ms", 1e3)):
        number = seconds * scale
        if number < 999.5:
            return f"{number:.0f} {unit}" if number >= 100 else f"{number:.3g} {unit}"
    return f"{seconds:.3g} s"


def _ratio(value: float) -> str:
    return f"{value:.2f}×"


def _share(value: float) -> str:
    return f"{value:.0%}"


def _rate(value: float) -> str:
    return f"{value / 1e9:.3g}"


def _size(value: float) -> str:
    return f"{value / 2**20:.0f} MiB"


# What a figure is called and how it is written, in the order of the columns.
COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "ours": ("ours", _time),
    "theirs": ("theirs", _time),
    "ratio": ("speed-up", _ratio),
    "rate": ("GFLOP/s", _rate),
    "of_peak": ("of peak", _share),
    "of_bound": ("of bound", _share),
    "bound_products": ("bound: products", _time),
    "bound_pointwise": ("pointwise", _time),
    "bound_bytes": ("bytes", _time),
    "inference": ("inference", _time),
    "inference_ratio": ("inference, speed-up", _ratio),
    "to_single": ("speed-up by one layer's", _ratio),
    "inference_to_single": ("inference, by one layer's", _ratio),
    "to_same": ("new T by the same T", _ratio),
    "over_fill": ("time by padded time, less fill", _share),
    "p95": ("95th percentile by median", _ratio),
    "to_lstm": ("time by LSTM's", _ratio),
    "per_flop": ("time a FLOP by LSTM's", _ratio),
    "to_bound": ("time by products + bytes", _ratio),
    "of_bandwidth": ("of weight bandwidth", _share),
    "onnx": ("ONNX Runtime", _time),
    "onnx_ratio": ("speed-up over it", _ratio),
    "compiling": ("torch.compile took", _time),
    "compiling_ratio": ("ours compiles in", _share),
    "first": ("first call", _time),
    "idle": ("ours idle", _time),
    "busy": ("ours busy", _time),
    "slowdown": ("ours busy / idle", _ratio),
    "their_idle": ("theirs idle", _time),
    "their_busy": ("theirs busy", _time),
    "their_slowdown": ("theirs busy / idle", _ratio),
    "denormal": ("on denormals", _time),
    "denormal_cost": ("ours slower by", _ratio),
    "their_denormal_cost": ("theirs slower by", _ratio),
    "peak": ("ours, peak", _size),
    "their_peak": ("theirs, peak", _size),
    "memory": ("ours / theirs", _ratio),
    "growth": ("ours, over imports", _size),
    "their_growth": ("theirs, over imports", _size),
    "step": ("a step", _time),
    "linear": ("a step by T=1000's", _ratio),
}


def cells(line: Line, columns: Sequence[str]) -> list[str]:
    """Return a line's cells; a line with wrong results has no figures, a void one is marked."""
    mark = {"ok": "", "void": " (void)", "red": " (WRONG NUMBERS)"}[line.state]
    shown = [_figure(line.figures[c], c) if c in line.figures and line.state != "red" else "" for c in columns]
    return [line.label + mark, *shown, line.note]


def _figure(value: float, column: str) -> str:
    return COLUMNS[column][1](value) if math.isfinite(value) else "–"


def columns_of(lines: Iterable[Line]) -> list[str]:
    """Return the names of the figures in any of the lines, in order."""
    there = {name for line in lines for name in line.figures}
    return [name for name in COLUMNS if name in there]


def heads(columns: Sequence[str], notes: bool) -> list[str]:
    """Return the headings of a table."""
    return ["", *(COLUMNS[c][0] for c in columns), *(["note"] if notes else [])]


def verdict(found: Verdict) -> str:
    """Format a target's verdict in a line: met, missed or open."""
    word = {True: "met", False: "MISSED", None: "open"}[found.met]
    return f"{word}: {found.text}{_value(found)} ({found.reason})"


def _value(found: Verdict) -> str:
    return "" if found.value is None or not math.isfinite(found.value) else f", got {found.value:.3g}"


def machine_lines(machine: Machine, calibration: Calibration, dtype: str, date: str) -> list[str]:
    """Describe the machine in two lines."""
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    threads = f"{calibration.threads} thread{'s' if calibration.threads > 1 else ''}"
    return [
        f"{machine.cpu}, {machine.cores} cores, {threads}, {machine.system}, {date}",
        f"{versions}, {dtype}; peak of products {calibration.best / 1e9:.0f} GFLOP/s",
    ]


def as_markdown(result: Result) -> str:
    """Format a row as a heading, a table and its targets."""
    columns = columns_of(result.lines)
    notes = any(line.note for line in result.lines)
    table = [heads(columns, notes), *(cells(line, columns) for line in result.lines)]
    wide = len(table[0])
    lines = [f"| {' | '.join(row[:wide])} |" for row in table]
    lines.insert(1, "|" + "---|" * wide)
    targets = [f"- {verdict(v)}" for v in result.verdicts]
    return "\n".join([f"### {result.title}", "", *lines, *(["", *targets] if targets else [])]) + "\n"


def as_rich(result: Result, width: int) -> Table:
    """Format a row as a table for a terminal of `width` characters, with its targets below."""
    columns = columns_of(result.lines)
    if width < _WIDE:
        columns = [c for c in columns if c not in _PARTS]
    notes = any(line.note for line in result.lines)
    table = Table(
        title=result.title,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for number, head in enumerate(heads(columns, notes)):
        left = number in (0, len(columns) + 1)
        table.add_column(head, justify="left" if left else "right", no_wrap=number <= len(columns))
    for line in result.lines:
        style = {"ok": "", "void": "dim", "red": "bold red"}[line.state]
        table.add_row(*cells(line, columns)[: len(table.columns)], style=style)
    table.caption = "\n".join(map(verdict, result.verdicts)) or None
    return table


def show(results: Iterable[Result], console: Console, *, markdown: bool) -> None:
    """Print results that have lines; as markdown if requested, or if the output is not a terminal."""
    for result in (r for r in results if r.lines):
        if markdown or not console.is_terminal:
            console.print(as_markdown(result), soft_wrap=True, markup=False, highlight=False)
        else:
            console.print(as_rich(result, console.width), markup=False, highlight=False)


def to_json(
    results: Iterable[Result], machine: Machine, calibration: Calibration, dtype: str, date: str
) -> dict[str, Any]:
    """Return all results in JSON's types."""
    return {
        "format": FORMAT,
        "date": date,
        "machine": asdict(machine),
        "threads": calibration.threads,
        "dtype": dtype,
        "peak": calibration.best,
        "rows": [result.to_json() for result in results],
    }
