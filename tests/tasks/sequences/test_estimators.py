"""The estimators: what they learn, scikit-learn's tools on them, files and pickles."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import polars
import pytest
import torch
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import conveyor as cv
from conveyor.errors import ArgumentError, CheckpointError, DataError
from conveyor.sequences import Classifier, Regressor, Tagger
from conveyor.tasks.sequences.evaluation.metrics import ClassScores

from .data import bumps, csv_of, stamps, with_holes

TINY = {"hidden_size": 8, "epochs": 12, "lr": 2e-2, "noise": 0.1}
VALUES, LABELS = bumps()
TEST, TRUTH = bumps(40, seed=9)


def test_names_are_there_beside_those_of_streams() -> None:
    assert cv.sequences.Classifier is Classifier and cv.sequences.tbptt.tbptt is cv.tbptt
    code = "import sys, conveyor.sequences\nprint('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


@pytest.fixture(scope="module")
def fitted() -> Classifier:
    return Classifier(**TINY).fit(VALUES, LABELS)


def test_a_classifier_learns(fitted: Classifier) -> None:
    assert fitted.score(TEST, TRUTH) >= 0.95
    found = fitted.predict_proba(TEST)
    assert found.shape == (40, 2) and found.sum(1) == pytest.approx(np.ones(40))
    assert fitted.classes_.tolist() == ["down", "up"] and fitted.predict(TEST).dtype == LABELS.dtype
    scores = fitted.evaluate(TEST, TRUTH)
    assert isinstance(scores, ClassScores) and scores.macro_auc >= 0.98 and scores.confusion.sum() == 40
    assert "Classifier(hidden_size=8" in repr(fitted) and fitted.history_[-1].metrics["accuracy"] > 0.8


def test_lists_arrays_and_frames_are_the_same() -> None:
    values = [v[:12] for v in VALUES]
    tiny = TINY | {"epochs": 2}
    want = Classifier(**tiny).fit(values, LABELS).predict_proba(values)
    stacked = np.stack([v.T for v in values])
    np.testing.assert_array_equal(Classifier(**tiny).fit(stacked, LABELS).predict_proba(stacked), want)
    frame = pandas.read_csv(pandas.io.common.StringIO(csv_of(values, LABELS)))
    for given in (frame, polars.from_pandas(frame)):
        model = Classifier(id="recording", time="t", label="kind", **tiny).fit(given)
        np.testing.assert_array_equal(model.predict_proba(given), want)
        assert model.score(given) == model.score(given, LABELS)
        assert (
            model.predict_proba(given.drop(columns="kind") if given is frame else given.drop("kind")).shape
            == want.shape
        )


def test_two_fits_give_the_same_bits_and_another_seed_others() -> None:
    tiny = TINY | {"epochs": 2}
    a, b = (Classifier(**tiny).fit(VALUES, LABELS).predict_proba(TEST) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert (Classifier(random_state=1, **tiny).fit(VALUES, LABELS).predict_proba(TEST) != a).any()


@pytest.mark.parametrize("given_times", [False, True])
@pytest.mark.parametrize(("cell", "kind"), [("auto", "decay"), ("lstm", "mask")])
def test_missing_values(cell: str, kind: str, given_times: bool) -> None:
    values, test = with_holes(VALUES), with_holes(TEST)
    times, test_times = (stamps(VALUES), stamps(TEST)) if given_times else (None, None)
    model = Classifier(cell=cell, **TINY).fit(values, LABELS, times=times)
    assert model.trained_.definition.features.kind == kind
    assert model.trained_.definition.features.timed is given_times
    assert model.score(test, TRUTH, times=test_times) >= 0.9


def test_few_missing_values_leave_the_lstm() -> None:
    model = Classifier(**TINY | {"epochs": 1}).fit(with_holes(VALUES, 0.02), LABELS)
    assert model.trained_.model.recurrent.cell.name == "lstm" and model.trained_.definition.features.kind == "mask"


def test_irregular_stamps_are_read() -> None:
    random = np.random.default_rng(0)
    values = [np.zeros((10, 1), np.float32) for _ in range(60)]
    labels = random.integers(0, 2, 60)
    times = [np.cumsum(random.uniform(0.9, 1.1, 10)) + (np.arange(10) > 5) * 6.0 * y for y in labels]
    assert (
        Classifier(**TINY | {"epochs": 25}).fit(values, labels, times=times).score(values, labels, times=times) >= 0.95
    )


def test_a_regressor_learns_one_value_or_several() -> None:
    target = np.array([v[4:7, 1].mean() for v in VALUES])
    model = Regressor(**TINY | {"epochs": 30}).fit(VALUES, target)
    truth = np.array([v[4:7, 1].mean() for v in TEST])
    assert model.score(TEST, truth) >= 0.9 and model.predict(TEST).shape == (40,)
    both = Regressor(**TINY | {"epochs": 30}).fit(VALUES, np.stack([target, 100 - 5 * target], 1))
    found = both.predict(TEST)
    assert found.shape == (40, 2) and both.score(TEST, np.stack([truth, 100 - 5 * truth], 1)) >= 0.9


def test_a_tagger_learns_and_leaves_out_steps_without_a_label() -> None:
    tags = [np.where(v[:, 0] > 0, "plus", "minus").astype(object) for v in VALUES]
    tags[0][:] = None
    model = Tagger(**TINY | {"epochs": 25}).fit(VALUES, tags)
    truth = [np.where(v[:, 0] > 0, "plus", "minus") for v in TEST]
    assert model.score(TEST, truth) >= 0.9
    with pytest.raises(DataError, match="no step of its training, validation or test part has a label"):
        Tagger(validation=(TEST, [[None] * len(v) for v in TEST]), **TINY).fit(VALUES, tags)
    found = model.predict(TEST)
    assert [len(f) for f in found] == [len(v) for v in TEST] and set(found[0]) <= {"plus", "minus"}
    assert model.predict_proba(TEST)[0].shape == (len(TEST[0]), 2)


def test_class_weights_shift_what_is_predicted() -> None:
    random = np.random.default_rng(0)
    values = [random.normal(size=(8, 1)).astype(np.float32) for _ in range(120)]
    labels = np.array([0] * 100 + [1] * 20)
    plain = Classifier(**TINY | {"epochs": 3}).fit(values, labels)
    balanced = Classifier(class_weight="balanced", **TINY | {"epochs": 3}).fit(values, labels)
    assert balanced.predict_proba(values)[:, 1].mean() > 1.5 * plain.predict_proba(values)[:, 1].mean()


def test_scikit_learns_tools_take_them() -> None:
    model = Classifier(**TINY | {"epochs": 4})
    assert is_classifier(model) and is_regressor(Regressor()) and not is_classifier(Tagger())
    copy = clone(model)
    assert copy.get_params() == model.get_params() and not copy.__sklearn_is_fitted__()
    scores = cross_val_score(Classifier(**TINY), VALUES, LABELS, cv=3)
    assert len(scores) == 3 and scores.min() >= 0.8
    search = GridSearchCV(Classifier(**TINY), {"hidden_size": [2, 6]}, cv=2, scoring="neg_log_loss").fit(VALUES, LABELS)
    assert search.best_params_["hidden_size"] in (2, 6) and search.predict(TEST).shape == (40,)
    halved = FunctionTransformer(lambda values: [v[::2] for v in values], validate=False)
    piped = Pipeline([("halve", halved), ("model", Classifier(**TINY))]).fit(VALUES, LABELS)
    assert piped.score(TEST, TRUTH) >= 0.8 and piped.predict_proba(TEST).shape == (40, 2)
    assert piped.set_params(model__hidden_size=4).get_params()["model__hidden_size"] == 4


def test_fitting_changes_no_parameter(fitted: Classifier) -> None:
    assert fitted.get_params() == Classifier(**TINY).get_params()


def test_pickles_and_files_predict_the_same_bits(fitted: Classifier, tmp_path: Path) -> None:
    want = fitted.predict_proba(TEST)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(TEST), want)
    fitted.save(tmp_path / "run")
    loaded = Classifier.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.predict_proba(TEST), want)
    assert loaded.hidden_size == 8 and loaded.classes_.tolist() == ["down", "up"]
    np.testing.assert_array_equal(loaded.set_params(cell="lstm").fit(VALUES, LABELS).predict_proba(TEST), want)
    with pytest.raises(CheckpointError, match="expected a run of task tag, got classify"):
        Tagger.load(tmp_path / "run")
    with pytest.raises(ArgumentError, match="was loaded or unpickled"):
        pickle.loads(pickle.dumps(fitted)).save(tmp_path / "other")


def test_validation_may_be_given_or_left_out() -> None:
    given = Classifier(validation=(TEST, TRUTH), **TINY | {"epochs": 2}).fit(VALUES, LABELS)
    assert given._run.dataset.valid.ids == tuple(map(str, range(40))) and len(given._run.dataset.train) == 60
    none = Classifier(validation=0, **TINY | {"epochs": 2}).fit(VALUES, LABELS)
    assert len(none._run.dataset.train) == 60 and none.trained_.temperature == 1.0


BAD = [
    (lambda: Classifier().fit(VALUES, LABELS[:-1]), "y: expected a label for each of 60 sequences, got 59"),
    (lambda: Classifier().fit(VALUES), "y: expected a label for each sequence, got none"),
    (lambda: Classifier().fit(VALUES, ["one"] * 60), "expected labels of two classes or more, got only 'one'"),
    (lambda: Classifier().fit([np.full((3, 1), np.nan)] * 60, LABELS), "all values of sequence '0' are missing"),
    (lambda: Classifier().fit([np.empty((0, 1)), *[np.ones((3, 1))] * 59], LABELS), "sequence '0' has no steps"),
    (lambda: Classifier().fit([], []), "expected at least one sequence, got none"),
    (lambda: Regressor().fit(VALUES[:1], [1.0]), "expected sequences enough"),
    (lambda: Classifier().fit(VALUES, np.arange(60)), "60 classes in|classes in 54 sequences"),
    (lambda: Regressor().fit(VALUES, LABELS), "is no finite number; a regression needs numbers"),
    (lambda: Tagger().fit(VALUES, [[0]] * 60), "expected a label for each of the"),
    (lambda: Classifier(validation=1.0).fit(VALUES, LABELS), "valid_share: expected at least 0 and less than 1"),
    (lambda: Classifier(validation="half").fit(VALUES, LABELS), "validation: expected a share below 1"),
    (lambda: Classifier(hidden_size=0).fit(VALUES, LABELS), "hidden_size: expected 1 to"),
    (lambda: Classifier(cell="lstn").fit(VALUES, LABELS), "did you mean 'lstm"),
    (lambda: Classifier(cell=3).fit(VALUES, LABELS), "cell: expected a cell or the name of one, got int"),
    (lambda: Classifier(cell="lstm", missing="decay").fit(VALUES, LABELS), "lstm reads no mask or time gap"),
    (lambda: Classifier(cell="gru_d", missing="mask").fit(VALUES, LABELS), "gru_d reads mask and time gaps itself"),
    (lambda: Classifier(class_weight="rare").fit(VALUES, LABELS), "class_weight: expected one of none, balanced"),
    (lambda: Classifier().set_params(size=3), "Classifier has no parameter 'size'; it has cell, hidden_size"),
    (lambda: Classifier().predict(VALUES), "this Classifier is not fitted yet; call fit"),
]


@pytest.mark.parametrize(("use", "line"), BAD, ids=[line for _, line in BAD])
def test_what_cannot_be_used_is_one_line(use: object, line: str) -> None:
    with pytest.raises(ValueError, match=line) as told:
        use()  # type: ignore[operator]
    assert isinstance(told.value, ArgumentError | DataError) and "\n" not in str(told.value)


def test_other_channels_and_unseen_classes_are_refused(fitted: Classifier) -> None:
    with pytest.raises(DataError, match="expected 3 channels"):
        fitted.predict([np.ones((4, 2))])
    with pytest.raises(DataError, match="label 'sideways' of sequence '39' is no class of the training data"):
        fitted.score(TEST, [*TRUTH[:-1], "sideways"])


def test_fitting_leaves_torchs_random_numbers_and_threads_alone() -> None:
    torch.manual_seed(7)
    want, threads = torch.rand(1), torch.get_num_threads()
    torch.manual_seed(7)
    Classifier(threads=2, **TINY | {"epochs": 1}).fit(VALUES, LABELS)
    assert torch.equal(torch.rand(1), want) and torch.get_num_threads() == threads
