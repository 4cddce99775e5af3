"""A benchmark run from its options to its exit code: the machine, each line when measured, the tables, and the JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch
from rich.console import Console

from conveyor import backends
from conveyor.bench.calibration import Calibration
from conveyor.bench.rows import Line, Row
from conveyor.bench.run import Run, measure
from conveyor.bench.table import COLUMNS, machine_lines, show, to_json
from conveyor.doctor import machine
from conveyor.errors import ArgumentError, BackendError

DTYPES = {"float32": torch.float32, "float64": torch.float64}
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


@dataclass(frozen=True)
class Options:
    """The options of a run: measurement and output.

    Attributes:
        threads: The number of threads; None is torch's.
        seconds: The time of each line's interleaved runs.
        dtype: `float32` or `float64`.
        json: The path of a JSON file with the results.
        force: Whether an existing file may be overwritten.
        markdown: Whether tables are markdown also on a terminal.
    """

    threads: int | None = None
    seconds: float = 1.0
    dtype: str = "float32"
    json: Path | None = None
    force: bool = False
    markdown: bool = False

    def check(self) -> None:
        """Raise `ArgumentError` if an option has a wrong value."""
        cores = machine.cores()
        if self.threads is not None and not 1 <= self.threads <= cores:
            raise ArgumentError(f"threads: expected 1 to {cores}, the cores that there are, got {self.threads}")
        if not 0 < self.seconds <= 3600:
            raise ArgumentError(f"seconds: expected more than 0 and at most 3600, got {self.seconds:g}")
        if self.dtype not in DTYPES:
            raise ArgumentError(f"dtype: expected {' or '.join(DTYPES)}, got {self.dtype!r}")
        if self.json is not None:
            _check_file(self.json, self.force)


def _check_file(path: Path, force: bool) -> None:
    if path.is_dir():
        raise ArgumentError(f"json: {path} is a folder; name a file")
    if path.exists() and not force:
        raise ArgumentError(f"json: {path} exists; name another, or overwrite it with --force")
    if not path.absolute().parent.is_dir():
        raise ArgumentError(f"json: there is no folder {path.absolute().parent}; make it first")


def carry_out(rows: Sequence[Row], options: Options, console: Console, progress: Console) -> int:
    """Measure rows and show them.

    Args:
        rows: The rows.
        options: The options.
        console: The console of the tables.
        progress: The console of each measured line.

    Returns:
        The exit code: 0; 1 if a result was wrong; 130 after Ctrl-C, when the results so far are shown.

    Raises:
        ArgumentError: An option has a wrong value, or the file can't be written.
        BackendError: The compiled backend does not run here.
    """
    options.check()
    missing = backends.why_not("cpu")
    if missing is not None:
        raise BackendError(f"bench: the compiled backend is missing: {missing}")
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    run = Run(Calibration(torch.get_num_threads()), options.seconds, DTYPES[options.dtype])
    run.say = lambda row, line: progress.print(_progress(row, line), markup=False, highlight=False)
    results = measure(rows, run)
    about = (machine.describe(), run.calibration, options.dtype, date.today().isoformat())
    console.print("\n".join(machine_lines(*about)) + "\n", markup=False, highlight=False, soft_wrap=True)
    show(results, console, markdown=options.markdown)
    if options.json is not None:
        _write(options.json, json.dumps(to_json(results, *about), indent=2, ensure_ascii=False) + "\n")
    if not run.finished:
        return INTERRUPTED
    return int(any(line.state == "red" for result in results for line in result.lines))


def _progress(row: Row, line: Line) -> str:
    shown = [f"{COLUMNS[name][0]} {COLUMNS[name][1](line.figures[name])}" for name in COLUMNS if name in line.figures]
    state = {"ok": "", "void": "void: the machine was busy; ", "red": "wrong numbers: "}[line.state]
    return f"{row.name}  {line.label}  {state}{line.note if line.state == 'red' else ', '.join(shown[:4])}"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"json: {path} cannot be written ({error.strerror}); name another") from error
