from __future__ import annotations

import json
from pathlib import Path

import pytest

from conveyor.cli import main
from conveyor.doctor import facts
from conveyor.doctor.check import Check


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEYOR_CACHE", str(tmp_path))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small cell is not tried; tests/test_doctor.py tries it."""
    monkeypatch.setattr(facts, "check", lambda: Check(None, 0.5, {"float32": 1e-7, "float64": 1e-16}))


def test_all_is_well(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    found = capsys.readouterr()
    assert found.err == ""
    names = [line.split()[0] for line in found.out.splitlines() if not line.startswith(" ")]
    wanted = "machine versions reference cpu triton instructions features threads cache check"
    assert names == wanted.split()


def test_json_has_the_same(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["works"] is True and found["problems"] == []
    assert found["backends"]["cpu"] is None and found["check"]["problem"] is None


def test_a_backend_that_does_not_work_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVEYOR_CPU", "i386")
    assert main(["doctor"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("conveyor: the compiled backend does not work: CONVEYOR_CPU is one of ")
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["works"] is False


def test_unknown_options_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--fix"]) == 2
    assert capsys.readouterr().err.startswith("conveyor: No such option: --fix")
