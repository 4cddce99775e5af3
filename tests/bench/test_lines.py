"""The lines of the table on tiny sizes: what they measure, that wrong numbers are never timed, and their peers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import conveyor as cv
from conveyor.bench import baselines, compare, sequences
from conveyor.bench.baselines import Size, square
from conveyor.bench.rows import Line
from conveyor.bench.run import Run
from conveyor.errors import ArgumentError, BackendError, ConveyorError
from release import cells, end_to_end, onnx_step, process, steps, targets, user
from release.user_cell import define
from support import assert_near

TINY = Size(5, 3, 4, 6)
PAIRS = {
    "torch": baselines.beside_torch,
    "loop": baselines.beside_loop,
    "reference": baselines.beside_reference,
}

BENCHMARKS = Path(process.__file__).parent.parent


FLOAT32 = [
    *((name, "torch") for name in ("lstm", "gru", "rnn", "lstm_projection")),
    *((name, "loop") for name in ("lstm", "gru_d", "slstm", "lstm_layer_norm", "lstm_projection", "min_lstm")),
    *((name, "reference") for name in ("mgu", "lstm_projection")),
]
FLOAT64 = [("lstm", "torch"), ("lstm_projection", "torch"), ("gru_d", "loop"), ("mgu", "reference")]


@pytest.mark.parametrize(
    ("name", "against", "dtype"), [(*c, torch.float32) for c in FLOAT32] + [(*c, torch.float64) for c in FLOAT64]
)
def test_pairs_agree_and_are_timed(run: Run, name: str, against: str, dtype: torch.dtype) -> None:
    run.dtype = dtype
    given = baselines.setting(cv.cells[name], TINY, dtype)
    pair = PAIRS[against](given)
    for measure in (sequences.training, sequences.inference):
        line = measure(run, given, pair)
        assert line.state == "ok" and line.label == "5×3×4→6" and line.facts == {"T": 5, "B": 3, "I": 4, "H": 6}
        assert all(value > 0 for value in line.figures.values())
        assert line.figures["ratio"] == line.figures["theirs"] / line.figures["ours"]
    truth = pair.truth().gradients(gradient := given.gradient().double())
    assert truth["output"].dtype == torch.float64
    ours = pair.ours.gradients(gradient.to(dtype))
    assert ours.keys() == truth.keys()
    for tensor, wanted in truth.items():
        assert_near(ours[tensor].double(), wanted, 1e-4, tensor)


def test_training_computes_all_gradients_and_inference_none() -> None:
    given = baselines.setting(cv.cells["lstm"], TINY)
    for pair in (baselines.beside_torch(given), baselines.beside_loop(given)):
        for one in (pair.ours, pair.theirs):
            step = one.train(given.gradient())
            step()
            first = [leaf.grad.clone() for leaf in one.leaves]  # type: ignore[union-attr]
            step()
            assert all(torch.equal(leaf.grad, old) for leaf, old in zip(one.leaves, first, strict=True))
            assert all(leaf.is_leaf and leaf.requires_grad for leaf in one.leaves)
            assert any(leaf is given.x for leaf in one.leaves)
            before = [leaf.grad for leaf in one.leaves]
            one.infer()()
            assert all(leaf.grad is old for leaf, old in zip(one.leaves, before, strict=True))


def test_the_peak_of_wide_numbers_is_half(run: Run) -> None:
    run.calibration.best = 100.0
    assert run.peak == 100.0
    run.dtype = torch.float64
    assert run.peak == 50.0


@pytest.mark.parametrize("kind", [sequences.training, sequences.inference], ids=["training", "inference"])
def test_a_peer_with_other_numbers_is_red(run: Run, kind: Any) -> None:
    given = baselines.setting(cv.cells["gru"], TINY)
    pair, other = baselines.beside_torch(given), baselines.beside_torch(given)
    line = kind(run, given, replace(pair, ours=other.ours))
    assert line.state == "red" and line.figures == {} and "is off by" in line.note


def test_torch_has_layers_for_some_cells_only() -> None:
    assert baselines.has_torch_layer(cv.cells["gru"])
    assert not baselines.has_torch_layer(cv.cells["mgu"])
    assert not baselines.has_torch_layer(cv.cells["lstm"].configure(candidate_activation="sigmoid"))
    with pytest.raises(ArgumentError, match="torch.nn has no layer for 'mgu', it has lstm, gru, rnn, lstm_projection"):
        baselines.beside_torch(baselines.setting(cv.cells["mgu"], TINY))


def test_torch_compile_that_fails_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: Any) -> Any:
        def call(*arguments: Any) -> Any:
            raise RuntimeError("no C++ compiler\nlong story")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    given = baselines.setting(cv.cells["mgu"], TINY)
    with pytest.raises(BackendError, match="^against: torch.compile fails here: no C\\+\\+ compiler$"):
        baselines.beside_compiled_loop(given).theirs.infer()()


def test_the_compiled_loop_is_the_loop(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function: compiled.append(function) or function)  # type: ignore[func-returns-value]
    monkeypatch.setattr(user, "COMPILED", (TINY,))
    monkeypatch.setattr(process, "run", lambda *a, **n: {"first": 0.5})
    (line,) = user.compiled(run)
    assert line.state == "ok" and len(compiled) == 1
    assert line.figures["compiling"] > 0
    assert line.figures["compiling_ratio"] == 0.5 / line.figures["compiling"]


def test_cells_beside_our_lstm(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "SIZES", (TINY,))
    kept = {"lstm", "gru", "mgu", "indrnn"}
    monkeypatch.setattr(cells.cv, "cells", {name: cv.cells[name] for name in cv.cells if name in kept})
    found = [*cells.recurrent(run), *cells.free(run)]
    assert [line.label.split()[0] for line in found] == ["gru", "mgu", "indrnn"]
    assert [line.facts["in_sequence"] for line in found] == [0.0, 1.0, 0.0]
    for line in found:
        figures = line.figures
        assert line.state == "ok" and figures["per_flop"] > 0 and figures["to_bound"] > 0 and figures["to_lstm"] > 0
    # 3 gates of 4: at the same time a FLOP, three quarters of the time.
    gru = found[0].figures
    assert gru["to_lstm"] / gru["per_flop"] == pytest.approx(0.75)


def test_a_users_cell_is_like_no_built_in_one() -> None:
    hashes = {cv.cells[name].program.hash for name in cv.cells}
    assert define().program.hash not in hashes
    assert define() is not define()  # it is traced anew each time


def test_a_users_cell_beside_the_loop(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user, "SIZES", (TINY,))
    (line,) = user.plain(run)
    assert line.state == "ok" and line.figures["ratio"] > 0


def test_a_streams_step_beside_torch_and_onnx_runtime(run: Run) -> None:
    line = steps.stream(run, cv.LSTM(8, 8), 8)
    assert line.state == "ok" and line.facts == {"H": 8}
    assert line.figures.keys() == {"ours", "theirs", "ratio", "onnx", "onnx_ratio", "of_bandwidth"}
    assert line.figures["of_bandwidth"] == 4 * 4 * 8 * 16 / line.figures["ours"] / 1e11


def test_a_stream_that_forgets_is_red(run: Run) -> None:
    class Forgetful(cv.LSTM):
        def stream(self, batch_size: int, **options: Any) -> Any:
            stream = super().stream(batch_size, **options)
            step = stream.step

            def forgetful(x: Tensor) -> Tensor:
                stream.reset()
                return step(x)

            return SimpleNamespace(step=forgetful)

    line = steps.stream(run, Forgetful(8, 8), 8)
    assert line.state == "red" and line.figures == {}


def test_onnx_runtime_computes_torchs_numbers() -> None:
    cell = nn.LSTMCell(3, 5)
    step = onnx_step.stepper(cell, 1)()
    state = None
    with torch.inference_mode():
        for x in torch.randn(6, 1, 3):
            state = cell(x, state)
            torch.testing.assert_close(step(x), state[0])


def test_streams_are_measured_where_their_peers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = [row for row in targets.ROWS if row.name == "stream"]
    assert row.missing() is None and row in targets.choose([])
    monkeypatch.setattr(onnx_step, "find_spec", lambda name: None if name == "onnxruntime" else object())
    assert row.missing() == "it needs onnxruntime: pip install 'conveyor[bench]'" and row not in targets.choose([])
    with pytest.raises(ArgumentError, match="^rows: stream can't be measured here: it needs onnxruntime: pip install"):
        targets.choose(["stream"])


def test_single_steps_with_their_gradient(run: Run) -> None:
    ours, theirs = cv.LSTMCell(6, 6), nn.LSTMCell(6, 6)
    assert steps._cell(run, ours, theirs, 2, 6).state == "red"
    theirs.load_state_dict(ours.state_dict())
    line = steps._cell(run, ours, theirs, 2, 6)
    assert line.state == "ok" and line.label == "B=2 H=6" and line.figures["ratio"] > 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started."""
    found: list[subprocess.Popen[bytes]] = []
    original = subprocess.Popen

    def noted(*args: Any, **named: Any) -> Any:
        found.append(original(*args, **named))
        return found[-1]

    monkeypatch.setattr(end_to_end.subprocess, "Popen", noted)
    return found


def test_beside_busy_processes(run: Run, started: list[subprocess.Popen[bytes]]) -> None:
    line = end_to_end._beside_busy(run, square(3, 2, 4), "training")
    assert line.state == "ok" and line.figures["slowdown"] > 0 and line.figures["their_slowdown"] > 0
    assert len(started) == 2 and all(p.returncode is not None for p in started)  # none is left behind


def test_busy_processes_end_if_the_measurement_fails(started: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(ZeroDivisionError), end_to_end._busy(1):
        assert [p.poll() for p in started] == [None]
        raise ZeroDivisionError
    assert started[0].returncode is not None


def test_cost_by_length(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_to_end, "_COMPARED", 10)
    line = end_to_end._length(run, square(20, 2, 4), 1e-3)
    assert line.state == "ok" and line.figures["step"] == line.figures["ours"] / 20
    assert line.figures["linear"] == line.figures["step"] / 1e-3
    assert "linear" not in end_to_end._length(run, square(20, 2, 4), None).figures


def test_lengths_are_not_set_beside_a_void_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter(["void", "ok", "ok", "ok"])
    bases = []

    def fake(run: Run, size: Size, base: float | None) -> Line:
        bases.append((size.T, base))
        return Line(size.label, {"step": size.T * 1e-6}, next(states))  # type: ignore[arg-type]

    monkeypatch.setattr(end_to_end, "_length", fake)
    assert [line.state for line in end_to_end.length(run)] == ["void", "ok", "ok", "ok"]
    assert [base for _, base in bases] == [None] * 4
    states, bases = iter(["ok"] * 4), []
    list(end_to_end.length(run))
    assert bases == [(1_000, None), (100, 1e-3), (10_000, 1e-3), (100_000, 1e-3)]


@pytest.mark.slow
def test_memory_and_first_use_in_processes_of_their_own(run: Run, tmp_path: Path) -> None:
    figures = process.run("memory", "ours", 1, 10, 4, 8)
    assert figures["peak"] >= figures["before"] > 2**20
    times = [
        process.run("first_use", kind, 1, environment={"CONVEYOR_CACHE": str(tmp_path)})["first"]
        for kind in ("training", "inference")
    ]
    assert all(t > 0 for t in times)
    assert len(list(tmp_path.iterdir())) >= 3


def test_memory_is_that_of_the_process_itself() -> None:
    """Not that of the process which started it."""
    held = torch.zeros(300 * 2**18)  # 300 MiB in this process
    code = "from release.process import _most_memory; print(_most_memory())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=BENCHMARKS)
    assert 2**20 < float(done.stdout) < 200 * 2**20
    assert held.numel() > 0


def test_first_use_takes_what_the_processes_take(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders: list[str] = []
    times = iter([3.0, 1.0, 2.0])

    def fake(task: str, kind: str, threads: int, environment: Mapping[str, str]) -> dict[str, float]:
        folders.append(environment["CONVEYOR_CACHE"])
        return {"first": next(times)}

    monkeypatch.setattr(process, "run", fake)
    line = end_to_end._first_use(run, "inference", str(tmp_path), warm=False)
    assert line.figures == {"first": 2.0} and len(set(folders)) == 3
    times, folders = iter([9.0, 3.0, 1.0, 2.0]), []
    line = end_to_end._first_use(run, "training", "/somewhere", warm=True)
    assert line.figures == {"first": 2.0} and folders == ["/somewhere"] * 4  # the first fills the cache
    assert line.facts == {"training": 1.0, "warm": 1.0}


def test_a_process_that_fails_is_told_in_a_line() -> None:
    with pytest.raises(ConveyorError, match="^bench: a process that measures nothing failed: KeyError: 'nothing'$"):
        process.run("nothing")


@pytest.mark.parametrize(
    ("text", "size"),
    [("100,32,128", (100, 32, 128, 128)), ("1,2,3,4", (1, 2, 3, 4)), ("35x20×200", (35, 20, 200, 200)), (" 1, 2,3", (1, 2, 3, 3))],
)  # fmt: skip
def test_sizes_are_read(text: str, size: tuple[int, ...]) -> None:
    assert compare.parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "1", "1,2", "1,2,3,4,5", "1,2,", "-1,2,3", "1.5,2,3", "0,1,2", "a,b,c", "99999999,1,1"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="^size: expected T,B,H or T,B,I,H as positive numbers"):
        compare.parse_size(text)


def test_a_size_that_does_not_fit_into_memory_is_one_line(run: Run) -> None:
    (row, _) = compare.rows([cv.cells["lstm"]], [Size(9_999_999, 9_999_999, 1, 1)], "reference")
    with pytest.raises(ArgumentError, match="^size: 9999999×9999999×1 needs more memory than there is"):
        list(row.measure(run))


def test_what_a_cell_is_set_beside() -> None:
    assert [compare.default_against(cv.cells[n]) for n in ("lstm", "lstm_projection", "mgu")] == [
        "torch",
        "torch",
        "loop",
    ]
    found = compare.rows([cv.cells["lstm"], cv.cells["mgu"]], [TINY], None)
    assert [row.title for row in found] == [
        "lstm, forward and backward, beside torch.nn's layer",
        "lstm, inference, beside torch.nn's layer",
        "mgu, forward and backward, beside the plain loop in torch",
        "mgu, inference, beside the plain loop in torch",
    ]
    with pytest.raises(ArgumentError, match="torch.nn has no layer for 'mgu'"):
        compare.rows([cv.cells["mgu"]], [TINY], "torch")
