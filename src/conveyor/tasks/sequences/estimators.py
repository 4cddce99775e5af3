"""`Classifier`, `Regressor` and `Tagger`: models of sequences with scikit-learn's interface."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import DataError
from conveyor.tasks.sequences.data.collection import Sequences
from conveyor.tasks.sequences.estimator import Estimator
from conveyor.tasks.sequences.evaluation.metrics import ClassScores, ValueScores
from conveyor.tasks.sequences.trained import Trained


class Classifier(Estimator):
    """Predicts one class a sequence; the parameters are those of `Estimator`."""

    TASK: ClassVar[str] = "classify"
    _estimator_type = "classifier"
    classes_: NDArray[Any]

    def _take(self, trained: Trained) -> None:
        super()._take(trained)
        self.classes_ = _class_array(trained)

    def _kind_tags(self) -> tuple[Any, Any, Any]:
        from sklearn.utils import ClassifierTags

        return None, ClassifierTags(), None

    def predict_proba(self, X: Any, *, times: Any = None) -> NDArray[np.float64]:
        """Predict the calibrated probability of each class, (n, K) in the order of `classes_`.

        Raises:
            DataError: the sequences cannot be used.
        """
        return np.stack(self._fitted().probabilities(self._sequences(X, times)))

    def predict(self, X: Any, *, times: Any = None) -> NDArray[Any]:
        """Predict the likeliest class of each sequence, (n,).

        Raises:
            DataError: the sequences cannot be used.
        """
        found = self.predict_proba(X, times=times)
        return self.classes_[found.argmax(1)]  # type: ignore[no-any-return]

    def score(self, X: Any, y: Any = None, *, times: Any = None) -> float:
        """Compute the share of sequences that are classified rightly."""
        scores = self.evaluate(X, y, times=times)
        assert isinstance(scores, ClassScores), "classes are scored as such"
        return scores.accuracy


class Regressor(Estimator):
    """Predicts one value, or K values, a sequence; the parameters are those of `Estimator`."""

    TASK: ClassVar[str] = "regress"
    _estimator_type = "regressor"

    def _kind_tags(self) -> tuple[Any, Any, Any]:
        from sklearn.utils import RegressorTags

        return None, None, RegressorTags()

    def predict(self, X: Any, *, times: Any = None) -> NDArray[np.float64]:
        """Predict the value of each sequence, (n,); (n, K) if there are several.

        Raises:
            DataError: the sequences cannot be used.
        """
        found = np.stack(self._fitted().outputs(self._sequences(X, times)))
        return found[:, 0] if found.shape[1] == 1 else found

    def score(self, X: Any, y: Any = None, *, times: Any = None) -> float:
        """Compute the share of the variance that is explained, R²."""
        scores = self.evaluate(X, y, times=times)
        assert isinstance(scores, ValueScores), "values are scored as such"
        return scores.r2


class Tagger(Estimator):
    """Predicts one class a step; the parameters are those of `Estimator`."""

    TASK: ClassVar[str] = "tag"
    classes_: NDArray[Any]

    def _take(self, trained: Trained) -> None:
        super()._take(trained)
        self.classes_ = _class_array(trained)

    def _labels(self, y: Any, sequences: Sequences) -> list[Any]:
        if not hasattr(y, "__len__") or isinstance(y, str) or len(y) != len(sequences):
            got = f"{len(y)}" if hasattr(y, "__len__") else type(y).__name__
            raise DataError(f"y: expected labels for each of {len(sequences)} sequences, got {got}")
        found = []
        for k, (labels, values) in enumerate(zip(y, sequences.values, strict=True)):
            steps = np.empty(len(labels) if hasattr(labels, "__len__") else 0, dtype=object)
            if len(steps) != len(values) or isinstance(labels, str):
                raise DataError(
                    f"y: expected a label for each of the {len(values)} steps of sequence {k}, got {len(steps)}"
                )
            steps[:] = list(labels)
            found.append(steps)
        return found

    def predict_proba(self, X: Any, *, times: Any = None) -> list[NDArray[np.float64]]:
        """Predict the calibrated probability of each class at each step: (T_i, K) a sequence.

        Raises:
            DataError: the sequences cannot be used.
        """
        return self._fitted().probabilities(self._sequences(X, times))

    def predict(self, X: Any, *, times: Any = None) -> list[NDArray[Any]]:
        """Predict the likeliest class at each step: (T_i,) a sequence.

        Raises:
            DataError: the sequences cannot be used.
        """
        return [self.classes_[p.argmax(1)] for p in self.predict_proba(X, times=times)]

    def score(self, X: Any, y: Any = None, *, times: Any = None) -> float:
        """Compute the share of labelled steps that are tagged rightly."""
        scores = self.evaluate(X, y, times=times)
        assert isinstance(scores, ClassScores), "classes are scored as such"
        return scores.accuracy


def _class_array(trained: Trained) -> NDArray[Any]:
    assert trained.definition.classes is not None, "a classifier has classes"
    return np.array(trained.definition.classes.names)


__all__ = ["Classifier", "Regressor", "Tagger"]
