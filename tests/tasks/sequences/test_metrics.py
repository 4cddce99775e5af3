"""Metrics against scikit-learn's, and the temperature against the lowest of many."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.utils.class_weight import compute_class_weight

from conveyor.tasks.sequences.data.targets import UNLABELLED
from conveyor.tasks.sequences.evaluation.calibration import fit_temperature, softmax
from conveyor.tasks.sequences.evaluation.metrics import area_under_curve, score_classes, score_values
from conveyor.tasks.sequences.objective import Objective, balanced_weights


@pytest.mark.parametrize("classes", [2, 5])
def test_class_scores_are_scikit_learns(classes: int) -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, classes, 300)
    probabilities = softmax(random.normal(size=(300, classes)) + 2 * np.eye(classes)[truth])
    found, predicted = score_classes(truth, probabilities), probabilities.argmax(1)
    np.testing.assert_array_equal(found.confusion, metrics.confusion_matrix(truth, predicted))
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, predicted)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.f1, f1)
    assert found.accuracy == metrics.accuracy_score(truth, predicted)
    assert found.macro_f1 == pytest.approx(f1.mean())
    each = [metrics.roc_auc_score(truth == k, probabilities[:, k]) for k in range(classes)]
    np.testing.assert_allclose(found.auc, each, rtol=1e-12)
    assert found.log_loss == pytest.approx(metrics.log_loss(truth, probabilities), rel=1e-6)


def test_ties_and_absent_classes() -> None:
    random = np.random.default_rng(1)
    truth, scores = random.random(200) < 0.3, random.integers(0, 5, 200).astype(float)
    assert area_under_curve(truth, scores) == pytest.approx(metrics.roc_auc_score(truth, scores), rel=1e-12)
    found = score_classes(np.array([0, 1, 1]), np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.7, 0.3, 0.0]]))
    assert np.isnan(found.f1[2]) and np.isnan(found.auc[2]) and found.macro_f1 == pytest.approx(2 / 3)
    # A bin of confidence 0.9 and accuracy 1, one of .8 and 1, one of .7 and 0.
    assert found.calibration_error == pytest.approx((0.1 + 0.2 + 0.7) / 3)


def test_value_scores_are_scikit_learns() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(50, 2))
    predicted = truth + 0.3 * random.normal(size=(50, 2))
    found = score_values(truth, predicted)
    assert found.mae == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert found.rmse**2 == pytest.approx(metrics.mean_squared_error(truth, predicted))
    assert found.r2 == pytest.approx(metrics.r2_score(truth, predicted))
    assert score_values(np.ones((3, 1)), np.ones((3, 1))).r2 == 1.0
    assert score_values(np.ones((3, 1)), np.zeros((3, 1))).r2 == 0.0


def test_temperature_is_the_best_of_many() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 500)
    logits = 4 * (random.normal(size=(500, 3)) + np.eye(3)[truth])

    def loss(log: float) -> float:
        return 500 * metrics.log_loss(truth, softmax(logits / np.exp(log))) + log**2 / 2

    grid = np.linspace(-2, 3, 2001)
    best = grid[np.argmin([loss(g) for g in grid])]
    assert np.log(fit_temperature(logits, truth)) == pytest.approx(best, abs=3e-3)


def test_temperature_of_data_that_are_all_right_is_not_zero() -> None:
    assert 0.1 < fit_temperature(np.array([[3.0, 0.0], [0.0, 3.0]]), np.array([0, 1])) < 1.0
    assert fit_temperature(np.empty((0, 2)), np.empty(0, np.int64)) == 1.0


def test_balanced_weights_are_scikit_learns_and_weigh_the_loss() -> None:
    codes = np.array([0] * 6 + [1] * 3 + [2])
    weights = balanced_weights(torch.from_numpy(np.bincount(codes)).float())
    want = compute_class_weight("balanced", classes=np.arange(3), y=codes)
    np.testing.assert_allclose(weights.numpy(), want, rtol=1e-6)
    logits, targets = torch.randn(4, 3, dtype=torch.float64), torch.tensor([0, 2, UNLABELLED, 1])
    found = Objective("tag", weights.double()).classes(logits, targets)
    logs = -torch.log_softmax(logits, 1)[[0, 1, 3], [0, 2, 1]]
    own = weights.double()[[0, 2, 1]]
    assert found.loss.item() == pytest.approx(float((logs * own).sum() / own.sum()))
    assert found.scored == 3 and found.loss_weight == pytest.approx(float(own.sum()))
    nothing = Objective("tag").classes(logits.requires_grad_(), torch.full((4,), UNLABELLED))
    assert nothing.scored == 0 and nothing.loss.item() == 0.0 and nothing.loss.requires_grad
