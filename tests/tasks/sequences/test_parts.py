"""Gaps, scaling, parting and batches, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conveyor.errors import DataError
from conveyor.tasks.sequences.batching.batches import Batches, fill
from conveyor.tasks.sequences.batching.features import Features, Item, collate
from conveyor.tasks.sequences.batching.gaps import carried_forward, time_gaps
from conveyor.tasks.sequences.batching.scaling import Scaling
from conveyor.tasks.sequences.data.split import split
from conveyor.tasks.sequences.data.targets import UNLABELLED, Classes, ValueScale

from .data import bumps, sequences, stamps, with_holes


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_time_gaps_are_those_of_the_paper(seed: int, steps: int) -> None:
    random = np.random.default_rng(seed)
    mask, times = random.random((steps, 3)) < 0.5, np.cumsum(random.uniform(0.1, 3.0, steps))
    want = np.zeros((steps, 3))
    for t in range(1, steps):  # Che et al. 2018, eq. 2
        for d in range(3):
            want[t, d] = times[t] - times[t - 1] + (0.0 if mask[t - 1, d] else want[t - 1, d])
    np.testing.assert_allclose(time_gaps(mask, times), want, rtol=1e-6, atol=1e-6)


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_values_are_carried_forward(seed: int, steps: int) -> None:
    random = np.random.default_rng(seed)
    values = np.where(random.random((steps, 2)) < 0.5, np.nan, random.normal(size=(steps, 2))).astype(np.float32)
    want, last = np.zeros_like(values), np.zeros(2, np.float32)
    for t in range(steps):
        last = np.where(np.isnan(values[t]), last, values[t])
        want[t] = last
    np.testing.assert_array_equal(carried_forward(values), want)


def test_scaling_is_of_what_is_observed() -> None:
    values, _ = bumps()
    holes = with_holes(values)
    times = stamps(values)
    scaling = Scaling.of(sequences(holes, times=times))
    whole = np.concatenate(holes).astype(np.float64)
    np.testing.assert_allclose(scaling.mean, np.nanmean(whole, 0), rtol=1e-6)
    np.testing.assert_allclose(scaling.deviation, np.nanstd(whole, 0), rtol=1e-6)
    assert scaling.gap == np.median(np.concatenate([np.diff(t) for t in times]))
    constant = Scaling.of(sequences([np.full((5, 1), 1e6, np.float32)]))
    assert constant.deviation == (1.0,)
    with pytest.raises(DataError, match="all values of channel 'dim_1' are missing in the training part"):
        Scaling.of(sequences([np.array([[1, np.nan]], np.float32)]))


def test_back_gaps_are_those_of_the_turned_sequence() -> None:
    values = with_holes(bumps(1)[0])[0]
    times = stamps([values])[0]
    features = Features("decay", 3, True, Scaling((0.0,) * 3, (1.0,) * 3, 2.0))
    item, back = features.item(values, times), features.item(values[::-1], (times[-1] - times)[::-1])
    np.testing.assert_allclose(item.delta_back, back.delta, rtol=1e-6)
    assert item.mask.sum() == (~np.isnan(values)).sum() and not np.isnan(item.x).any()
    np.testing.assert_allclose(features.item(values, None).delta, time_gaps(~np.isnan(values), np.arange(len(values))))


@given(st.integers(6, 200), st.integers(2, 5), st.integers(0, 50))
def test_parts_are_whole_and_have_their_share_of_each_class(count: int, classes: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, classes, count).tolist()
    parts = split(count, [0.2, 0.2], seed, labels)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    for part in parts[:2]:
        assert abs(len(part) - 0.2 * count) <= 1
        for k in range(classes):
            wanted = labels.count(k) * len(part) / count
            assert abs(sum(labels[i] == k for i in part) - wanted) <= 2.0
    once = [k for k in range(classes) if labels.count(k) == 1]
    assert all(labels.index(k) in parts[2] for k in once)


def test_groups_stay_in_one_part() -> None:
    groups = [f"g{k % 7}" for k in range(50)]
    parts = split(50, [0.3, 0.3], 0, None, groups)
    homes = [{groups[i] for i in part} for part in parts]
    assert not homes[0] & homes[1] and not homes[0] & homes[2] and not homes[1] & homes[2]
    assert sorted(np.concatenate(parts).tolist()) == list(range(50))
    with pytest.raises(DataError, match="expected groups enough"):
        split(50, [0.3, 0.3], 0, None, ["one"] * 50)
    with pytest.raises(DataError, match="expected sequences enough for training"):
        split(2, [0.3, 0.3], 0)


def test_batches_are_filled_cover_each_epoch_and_are_a_function_of_epoch_and_index() -> None:
    random = np.random.default_rng(0)
    lengths = np.sort(random.integers(5, 93, 900))
    items = [Item(np.full((n, 1), k, np.float32)) for k, n in enumerate(lengths)]
    targets = [np.array([k]) for k in range(900)]
    batches = Batches(items, targets, False, 32, seed=3)
    again = Batches(items, targets, False, 32, seed=3)
    orders = []
    for epoch in (0, 1):
        seen, padded = [], 0
        for index in range(len(batches)):
            batch = batches.batch(epoch, index)
            other = again.batch(epoch, index)
            assert torch.equal(batch.inputs["x"], other.inputs["x"])
            assert torch.equal(batch.inputs["x"][0, :, 0].long(), batch.targets["y"])
            seen += batch.targets["y"].tolist()
            padded += batch.inputs["x"][..., 0].numel()
        assert sorted(seen) == list(range(900))
        assert lengths.sum() / padded >= 0.9
        orders.append(seen)
    assert orders[0] != orders[1]
    assert torch.equal(batches.batch(0, 5).targets["y"], again.batch(0, 5).targets["y"]), "an earlier epoch comes back"
    assert Batches(items[:1] * 64, targets[:1] * 64, False, 32, seed=0).spread == np.inf, "equal lengths mix freely"


def test_fill_counts_padding() -> None:
    assert fill(np.array([2, 4, 4]), [np.array([0, 1]), np.array([2])]) == 10 / 12


def test_padding_is_zero_and_steps_without_a_label_are_marked() -> None:
    items = [Item(np.ones((2, 1), np.float32)), Item(np.ones((4, 1), np.float32))]
    batch = Batches(items, [np.array([1, 0]), np.array([1, 1, 1, 1])], True, 2, 0).batch(0, 0)
    short = int(batch.inputs["lengths"].argmin())
    assert batch.inputs["x"][2:, short].abs().sum() == 0
    assert batch.targets["y"][:, short].tolist() == [1, 0, UNLABELLED, UNLABELLED]
    assert collate(items)["lengths"].tolist() == [2, 4]


def test_classes_are_the_same_in_any_type() -> None:
    classes = Classes.of([3, 1, 2], "X")
    found = classes.encode(sequences([np.ones((1, 1), np.float32)] * 4, ["1", 2.0, np.int64(3), 1]))
    assert np.concatenate(found).tolist() == [0, 1, 2, 0]
    with pytest.raises(DataError, match=r"label 4 of sequence '0' is no class of the training data \(1, 2, 3\)"):
        classes.encode(sequences([np.ones((1, 1), np.float32)], [4]))
    with pytest.raises(DataError, match="expected labels of two classes or more, got only 'a'"):
        Classes.of(["a", "a"], "X")


def test_value_scale_comes_back() -> None:
    targets = [np.array([1.0, 5.0]), np.array([3.0, 5.0])]
    scale = ValueScale.of(targets)
    np.testing.assert_allclose(scale.decode(np.stack(scale.encode(targets)).astype(np.float64)), np.stack(targets))
