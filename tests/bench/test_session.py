"""Tables, JSON, options and exit codes of a run."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from rich.console import Console

import conveyor as cv
from bench.conftest import Steady
from conveyor import backends
from conveyor.bench import compare, session
from conveyor.bench.rows import Line, Result, Row, Target, Verdict
from conveyor.bench.run import Run, measure
from conveyor.bench.session import INTERRUPTED, Options, carry_out
from conveyor.bench.table import COLUMNS, as_markdown, as_rich, machine_lines, show
from conveyor.cli import main
from conveyor.doctor import machine
from conveyor.errors import ArgumentError, BackendError
from release import targets

ROOT = Path(__file__).resolve().parents[2]
LINES = (
    Line("100×1×64", {"ours": 3.5e-4, "theirs": 2.04e-4, "ratio": 0.583, "rate": 1.87e10, "of_peak": 0.04}),
    Line("100×8×128", {"ours": 0.02, "theirs": 1.5, "ratio": 75.0, "rate": 1e9, "of_peak": 0.5}, "void"),
    Line("100×32×64", state="red", note="output is off by 1"),
)
RESULT = Result("lstm", "LSTM, beside torch", LINES, (Target("≥ 1.15×", "ratio", least=1.15).judge(LINES[:2]),))


def text_of(width: int, *results: Result, terminal: bool, markdown: bool = False) -> str:
    out = io.StringIO()
    show(results, Console(file=out, width=width, force_terminal=terminal, no_color=True), markdown=markdown)
    return out.getvalue()


def test_markdown() -> None:
    assert as_markdown(RESULT) == (
        "### LSTM, beside torch\n\n"
        "|  | ours | theirs | speed-up | GFLOP/s | of peak | note |\n"
        "|---|---|---|---|---|---|---|\n"
        "| 100×1×64 | 350 µs | 204 µs | 0.58× | 18.7 | 4% |  |\n"
        "| 100×8×128 (void) | 20 ms | 1.5 s | 75.00× | 1 | 50% |  |\n"
        "| 100×32×64 (WRONG NUMBERS) |  |  |  |  |  | output is off by 1 |\n"
        "\n- MISSED: ≥ 1.15×, got 0.583 (worst: 100×1×64)\n"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.234e-7, "0.123 µs"), (9.9999e-5, "100 µs"), (9.996e-4, "1 ms"), (0.02933, "29.3 ms"), (0.9996, "1 s"), (94.2, "94.2 s")],
)  # fmt: skip
def test_times(seconds: float, text: str) -> None:
    line = Line("l", {"ours": seconds})
    assert f"| l | {text} |" in as_markdown(Result("r", "t", (line,), ()))


def test_without_bars_and_notes() -> None:
    assert as_markdown(Result("r", "t", LINES[:1], ())).endswith("| 100×1×64 | 350 µs | 204 µs | 0.58× | 18.7 | 4% |\n")


def test_a_table_for_the_terminal() -> None:
    table = as_rich(RESULT, 80)
    assert [str(c.header) for c in table.columns] == ["", "ours", "theirs", "speed-up", "GFLOP/s", "of peak", "note"]
    text = text_of(100, RESULT, terminal=True)
    for wanted in ("LSTM, beside torch", "350 µs", "100×8×128 (void)", "WRONG NUMBERS", "MISSED: ≥ 1.15×"):
        assert wanted in text


def test_a_narrow_terminal_is_enough() -> None:
    parts = {"of_bound": 0.59, "bound_products": 5.147e-3, "bound_pointwise": 2.19e-4, "bound_bytes": 7.84e-4}
    lines = (Line("1000×8×128", {**LINES[0].figures, "ours": 10.44e-3, "theirs": 29.33e-3, **parts}, "void"),)
    narrow, wide = (text_of(w, Result("r", "t", lines, ()), terminal=True) for w in (80, 120))
    assert "59%" in narrow and "219 µs" not in narrow and "…" not in narrow
    assert "59%" in wide and "219 µs" in wide and "…" not in wide
    assert sum("1000×8×128 (void)" in line and "59%" in line for line in narrow.splitlines()) == 1


def test_markdown_is_for_pipes_and_for_who_asks() -> None:
    assert text_of(20, RESULT, terminal=False) == as_markdown(RESULT) + "\n"  # lines are not broken
    assert text_of(20, RESULT, terminal=True, markdown=True).replace("\x1b[0m", "") == as_markdown(RESULT) + "\n"


@pytest.mark.parametrize(("met", "word"), [(True, "met"), (False, "MISSED"), (None, "open")])
def test_verdicts(met: bool | None, word: str) -> None:
    result = Result("r", "t", LINES[:1], (Verdict("≥ 2×", met, None, "why"),))
    assert as_markdown(result).endswith(f"\n- {word}: ≥ 2× (why)\n")


def test_every_figure_that_is_measured_has_a_column() -> None:
    folders = (ROOT / "src/conveyor/bench", ROOT / "benchmarks/release")
    source = "".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    for name in COLUMNS:
        assert f'"{name}"' in source.replace(f'    "{name}": ("', "", 1), f"{name} is not measured"
    named = {target.figure for row in targets.ROWS for target in row.targets}
    named |= {target.instead[0] for row in targets.ROWS for target in row.targets if target.instead}
    assert named <= COLUMNS.keys()


def test_the_machine_is_named() -> None:
    calibration = Steady(1.5e11, threads=2)
    calibration.settle()
    found = machine.Machine("EPYC", 4, "Linux x86_64", {"python": "3.11", "torch": "2.13"})
    assert machine_lines(found, calibration, "float32", "2026-11-21") == [
        "EPYC, 4 cores, 2 threads, Linux x86_64, 2026-11-21",
        "python 3.11, torch 2.13, float32; peak of products 150 GFLOP/s",
    ]


# A run from its options


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "Calibration", lambda threads: Steady(threads=threads))


def row(*lines: Line) -> Row:
    return Row("r", "a row", lambda run: iter(lines))


def carried_out(options: Options, *rows: Row) -> tuple[int, str, str]:
    out, progress = io.StringIO(), io.StringIO()
    code = carry_out(rows, options, Console(file=out, width=200), Console(file=progress, width=200))
    return code, out.getvalue(), progress.getvalue()


def test_a_run_is_shown_and_written(steady: None, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    code, out, progress = carried_out(Options(threads=1, json=path), row(LINES[0]))
    assert code == 0
    assert out.startswith(machine.describe().cpu) and "### a row" in out
    assert progress == "r  100×1×64  ours 350 µs, theirs 204 µs, speed-up 0.58×, GFLOP/s 18.7\n"
    found = json.loads(path.read_text())
    assert found["format"] == 1 and found["threads"] == 1 and found["dtype"] == "float32" and found["peak"] == 1e11
    assert found["machine"]["versions"]["torch"] == machine.describe().versions["torch"]
    assert found["rows"][0]["lines"][0]["figures"]["ratio"] == 0.583


def test_void_and_red_lines_are_said_to_be(steady: None) -> None:
    code, _, progress = carried_out(Options(threads=1), row(*LINES))
    assert code == 1  # something gave wrong numbers
    assert "void: the machine was busy; ours 20 ms" in progress
    assert progress.endswith("wrong numbers: output is off by 1\n")


def test_after_an_interrupt_what_there_is_is_kept(steady: None, tmp_path: Path) -> None:
    def lines(run: Run) -> Iterator[Line]:
        yield LINES[0]
        raise KeyboardInterrupt

    path = tmp_path / "found.json"
    code, out, _ = carried_out(Options(threads=1, json=path), Row("r", "a row", lines), row(LINES[1]))
    assert code == INTERRUPTED and "100×1×64" in out and "100×8×128" not in out
    assert len(json.loads(path.read_text())["rows"]) == 1


def test_threads_and_type_reach_what_is_measured(steady: None) -> None:
    seen = []

    def lines(run: Run) -> Iterator[Line]:
        seen.append((run.threads, torch.get_num_threads(), run.dtype, run.seconds))
        yield from ()

    carried_out(Options(threads=1, dtype="float64", seconds=0.25), Row("r", "a row", lines))
    assert seen == [(1, 1, torch.float64, 0.25)]


def test_without_the_compiled_backend_there_is_nothing_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "why_not", lambda name: "llvmlite can't be imported")
    with pytest.raises(BackendError, match="^bench: the compiled backend is missing: llvmlite can't be imported$"):
        carried_out(Options(), row())


def test_nothing_is_overwritten_silently(steady: None, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text("mine")
    with pytest.raises(ArgumentError, match="exists; name another, or overwrite it with --force"):
        carried_out(Options(threads=1, json=path), row())
    assert path.read_text() == "mine"
    assert carried_out(Options(threads=1, json=path, force=True), row())[0] == 0
    assert json.loads(path.read_text())["rows"][0]["name"] == "r"


def test_a_file_that_can_not_be_written_is_one_line(steady: None, tmp_path: Path) -> None:
    def lines(run: Run) -> Iterator[Line]:
        (tmp_path / "found.json").mkdir()  # after the check
        yield LINES[0]

    with pytest.raises(ArgumentError, match="found.json cannot be written"):
        carried_out(Options(threads=1, json=tmp_path / "found.json"), Row("r", "a row", lines))


# The rows of the table


def test_rows_are_chosen_by_name() -> None:
    names = [row.name for row in targets.ROWS]
    assert len(set(names)) == len(names) and all(row.targets for row in targets.ROWS)
    assert [row.name for row in targets.choose(["gru", "memory", "gru"])] == ["gru", "memory"]
    everything = [row.name for row in targets.choose([])]
    assert "user-cell-compiled" not in everything  # it takes minutes
    assert "user-cell-compiled" in [row.name for row in targets.choose([], compiled=True)]
    assert "user-cell-compiled" in [row.name for row in targets.choose(["user-cell-compiled"])]
    with pytest.raises(ArgumentError, match="^rows: no row is called 'lst'; they are lstm, "):
        targets.choose(["lstm", "lst"])


def test_bars_find_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """With figures that meet every target, every target is met: none is about lines that there never are."""
    good = {"ratio": 99.0, "of_peak": 0.99, "of_bound": 0.99, "per_flop": 0.1, "to_lstm": 0.1, "to_bound": 0.1}
    sizes = [size.facts for size in targets.SIZES]
    facts = {
        "cells": [size | {"in_sequence": deep} for size in sizes for deep in (0.0, 1.0)],
        "stream": [{"H": h} for h in (64, 128, 256, 512)],
        "first-use": [{"training": t, "warm": w} for t in (0.0, 1.0) for w in (0.0, 1.0)],
        "length": [{"T": 100_000, "B": 4, "H": 64}],
    }
    figures = good | {"ours": 1e-9, "onnx_ratio": 99.0, "first": 1e-3, "slowdown": 1.0, "memory": 0.1, "linear": 1.0}
    figures |= {"compiling_ratio": 0.001, "denormal_cost": 1.0, "inference_ratio": 99.0, "to_single": 99.0}
    figures |= {"inference_to_single": 99.0, "to_same": 1.0, "over_fill": 0.0, "p95": 1.0}
    costs = {"ours", "first", "slowdown", "memory", "linear", "compiling_ratio", "denormal_cost"}
    costs |= {"to_same", "over_fill", "p95"}
    bad = {name: 1e9 if name in costs else value for name, value in figures.items()}
    bad |= {
        "ratio": 0.1,
        "inference_ratio": 0.1,
        "to_single": 0.1,
        "inference_to_single": 0.1,
        "of_peak": 0.1,
        "of_bound": 0.1,
        "onnx_ratio": 0.1,
        "per_flop": 9.0,
        "to_lstm": 9.0,
        "to_bound": 9.0,
    }
    for row in targets.ROWS:
        for numbers, met in ((figures, True), (bad, False)):
            lines = [Line("l", numbers, facts=f) for f in facts.get(row.name, sizes)]
            for target in row.targets:
                assert target.judge(lines).met is met, f"{row.name}: {target.text}"


@pytest.mark.parametrize("name", ["lstm", "lstm-inference", "gru", "rnn", "projection", "lstm-cell"])
def test_rows_beside_torch_run(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "SIZES", (compare.parse_size("4,3,6"),))
    monkeypatch.setattr(targets.steps, "SIZES", ((2, 6),))
    (result,) = measure(targets.choose([name]), run)
    (line,) = result.lines
    assert line.state == "ok" and line.figures["ratio"] > 0
    assert [v.text for v in result.verdicts] == [target.text for target in targets.choose([name])[0].targets]


@pytest.mark.parametrize("name", ["single-steps", "small-cells", "stacks", "new-lengths", "padding", "steadiness"])
def test_rows_about_calls_run(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their first lines, and numbers that are wrong are not timed."""
    row = targets.choose([name])[0]
    line = next(iter(row.measure(run)))
    assert line.state == "ok" and {t.figure for t in row.targets} <= line.figures.keys()
    assert all(value > -1 for value in line.figures.values())


def test_calls_with_wrong_numbers_are_red(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = torch.nn.LSTM.forward

    def off(self: torch.nn.LSTM, *given: Any) -> Any:
        y, states = forward(self, *given)
        return y + 1e-3, states

    monkeypatch.setattr(torch.nn.LSTM, "forward", off)
    assert next(iter(targets.choose(["single-steps"])[0].measure(run))).state == "red"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_all", ROOT / "benchmarks" / "all.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_lists_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert script().main(["--list"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{row.name} " in f"\n{out}" for row in targets.ROWS)
    assert all(target.text in out for row in targets.ROWS for target in row.targets)


@pytest.mark.parametrize("arguments", [["nothing"], ["--threads", "0", "gru"], ["--seconds", "-1"], ["--json", "/"]])
def test_the_script_tells_a_mistake_in_a_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert script().main(arguments) == 2
    found = capsys.readouterr()
    (line,) = found.err.splitlines()
    assert line.startswith("all.py: ") and found.out == ""


def test_the_script_measures_rows(
    steady: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "SIZES", (compare.parse_size("4,3,6"),))
    assert script().main(["gru", "--threads", "1", "--seconds", "1e-9"]) == 0
    assert "| 4×3×6 |" in capsys.readouterr().out


# The command line


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--cell", "lstmm"], "cell 'lstmm' is not built in; did you mean 'lstm'"),
        (["--cell", "nowhere.py:f"], "--cell: no such file as nowhere.py"),
        (["--size", "32,128"], "--size: expected T,B,H or T,B,I,H as positive numbers"),
        (["--against", "cuda"], "--against: expected torch, loop, compile, reference, got 'cuda'"),
        (["--cell", "mgu", "--against", "torch"], "--against: torch.nn has no layer for 'mgu'"),
        (["--threads", "0"], "--threads: expected 1 to"),
        (["--threads", "100000"], "--threads: expected 1 to"),
        (["--threads", "two"], "Invalid value for '--threads'"),
        (["--seconds", "0"], "--seconds: expected more than 0"),
        (["--seconds", "nan"], "--seconds: expected more than 0"),
        (["--dtype", "float16"], "--dtype: expected float32 or float64, got 'float16'"),
        (["--json", "/nowhere/at/all.json"], "--json: there is no folder /nowhere/at"),
        (["--json", "/"], "--json: / is a folder"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *arguments]) == 2
    found = capsys.readouterr()
    (line,) = found.err.splitlines()
    assert line.startswith(f"conveyor: {expected}") and found.out == ""


def test_the_command_measures_what_is_asked_for(
    steady: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "found.json"
    options = ["--seconds", "1e-9", "--threads", "1", "--json", str(path)]
    assert main(["bench", "--cell", "lstm", "--cell", "mgu", "--size", "4,3,6", "--size", "2,1,3,5", *options]) == 0
    found = capsys.readouterr()
    assert found.out.count("| 4×3×6 |") == 4 and found.out.count("| 2×1×3→5 |") == 4
    assert len(found.err.splitlines()) == 8
    assert [r["name"] for r in json.loads(path.read_text())["rows"]] == [
        "lstm training",
        "lstm inference",
        "mgu training",
        "mgu inference",
    ]


def test_a_users_own_cell(steady: None, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import conveyor as cv\n\n@cv.cell\ndef leaky(x, h):\n    h = 0.9 * h + 0.1 * cv.tanh(cv.affine('a', x, h))\n    return h\n"
    )
    arguments = ["bench", "--cell", f"{path}:leaky", "--size", "4,3,6", "--seconds", "1e-9", "--against", "reference"]
    assert main(arguments) == 0
    assert "### leaky, forward and backward, beside the reference backend" in capsys.readouterr().out


def test_wrong_numbers_are_exit_code_1(
    steady: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from conveyor.bench import baselines

    def broken(given: baselines.Setting) -> baselines.Pair:
        pair = baselines.beside_reference(given)
        return baselines.Pair(baselines.beside_reference(given).ours, pair.theirs, pair.truth)

    monkeypatch.setitem(compare.AGAINST, "reference", ("a broken layer", broken))
    assert main(["bench", "--size", "4,3,6", "--seconds", "1e-9", "--against", "reference"]) == 1
    out = capsys.readouterr().out
    assert out.count("(WRONG NUMBERS)") == 2 and "ms" not in out.split("###", 1)[1]


def test_the_public_layer_is_what_is_measured() -> None:
    """Under `auto`, as users have it."""
    from conveyor.bench import baselines

    layers: list[cv.Recurrent] = []
    with pytest.MonkeyPatch.context() as patch:
        original = cv.Recurrent.forward
        patch.setattr(cv.Recurrent, "forward", lambda self, *a, **k: layers.append(self) or original(self, *a, **k))
        given = baselines.setting(cv.cells["mgu"], compare.parse_size("2,2,3"))
        baselines.beside_loop(given).ours.infer()()
    assert [layer.backend_used for layer in layers] == ["cpu"]
