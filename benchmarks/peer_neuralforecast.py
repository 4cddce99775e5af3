"""Trains neuralforecast's LSTM for `tasks_forecast.py`, in an environment that has it; conveyor is not needed.

    python peer_neuralforecast.py FOLDER

FOLDER has data.parquet (unique_id, ds, y, columns known beforehand) and settings.json. The last line printed is JSON.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import LSTM

LEVELS = np.arange(1, 10) / 10


def main() -> None:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    frame, given = pd.read_parquet(folder / "data.parquet"), json.loads((folder / "settings.json").read_text())
    frame["ds"] = pd.to_datetime(frame["ds"])
    horizon, test = given["horizon"], given["test_windows"] * given["horizon"]
    held = test + given["valid_windows"] * horizon
    freq = pd.infer_freq(frame["ds"].iloc[:100])
    model = LSTM(
        h=horizon,
        input_size=2 * horizon + 168,
        encoder_hidden_size=64,
        encoder_n_layers=1,
        futr_exog_list=list(given["future"]),
        loss=MQLoss(quantiles=LEVELS.tolist()),
        max_steps=given["steps"],
        windows_batch_size=64,
        batch_size=1,
        scaler_type="robust",
        enable_progress_bar=False,
        logger=False,
        accelerator="cpu",
        random_seed=0,
    )
    forecaster = NeuralForecast(models=[model], freq=freq)
    began = time.process_time()
    forecaster.fit(frame.iloc[:-held])
    seconds = time.process_time() - began
    found, came = [], []
    for start in range(len(frame) - test, len(frame), horizon):
        ahead = frame.iloc[start : start + horizon]
        table = forecaster.predict(df=frame.iloc[:start], futr_df=ahead.drop(columns="y"))
        found.append(np.sort(table.filter(like="LSTM").to_numpy(), 1))
        came.append(ahead["y"].to_numpy())
    q, y = np.concatenate(found), np.concatenate(came)
    error = y[:, None] - q
    told = {
        "MAE": float(np.abs(y - q[:, 4]).mean()),
        "pinball": float(np.maximum(LEVELS * error, (LEVELS - 1) * error).mean()),
        "coverage": float(((y >= q[:, 0]) & (y <= q[:, 8])).mean()),
        "seconds": seconds,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
