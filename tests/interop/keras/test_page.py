"""The page about Keras: its example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import conveyor as cv
from interop.keras.library import L, keras, model, randomised, run, save, sequences

PAGE = (Path(cv.__file__).parents[2] / "docs" / "keras.md").read_text(encoding="utf-8")


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    theirs = model(L.LSTM(4, return_sequences=True, name="encoder"), L.Dense(2))
    save(theirs, Path("model.keras"))
    want = run(theirs.layers[0], sequences())[0]
    randomised(theirs, 7)
    held: dict[str, Any] = {"x": torch.from_numpy(sequences()), "model": theirs}
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "keras.md", "exec"), held)
    np.testing.assert_allclose(held["y"].detach().numpy(), want, atol=1e-6)
    np.testing.assert_allclose(run(theirs.layers[0], sequences())[0], want, atol=1e-6)
    loaded = keras.saving.load_model("encoder.keras")
    np.testing.assert_allclose(loaded.predict(sequences(), verbose=0), want, atol=1e-6)
