from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from conveyor.cli import main
from conveyor.cli.app import Level, Optimizer, ScheduleName, train
from conveyor.tasks.config import OPTIMIZERS, SCHEDULES, TrainingConfig
from conveyor.tasks.text.config import LEVELS, DataConfig


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["bench", "--help"], ["doctor", "--help"], ["--version"]],
    ids=" ".join,
)
def test_torch_is_not_loaded_for_help(arguments: list[str]) -> None:
    code = (
        "import sys; from conveyor.cli import main; code = main(sys.argv[1:]);"
        "sys.exit(code or ('torch is loaded' if 'torch' in sys.modules else 0))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_no_argument_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    output = capsys.readouterr().out
    assert all(name in output for name in ("train", "generate", "demo", "bench", "doctor"))


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"conveyor {version('conveyor')}\n"


def test_choices_and_their_defaults_are_those_of_the_configuration() -> None:
    assert (tuple(Level), tuple(Optimizer), tuple(ScheduleName)) == (LEVELS, OPTIMIZERS, SCHEDULES)
    assert train.__defaults__ is not None
    assert {DataConfig.level, TrainingConfig.optimizer, TrainingConfig.schedule} <= set(
        filter(lambda default: isinstance(default, str), train.__defaults__)
    )
