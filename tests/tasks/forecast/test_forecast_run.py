from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from conveyor.errors import ArgumentError, CheckpointError, DataError
from conveyor.tasks.forecast.config import ForecastConfig
from conveyor.tasks.forecast.run import ForecastRun, load_trained
from conveyor.tasks.registry import resume_run
from conveyor.tasks.training.checkpoint import INDEX

from ..conftest import assert_same
from .conftest import MakeRun, finish, make_config, panel_frame


def outcome(run: ForecastRun) -> object:
    return run.trials, run.variant, run.conformal, run.scores, run.trainer.history


def test_resumed_at_any_step_of_any_stage_ends_bitwise_the_same(
    make_run: MakeRun, wave: pd.DataFrame, tmp_path: Path
) -> None:
    options = {"future": ("temp",), "num_layers": 2}
    whole = finish(make_run(**options))
    broken, steps = make_run(**options), 0
    for report in broken.train(None):
        steps += 1
        assert report.step == steps == broken.step
        folder = tmp_path / str(steps)
        broken.save(folder)
        if steps % 2 and steps < broken.total_steps:
            torch.manual_seed(99)
            resumed = finish(ForecastRun.resume(folder, wave))
            assert_same(resumed.model.state_dict(), whole.model.state_dict())
            assert_same(resumed.trainer.best_weights, whole.trainer.best_weights)
            assert outcome(resumed) == outcome(whole)
    assert steps == whole.total_steps > 6
    assert broken.has_steps_left is False


def test_the_best_variant_of_the_trials_is_trained(make_run: MakeRun) -> None:
    run = finish(make_run())
    assert len(run.trials) == len(run.variants) > 1
    assert run.variant == min(run.trials, key=lambda t: t.loss).variant == run.model.variant
    fixed = make_run(scale="series", base="none", linear="no", dropout=0.1)
    assert len(fixed.variants) == 1 and not fixed.in_trial and fixed.total_steps == 6
    assert fixed.model.dropout.p == 0.1


def test_seed_decides_the_run(make_run: MakeRun) -> None:
    first, again, other = (finish(make_run(seed=seed)) for seed in (3, 3, 4))
    assert outcome(first) == outcome(again)
    assert_same(first.trainer.best_weights, again.trainer.best_weights)
    assert outcome(other) != outcome(first)


def test_training_learns_what_a_naive_forecast_cannot(wave: pd.DataFrame, make_run: MakeRun) -> None:
    run = finish(
        make_run(
            future=("temp",),
            max_steps=150,
            evaluate_every=50,
            hidden_size=16,
            lr=0.02,
            scale="series",
            base="none",
            valid_windows=8,
            test_windows=8,
        )
    )
    assert run.scores is not None
    model, naive = run.scores["model"], run.scores["seasonal naive"]
    assert model["MAE"] < 0.75 * naive["MAE"] and 0.4 < model["coverage 80 %"] <= 1
    assert {"RMSE", "MASE", "NSE", "KGE", "pinball", "scaled CRPS"} <= model.keys() and "ridge" in run.scores


def test_a_trained_model_loads_without_its_data(make_run: MakeRun, tmp_path: Path) -> None:
    run = finish(make_run(panel_frame(), cell="gru", id="unique_id", static=("region",), past=("weather",)))
    run.save(tmp_path)
    loaded = load_trained(tmp_path)
    assert_same(loaded.model.state_dict(), run.trainer.best_weights)
    assert loaded.encoding == run.dataset.encoding and loaded.conformal == run.conformal
    assert loaded.config == run.config and loaded.scores == run.scores and loaded.trials == tuple(run.trials)


def test_resume_wants_the_same_table(make_run: MakeRun, wave: pd.DataFrame, tmp_path: Path) -> None:
    run = make_run()
    run.save(tmp_path)
    changed = wave.copy()
    changed.loc[5, "y"] += 1
    with pytest.raises(DataError, match="changed since the run began"):
        ForecastRun.resume(tmp_path, changed)
    with pytest.raises(DataError, match="given its table in memory"):
        resume_run(tmp_path)
    with pytest.raises(CheckpointError, match="expected a run of task text, got forecast; leave out --task"):
        resume_run(tmp_path, "text")


def test_damaged_checkpoints(make_run: MakeRun, tmp_path: Path) -> None:
    make_run().save(tmp_path)
    path = tmp_path / INDEX
    good = json.loads(path.read_text())
    for change, message in [
        ({"task": "text"}, "expected a forecaster, got task 'text'"),
        ({"config": {}}, "configuration cannot be read"),
        ({"encoding": {"frequency": 3}}, "configuration cannot be read"),
        ({"variant": good["variant"] | {"linear": not good["variant"]["linear"]}}, "do not fit"),
    ]:
        path.write_text(json.dumps(good | change))
        with pytest.raises(CheckpointError, match=message):
            load_trained(tmp_path)


def test_configurations_go_through_json() -> None:
    config = make_config(future=("a", "b"), season=(7,), quantiles=(0.2, 0.5))
    assert ForecastConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 0}, "horizon: expected 1 to"),
        ({"quantiles": (0.1, 0.9)}, "0.5 among them"),
        ({"quantiles": (0.5, 0.1)}, "rising levels"),
        ({"future": ("y",)}, "column 'y' is already target"),
        ({"season": (1,)}, "season: expected rising"),
        ({"scale": "log"}, "scale: expected one of"),
        ({"dropout": 1.0}, "dropout: expected"),
        ({"repeated": "first"}, "repeated: expected one of"),
    ],
)
def test_numbers_out_of_range(options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make_config(**options)


@pytest.mark.parametrize(
    ("steps", "options", "message"),
    [
        (10, {}, "at least 14 steps for a horizon of 4"),
        (40, {"horizon": 20}, "at least 62 steps"),
        (60, {"base": "seasonal"}, "expected a series with a season within reach"),
    ],
)
def test_too_little_data(make_run: MakeRun, steps: int, options: dict[str, object], message: str) -> None:
    frame = pd.DataFrame({"ds": range(steps), "y": np.random.default_rng(0).normal(size=steps)})
    with pytest.raises(DataError, match=message):
        make_run(frame, **options)


def test_whole_numbered_stamps_with_a_season(make_run: MakeRun) -> None:
    frame = pd.DataFrame({"ds": range(120), "y": np.tile([1.0, 5.0, 3.0, 2.0, 8.0, 4.0], 20)})
    run = finish(make_run(frame, season=(6,)))
    assert run.dataset.encoding.lags == (6,) and run.dataset.season == 6
    assert run.scores is not None and run.scores["seasonal naive"]["MAE"] == pytest.approx(0, abs=1e-6)


def test_irregular_rows(make_run: MakeRun) -> None:
    generator = np.random.default_rng(1)
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.exponential(3600, 300).cumsum(), "s")
    frame = pd.DataFrame({"ds": stamps, "y": generator.normal(size=300)})
    run = finish(make_run(frame, irregular=True, cell="gru_d"))
    assert run.dataset.encoding.frequency is None and run.scores is not None


def test_a_simulation_depends_on_the_other_columns_alone(make_run: MakeRun, wave: pd.DataFrame) -> None:
    run = finish(make_run(future=("temp",), simulate=True))
    assert [v.base for v in run.variants] == ["none"]
    data, model = run.dataset, run.model.eval()
    before = model(*data.reader.inputs(data.split.test).values())
    data.reader.rows[:, :3] = 99.0
    assert torch.equal(model(*data.reader.inputs(data.split.test).values()), before)
