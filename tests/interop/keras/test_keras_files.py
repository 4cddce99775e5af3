"""Keras's files in and out: written by Keras and read without it, written without it and read by Keras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch import nn

import conveyor as cv
from conveyor.interop.keras.layer import KerasLayer
from interop.keras.kinds import KINDS
from interop.keras.library import I, L, keras, model, randomised, run, save, sequences
from interop.keras.test_live import assert_same, functional, ours

ENDINGS = (".keras", ".h5", ".weights.h5")
READ = """
import sys
import conveyor as cv
for name, layer in cv.from_keras(sys.argv[1]).items():
    print(name, layer)
"""
pytestmark = pytest.mark.usefixtures("in_this_process")


def several() -> Any:
    return model(
        L.Bidirectional(L.LSTM(4, return_sequences=True), name="both"),
        L.LSTM(3, return_sequences=True, name="one"),
        L.RNN([L.LSTMCell(4), L.GRUCell(3), L.LSTMCell(2)], return_sequences=True, name="stack"),
        L.GRU(2, return_sequences=True, name="last"),
    )


LISTED = [
    "both LSTM(3, 4, batch_first=True, bidirectional=True)",
    "last GRU(2, 2, batch_first=True)",
    "one LSTM(8, 3, batch_first=True)",
    "stack Recurrent(['lstm', 'gru'], 3, [4, 3, 2], num_layers=3, batch_first=True)",
]


def test_files_of_keras_are_read_without_keras(tmp_path: Path) -> None:
    path = save(several(), tmp_path / "m.keras")
    for name in ("keras", "tensorflow", "tf_keras"):  # may not be needed, by the process that reads either
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert sorted(done.stdout.splitlines()) == LISTED


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_layer_of_a_file_computes_what_keras_computes(ending: str, tmp_path: Path) -> None:
    theirs = several()
    told: list[cv.Report] = []
    found = cv.from_keras(save(theirs, tmp_path / f"m{ending}"), report=told.append)
    assert sorted(f"{name} {layer!r}" for name, layer in found.items()) == LISTED
    for layer in theirs.layers:
        x = sequences(layer.input.shape[-1])
        assert_same(run(layer, x), ours(found[layer.name], x))
    assert len(told) == 4 and all(r.ok and r.difference is not None and r.difference <= 1e-5 for r in told)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("kind", KINDS)
def test_settings_are_read_from_files(kind: str, ending: str, tmp_path: Path) -> None:
    layer = KINDS[kind]()
    if getattr(layer, "merge_mode", "") is None:
        theirs = keras.Model(x := L.Input((None, I)), layer(x))
    else:
        theirs = model(layer)
    randomised(theirs)
    (found,) = cv.from_keras(save(theirs, tmp_path / f"m{ending}")).values()
    x = sequences()
    assert_same(run(layer, x), ours(found, x))


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_models_in_models(ending: str, tmp_path: Path) -> None:
    theirs = functional()
    found = cv.from_keras(save(theirs, tmp_path / f"m{ending}"))
    assert list(found) == ["below", "within/deep", "above"]
    x = sequences()
    assert_same([run(theirs, x)[1]], ours(found["below"], x))
    deep = theirs.get_layer("within").layers[0]
    x = sequences(4)
    assert_same(run(deep, x), ours(found["within/deep"], x))
    assert_same(run(theirs.get_layer("above"), x), ours(found["above"], x))


class Subclassed(keras.Model):
    """A model whose configuration says nothing of its layers."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.encoder = L.LSTM(4, return_sequences=True)
        self.decoder = L.Dense(2)

    def call(self, x: Any) -> Any:
        return self.decoder(self.encoder(x))


def test_models_that_are_classes_of_the_users(tmp_path: Path) -> None:
    theirs = Subclassed()
    theirs(sequences())
    randomised(theirs)
    found = cv.from_keras(save(theirs, tmp_path / "m.keras"))
    (layer,) = found.values()
    x = sequences()
    assert_same(run(theirs.encoder, x), ours(layer, x))
    assert found.notes[theirs.encoder.name] == (
        "the file says no activations, assumed sigmoid and tanh",
        "nor what it returns, assumed every step returned, forwards",
    )


def test_activations_that_weights_alone_do_not_say(tmp_path: Path) -> None:
    theirs = model(L.LSTM(4, activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True, name="a"))
    path = save(theirs, tmp_path / "m.weights.h5")
    x = sequences()
    with pytest.raises(AssertionError):
        assert_same(run(theirs, x), ours(cv.from_keras(path)["a"], x))
    said = {"activation": "relu", "recurrent_activation": "hard_sigmoid_6"}
    found = cv.from_keras(path, **said)
    assert_same(run(theirs, x), ours(found["a"], x))
    assert found.notes["a"] == (
        "the file says no activations, assumed hard_sigmoid_6 and relu",
        "nor what it returns, assumed every step returned, forwards",
    )
    with pytest.raises(cv.ArgumentError, match="activation is one of sigmoid, tanh, .* got 'wrong'"):
        cv.from_keras(path, activation="wrong")
    with pytest.raises(cv.ArgumentError, match="activation is for weights alone, and the source says it of 'a'"):
        cv.from_keras(save(theirs, tmp_path / "m.keras"), activation="relu")


def test_a_stack_whose_order_the_weights_do_not_tell(tmp_path: Path) -> None:
    theirs = model(L.RNN([L.LSTMCell(3), L.GRUCell(3)], name="stack"))
    with pytest.raises(cv.ArgumentError, match="stacks cells in an order that the file does not tell; give the .keras"):
        cv.from_keras(save(theirs, tmp_path / "m.weights.h5"))


def test_bfloat16(tmp_path: Path) -> None:
    want = [torch.randn(shape).bfloat16() for shape in ((3, 16), (4, 16), (16,))]
    with h5py.File(tmp_path / "m.weights.h5", "w") as root:
        for k, tensor in enumerate(want):  # as Keras writes what HDF5 has no type for
            held = root.create_dataset(f"lstm/cell/vars/{k}", data=tensor.view(torch.int16).numpy().view("V2"))
            held.attrs["dtype"] = "bfloat16"
    found = cv.from_keras(tmp_path / "m.weights.h5")["lstm"]
    assert found.weight_ih_l0.dtype == torch.float32
    assert torch.equal(found.weight_ih_l0.T, want[0].float()) and torch.equal(found.bias_ih_l0, want[2].float())


# Out


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("kind", KINDS)
def test_keras_loads_what_was_written(kind: str, ending: str, tmp_path: Path) -> None:
    theirs = KINDS[kind]()
    theirs.build((None, None, I))
    layer = cv.from_keras(randomised(theirs))
    told: list[cv.Report] = []
    path = cv.to_keras(layer, tmp_path / f"m{ending}", report=told.append)
    x = sequences()
    if getattr(theirs, "merge_mode", "") is None:
        (inner,) = keras.saving.load_model(path, compile=False).layers
        assert_same(run(theirs, x), run(inner, x))
    else:
        assert_same(run(theirs, x), [np.asarray(keras.saving.load_model(path, compile=False).predict(x, verbose=0))])
    assert len(told) == 1 and told[0].ok and told[0].difference is not None and told[0].difference <= 1e-6
    if "Stacked" not in kind:  # those become layers on top of each other
        (again,) = cv.from_keras(path).values()
        assert_same(run(theirs, x), ours(again, x))


@pytest.mark.parametrize("ending", ENDINGS)
def test_deep_layers_and_models_are_written_whole(ending: str, tmp_path: Path) -> None:
    class Chain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(11, I)
            self.recurrent = cv.LSTM(I, 4, 2, bidirectional=True, dropout=0.4)
            self.top = KerasLayer(cv.Recurrent("gru_reset_before", 8, 5), return_sequences=False)
            self.decoder = nn.Linear(5, 2, bias=False)

        def chain(self) -> list[nn.Module]:
            return [self.embedding, nn.Dropout(0.3), self.recurrent, self.top, self.decoder]

    ours_, told = Chain(), []
    path = cv.to_keras(ours_, tmp_path / f"m{ending}", report=told.append)
    assert told[0].ok and told[0].difference <= 1e-6 and told[0].after == "Chain"
    theirs = keras.Sequential(
        [
            L.Input((None,), dtype="int32"),
            L.Embedding(11, I),
            L.Dropout(0.3),
            L.Bidirectional(L.LSTM(4, return_sequences=True)),
            L.Dropout(0.4),
            L.Bidirectional(L.LSTM(4, return_sequences=True)),
            L.GRU(5, reset_after=False),
            L.Dense(2, use_bias=False),
        ]
    )
    if ending == ".weights.h5":
        theirs.load_weights(path)
    else:
        loaded = keras.saving.load_model(path, compile=False)
        assert [type(k) for k in loaded.layers] == [type(k) for k in theirs.layers]
        theirs = loaded
    tokens = np.random.default_rng(0).integers(0, 11, (2, 7))
    with torch.no_grad():
        y = ours_.embedding(torch.from_numpy(tokens)).transpose(0, 1)
        y, _ = ours_.recurrent.eval()(y)
        y = ours_.decoder(ours_.top(y)[0])
    assert_same([np.asarray(theirs.predict(tokens, verbose=0))], [y.numpy()])
    assert all(m.training for m in ours_.modules() if m is not ours_.recurrent), "modes are as they were"


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_text("mine")
    with pytest.raises(cv.ArgumentError, match="is there already; give another, or overwrite=True"):
        cv.to_keras(cv.LSTM(I, 4), path)
    assert path.read_text() == "mine"
    cv.to_keras(cv.LSTM(I, 4), path, overwrite=True)
    assert zipfile.is_zipfile(path)


@pytest.mark.parametrize(
    ("make", "name", "message"),
    [
        (lambda: cv.LSTM(I, 4), "m.onnx", "target is a file .keras, .h5 or .weights.h5, or"),
        (lambda: cv.LSTM(I, 4), "no/m.keras", "cannot be written: No such file or directory"),
        (lambda: {"a": cv.LSTM(I, 4)}, "m.keras", "layer is a mapping, which fills a live model"),
        (lambda: nn.Linear(2, 3), "m.keras", "nn.Sequential, or a module with a method chain"),
        (lambda: nn.Sequential(nn.Linear(2, 3)), "m.keras", "the chain has no recurrent layer"),
        (lambda: nn.Sequential(cv.GRU(2, 3), nn.ReLU()), "m.keras", "a chain has recurrent layers, .* got ReLU"),
        (lambda: nn.Sequential(KerasLayer(cv.GRU(2, 3, bidirectional=True), merge_mode=None), nn.Linear(3, 1)), "m.h5", "can only be the last"),
        (lambda: cv.Recurrent(cv.cells["lstm"].configure(gate_activation="hard_sigmoid"), I, 4), "m.keras", "Keras 3 has no activation that is our 'hard_sigmoid'"),
    ],
)  # fmt: skip
def test_what_can_not_be_written(make: Any, name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(cv.ArgumentError, match=message):
        cv.to_keras(make(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_cells_without_options_are_recognised(tmp_path: Path) -> None:
    """A layer read from a file has no options, and a cell of the user's own may have Keras's equations."""

    @cv.cell
    def mine(x, h, c):  # type: ignore[no-untyped-def]
        i = cv.activation("hard_sigmoid_6")(cv.affine("i", x, h))
        f = cv.activation("hard_sigmoid_6")(cv.affine("f", x, h))
        g = cv.relu(cv.affine("g", x, h))
        o = cv.activation("hard_sigmoid_6")(cv.affine("o", x, h))
        c = f * c + i * g
        h = o * cv.relu(c)
        return h, c

    layer = cv.load(cv.save(cv.Recurrent(mine, I, 4, batch_first=True), tmp_path / "mine.safetensors"))
    path = cv.to_keras(layer, tmp_path / "m.keras")
    x = sequences()
    assert_same([np.asarray(keras.saving.load_model(path).predict(x, verbose=0))], ours(layer, x))


def test_a_layer_with_settings_is_saved_and_loaded(tmp_path: Path) -> None:
    theirs = L.Bidirectional(L.GRU(4), merge_mode="ave")
    theirs.build((None, None, I))
    layer = cv.from_keras(randomised(theirs))
    again = cv.load(cv.save(layer, tmp_path / "l.safetensors"))
    assert isinstance(again, KerasLayer) and again.settings == layer.settings and again.training == layer.training
    x = sequences()
    for a, b in zip(ours(layer, x), ours(again, x), strict=True):
        np.testing.assert_array_equal(a, b)


def test_versions_are_read_from_the_metadata(tmp_path: Path) -> None:
    """hard_sigmoid has another slope before Keras 3."""
    theirs = model(L.LSTM(4, recurrent_activation="hard_sigmoid", return_sequences=True, name="a"))
    path = save(theirs, tmp_path / "m.keras")
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    old = tmp_path / "old.keras"
    with zipfile.ZipFile(old, "w") as archive:
        for name, data in (parts | {"metadata.json": json.dumps({"keras_version": "2.15.0"}).encode()}).items():
            archive.writestr(name, data)
    new_cell, old_cell = (cv.from_keras(p)["a"].units[0].cell for p in (path, old))
    assert new_cell.options["gate_activation"] == "hard_sigmoid_6"
    assert old_cell.options["gate_activation"] == "hard_sigmoid"
