from __future__ import annotations

import gc

import pytest

from conveyor.bench.timing import LEAST, alternate


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def work(self, name: str, *seconds: float):
        """Takes these times in turn; after them the last again and again."""
        left = list(seconds)

        def function() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return function

    def __call__(self) -> float:
        return self.now


def test_medians_and_quartiles() -> None:
    clock = Clock()
    # The first two calls get ready; of the seven after them the median is 4.
    (found,) = alternate([clock.work("a", 100.0, 1.0, 7.0, 1.0, 6.0, 2.0, 5.0, 3.0, 4.0)], 28.0, clock)
    assert (found.seconds, found.low, found.high, found.samples) == (4.0, 2.5, 5.5, 7)


def test_functions_take_turns_in_changing_order() -> None:
    clock = Clock()
    alternate([clock.work("a", 1.0), clock.work("b", 1.0)], 8.0, clock)
    assert "".join(clock.calls) == "aabb" + "abba" * 2 + "ab"  # at least five rounds


def test_there_are_at_least_so_many_samples() -> None:
    clock = Clock()
    found = alternate([clock.work("a", 10.0), clock.work("b", 1.0)], 0.1, clock)
    assert [f.samples for f in found] == [LEAST, LEAST]
    assert [f.seconds for f in found] == [10.0, 1.0]


def test_a_slow_first_call_does_not_count() -> None:
    clock = Clock()
    (found,) = alternate([clock.work("a", 1000.0, 1.0)], 10.0, clock)
    assert found.high == 1.0


def test_a_short_function_is_called_often_for_a_sample() -> None:
    clock = Clock()
    (short, long) = alternate([clock.work("s", 1e-6), clock.work("l", 1.0)], 5.0, clock)
    assert short.seconds == pytest.approx(1e-6) and long.seconds == pytest.approx(1.0)
    assert clock.calls.count("s") == 2 + 100 * short.samples
    assert clock.calls.count("l") == 2 + long.samples


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_rests_and_is_as_before_afterwards(on: bool) -> None:
    seen: list[bool] = []
    calls = iter(range(300))
    (gc.enable if on else gc.disable)()
    try:
        alternate([lambda: seen.append(gc.isenabled())], 1e-6)
        assert gc.isenabled() == on
        with pytest.raises(StopIteration):
            alternate([lambda: next(calls)], 1e9)
        assert gc.isenabled() == on
    finally:
        gc.enable()
    assert len(seen) > 2 and not any(seen[2:])
