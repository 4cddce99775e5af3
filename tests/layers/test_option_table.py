"""The table of options holds every constructor's arguments, their defaults, and what other libraries do with them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import conveyor as cv
from conveyor.layers.options import OPTIONS, REQUIRED, Fate, is_set
from conveyor.layers.rnn import Options

SEQUENCES = (cv.Recurrent, cv.LSTM, cv.GRU, cv.RNN)
STEPS = (cv.Cell, cv.LSTMCell, cv.GRUCell, cv.RNNCell)
# A value of each option that is not the default, for what says or refuses it.
OTHER: dict[str, Any] = {
    "connections": "residual",
    "learn_initial_state": True,
    "variational_dropout": {"recurrent": 0.3},
    "zoneout": 0.2,
    "gradient_clip": 1.0,
    "checkpoint_every": 4,
    "forget_bias": 1.0,
    "init": "orthogonal",
    "max_lag": 50,
    "backend": "reference",
    "strict_backend": True,
}


def arguments(kind: type) -> dict[str, Any]:
    """The arguments of a constructor with their defaults, those of `**options` too."""
    found = {}
    for name, p in inspect.signature(kind.__init__).parameters.items():  # type: ignore[misc]
        if p.kind is p.VAR_KEYWORD:
            own = {n: o for n, o in OPTIONS.items() if o.beyond_torch and (o.steps or kind in SEQUENCES)}
            found |= {n: o.default for n, o in own.items()}
        elif name != "self":
            found[name] = REQUIRED if p.default is p.empty else p.default
    return found


@pytest.mark.parametrize("kind", [*SEQUENCES, *STEPS], ids=lambda k: k.__name__)
def test_every_argument_is_a_row_with_that_default(kind: type) -> None:
    for name, default in arguments(kind).items():
        assert name in OPTIONS, f"{kind.__name__}({name}=…) has no row in layers/options.py"
        assert OPTIONS[name].default == default, name


def test_every_row_is_an_argument() -> None:
    sequences = {n for kind in SEQUENCES for n in arguments(kind)}
    steps = {n for kind in STEPS for n in arguments(kind)}
    for name, option in OPTIONS.items():
        assert name in sequences, name
        assert option.steps == (name in steps), name
        assert option.doc.endswith(".")


def test_the_typed_keywords_are_those_of_the_table() -> None:
    assert set(Options.__annotations__) == {n for n, o in OPTIONS.items() if o.beyond_torch} == set(OTHER)


@pytest.mark.parametrize("name", OTHER)
def test_torch_and_keras_refuse_what_the_table_says(name: str, tmp_path: Path) -> None:
    layer = cv.LSTM(3, 4, 2, **{name: OTHER[name]})
    assert is_set(layer, OPTIONS[name])
    targets = {
        "torch": lambda: cv.to_torch(layer),
        "keras": lambda: cv.to_keras(layer, tmp_path / "m.keras"),
        "onnx": lambda: cv.to_onnx(layer, tmp_path / "m.onnx"),
    }
    for target, run in targets.items():
        becomes = getattr(OPTIONS[name], target)
        if becomes.fate is Fate.refused:
            with pytest.raises(cv.ArgumentError, match=becomes.why[:40]):
                run()
        else:
            run()


@pytest.mark.parametrize("name", OTHER)
def test_files_keep_every_option(name: str, tmp_path: Path) -> None:
    layer = cv.LSTM(3, 4, 2, **{name: OTHER[name]})
    read = cv.load(cv.save(layer, tmp_path / "layer.safetensors"))
    assert getattr(read, name) == OTHER[name] == getattr(layer, name)


@pytest.mark.parametrize("value", [None, 0, 0.0, {}, {"h": 0.0}])
def test_nothing_said_in_other_words_is_not_refused(value: Any) -> None:
    cv.to_torch(cv.LSTM(3, 4, zoneout=value))
