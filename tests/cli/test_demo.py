from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from conveyor.cli import demo, main
from conveyor.cli.train import make_console
from conveyor.tasks.text.config import ModelConfig
from conveyor.tasks.text.run import TextRun

from .conftest import Failure


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small model, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    data = replace(demo.CONFIG.data, batch_size=64, window=8)
    monkeypatch.setattr(demo, "CONFIG", replace(demo.CONFIG, data=data, model=ModelConfig(4, 8)))


def test_demo_trains_prints_a_sample_and_says_what_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--max-steps", "2"]) == 0
    output = capsys.readouterr().out
    for expected in ("Validation:", "Held-out test:", "bits per character", "Checkpoint: runs/demo", "The whale"):
        assert expected in output
    assert "On this machine" not in output, "two steps tell nothing"
    commands = [line.strip() for line in output.split("Try next, ")[1].splitlines()[1:] if line.strip()]
    assert len(commands) == 3
    own = shlex.split(commands[0])
    assert Path(own[0]).name == "conveyor"
    assert main([*own[1:], "--length", "3"]) == 0, "the first command works as it stands"
    for command in commands[1:]:
        other = shlex.split(command)
        assert main([*other[1:], "--max-steps", "1", "--hidden-size", "4"]) == 0
    assert [Path(shlex.split(c)[4]) for c in commands[1:]] == [Path("runs/gru"), Path("runs/words")]


def test_the_folders_that_are_proposed_are_free(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("runs/gru", "runs/words", "runs/words-2"):
        Path(name).mkdir(parents=True)
        (Path(name) / "mine").touch()
    assert main(["demo", "--max-steps", "1"]) == 0
    output = capsys.readouterr().out
    assert "-o runs/gru-2 " in output and "-o runs/words-3 " in output


def test_an_estimate_is_given_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from conveyor.cli.console import meter

    monkeypatch.setattr(meter, "_TO_ESTIMATE", 0.0)
    assert main(["demo", "--max-steps", "12"]) == 0
    assert capsys.readouterr().out.count("On this machine it takes about 0:") == 1


def test_what_lies_in_the_usual_folder_is_sampled_with_its_own_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("Привет, мир.\n" * 60, encoding="utf-8")
    sizes = ("--hidden-size", "4", "--embedding-size", "4", "--batch-size", "2", "--window", "4", "--warmup", "1")
    assert main(["train", str(text), "-o", "runs/demo", *sizes, "--max-steps", "1"]) == 0
    capsys.readouterr()
    demo._tell_earlier(Path("runs/demo-2"), make_console())
    told = capsys.readouterr().out.split("Sample from the earlier one with:\n")[1].splitlines()[0]
    assert "--prompt 'Привет'" in told or "--prompt Привет" in told
    assert main([*shlex.split(told)[1:], "--length", "3"]) == 0
    shutil.rmtree("runs/demo")
    Path("runs/demo").mkdir()
    Path("runs/demo/mine").touch()
    demo._tell_earlier(Path("runs/demo-2"), make_console())
    assert "Sample from" not in capsys.readouterr().out, "a folder of something else has no samples"


def test_nothing_is_lost_when_the_demo_runs_again(failure: Failure, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("runs/demo", "runs/demo-2"):
        assert main(["demo", "--max-steps", "1"]) == 0
        assert f"Checkpoint: {folder}\n" in capsys.readouterr().out
    assert "--force" in failure("demo", "--max-steps", "1", "-o", "runs/demo")
    assert main(["demo", "--max-steps", "1", "-o", "runs/demo", "--force"]) == 0


def test_unfinished_demo_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    from conveyor.tasks.cell_source import find_cell

    config = replace(demo.CONFIG, training=replace(demo.CONFIG.training, max_steps=3))
    run = TextRun.start(config, find_cell("lstm"))
    next(iter(run.trainer))
    run.save(demo.FOLDER)
    assert main(["demo", "--max-steps", "3"]) == 0
    output = capsys.readouterr().out
    assert "unfinished run in runs/demo" in output and "Resuming after step 1" in output
    assert json.loads((demo.FOLDER / "checkpoint.json").read_text())["trainer"]["progress"]["step"] == 3


def test_unfinished_demo_with_other_settings_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    from conveyor.tasks.cell_source import find_cell

    TextRun.start(demo.CONFIG, find_cell("lstm")).save(demo.FOLDER)
    assert main(["demo", "--max-steps", "1"]) == 0
    assert "Checkpoint: runs/demo-2" in capsys.readouterr().out
