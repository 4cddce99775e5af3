from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from conveyor.cli import main
from conveyor.cli.forecast import demo as demo_forecast
from tasks.forecast.conftest import daily_wave, panel_frame

from .conftest import Failure, start

TINY = ("--hidden-size", "5", "--context", "8", "--max-steps", "6", "--evaluate-every", "3", "--batch-size", "8")
TINY += ("--valid-windows", "3", "--test-windows", "3", "--horizon", "4", "--warmup", "2")
TRAIN = ("train", "--task", "forecast")


@pytest.fixture
def wave_file(tmp_path: Path) -> Path:
    path = tmp_path / "wave.csv"
    daily_wave().to_csv(path, index=False)
    return path


@pytest.fixture
def run_folder(wave_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "run"
    assert main([*TRAIN, str(wave_file), "-o", str(folder), *TINY]) == 0
    capsys.readouterr()
    return folder


def document(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "checkpoint.json").read_text())
    return values


def test_train_predict_backtest_inspect_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = panel_frame()
    ends = frame.groupby("unique_id")["ds"].transform("max")
    late = frame["ds"] > ends - pd.Timedelta(4, "h")
    frame[~late].to_parquet(tmp_path / "past.parquet")
    frame[late].drop(columns=["y", "weather", "region"]).to_csv(tmp_path / "next.csv", index=False)
    run = str(tmp_path / "run")
    columns = ("--future", "temp", "--past", "weather", "--static", "region", "--quantiles", "0.1,0.5,0.9")
    assert main([*TRAIN, str(tmp_path / "past.parquet"), "-o", run, *TINY, *columns, "--cell", "gru"]) == 0
    output = capsys.readouterr().out
    for told in (
        "3 series",
        "every hour (h), found",
        "Gaps:",
        "Missing values: y",
        "Chosen:",
        "seasonal naive",
        "ridge",
    ):
        assert told in output, told
    assert "Try: " in output and "backtest" in output.splitlines()[-1]
    file = tmp_path / "forecast.csv"
    assert (
        main(["predict", run, str(tmp_path / "past.parquet"), "--future", str(tmp_path / "next.csv"), "-o", str(file)])
        == 0
    )
    table = pd.read_csv(file)
    assert table.columns.tolist() == ["unique_id", "ds", "y-q0.1", "y-q0.5", "y-q0.9"]
    assert len(table) == 12 and np.isfinite(table["y-q0.5"]).all()
    picture = tmp_path / "back.png"
    words = ["backtest", run, str(tmp_path / "past.parquet"), "--windows", "3", "--plot", str(picture)]
    assert main([*words, "-o", str(tmp_path / "back.parquet")]) == 0
    output = capsys.readouterr().out
    assert "9 origins, horizon 4" in output and "MASE" in output and "coverage 80 %" in output
    assert picture.read_bytes()[:4] == b"\x89PNG" and len(pd.read_parquet(tmp_path / "back.parquet")) == 36
    assert main(["export", run, "--to", "onnx", "-o", str(tmp_path / "model.onnx")]) == 0
    assert "→ quantiles; differs by" in capsys.readouterr().out
    assert main(["inspect", run, "-o", str(tmp_path / "report"), "--series", "s1"]) == 0
    page = (tmp_path / "report" / "index.html").read_text()
    for told in ("Error over the horizon", "Gates over the horizon", "What moves the forecast", "shown: s1"):
        assert told in page, told


def test_help_and_options_are_those_of_the_task(failure: Failure, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRAIN, "--help"]) == 0
    text = capsys.readouterr().out
    assert "--horizon" in text and "--static" in text and "--level" not in text
    assert main(["train", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--level" in text and "--task" in text and "--horizon" not in text
    assert main(["train", "--task", "text", "--help"]) == 0
    assert "--level" in capsys.readouterr().out
    assert "--level" in failure(*TRAIN, "x.csv", "--level", "char")
    assert "--horizon" in failure("train", "x.txt", "--horizon", "4")
    assert "expected one of text, forecast" in failure("train", "--task=frobnicate", "x")
    assert "the name of a task" in failure("train", "--task")
    assert "expected FILE, --horizon STEPS and --output OUT" in failure(*TRAIN, "x.csv")


def test_dry_run_estimates_and_writes_nothing(
    wave_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TRAIN, str(wave_file), *TINY, "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "Dry run:" in text and "ms a step" in text and "Memory:" in text and "Data: 240 rows" in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["wave.csv"]


def test_bad_input_gives_one_line(wave_file: Path, tmp_path: Path, failure: Failure) -> None:
    frame = daily_wave()
    out = tmp_path / "out"

    def file(name: str, table: pd.DataFrame) -> Path:
        table.to_csv(tmp_path / name, index=False)
        return tmp_path / name

    twice = file("twice.csv", pd.concat([frame, frame.iloc[[3, 5]]]))
    flat = file("flat.csv", frame.assign(y=1.5))
    nothing = file("nothing.csv", frame.assign(y=""))
    late = file("late.csv", frame.assign(y=frame["y"].where(frame.index > 235)))
    short = file("short.csv", frame.head(9))
    dates = file("dates.csv", frame.assign(ds="soon"))
    words = file("words.csv", frame.assign(y="many"))
    between = file(
        "between.csv", frame.assign(ds=frame["ds"].where(frame.index != 7, frame["ds"] + pd.Timedelta("9min")))
    )
    empty, half = tmp_path / "empty.csv", tmp_path / "half.parquet"
    empty.touch()
    frame.to_parquet(half)
    half.write_bytes(half.read_bytes()[:500])
    for arguments, message in [
        ((tmp_path / "none.csv",), "no such file"),
        ((tmp_path,), "got a directory"),
        ((empty,), "empty file"),
        ((half,), "cannot be read as a table"),
        ((twice,), "2 repeated stamps (rows 241, 242)"),
        ((flat,), "there is nothing to learn"),
        ((nothing,), "no value in the part to train on"),
        ((late,), "no value in the part to train on"),
        ((short,), "at least 14 steps"),
        ((dates,), "is no date"),
        ((words,), "expected numbers, got 'many'"),
        ((between,), "lie between steps of h"),
        ((wave_file, "--target", "sales"), "no column 'sales'"),
        ((wave_file, "--time", "when"), "no column 'when'"),
        ((wave_file, "--future", "wind"), "no column 'wind'"),
        ((wave_file, "--future", "temp", "--past", "temp"), "already future"),
        ((wave_file, "--id", "store"), "no column 'store'"),
        ((wave_file, "--freq", "hourly!"), "none that pandas knows"),
        ((wave_file, "--quantiles", "0.1,half"), "got 'half'"),
        ((wave_file, "--quantiles", "0.1,0.9"), "0.5 among them"),
        ((wave_file, "--horizon", "100"), "smaller --horizon"),
        ((wave_file, "--cell", "transformer"), "is not built in"),
        ((wave_file, "--hidden-size", "0"), "--hidden-size: expected"),
        ((wave_file, "--hidden-size", 2**20), "choose smaller sizes"),
        ((wave_file, "--scale", "log"), "'--scale'"),
        ((wave_file, "--lr", "nan"), "lr: expected"),
    ]:
        assert message in failure(*TRAIN, *TINY, *arguments, "-o", out), message
        assert not out.exists()


def test_predict_and_backtest_say_what_they_cannot_use(
    run_folder: Path, wave_file: Path, tmp_path: Path, failure: Failure
) -> None:
    (tmp_path / "there.csv").touch()
    for arguments, message in [
        (("predict", tmp_path / "none"), "found none"),
        (("predict", run_folder, "-o", tmp_path / "x.txt"), "expected a file .csv or .parquet"),
        (("predict", run_folder, "-o", tmp_path / "there.csv"), "--force"),
        (("predict", run_folder, "-o", tmp_path / "no" / "x.csv"), "there is no folder"),
        (("predict", run_folder, tmp_path / "none.csv", "-o", tmp_path / "x.csv"), "no such file"),
        (("predict", run_folder, "-o", tmp_path / "x.csv", "--plot", tmp_path / "x.gif"), ".png or .svg"),
        (("backtest", run_folder, "--windows", 0), "windows: expected at least 1"),
        (("backtest", run_folder, "--step", 0), "step: expected at least 1"),
        (("generate", run_folder), "expected a language model on text, got task 'forecast'"),
        (("inspect", run_folder, "--text", wave_file, "-o", tmp_path / "r"), "--text"),
        (("inspect", run_folder, "--series", "x", "-o", tmp_path / "r"), "series: expected one of series"),
        (("train", "--task", "text", "--resume", run_folder), "expected a run of task text, got forecast"),
    ]:
        assert message in failure(*arguments), message
    assert not (tmp_path / "x.csv").exists()


def test_text_runs_are_no_forecasters(trained: Path, tmp_path: Path, failure: Failure) -> None:
    assert "expected a run of --task forecast, got text" in failure("predict", trained, "-o", tmp_path / "x.csv")
    assert "expected a run of task forecast, got text" in failure(*TRAIN, "--resume", trained)
    assert "--series" in failure("inspect", trained, "--series", "x")


def test_resume_reads_the_task_and_refuses_other_settings(
    run_folder: Path, failure: Failure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--resume", str(run_folder)]) == 0
    assert "this run is finished" in capsys.readouterr().out
    assert "got --horizon; leave" in failure(*TRAIN, "--resume", run_folder, "--horizon", "4")


@pytest.mark.slow
def test_killed_and_resumed_runs_end_bitwise_the_same(wave_file: Path, tmp_path: Path) -> None:
    words = [*TRAIN, str(wave_file), *TINY, "--max-steps", "60", "--checkpoint-every", "1", "--evaluate-every", "20"]
    assert main([*words, "-o", str(tmp_path / "whole")]) == 0
    folder = tmp_path / "killed"
    process = start(*words, "-o", str(folder))
    killed = 0
    while process.poll() is None:
        time.sleep(0.4 + 0.2 * killed)
        if (folder / "checkpoint.json").exists() and killed < 4:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            killed += 1
            process = start("train", "--resume", str(folder))
    process.communicate()
    assert process.returncode == 0 and killed
    first, second = document(tmp_path / "whole"), document(folder)
    for role in ("best", "weights"):
        ours, theirs = (
            load_file(p / d["files"][role]["name"]) for p, d in ((folder, second), (tmp_path / "whole", first))
        )
        assert all((ours[name] == theirs[name]).all() for name in theirs)
    for key in ("trials", "scores", "conformal", "variant"):
        assert first[key] == second[key], key


def test_demo_forecasts_the_weather(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    monkeypatch.chdir(tmp_path)
    config = demo_forecast.CONFIG
    tiny = replace(config, model=replace(config.model, hidden_size=4), data=replace(config.data, test_windows=3))
    monkeypatch.setattr(demo_forecast, "CONFIG", tiny)
    assert main(["demo", "--task", "forecast", "--max-steps", "3"]) == 0
    output = capsys.readouterr().out
    for told in (
        "26,115 rows, 3 series",
        "Missing values: temp 1",
        "seasonal naive",
        "EWR",
        "Checkpoint: runs/demo-forecast",
    ):
        assert told in output, told
    assert len(pd.read_csv("runs/demo-forecast/forecast.csv")) == 72
    assert (Path("runs/demo-forecast/report") / "index.html").stat().st_size > 50_000
    assert main(["demo", "--task", "forecast", "--max-steps", "1"]) == 0
    assert "Checkpoint: runs/demo-forecast-2" in capsys.readouterr().out
