from __future__ import annotations

import pytest
import torch
from torch import Tensor

from conveyor.bench.correctness import WrongNumbers, compare


def near(value: Tensor, by: float) -> Tensor:
    """Off by a part of the largest value, in one place."""
    moved = value.clone()
    moved.view(-1)[0] += by * value.abs().max()
    return moved


@pytest.mark.parametrize(("name", "most"), [("output", 2e-5), ("gradient of x", 2e-4)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_what_is_near_enough_passes_and_the_rest_does_not(name: str, most: float, scale: float) -> None:
    want = scale * torch.randn(5, 7)
    assert compare({name: near(want, 0.8 * most)}, {name: want}) == pytest.approx(0.8 * most, rel=0.1)
    with pytest.raises(WrongNumbers, match=f"^{name} is off by .* where its largest value is "):
        compare({name: near(want, 1.3 * most)}, {name: want})


def test_float64_is_held_to_more() -> None:
    want = torch.randn(5, 7, dtype=torch.float64)
    compare({"output": near(want, 5e-11)}, {"output": want})
    with pytest.raises(WrongNumbers):
        compare({"output": near(want, 2e-10)}, {"output": want})


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_numbers_that_are_not_finite_do_not_pass(bad: float) -> None:
    want = torch.randn(5)
    wrong = want.clone()
    wrong[2] = bad
    for got, wanted in ((wrong, want), (want, wrong), (wrong, wrong)):
        with pytest.raises(WrongNumbers):
            compare({"output": got}, {"output": wanted})
        with pytest.raises(WrongNumbers):
            compare({"output": got}, {"output": wanted}, lambda wanted=wanted: {"output": wanted.double()})


def test_zeros_must_be_zeros() -> None:
    zeros = torch.zeros(3)
    assert compare({"gradient of h": zeros}, {"gradient of h": zeros}) == 0.0
    with pytest.raises(WrongNumbers):
        compare({"gradient of h": zeros + 1e-12}, {"gradient of h": zeros})


def test_names_shapes_and_types_must_be_the_same() -> None:
    want = {"output": torch.ones(2, 3)}
    with pytest.raises(WrongNumbers, match="gives state in place of output"):
        compare({"state": torch.ones(2, 3)}, want)
    with pytest.raises(WrongNumbers, match=r"output is \(3, 2\) float32, expected \(2, 3\) float32"):
        compare({"output": torch.ones(3, 2)}, want)
    with pytest.raises(WrongNumbers, match=r"output is \(2, 3\) float64, expected \(2, 3\) float32"):
        compare({"output": torch.ones(2, 3).double()}, want)
    assert compare({"output": torch.ones(0, 3)}, {"output": torch.ones(0, 3)}) == 0.0


def test_what_differs_is_held_to_float64() -> None:
    exact = torch.randn(50, dtype=torch.float64)
    theirs = near(exact, 1e-2).float()  # a cell that lets small differences grow
    asked = []

    def truth() -> dict[str, Tensor]:
        asked.append(1)
        return {"output": exact, "gradient of x": exact}

    good, bad = near(exact, -3e-2).float(), near(exact, -6e-2).float()
    compare({"output": good, "gradient of x": good}, {"output": theirs, "gradient of x": theirs}, truth)
    assert asked == [1]  # it takes a while, so it is computed once
    with pytest.raises(WrongNumbers, match="output is off by"):
        compare({"output": bad}, {"output": theirs}, truth)
    compare({"output": theirs}, {"output": theirs}, truth)
    assert asked == [1, 1]  # and not where there is no need
