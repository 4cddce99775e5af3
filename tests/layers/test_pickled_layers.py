"""A pickled layer is its class and its settings: torch.load's defaults need one name, and old pickles still load."""

from __future__ import annotations

import copy
import io
import lzma
import pickle
import pickletools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import conveyor as cv

OLD = Path(__file__).parent / "pickled" / "layers_of_0_1.pt.xz"  # written by the code before pickles held settings


@cv.cell
def own(x, h, c):
    f = cv.sigmoid(cv.affine("f", x, h))
    c = f * c + (1 - f) * cv.tanh(cv.affine("g", x))
    h = cv.tanh(c)
    return h, c


MAKES: dict[str, Any] = {
    "LSTM": lambda: cv.LSTM(3, 2, 2, bidirectional=True, dropout=0.1, forget_bias=1.0),
    "projected": lambda: cv.LSTM(3, 4, proj_size=2, batch_first=True),
    "GRU": lambda: cv.GRU(3, 2, bias=False, backend="reference"),
    "RNN": lambda: cv.RNN(3, 2, nonlinearity="relu"),
    "uneven": lambda: cv.LSTM(3, [2, 4], 2, connections="skip"),
    "slstm": lambda: cv.Recurrent(
        "slstm", 3, 2, zoneout={"h": 0.1}, variational_dropout=0.2, gradient_clip=1.0, checkpoint_every=2
    ),
    "NumPy's numbers": lambda: cv.LSTM(
        np.int64(3), [np.int64(2)], zoneout={"c": np.float64(0.5)}, forget_bias=np.float32(1), max_lag=np.int64(9)
    ),
    "cells": lambda: cv.Recurrent(["lstm", "gru"], 3, [2, 4], learn_initial_state=True),
    "own": lambda: cv.Recurrent(own, 3, 2),
    "configured": lambda: cv.Recurrent(cv.cells["gru"].configure(candidate_activation="sigmoid"), 3, 2),
    "projection": lambda: cv.Recurrent("lstm_projection", 3, 4, proj_size=2),
    "LSTMCell": lambda: cv.LSTMCell(3, 2, bias=False),
    "GRUCell": lambda: cv.GRUCell(3, 2, forget_bias=np.float64(1)),
    "RNNCell": lambda: cv.RNNCell(3, 2, nonlinearity="relu"),
    "Cell": lambda: cv.Cell("lstm_projection", 3, 4, sizes={"proj": 2}, bias=False),
}


def output(layer: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        found = layer(x)
    result: Tensor = found[0] if isinstance(found, tuple) else found
    return result


def inputs(layer: Any) -> Tensor:
    return torch.ones((4, 3) if hasattr(layer, "unit") else (5, 4, 3))


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("training", [False, True])
def test_one_name_beside_torchs(make: str, training: bool) -> None:
    layer = MAKES[make]().train(training)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    kind = type(layer)
    assert torch.serialization.get_unsafe_globals_in_checkpoint(file) == [f"{kind.__module__}.{kind.__qualname__}"]
    file.seek(0)
    with torch.serialization.safe_globals([kind]):
        loaded = torch.load(file)
    assert type(loaded) is kind and loaded.training is training and repr(loaded) == repr(layer)
    assert list(loaded.state_dict()) == list(layer.state_dict())
    x = inputs(layer)
    assert torch.equal(output(loaded.eval(), x), output(layer.eval(), x))


@pytest.mark.parametrize("make", MAKES)
def test_settings_are_kept_in_every_copy(make: str) -> None:
    layer = MAKES[make]()
    x = inputs(layer)
    wanted = output(layer.eval(), x)
    for made in (copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(output(made, x), wanted) and repr(made) == repr(layer)
        for name in ("zoneout", "variational_dropout", "gradient_clip", "checkpoint_every", "forget_bias", "dropout"):
            assert getattr(made, name, None) == getattr(layer, name, None)
        torch.manual_seed(0)
        made.reset_parameters()
        fresh = MAKES[make]()
        torch.manual_seed(0)
        fresh.reset_parameters()
        for a, b in zip(made.parameters(), fresh.parameters(), strict=True):
            assert torch.equal(a, b)
        if make == "LSTM":  # a copy's parameters are its own, but for the shallow one's
            break


def test_what_was_changed_since_is_kept() -> None:
    layer = cv.LSTM(3, 4, 2, dtype=torch.float64)
    layer.zoneout, layer.dropout, layer.batch_first, layer.note = {"c": 0.5}, 0.25, True, "mine"
    layer.weight_hh_l0.requires_grad_(False)
    loaded = pickle.loads(pickle.dumps(layer))
    assert loaded.zoneout == {"c": 0.5} and loaded.dropout == 0.25 and loaded.batch_first and loaded.note == "mine"
    assert not loaded.weight_hh_l0.requires_grad and loaded.weight_ih_l0.dtype is torch.float64
    x = torch.ones(2, 5, 3, dtype=torch.float64)
    assert torch.equal(output(loaded.eval(), x), output(layer.eval(), x))


def test_a_model_around_a_subclass() -> None:
    layer = Subclass(3, 4)
    file = io.BytesIO()
    torch.save(nn.Sequential(nn.Linear(3, 3), layer), file)
    file.seek(0)
    safe = [nn.Sequential, nn.Linear, Subclass]
    with torch.serialization.safe_globals(safe):
        loaded = torch.load(file)
    assert loaded[1].factor == 3 and torch.equal(
        output(loaded[1], torch.ones(2, 1, 3)), output(layer, torch.ones(2, 1, 3))
    )


class Subclass(cv.GRU):
    """A layer of a user's, whose constructor takes something else."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(width, hidden)
        self.factor = 3


def test_nothing_internal_is_named() -> None:
    """No class of conveyor's but the layer's own stands in a pickle."""
    for make in MAKES.values():
        layer = make()
        named = {a.split()[0] for op, a, _ in pickletools.genops(pickle.dumps(layer, 2)) if op.name == "GLOBAL"}
        assert {n for n in named if n.startswith("conveyor")} == {type(layer).__module__}


def test_pickles_of_earlier_versions() -> None:
    held = torch.load(io.BytesIO(lzma.decompress(OLD.read_bytes())), weights_only=False)
    assert len(held) == 13
    for name, (layer, x, wanted) in held.items():
        assert torch.equal(output(layer, x), wanted), name
        again = pickle.loads(pickle.dumps(layer))
        assert torch.equal(output(again, x), wanted) and repr(again) == repr(layer), name
        assert {p: v for p, v in vars(layer).items() if p in ("num_layers", "hidden_size")} == {
            p: v for p, v in vars(again).items() if p in ("num_layers", "hidden_size")
        }


def test_an_old_pickle_is_the_first_thing_that_a_process_reads() -> None:
    """Names of then lead to modules of today, and leave the packages of today as they are."""
    code = f"""
import io, lzma, torch
with lzma.open({str(OLD)!r}) as file:
    found = torch.load(io.BytesIO(file.read()), weights_only=False)
import conveyor as cv
from conveyor.moved import MOVED
from importlib import import_module
for name in MOVED:
    assert import_module(name).__name__ == name
assert callable(cv.cell) and callable(import_module("conveyor.language").cell)
assert cv.LSTM(2, 3)(torch.zeros(1, 1, 2))[0].shape == (1, 1, 3)
print(type(found).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
