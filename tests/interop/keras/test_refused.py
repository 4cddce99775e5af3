"""Options of layers that would compute something else in Keras are refused, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import conveyor as cv


@pytest.mark.parametrize("options", [{"zoneout": 0.5}, {"connections": "residual", "num_layers": 2}])
def test_layers_that_keras_does_not_have(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(cv.ArgumentError, match=f"Keras has no {next(iter(options))}"):
        cv.to_keras(cv.LSTM(4, 4, **options), tmp_path / "layer.h5")
    assert not list(tmp_path.iterdir())
