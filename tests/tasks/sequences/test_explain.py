"""Integrated gradients: complete, and right where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conveyor.errors import ArgumentError
from conveyor.sequences import Classifier, Regressor, Tagger
from conveyor.tasks.sequences.evaluation.metrics import ClassScores
from conveyor.tasks.sequences.report.explain import explain, log_odds, occluded_channels

from .data import bumps, sequences, with_holes

TINY = {"hidden_size": 8, "epochs": 12, "lr": 2e-2, "noise": 0.1}
VALUES, LABELS = bumps()
TEST, TRUTH = bumps(20, seed=9)


@pytest.mark.parametrize(("cell", "holes"), [("lstm", False), ("lstm", True), ("gru_d", True)])
def test_the_steps_and_channel_that_hold_the_class_are_found(cell: str, holes: bool) -> None:
    """Steps 4 to 6 of channel 1 alone tell the classes apart."""
    values, test = (with_holes(VALUES, 0.2), with_holes(TEST, 0.2)) if holes else (VALUES, TEST)
    model = Classifier(cell=cell, hidden_size=32, epochs=20, lr=1e-2, noise=0.5).fit(values, LABELS)
    shares = []
    for k in range(len(test)):
        if np.isnan(test[k][4:7, 1]).any():
            continue
        found = model.explain(test, k, target=TRUTH[k])
        assert found.residual == pytest.approx(0.0, abs=1e-3 * max(1.0, abs(found.output - found.baseline)))
        assert not found.effects[np.isnan(test[k])].any(), "what is missing has no effect of its own"
        decided = found.effects[4:7, 1].sum()
        shares.append(decided / np.abs(found.effects).sum())
        step, channel, effect = found.strongest(1)[0]
        assert channel == "dim_1" and 4 <= step <= 6 and effect > 0
    assert len(shares) >= 5 and np.mean(shares) >= 0.45
    assert model.explain(test, 0).by_step.shape == (len(test[0]),) and model.explain(test, 0).by_channel.argmax() == 1


def test_output_and_baseline_are_the_models() -> None:
    model = Classifier(**TINY | {"epochs": 2}).fit(VALUES, LABELS)
    found = model.explain(TEST, 3)
    p = model.predict_proba(TEST)[3]
    assert found.output == pytest.approx(np.log(p.max() / p.min()), rel=1e-4) and found.target == model.predict(TEST)[3]
    mean = np.tile(np.float32(model.trained_.definition.features.scaling.mean), (len(TEST[3]), 1))
    at_mean = model.predict_proba([mean])[0]
    k = model.classes_.tolist().index(found.target)
    assert found.baseline == pytest.approx(np.log(at_mean[k] / at_mean[1 - k]), rel=1e-3, abs=1e-4)
    other = model.explain(TEST, 3, target=model.classes_[1 - k])
    np.testing.assert_allclose(other.effects, -found.effects, atol=1e-6)


def test_values_and_tags_are_explained_in_their_units() -> None:
    target = np.array([100 * v[4:7, 1].mean() for v in VALUES])
    model = Regressor(**TINY | {"epochs": 3}).fit(VALUES, target)
    found = model.explain(TEST, 0)
    assert found.output == pytest.approx(model.predict(TEST)[0], rel=1e-4) and abs(found.residual) < 0.05
    tags = [(v[:, 0] > 0).astype(int) for v in VALUES]
    tagger = Tagger(**TINY | {"epochs": 25}).fit(VALUES, tags)
    whole = sequences(TEST)
    at = explain(tagger.trained_, whole, 0, step=5)
    assert at.strongest(1)[0][:2] == (5, "dim_0"), "the step's own value decides"
    with pytest.raises(ArgumentError, match="step: expected 0 to"):
        explain(tagger.trained_, whole, 0, step=99)


def test_log_odds_are_those_of_the_softmax() -> None:
    logits = torch.randn(7, 4, dtype=torch.float64)
    p = logits.softmax(-1)[:, 2]
    torch.testing.assert_close(log_odds(logits, 2), torch.log(p / (1 - p)))


def test_occluding_the_channel_that_decides_costs_accuracy() -> None:
    model = Classifier(**TINY).fit(VALUES, LABELS)
    scores = occluded_channels(model.trained_, sequences(TEST, TRUTH))
    found = [s.accuracy for s in scores if isinstance(s, ClassScores)]
    assert found[1] <= 0.75 < 0.9 <= min(found[0], found[2])


def test_what_cannot_be_explained_is_one_line() -> None:
    model = Classifier(**TINY | {"epochs": 1}).fit(VALUES, LABELS)
    with pytest.raises(ArgumentError, match="index: expected 0 to 19, got 20"):
        model.explain(TEST, 20)
    with pytest.raises(ArgumentError, match="target: expected one of down, up, got 'left'"):
        model.explain(TEST, 0, target="left")
