"""Dropout with one mask a sequence, in Keras's words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv
from conveyor.interop.common.report import Report
from conveyor.interop.keras.layer import KerasLayer
from interop.keras.library import keras, run, sequences


def written(layer: torch.nn.Module, tmp_path: Path, **options: Any) -> Any:
    return keras.saving.load_model(cv.to_keras(layer, tmp_path / "m.keras", **options))


@pytest.mark.parametrize("both", [False, True])
def test_each_place_has_its_like(both: bool, tmp_path: Path) -> None:
    rates = {"input": 0.2, "recurrent": 0.3, "output": 0.4}
    layer = cv.RNN(3, 4, 2, batch_first=True, bidirectional=both, dropout=0.1, variational_dropout=rates).eval()
    model = written(layer, tmp_path)
    kinds = [type(k).__name__ for k in model.layers]
    one = ["SpatialDropout1D", "Bidirectional" if both else "SimpleRNN"]
    assert kinds == [*one, "Dropout", *one, "SpatialDropout1D"]
    assert [model.layers[k].rate for k in (0, 2, 3, 5)] == pytest.approx([0.2, 0.1, 0.2, 0.4])
    for k in (1, 4):
        inner = [model.layers[k].forward_layer, model.layers[k].backward_layer] if both else [model.layers[k]]
        assert [i.recurrent_dropout for i in inner] == [0.3] * len(inner)
    x = sequences()
    np.testing.assert_allclose(run(model, x)[0], layer(torch.from_numpy(x))[0].detach().numpy(), atol=1e-6)


def test_keras_drops_whole_features_of_a_sequence_as_this_layer_does(tmp_path: Path) -> None:
    layer = cv.RNN(3, 64, batch_first=True, variational_dropout={"output": 0.5})
    y = layer(torch.from_numpy(sequences()))[0]
    theirs = np.asarray(written(layer, tmp_path)(sequences(), training=True).detach())
    for output in (y.detach().numpy(), theirs):
        gone = output == 0
        assert 0.2 < gone.mean() < 0.8 and (gone == gone[:, :1]).all()


@pytest.mark.parametrize("kind", [cv.LSTM, cv.GRU])
def test_gates_with_masks_of_their_own_are_said(kind: Any, tmp_path: Path) -> None:
    told: list[Report] = []
    layer = kind(3, 4, batch_first=True, variational_dropout={"recurrent": 0.3})
    assert written(layer, tmp_path, report=told.append).layers[0].recurrent_dropout == 0.3
    assert "a mask for each gate" in str(told[0])


def test_the_last_step_alone_is_dropped_number_by_number(tmp_path: Path) -> None:
    layer = KerasLayer(cv.LSTM(3, 4, variational_dropout={"output": 0.4}, batch_first=True), return_sequences=False)
    assert [type(k).__name__ for k in written(layer, tmp_path).layers] == ["LSTM", "Dropout"]


def test_a_chain_may_begin_with_a_linear_layer(tmp_path: Path) -> None:
    chain = torch.nn.Sequential(torch.nn.Linear(3, 5), cv.GRU(5, 4, batch_first=True))
    x = sequences()
    want = chain[1](chain[0](torch.from_numpy(x)))[0].detach().numpy()
    np.testing.assert_allclose(run(written(chain, tmp_path), x)[0], want, atol=1e-6)


def test_what_keras_has_no_place_for_is_refused(tmp_path: Path) -> None:
    both = cv.LSTM(3, 4, bidirectional=True, variational_dropout={"output": 0.4}, batch_first=True)
    with pytest.raises(cv.ArgumentError, match="before they are merged"):
        cv.to_keras(KerasLayer(both, merge_mode="sum"), tmp_path / "m.keras")
    message = "layer: Keras has no gradient_clip in its layers, and this one does; cv.save keeps it"
    with pytest.raises(cv.ArgumentError, match=re.escape(message)):
        cv.to_keras(cv.LSTM(3, 4, gradient_clip=1.0), tmp_path / "m.keras")
