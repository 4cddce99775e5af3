"""The detection of oversubscribed cores from this process's run delay, and the number of cores that it may use.

The system counts how long each thread has run, and how long it wanted to run and did not (`schedstat`). Where the
threads of this process waited for more than a seventh of the time that they wanted to run, others hold the cores, and
work that is soon over is better done by one thread. That is tried again after a while, and after ever longer ones as
long as it turns out the same; what others do elsewhere on the machine, and in other containers, does not matter.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Reading = tuple[int, int]  # nanoseconds that this process's threads have run, and that they have waited for a core

PERIOD = 0.05  # seconds from one reading to the next
TRIAL = 0.02  # seconds for which several threads are tried again
LONGEST = 2.0  # seconds until they are, at most
SHARE = 0.15  # of the time in which threads wanted to run: if they waited for more, cores are missing
EVIDENCE = 0.1  # of the time between two readings: if threads wanted to run for less, it says nothing
COST = 50  # times as long as a reading took, the next is not made
_TASKS = Path("/proc/self/task")
_MOST = 64  # threads that are looked at
_CONTROL = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


@dataclass
class RunDelay:
    """The run delay of this process's threads, and the decision between one thread and several.

    Args:
        read: Returns the process's times; None if the system does not report them.
        clock: Returns the time in seconds.
    """

    read: Callable[[], Reading | None]
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self._alone = False
        self._is_trial = False
        self._pause = PERIOD
        self._look_at = 0.0
        self._last: tuple[float, Reading] | None = None

    def is_oversubscribed(self) -> bool:
        """Tell whether several threads would wait for cores; most calls only read the clock."""
        now = self.clock()
        if now >= self._look_at:
            self._look(now)
        return self._alone

    def _look(self, now: float) -> None:
        reading = self.read()
        cost = self.clock() - now
        if reading is None:
            self._alone, self._look_at = False, now + LONGEST
            return
        waited = self._waited(now, reading)
        self._last = now, reading
        span = self._after_alone(waited) if self._alone else self._after_shared(waited)
        self._look_at = now + max(span, COST * cost)

    def _waited(self, now: float, reading: Reading) -> float | None:
        """Return the run delay since the last reading as a share of the wanted time; None if that is too short."""
        if self._last is None:
            return None
        before, (ran, waited) = self._last
        run, wait = reading[0] - ran, reading[1] - waited
        # Threads that have ended are no longer counted.
        if run < 0 or wait < 0 or run + wait < EVIDENCE * (now - before) * 1e9:
            return None
        return wait / (run + wait)

    def _after_shared(self, waited: float | None) -> float:
        """Decide after a period with several threads; returns the seconds until the next reading."""
        if waited is None or waited <= SHARE:
            if waited is not None and not self._is_trial:
                self._pause = PERIOD
            self._is_trial = False
            return PERIOD
        self._pause = min(2 * self._pause, LONGEST) if self._is_trial else PERIOD
        self._alone, self._is_trial = True, False
        return self._pause

    def _after_alone(self, waited: float | None) -> float:
        """Decide after a period with one thread: if even that one waited, several would too."""
        if waited is not None and waited > SHARE:
            return self._pause
        self._alone, self._is_trial = False, True
        return TRIAL


def threads_times() -> Reading | None:
    """Read the times of this process's threads; None if the system does not report them."""
    ran = waited = 0
    try:
        names = os.listdir(_TASKS)[:_MOST]
    except OSError:
        return None
    for name in names:
        try:
            with open(f"{_TASKS}/{name}/schedstat", encoding="ascii") as file:
                numbers = file.read().split()
            ran, waited = ran + int(numbers[0]), waited + int(numbers[1])
        except (OSError, ValueError, IndexError):
            continue  # it has ended, or the system does not say
    return (ran, waited) if ran else None


_crowd = RunDelay(threads_times, time.monotonic)


def is_oversubscribed() -> bool:
    """Tell whether this process's threads wait for cores; False if the system does not report it."""
    return _crowd.is_oversubscribed()


# How many cores there are for this process

_cores = (0.0, 1)


def cores() -> int:
    """Return the number of cores that this process may use, by affinity and cgroup limit, read once a second."""
    global _cores
    now = time.monotonic()
    if now >= _cores[0]:
        _cores = (now + 1.0, _ask_cores())
    return _cores[1]


def _ask_cores() -> int:
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = group_limit(_MEMBERSHIP, _CONTROL)
    return able if limit is None else max(1, min(able, math.floor(limit)))


def group_limit(membership: Path, control: Path) -> float | None:
    """Return the number of cores that the process's cgroups allow; None if they set no limit.

    Args:
        membership: The file that names the process's cgroups.
        control: The folder in which cgroups are mounted.
    """
    limits: list[float] = []
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if not names or "cpu" in names.split(","):
            limits += _limits(control / names if names else control, path.strip("/"))
    return min(limits, default=None)


def _limits(folder: Path, path: str) -> list[float]:
    """Return the limits of a cgroup and its parents; in a container the path may be missing, but the root is there."""
    parts = path.split("/") if path else []
    found = []
    for depth in range(len(parts) + 1):
        group = folder.joinpath(*parts[:depth])
        numbers = _first(group / "cpu.max") or _first(group / "cpu.cfs_quota_us") + _first(group / "cpu.cfs_period_us")
        if len(numbers) == 2 and numbers[0] > 0 and numbers[1] > 0:
            found.append(numbers[0] / numbers[1])
    return found


def _first(file: Path) -> list[float]:
    """Read the numbers of a file of one line; empty if it is missing or says that there is no limit."""
    try:
        return [float(word) for word in file.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []
