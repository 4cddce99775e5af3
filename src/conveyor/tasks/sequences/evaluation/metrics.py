"""Metrics of predicted classes and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class ClassScores:
    """The scores of N predictions of K classes.

    Args:
        confusion: (K, K) counts, a row a true class, a column a predicted one.
        precision: (K,) share of a predicted class that is so; 0 where it is never predicted.
        recall: (K,) share of a true class that is found; NaN where there is none.
        f1: (K,) harmonic mean of both; NaN where the class is neither there nor predicted.
        auc: (K,) probability that one of the class is ranked above one of the rest; NaN where one of these lacks.
        log_loss: mean negative log of the true class's probability.
        calibration_error: expected difference of confidence and accuracy over ten bins (Naeini et al. 2015).
    """

    confusion: Whole
    precision: Floats
    recall: Floats
    f1: Floats
    auc: Floats
    log_loss: float
    calibration_error: float

    @property
    def count(self) -> int:
        """Number of predictions."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share that is right."""
        return float(np.trace(self.confusion) / self.count)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that are there or predicted."""
        return _mean(self.f1)

    @property
    def macro_auc(self) -> float:
        """Mean AUC of the classes, each against the rest; NaN if there is one class only."""
        return _mean(self.auc)


def score_classes(truth: Whole, probabilities: Floats) -> ClassScores:
    """Score N predictions.

    Args:
        truth: (N,) classes.
        probabilities: (N, K).
    """
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(1)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    right = np.diag(confusion).astype(np.float64)
    there, guessed = confusion.sum(1), confusion.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(guessed > 0, right / guessed, 0.0)
        recall = np.where(there > 0, right / there, np.nan)
        f1 = np.where(there + guessed > 0, 2 * right / (there + guessed), np.nan)
    chosen = probabilities[np.arange(len(truth)), truth]
    return ClassScores(
        confusion,
        precision,
        recall,
        f1,
        np.array([area_under_curve(truth == k, probabilities[:, k]) for k in range(classes)]),
        float(-np.log(np.maximum(chosen, np.finfo(np.float64).tiny)).mean()),
        _calibration_error(predicted == truth, probabilities.max(1)),
    )


def area_under_curve(positive: NDArray[np.bool_], scores: Floats) -> float:
    """Compute the area under the ROC curve by ranks, ties counting half (Mann & Whitney 1947); NaN for one class."""
    count = int(positive.sum())
    rest = len(positive) - count
    if not count or not rest:
        return float("nan")
    _, place, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[place]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * rest))


def _calibration_error(right: NDArray[np.bool_], confidence: Floats, bins: int = 10) -> float:
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.zeros(bins)
    np.add.at(gap, place, confidence - right)
    return float(np.abs(gap).sum() / len(right))


@dataclass(frozen=True)
class ValueScores:
    """The scores of N predictions of K values.

    Args:
        mae: mean absolute error, over all values.
        rmse: root of the mean squared error.
        r2: share of the variance that is explained, the mean over the values; 0 is predicting the mean.
        count: N.
    """

    mae: float
    rmse: float
    r2: float
    count: int


def score_values(truth: Floats, predicted: Floats) -> ValueScores:
    """Score N predictions, (N, K) each."""
    error = predicted - truth
    spread = ((truth - truth.mean(0)) ** 2).sum(0)
    squared = (error**2).sum(0)
    # Of a constant there is no variance to explain: 1 for no error, else 0, as scikit-learn has it.
    r2 = np.where(spread > 0, 1.0 - squared / np.where(spread > 0, spread, 1.0), (squared == 0).astype(np.float64))
    return ValueScores(float(np.abs(error).mean()), float(np.sqrt((error**2).mean())), float(r2.mean()), len(truth))


def _mean(values: Sequence[float] | Floats) -> float:
    known = np.asarray(values)[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
