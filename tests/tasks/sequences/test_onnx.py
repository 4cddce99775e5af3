"""The whole model in onnxruntime, from raw values to probabilities, against the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from conveyor.errors import ArgumentError
from conveyor.sequences import Classifier, Regressor, Tagger

from .data import bumps, stamps, with_holes

SMALL: dict[str, Any] = {"hidden_size": 6, "epochs": 1, "batch_size": 30}
VALUES, LABELS = bumps(30)
VALUES = [v * 30 + 5000 for v in VALUES]  # as large means lose digits in float32
TARGETS = {
    Classifier: LABELS,
    Regressor: np.array([v[0] for v in VALUES])[:, :2],
    Tagger: [v[:, 0] > 5000 for v in VALUES],
}
CASES = [
    ("lstm", False, False, {}),
    ("lstm", True, True, {}),
    ("gru", False, True, {"num_layers": 2, "bidirectional": False}),
    ("gru_d", True, False, {"bidirectional": False, "num_layers": 2}),
    ("gru_d", True, True, {}),
]


@pytest.mark.parametrize("kind", [Classifier, Regressor, Tagger])
@pytest.mark.parametrize(("cell", "holes", "timed", "sizes"), CASES)
def test_graph_gives_the_models_numbers(
    kind: Any, cell: str, holes: bool, timed: bool, sizes: dict[str, Any], tmp_path: Path
) -> None:
    values = with_holes(VALUES) if holes else VALUES
    times = stamps(VALUES) if timed else None
    model = kind(cell=cell, **SMALL, **sizes).fit(values, TARGETS[kind], times=times)
    made = model.to_onnx(tmp_path / "m.onnx")
    assert made.difference is not None and made.difference <= 1e-5
    x = np.full((7, 20, 3), 1e9, np.float32)
    when = np.full((7, 20), -1e9)
    lengths = np.array([len(v) for v in values[:7]])
    for k, n in enumerate(lengths):
        x[k, :n] = values[k]
        when[k, :n] = stamps(VALUES)[k]
    given = {"x": x, "lengths": lengths} | ({"times": when} if timed else {})
    assert set(made.inputs) == set(given)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(["values" if kind is Regressor else "probabilities"], given)
    few = {"times": times[:7]} if times else {}
    want = model.predict(values[:7], **few) if kind is Regressor else model.predict_proba(values[:7], **few)
    for k, n in enumerate(lengths):
        np.testing.assert_allclose(found[k, :n] if kind is Tagger else found[k], want[k], rtol=2e-5, atol=2e-6)


def test_file_tells_what_it_is_and_is_not_overwritten(tmp_path: Path) -> None:
    model = Classifier(**SMALL).fit(VALUES, LABELS)
    path = tmp_path / "m.onnx"
    made = model.to_onnx(path)
    assert made.outputs == ("probabilities", "logits") and [r.result for r in made.rows] == ["LSTM"]
    told = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert told["task"] == "classify" and json.loads(told["classes"]) == ["down", "up"]
    with pytest.raises(ArgumentError, match="is there already"):
        model.to_onnx(path)
    model.to_onnx(path, overwrite=True)
