"""Commands that differ from task to task: `conveyor train --task forecast` has help and options of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from conveyor.errors import ArgumentError

DEFAULT_TASK = "text"
_OPTION = "--task"
_ON_RUNS = ("inspect", "predict", "evaluate")
"""Commands on a run, whose checkpoint names the task."""


def task_command(app: typer.Typer, name: str, task: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as what the command `name` does for a task other than text."""
    return app.command(_full_name(name, task), hidden=True)


class TaskGroup(TyperGroup):
    """A group whose commands of several tasks are chosen by `--task`; the checkpoint names it for `--resume`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that the first word and `--task` name."""
        name, command, rest = super().resolve_command(ctx, args)
        prefix = f"{name} {_OPTION} "
        tasks = [full.removeprefix(prefix) for full in self.commands if full.startswith(prefix)]
        if name is None or not tasks:
            return name, command, rest
        task, rest = _take_task(rest)
        if task is None and name in _ON_RUNS:
            task = _task_of_run(rest)
            if task not in tasks:
                return name, command, rest
        if task is None or task == DEFAULT_TASK:
            return name, command, rest
        if task not in tasks:
            raise ArgumentError(f"--task: expected one of {', '.join([DEFAULT_TASK, *tasks])}, got {task!r}")
        full = _full_name(name, task)
        return full, self.commands[full], rest


def _task_of_run(words: list[str]) -> str | None:
    """Read the task from the checkpoint in the first folder among a command's words; None if there is none."""
    for word in words:
        try:
            with open(Path(word) / "checkpoint.json", encoding="utf-8") as file:
                task = json.load(file).get("task")
        except (OSError, ValueError, AttributeError):
            continue
        return task if isinstance(task, str) else None
    return None


def _full_name(name: str, task: str) -> str:
    return f"{name} {_OPTION} {task}"


def _take_task(words: list[str]) -> tuple[str | None, list[str]]:
    """Take `--task NAME` or `--task=NAME` out of a command's words; what follows `--` are no options."""
    end = words.index("--") if "--" in words else len(words)
    for index, word in enumerate(words[:end]):
        if word == _OPTION:
            if index + 1 >= end:
                raise ArgumentError(f"{_OPTION}: expected the name of a task after it, got nothing")
            return words[index + 1], words[:index] + words[index + 2 :]
        if word.startswith(f"{_OPTION}="):
            return word.removeprefix(f"{_OPTION}="), words[:index] + words[index + 1 :]
    return None, words


def require_alone(context: typer.Context, name: str) -> None:
    """Refuse other arguments beside an option that takes all settings from a checkpoint.

    Raises:
        ArgumentError: there are some.
    """
    given = [
        key
        for key in context.params
        if key != name and getattr(context.get_parameter_source(key), "name", "") == "COMMANDLINE"
    ]
    if given:
        raise ArgumentError(
            f"--{name}: expected no other argument, as all settings come from the checkpoint; got "
            f"{', '.join(given)}; leave them out"
        )
