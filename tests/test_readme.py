"""What the README shows is run, and what it lists is there."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import conveyor as cv
from conveyor.cli.app import app

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [line for language, code in BLOCKS if language == "sh" for line in code.splitlines() if line]


def test_snippets_run_one_after_the_other() -> None:
    namespace: dict[str, Any] = {}
    for code in PYTHON:
        exec(compile(code, "README.md", "exec"), namespace)
    y, state = namespace["y"], namespace["state"]
    assert y.shape == (32, 100, 128)
    assert state.h.shape == state.c.shape == (32, 128), "the last state is that of the single step"
    assert namespace["layer"].weight_hh_l1.grad.abs().sum() > 0
    for name, ours in namespace["ours"].state_dict().items():
        assert torch.equal(ours, namespace["theirs"].state_dict()[name])


def test_shapes_that_comments_promise() -> None:
    namespace: dict[str, Any] = {}
    exec(compile(PYTHON[0], "README.md", "exec"), namespace)
    assert namespace["state"].h.shape == namespace["state"].c.shape == (2, 32, 128)


def test_the_comments_on_prints_are_true() -> None:
    namespace: dict[str, Any] = {}
    exec(compile(PYTHON[0], "README.md", "exec"), namespace)
    cell = namespace["peephole_lstm"]
    assert "# " + cell.equations().splitlines()[0] in PYTHON[1]
    shapes = cell.parameters(64, 128)
    assert f"'weight_ih': {shapes['weight_ih']}, 'weight_hh': {shapes['weight_hh']}" in PYTHON[1]


def test_every_built_in_cell_is_listed() -> None:
    table = README.split("## Built-in cells")[1].split("\n\n")[1]
    assert set(re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()))) == set(cv.cells)


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("conveyor")])
def test_commands_have_the_options_that_are_shown(line: str) -> None:
    _, command, *arguments = shlex.split(line)
    task = arguments[arguments.index("--task") :][:2] if "--task" in arguments else []
    result = CliRunner().invoke(app, [command, *task, "--help"], terminal_width=200)
    assert result.exit_code == 0
    for option in (a for a in arguments if a.startswith("--") and a != "--task"):
        assert re.search(rf"{option}\b", result.output), f"{command} has no {option}"


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_are_targets(target: str) -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    assert f"make {target} " in README and re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target


def test_the_guide_to_testing_runs() -> None:
    guide = (Path(__file__).parents[1] / "docs/testing.md").read_text()
    namespace: dict[str, Any] = {}
    for _, code in re.findall(r"```(python)\n(.*?)```", guide, re.DOTALL):
        exec(compile(code, "testing.md", "exec"), namespace)
    assert namespace["finding"].problem is None
    namespace["test_leaky"]("lengths")
