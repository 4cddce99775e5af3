"""What a file of Keras cannot tell is asked for or said; nothing is guessed in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv
from conveyor.interop.common.report import Report
from interop.keras.library import L, built, keras, model, run, save, sequences
from interop.keras.test_keras2 import H, arrays, write


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("name", ["m.weights.h5", "old.h5"])
def test_the_form_of_a_gru_without_biases_is_asked_for(name: str, after: bool, tmp_path: Path) -> None:
    theirs = L.GRU(4, use_bias=False, reset_after=after, return_sequences=True, name="g")
    whole = model(theirs)
    path = tmp_path / name
    whole.save_weights(path) if name.endswith(".weights.h5") else whole.save(path)
    x = sequences()
    if name == "old.h5":  # with its model the file tells
        y = cv.from_keras(path, "g")(torch.from_numpy(x))[0]
        np.testing.assert_allclose(y.detach(), run(theirs, x)[0], atol=1e-6)
        with pytest.raises(cv.ArgumentError, match="reset_after is for weights alone"):
            cv.from_keras(path, reset_after=after)
        return
    with pytest.raises(
        cv.ArgumentError, match="does not tell whether its reset gate acts after the product; say reset"
    ):
        cv.from_keras(path)
    told: list[Report] = []
    y = cv.from_keras(path, "g", reset_after=after, report=told.append)(torch.from_numpy(x))[0]
    np.testing.assert_allclose(y.detach(), run(theirs, x)[0], atol=1e-6)
    assert f"reset_after={after}" in str(told[0])
    off = cv.from_keras(path, "g", reset_after=not after)(torch.from_numpy(x))[0].detach().numpy() - run(theirs, x)[0]
    assert np.abs(off).max() > 1e-3, "the other form gives other numbers"


def test_the_others_of_such_a_file_are_read(tmp_path: Path) -> None:
    whole = model(L.LSTM(4, return_sequences=True, name="a"), L.GRU(3, use_bias=False, name="b"))
    found = cv.from_keras(save(whole, tmp_path / "m.weights.h5"))
    assert [*found] == ["a"] and "reset_after=True" in found.unread["b"]
    assert {*cv.from_keras(tmp_path / "m.weights.h5", reset_after=True)} == {"a", "b"}


def test_biases_tell_and_contradict(tmp_path: Path) -> None:
    path = save(model(L.GRU(3, reset_after=False, name="b")), tmp_path / "m.weights.h5")
    assert cv.from_keras(path, "b").units[0].cell.name == "gru_reset_before"
    with pytest.raises(cv.ArgumentError, match="reset_after=True, and the biases of 'b' say the other form"):
        cv.from_keras(path, reset_after=True)
    with pytest.raises(cv.ArgumentError, match="reset_after is True or False, got 1"):
        cv.from_keras(path, reset_after=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [True, False])
def test_a_gru_without_biases_is_written_as_weights(after: bool, tmp_path: Path) -> None:
    layer = cv.Recurrent("gru" if after else "gru_reset_before", 3, 4, bias=False, batch_first=True)
    cv.to_keras(layer, tmp_path / "m.weights.h5")
    theirs = model(L.GRU(4, use_bias=False, reset_after=after, return_sequences=True))
    theirs.load_weights(tmp_path / "m.weights.h5")
    x = sequences()
    np.testing.assert_allclose(run(theirs, x)[0], layer(torch.from_numpy(x))[0].detach(), atol=1e-6)


def test_a_version_that_is_not_said(tmp_path: Path) -> None:
    config = {"name": "lstm_1", "units": H, "recurrent_activation": "hard_sigmoid"}
    found = cv.from_keras(write(tmp_path / "m.h5", [("LSTM", config, arrays(4))], ""))
    assert "the file says no version of Keras, assumed 2" in str(found)
    found = cv.from_keras(write(tmp_path / "n.h5", [("LSTM", config, arrays(4))], "2.2.4"))
    assert "no version" not in str(found)


class Functional:
    """A functional model of which one branch is masked."""

    def __init__(self) -> None:
        tokens, numbers = keras.Input((None,), dtype="int32"), keras.Input((None, 3))
        seen = L.LSTM(4, name="masked")(L.Embedding(9, 3, mask_zero=True, name="words")(tokens))
        free = L.LSTM(4, name="free")(numbers)
        self.model = keras.Model([tokens, numbers], L.Concatenate()([seen, free]))


@pytest.mark.parametrize("form", ["live", "m.keras", "m.h5"])
def test_masks_are_said_where_they_are(form: str, tmp_path: Path) -> None:
    whole = Functional().model
    found = cv.from_keras(whole if form == "live" else save(whole, tmp_path / form))
    assert "'words' (Embedding(mask_zero=True)): pass lengths=" in "".join(found.notes["masked"])
    assert not any("masked" in n for n in found.notes["free"])
    assert "pass lengths=" in str(found)


def test_a_mask_goes_on_until_a_last_step(tmp_path: Path) -> None:
    layers = [L.Masking(name="m"), L.LSTM(4, return_sequences=True, name="a"), L.LSTM(4, name="b")]
    found = cv.from_keras(save(model(*layers, L.RepeatVector(3), L.LSTM(4, name="c")), tmp_path / "m.keras"))
    assert ["'m' (Masking)" in str(found.notes[n]) for n in "abc"] == [True, True, False]


def test_lengths_are_what_the_mask_says(tmp_path: Path) -> None:
    """The note's advice gives Keras's numbers, up to the end of each row."""
    tokens = np.array([[3, 1, 4, 0, 0], [2, 5, 8, 7, 1]])
    words, layer = L.Embedding(9, 3, mask_zero=True), L.LSTM(4, return_sequences=True, name="a")
    whole = keras.Sequential([keras.Input((None,), dtype="int32"), words, layer])
    theirs = np.asarray(whole(tokens).detach())
    ours = cv.from_keras(save(whole, tmp_path / "m.keras"), "a")
    lengths = torch.from_numpy((tokens != 0).sum(1))
    y = ours(torch.from_numpy(np.asarray(words(tokens).detach())), lengths=lengths)[0].detach().numpy()
    for row, n in enumerate(lengths):
        np.testing.assert_allclose(y[row, :n], theirs[row, :n], atol=1e-6)
    assert (y[0, 3:] == 0).all() and (theirs[0, 3:] == theirs[0, 2]).all()


def test_what_training_has_there(tmp_path: Path) -> None:
    whole = model(L.LSTM(4, kernel_regularizer="l2", recurrent_constraint="max_norm", name="a", return_sequences=True))
    whole.layers[0].trainable = False
    layer = cv.from_keras(save(whole, tmp_path / "m.keras"), "a")
    assert not any(p.requires_grad for p in layer.parameters())
    assert cv.from_keras(tmp_path / "m.keras").notes["a"] == ("without its regularizers", "without its constraints")


def test_a_layer_by_itself_tells_what_is_left_behind() -> None:
    told: list[Any] = []
    cv.from_keras(built(L.LSTM(4, dropout=0.1)), report=told.append)
    assert "without its dropout" in str(told[0])
