"""What `conveyor doctor` finds out, and that a backend which does not work is told in a line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conveyor import backends, doctor
from conveyor.backends.cpu.codegen import code_cache, isa
from conveyor.doctor import check as checking
from conveyor.doctor import facts as examining
from conveyor.doctor import machine
from conveyor.doctor.check import Check

FINE = Check(None, 0.5, {"float32": 1e-7, "float64": 1e-16})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(code_cache.ENVIRONMENT, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small cell is not tried."""
    monkeypatch.setattr(examining, "check", lambda: FINE)


def test_the_small_cell_is_compiled_and_right(cache: Path) -> None:
    found = checking.check()
    assert found.problem is None
    assert found.seconds is not None and found.seconds > 0
    assert found.error is not None and 0 < found.error["float32"] < 1e-5 and 0 < found.error["float64"] < 1e-12
    assert not cache.exists()  # it has a cache of its own


def test_a_machine_where_all_is_well(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv(isa.ENVIRONMENT, raising=False)
    report = doctor.examine()
    assert report.works and report.problems == () and report.notes == ()
    assert report.backends == {name: backends.why_not(name) for name in backends.NAMES}
    assert report.backends["cpu"] is None and report.backends["triton"]
    assert report.instructions.chosen == report.instructions.able[0] == isa.width().name
    assert set(report.instructions.features) == isa.host_features()
    assert (report.threads.torch, report.threads.omp) == (torch.get_num_threads(), "3")
    text = doctor.as_text(report)
    for wanted in ("reference", "ready", "no: this version", isa.width().name, "OMP_NUM_THREADS = 3", "writable"):
        assert wanted in text
    assert "problem" not in text and "note" not in text
    assert json.loads(json.dumps(report.to_json()))["works"] is True


def test_the_cache_is_described_and_not_made(quick: None, cache: Path) -> None:
    report = doctor.examine()
    assert report.cache is not None
    assert (report.cache.folder, report.cache.writable, report.cache.entries) == (str(cache), True, 0)
    assert not cache.exists()
    code_cache.write("0" * 64, bytes(2**20 - 32))
    report = doctor.examine()
    assert report.cache is not None and (report.cache.entries, report.cache.bytes) == (1, 2**20)
    assert f"{cache}, writable, 1 entries, 1.0 of at most 256 MiB" in " ".join(
        doctor.as_text(report, 10_000).split("\n")
    )


def test_a_cache_that_can_not_be_written_is_a_note(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    monkeypatch.setenv(code_cache.ENVIRONMENT, str(file / "below"))
    report = doctor.examine()
    assert report.works and report.cache is not None and not report.cache.writable
    (note,) = report.notes
    assert str(file / "below") in note and "CONVEYOR_CACHE" in note


def test_no_home_is_a_note(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(code_cache, "folder", homeless)
    report = doctor.examine()
    assert report.works and report.cache is not None and report.cache.folder is None
    assert "no home folder" in report.notes[0] and "no folder, not writable" in doctor.as_text(report)


def test_more_threads_than_cores_is_a_note(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 4)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 16)
    (note,) = doctor.examine().notes
    assert "16 threads on 4 cores" in note and "torch.set_num_threads(4)" in note


def test_instructions_that_the_cpu_lacks(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(isa.ENVIRONMENT, "avx1024")
    report = doctor.examine()
    assert not report.works and report.check is None
    assert report.instructions.chosen is None and report.instructions.wanted == "avx1024"
    (problem,) = report.problems
    assert problem.startswith("CONVEYOR_CPU is one of ") and problem.endswith("got 'avx1024'")
    assert "none (CONVEYOR_CPU=avx1024)" in doctor.as_text(report)


def test_without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    def why_not(name: str) -> str | None:
        return "llvmlite can't be imported (No module named 'llvmlite')" if name == "cpu" else None

    monkeypatch.setattr(backends, "why_not", why_not)
    report = doctor.examine()
    assert not report.works and report.check is None and report.cache is None
    assert report.problems == (
        "the compiled backend is missing: llvmlite can't be imported (No module named 'llvmlite')",
    )
    text = doctor.as_text(report, 200)
    assert "no: llvmlite can't be imported" in text and "not tried" in text and "unknown" in text


@pytest.mark.parametrize("blocked", ["torch", "llvmlite"])
def test_what_is_not_installed_is_named_in_one_line(blocked: str) -> None:
    code = f"""
import sys
sys.modules[{blocked!r}] = None
from conveyor.cli import main
sys.exit(main(["doctor"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("conveyor: the compiled backend does not work: ") and f"{blocked} can't be imported" in line
    assert "reference" in done.stdout


@pytest.mark.parametrize(
    ("code", "output", "errors", "expected"),
    [
        (-signal.SIGILL, "", "", "a small cell ended its process by SIGILL; narrower instructions may work, see CONVEYOR_CPU"),
        (-99, "", "", "a small cell ended its process by signal 99; narrower instructions may work, see CONVEYOR_CPU"),
        (1, "", "Traceback\n  File\nValueError: no\n\n", "a small cell failed: ValueError: no"),
        (3, "", "", "a small cell failed: exit code 3"),
        (0, "nothing", "", "a small cell gave no result but 'nothing'"),
        (0, "[1]", "", "a small cell gave no result but '[1]'"),
        (
            0,
            '{"seconds": 1, "error": {"float32": 0.5, "float64": 1e-15}}',
            "",
            "a small cell's results differ from the reference by 0.5 in float32",
        ),
        (
            0,
            '{"seconds": 1, "error": {"float32": NaN}}',
            "",
            "a small cell's results differ from the reference by nan in float32, nan in float64",
        ),
    ],
)  # fmt: skip
def test_whatever_goes_wrong_is_one_line(code: int, output: str, errors: str, expected: str) -> None:
    assert checking._judged(code, output, errors).problem == expected


def test_a_small_cell_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*args: object, **named: object) -> None:
        raise subprocess.TimeoutExpired("python", 300.0)

    monkeypatch.setattr(checking.subprocess, "run", hang)
    assert checking.check().problem == "a small cell did not end within 300 seconds"


def test_a_wrong_result_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "check", lambda: Check("they differ", 1.0, {"float32": 0.5, "float64": 0.5}))
    report = doctor.examine()
    assert not report.works and report.problems == ("they differ",)
    assert "failed: largest relative difference 0.5 in float32" in doctor.as_text(report)


def test_the_machine_is_described() -> None:
    found = machine.describe()
    assert found.cpu and found.cores >= 1 and found.system
    assert {"python", "conveyor", "torch", "llvmlite"} <= found.versions.keys()
    assert found.versions["torch"].startswith(torch.__version__.split("+")[0])


def test_lines_fit_the_terminal(quick: None) -> None:
    report = doctor.examine()
    for width in (60, 100):
        assert all(len(line) <= width for line in doctor.as_text(report, width).splitlines() if "/" not in line)
