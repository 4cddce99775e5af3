"""Whether several threads are used is decided by what happens to this process: tried on simulated readings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conveyor.backends.cpu.codegen.scheduling.openmp import openmp
from conveyor.backends.cpu.runtime import oversubscription, threads
from conveyor.backends.cpu.runtime.oversubscription import LONGEST, PERIOD, Reading, RunDelay

STEP = 0.001  # seconds a pass


class Machine:
    """A process with two threads that always want to run, and what others leave it of two cores."""

    def __init__(self, left: float = 2.0) -> None:
        self.now = 1000.0
        self.left = left  # cores' worth of time
        self.wanted = 1.0  # of the time
        self.ran = self.waited = 5e9
        self.readings = 0
        self.cost = 0.0
        self.says = True
        self.crowd = RunDelay(self.read, lambda: self.now)

    def read(self) -> Reading | None:
        self.readings += 1
        self.now += self.cost
        return (int(self.ran), int(self.waited)) if self.says else None

    def passes(self, seconds: float) -> list[bool]:
        """The answers at each pass of a time."""
        answers = []
        for _ in range(round(seconds / STEP)):
            alone = self.crowd.is_oversubscribed()
            answers.append(alone)
            threads = 1 if alone else 2
            got = min(threads, self.left if threads == 2 else max(1.0, self.left))
            self.now += STEP
            self.ran += got * STEP * 1e9 * self.wanted
            self.waited += (threads - got) * STEP * 1e9 * self.wanted
        return answers


def test_an_idle_machine_is_never_crowded() -> None:
    machine = Machine()
    assert not any(machine.passes(5))
    assert machine.readings <= 5 / PERIOD + 1


def test_a_busy_one_is_found_out_within_two_readings() -> None:
    machine = Machine(left=1.2)
    answers = machine.passes(0.5)
    assert answers.index(True) * STEP <= 2 * PERIOD + STEP
    # From then on one thread, but for short trials that become rare.
    assert sum(machine.passes(20)) > 0.97 * 20 / STEP


def test_trials_become_rare_and_end_when_the_machine_is_idle() -> None:
    machine = Machine(left=1.2)
    machine.passes(10)
    machine.left = 2.0
    answers = machine.passes(LONGEST + 0.1)
    assert not any(answers[-50:])
    assert not any(machine.passes(5))


@pytest.mark.parametrize(("left", "seconds"), [(1.99, 10.0), (1.75, 10.0), (1.0, 0.004)])
def test_what_takes_little_changes_nothing(left: float, seconds: float) -> None:
    """A background job of low priority, and another thread that runs for an instant."""
    machine = Machine()
    machine.passes(1.01)
    machine.left = left
    answers = machine.passes(seconds)
    machine.left = 2.0
    assert not any(answers + machine.passes(1))


def test_an_instant_between_two_readings_does_not_count_as_before() -> None:
    machine = Machine(left=1.2)
    machine.passes(3)
    machine.left = 2.0
    machine.passes(3)
    machine.left = 1.2
    first = machine.passes(0.2)
    machine.left = 2.0
    # It was idle for a while, so the first trial comes soon.
    assert any(first) and not all(machine.passes(0.2))


def test_one_thread_that_waits_is_not_joined_by_another() -> None:
    machine = Machine(left=0.5)

    def passes(seconds: float) -> list[bool]:
        answers = []
        for _ in range(round(seconds / STEP)):
            answers.append(machine.crowd.is_oversubscribed())
            machine.now += STEP
            machine.ran += 0.5 * STEP * 1e9
            machine.waited += 0.5 * STEP * 1e9
        return answers

    passes(0.2)
    assert all(passes(5))


def test_a_process_that_does_nothing_says_nothing() -> None:
    machine = Machine(left=1.0)
    machine.wanted = 0.01
    assert not any(machine.passes(3))


def test_threads_that_have_ended_say_nothing() -> None:
    machine = Machine()
    machine.passes(1)
    machine.ran = machine.waited = 0.0
    assert not any(machine.passes(1))


def test_readings_that_take_long_are_made_less_often() -> None:
    machine = Machine()
    machine.cost = 0.01
    machine.passes(10)
    assert machine.readings <= 10 / (oversubscription.COST * 0.01) + 2


def test_where_the_system_does_not_say() -> None:
    machine = Machine(left=0.5)
    machine.says = False
    assert not any(machine.passes(5)) and machine.readings <= 5 / LONGEST + 2


def test_the_reading_of_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in {"1": "100 20 3\n", "2": "5 7 1\n", "3": "", "4": "x y z"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "schedstat").write_text(text)
    (tmp_path / "5").mkdir()
    monkeypatch.setattr(oversubscription, "_TASKS", tmp_path)
    assert oversubscription.threads_times() == (105, 27)
    monkeypatch.setattr(oversubscription, "_TASKS", tmp_path / "5")
    assert oversubscription.threads_times() is None
    monkeypatch.setattr(oversubscription, "_TASKS", tmp_path / "none")
    assert oversubscription.threads_times() is None


@pytest.mark.parametrize(
    ("files", "groups", "want"),
    [
        ({}, "0::/\n", None),
        ({"cpu.max": "max 100000\n"}, "0::/\n", None),
        ({"cpu.max": "150000 100000\n"}, "0::/\n", 1.5),
        ({"a/cpu.max": "400000 100000\n", "a/b/cpu.max": "max 100000\n"}, "0::/a/b\n", 4.0),
        ({"a/cpu.max": "400000 100000\n", "a/b/cpu.max": "200000 100000\n"}, "0::/a/b\n", 2.0),
        ({"cpu.max": "200000 100000\n"}, "0::/docker/of the host\n", 2.0),
        (
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "-1", "cpu,cpuacct/x/cpu.cfs_period_us": "100"},
            "4:cpu,cpuacct:/x\n",
            None,
        ),
        (
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "300", "cpu,cpuacct/x/cpu.cfs_period_us": "100"},
            "4:cpu,cpuacct:/x\n",
            3.0,
        ),
        ({"memory/cpu.max": "100000 100000"}, "3:memory:/\n", None),
        ({"cpu.max": "nonsense"}, "0::/\n", None),
    ],
)
def test_limits_of_control_groups(files: dict[str, str], groups: str, want: float | None, tmp_path: Path) -> None:
    control, membership = tmp_path / "control", tmp_path / "groups"
    for name, text in files.items():
        (control / name).parent.mkdir(parents=True, exist_ok=True)
        (control / name).write_text(text)
    membership.write_text(groups)
    assert oversubscription.group_limit(membership, control) == want


def test_no_groups_no_limit(tmp_path: Path) -> None:
    assert oversubscription.group_limit(tmp_path / "none", tmp_path) is None


def test_cores_are_those_of_the_affinity_and_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 3, 7}, raising=False)
    for limit, want in ((None, 4), (2.7, 2), (0.5, 1), (64.0, 4)):
        monkeypatch.setattr(oversubscription, "group_limit", lambda *_, limit=limit: limit)
        assert oversubscription._ask_cores() == want


def test_no_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(threads, "cores", lambda: 2)
    assert threads.usable(8, 1e9) == (2 if openmp() is not None else 1)
    monkeypatch.setattr(threads, "cores", lambda: 1)
    assert threads.usable(8, 1e9) == 1
