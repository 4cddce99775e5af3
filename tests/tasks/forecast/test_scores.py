"""Baselines, conformal correction and measures against computations of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from conveyor.tasks.forecast.evaluation.baselines import choose_season, fit_ridge, seasonal_naive
from conveyor.tasks.forecast.evaluation.conformal import Conformal, calibrate
from conveyor.tasks.forecast.evaluation.measures import kge, nse, score_table
from conveyor.tasks.forecast.names import level_columns, quantile_column

from .conftest import HORIZON, MakeRun, panel_frame

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)


def test_seasonal_naive_repeats_the_last_season(make_run: MakeRun) -> None:
    data = make_run(panel_frame(), id="unique_id").dataset
    encoded, origins = data.reader.encoded, data.split.test
    for season, horizon in ((24, HORIZON), (3, 7), (1, 4)):
        found = seasonal_naive(encoded, origins, horizon, season)
        for b, origin in enumerate(origins.tolist()):
            for j in range(horizon):
                row = origin + j
                while row >= origin:
                    row -= season
                turns = 0
                while turns < 3 and not (encoded.known[row] and encoded.series[row] == encoded.series[origin]):
                    row, turns = row - season, turns + 1
                there = encoded.known[row] and encoded.series[row] == encoded.series[origin]
                assert found[j, b] == (encoded.y[row] if there else 0.0)


def test_the_best_season_is_chosen(make_run: MakeRun) -> None:
    data = make_run().dataset
    seasons = data.encoding.seasons
    chosen = choose_season(data.reader.encoded, data.split.train, data.reader, seasons)
    targets = data.reader.targets(data.split.train)["y"]
    errors = {
        s: float((seasonal_naive(data.reader.encoded, data.split.train, HORIZON, s) - targets).abs().mean())
        for s in (1, *seasons)
    }
    assert chosen == min(errors, key=lambda s: errors[s])


def test_ridge_is_the_solution_of_its_normal_equations(make_run: MakeRun) -> None:
    data = make_run(future=("temp",)).dataset
    train, valid = data.split.train, data.split.valid
    ridge = fit_ridge(data.reader, train, valid, data.encoding.seasons)
    e = data.reader.encoded
    alike = train[train % HORIZON == int(valid[0]) % HORIZON]
    used = (alike if len(alike) >= 50 else train).tolist()

    def design(origins: list[int], j: int) -> np.ndarray:
        rows = []
        for o in origins:
            past = [float(e.y[o - k]) for k in range(1, ridge.past + 1)]
            lagged = [float(e.lagged[o + j, k]) for k in range(data.reader.shape.lags)]
            known = e.fixed[o + j].tolist()
            rows.append([*past, *lagged, *known, *(v * v for v in known), 1.0])
        return np.array(rows)

    for j in (0, HORIZON - 1):
        a = design(used, j)
        y = np.array([float(e.y[o + j]) for o in used])
        weights = np.linalg.solve(a.T @ a + ridge.penalty * np.eye(a.shape[1]), a.T @ y)
        expected = design(valid.tolist(), j) @ weights
        np.testing.assert_allclose(ridge.forecast(data.reader, valid)[j], expected, rtol=1e-3, atol=1e-4)


def test_corrected_intervals_cover_what_they_say() -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(4000, generator=generator, dtype=torch.float64)
    # Quantiles that are far too narrow.
    narrow = torch.tensor([-0.4, -0.15, 0.0, 0.15, 0.4], dtype=torch.float64).expand(4000, -1)
    half = 2000
    conformal = calibrate(narrow[:half], y[:half], torch.ones(half), LEVELS)
    corrected = conformal.apply(narrow[half:])
    for low, high, nominal in ((0, 4, 0.8), (1, 3, 0.4)):
        covered = ((y[half:] >= corrected[:, low]) & (y[half:] <= corrected[:, high])).double().mean()
        assert covered == pytest.approx(nominal, abs=0.03)
    assert (corrected.diff(dim=-1) >= 0).all() and torch.equal(corrected[:, 2], narrow[half:, 2])
    assert Conformal.from_json(conformal.to_json()) == conformal


def test_the_correction_is_that_of_its_definition() -> None:
    generator = np.random.default_rng(2)
    y = generator.normal(size=60)
    q = np.sort(generator.normal(size=(60, 5)), 1)
    known = (generator.random(60) < 0.8).astype(float)
    found = calibrate(torch.tensor(q), torch.tensor(y), torch.tensor(known), LEVELS)
    for (low, high), factor in zip(((0, 4), (1, 3)), found.factors, strict=True):
        errors = [max(a[low] - v, v - a[high]) / (a[high] - a[low]) for a, v, k in zip(q, y, known, strict=True) if k]
        rank = int(np.ceil((len(errors) + 1) * (LEVELS[high] - LEVELS[low])))
        assert factor == pytest.approx(max(sorted(errors)[min(rank, len(errors)) - 1], -0.45), rel=1e-9)


def test_corrections_stay_in_order_and_have_a_matrix() -> None:
    conformal = Conformal(LEVELS, (-0.3, 0.9))
    q = torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)
    got = conformal.apply(q)
    assert (got.diff(dim=-1) >= 0).all()
    moved = q.numpy() @ conformal.matrix().T
    np.testing.assert_allclose(moved, [[1.2, -0.8, 2.0, 4.8, 2.8]])


def table() -> pd.DataFrame:
    generator = np.random.default_rng(4)
    parts = []
    for name in ("a", "b"):
        y = generator.normal(size=12) + 5
        part = pd.DataFrame({"unique_id": name, "ds": range(20, 32), "cutoff": 19, "y": y})
        q = np.sort(y[:, None] + generator.normal(size=(12, 5)), 1)
        for k, level in enumerate(LEVELS):
            part[quantile_column(level)] = q[:, k]
        part["seasonal naive"] = y + generator.normal(size=12)
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    frame.loc[3, "y"] = np.nan
    return frame


def test_measures_against_numpy() -> None:
    frame = table()
    history = pd.DataFrame({"unique_id": ["a"] * 20 + ["b"] * 20, "ds": [*range(20), *range(20)]})
    history["y"] = np.random.default_rng(5).normal(size=40)
    scores = score_table(frame, history, LEVELS, 4)
    known = frame.dropna(subset="y")
    per = {"MAE": [], "RMSE": [], "MASE": [], "pinball": [], "coverage 80 %": []}
    for name, part in known.groupby("unique_id"):
        error = part["y"] - part["y-q0.5"]
        past = history[history["unique_id"] == name]["y"].to_numpy()
        per["MAE"].append(error.abs().mean())
        per["RMSE"].append(np.sqrt((error**2).mean()))
        per["MASE"].append(error.abs().mean() / np.abs(past[4:] - past[:-4]).mean())
        losses = [np.maximum(q * (e := part["y"] - part[quantile_column(q)]), (q - 1) * e) for q in LEVELS]
        per["pinball"].append(np.mean(losses))
        per["coverage 80 %"].append(((part["y"] >= part["y-q0.1"]) & (part["y"] <= part["y-q0.9"])).mean())
    for name, values in per.items():
        assert scores["model"][name] == pytest.approx(np.mean(values), rel=1e-9), name
    y, f = known["y"].to_numpy(), known["y-q0.5"].to_numpy()
    assert scores["model"]["NSE"] == pytest.approx(1 - ((y - f) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    r, alpha, beta = np.corrcoef(y, f)[0, 1], f.std() / y.std(), f.mean() / y.mean()
    assert scores["model"]["KGE"] == pytest.approx(1 - np.hypot(np.hypot(r - 1, alpha - 1), beta - 1))
    assert scores["seasonal naive"]["MAE"] > 0 and "pinball" not in scores["seasonal naive"]
    assert score_table(frame.assign(y=np.nan), history, LEVELS, 4) == {}


def test_measures_that_have_no_value() -> None:
    flat = np.ones(4)
    assert np.isnan(nse(flat, flat)) and np.isnan(kge(flat, np.arange(4.0)))
    y = np.arange(5.0)
    assert nse(y, y) == 1 and kge(y, y) == pytest.approx(1)
    assert nse(y, np.full(5, y.mean())) == pytest.approx(0)


def test_intervals_are_named_by_their_percentage() -> None:
    assert level_columns(LEVELS) == {80: ("y-q0.1", "y-q0.9"), 40: ("y-q0.3", "y-q0.7")}
    assert level_columns((0.05, 0.5)) == {}
