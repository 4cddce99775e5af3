"""`conveyor train --task classify | regress | tag`, `evaluate`, `inspect`, `export` and `demo` on sequences."""

from __future__ import annotations

import csv
import json
import signal
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from conveyor.cli import main
from conveyor.tasks.training.checkpoint import read_checkpoint
from tasks.sequences.data import bumps, csv_of, with_holes

from .conftest import Failure, start

TINY = ("--hidden-size", "8", "--epochs", "3", "--lr", "0.02", "--noise", "0.1")
COLUMNS = ("--id", "recording", "--time", "t", "--label", "kind")
VALUES, LABELS = bumps()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "bumps.csv"
    path.write_text(csv_of(VALUES, LABELS))
    return path


def train(table: Path, folder: Path, *more: str, task: str = "classify") -> list[str]:
    return ["train", str(table), "--task", task, "-o", str(folder), *COLUMNS, *TINY, *more]


@pytest.fixture
def run(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "run"
    assert main(train(table, folder)) == 0
    capsys.readouterr()
    return folder


def test_a_run_tells_its_data_its_model_and_its_scores(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train(table, tmp_path / "run", "--epochs", "12")) == 0
    told = capsys.readouterr().out
    assert "45 sequences to train on, 6 to validate, 9 to test; 12 to 20 steps of 3 channels (a, b, c)" in told
    assert "no value is missing" in told and "Classes: down (" in told and "lstm, 1 layer of 8" in told
    assert "Held-out test: accuracy 100.0% of 9, F1 1.000, AUC 1.000" in told
    assert "Probabilities are calibrated by a temperature of" in told and "inspect" in told.splitlines()[-1]


def test_many_missing_values_choose_a_cell_that_decays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "holes.csv"
    path.write_text(csv_of(with_holes(VALUES), LABELS))
    assert main(train(path, tmp_path / "run")) == 0
    told = capsys.readouterr().out
    assert "gru_d, 1 layer of 8" in told and "% of the values are missing" in told


def test_evaluate_scores_and_writes_predictions(
    run: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(run), str(table), "-o", str(tmp_path / "p.csv"), "--json", str(tmp_path / "s.json")]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "60 sequences: accuracy" in told and "true \\ predicted" in told and "Calibration" in told
    scores = json.loads((tmp_path / "s.json").read_text())
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    assert [r["id"] for r in rows] == [f"r{k}" for k in range(60)] and list(rows[0]) == [
        "id",
        "prediction",
        "p-down",
        "p-up",
    ]
    right = np.mean([r["prediction"] == label for r, label in zip(rows, LABELS, strict=True)])
    assert scores["accuracy"] == pytest.approx(right) and np.sum(scores["confusion"]) == 60


def test_a_file_without_labels_is_predicted_alone(
    run: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], failure: Failure
) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_text("\n".join(line.rpartition(",")[0] for line in table.read_text().splitlines()) + "\n")
    assert "has no labels to compare with; -o FILE" in failure("evaluate", run, bare)
    assert main(["evaluate", str(run), str(bare), "-o", str(tmp_path / "p.csv")]) == 0
    assert "accuracy" not in capsys.readouterr().out and len((tmp_path / "p.csv").read_text().splitlines()) == 61


def test_inspect_explains_a_sequence(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main(train(table, run, "--hidden-size", "32", "--epochs", "20", "--lr", "0.01", "--noise", "0.5")) == 0
    assert main(["inspect", str(run), "--sequence", "r7", "--target", "up", "-o", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report/index.html").read_text()
    assert "What decided sequence r7" in page and "Confusion matrix" in page and "Which channels matter" in page
    rows = list(csv.DictReader((tmp_path / "report/effects.csv").read_text().splitlines()))
    assert len(rows) == 3 * len(VALUES[7]) and {r["channel"] for r in rows} == {"a", "b", "c"}
    found = {(int(r["step"]), r["channel"]): float(r["effect"]) for r in rows}
    step, channel = max(found, key=lambda k: abs(found[k]))
    assert channel == "b" and 5 <= step <= 7, "the bump is at steps 5 to 7, counted from 1"
    assert "Report:" in capsys.readouterr().out


def test_export_writes_the_whole_model(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.onnx"
    assert main(["export", str(run), "--to", "onnx", "-o", str(path)]) == 0
    assert "x, lengths → probabilities, logits" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"x": VALUES[0][None], "lengths": np.array([len(VALUES[0])])})
    assert found.sum() == pytest.approx(1.0)
    assert main(["export", str(run), "--to", "torch", "-o", str(tmp_path / "m.safetensors")]) == 0


def test_values_and_tags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "values.csv"
    path.write_text(csv_of(VALUES, [f"{v[4:7, 1].mean():.4f}" for v in VALUES]))
    assert main(train(path, tmp_path / "r", task="regress")) == 0
    assert "Held-out test: MAE" in capsys.readouterr().out
    assert main(["evaluate", str(tmp_path / "r"), str(path), "-o", str(tmp_path / "p.csv")]) == 0
    assert (tmp_path / "p.csv").read_text().startswith("id,prediction\nr0,")
    assert main(["inspect", str(tmp_path / "r"), "-o", str(tmp_path / "page")]) == 0
    lines = [
        line + (",kind" if k == 0 else f",{'plus' if float(line.split(',')[2]) > 0 else 'minus'}")
        for k, line in enumerate(
            csv_of(VALUES, LABELS).replace(",kind", "").replace(",up", "").replace(",down", "").splitlines()
        )
    ]
    path.write_text("\n".join(lines) + "\n")
    capsys.readouterr()
    assert main(train(path, tmp_path / "t", "--window", "8", task="tag")) == 0
    assert "sequences to train on" in capsys.readouterr().out
    assert main(["evaluate", str(tmp_path / "t"), str(path), "-o", str(tmp_path / "p.csv"), "--force"]) == 0
    assert (tmp_path / "p.csv").read_text().startswith("id,step,prediction,p-minus,p-plus\nr0/1,1,")
    assert main(["inspect", str(tmp_path / "t"), "-o", str(tmp_path / "tags")]) == 0


def test_dry_run_writes_nothing(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [w for w in train(table, tmp_path / "run", "--dry-run") if w not in ("-o", str(tmp_path / "run"))]
    assert main(words) == 0
    assert "Dry run:" in capsys.readouterr().out and not (tmp_path / "run").exists()


def test_killed_run_resumes_to_the_same_bits(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    more = ("--epochs", "40", "--checkpoint-every", "1", "--dropout", "0.3")
    process = start(*train(table, killed, *more))
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if (killed / "checkpoint.json").exists() and read_checkpoint(killed).get("trainer", "progress", "step") >= 5:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    step = read_checkpoint(killed).get("trainer", "progress", "step")
    assert 5 <= step < 80
    assert main(["train", "--resume", str(killed)]) == 0
    assert f"Resuming after step {step}" in capsys.readouterr().out
    assert main(train(table, whole, *more)) == 0
    a, b = read_checkpoint(killed).document, read_checkpoint(whole).document
    assert a["files"] == b["files"] and a["results"] == b["results"] and a["trainer"] == b["trainer"]


MISTAKES = [
    (("--label", "mood"), "has no column 'mood'; it has recording, t, a, b, c, kind"),
    (("--id", "who"), "has no column 'who'"),
    (("--time", "when"), "has no column 'when'"),
    (("--channels", "a,z"), "has no column 'z'"),
    (("--window", "5"), "--window: cuts sequences whose steps are labelled"),
    (("--valid", "nowhere.csv"), "nowhere.csv: no such file"),
    (("--valid-share", "2"), "--valid-share: expected at least 0 and less than 1"),
    (("--valid-share", "0.5", "--test-share", "0.5"), "expected sequences enough for training"),
    (("--cell", "lstn"), "did you mean"),
    (("--lr", "0"), "lr: expected a finite number above 0"),
    (("--level", "char"), "No such option: --level"),
]


@pytest.mark.parametrize(("words", "line"), MISTAKES, ids=[line for _, line in MISTAKES])
def test_mistakes_are_one_line(
    table: Path, tmp_path: Path, failure: Failure, words: tuple[str, ...], line: str
) -> None:
    assert line in failure(*train(table, tmp_path / "run", *words))


def test_labels_and_names_that_are_not_there(run: Path, table: Path, tmp_path: Path, failure: Failure) -> None:
    assert "bumps.csv has none called 'r99'; it has r" in failure(
        "inspect", run, "--sequence", "r99", "-o", tmp_path / "a"
    )
    assert "target: expected one of down, up" in failure("inspect", run, "--target", "left", "-o", tmp_path / "b")
    other = tmp_path / "other.csv"
    other.write_text(csv_of(VALUES[:2], ["up", "left"]))
    assert "label 'left' of sequence 'r1' is no class of the training data (down, up)" in failure(
        "evaluate", run, other
    )
    other.write_text(table.read_text().replace("kind", "sort"))
    other.write_text(csv_of(VALUES[:1], ["up"])[:28])
    assert "other.csv" in failure("evaluate", run, other)
    table.write_text(table.read_text() + "\n")
    assert "changed since the run began" in failure("inspect", run, "-o", tmp_path / "c")
    assert "no such file" in failure("train", "gone.csv", "--task", "classify", "-o", tmp_path / "d")
    assert "expected FILE and --output OUT" in failure("train", "--task", "tag")
    assert "expected a run of task tag, got classify" in failure("train", "--task", "tag", "--resume", run)


def test_a_class_of_the_test_part_alone_is_one_line(table: Path, tmp_path: Path, failure: Failure) -> None:
    other = tmp_path / "test.csv"
    other.write_text(csv_of(VALUES[:3], ["up", "down", "sideways"]))
    line = failure(*train(table, tmp_path / "run", "--test", str(other)))
    assert "test.csv: label 'sideways' of sequence 'r2' is no class" in line


def test_help_is_that_of_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--task", "tag", "--help"]) == 0
    told = capsys.readouterr().out
    assert "--channels" in told and "--vocabulary-size" not in told


@pytest.mark.slow
def test_the_demo_learns_and_writes_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--task", "classify"]) == 0
    results = read_checkpoint(tmp_path / "runs/departures").get("results")["test"]
    assert results["accuracy"] >= 0.75 and results["macro_auc"] >= 0.78
    assert "What decided sequence" in (tmp_path / "runs/departures/report/index.html").read_text()
    assert "inspect" in capsys.readouterr().out
