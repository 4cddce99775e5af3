"""Commands that differ from task to task: `conveyor train --task forecast` has help and options of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
        tasks = _tasks_of(self.commands, name)
        if name is None or command is None or not tasks:
            return name, command, rest
        task, others = _choose_task(name, rest, tasks)
        if task is None:
            # The command on text may want to know whether it was named.
            wanted = command is not None and any(parameter.name == "task" for parameter in command.params)
            return name, command, rest if wanted else others
        full = _full_name(name, task)
        return full, self.commands[full], others


def _tasks_of(commands: Mapping[str, Any], name: str | None) -> list[str]:
    """Tasks other than text for which a command is registered."""
    prefix = f"{name} {_OPTION} "
    return [full.removeprefix(prefix) for full in commands if full.startswith(prefix)]


def _choose_task(name: str, words: list[str], tasks: list[str]) -> tuple[str | None, list[str]]:
    """Find which of the tasks a command's words name, None for text, and the words without `--task`."""
    task, rest = _take_task(words)
    if task is None and name in _ON_RUNS:
        task = _task_of_run(rest)
        return (task if task in tasks else None), rest
    if task not in (None, DEFAULT_TASK, *tasks):
        raise ArgumentError(f"{_OPTION}: expected one of {', '.join([DEFAULT_TASK, *tasks])}, got {task!r}")
    return (None if task == DEFAULT_TASK else task), rest


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


def named_command(group: Any, words: list[str]) -> Any | None:
    """Find the command that the words of a command line name, of the task that they name; None if there is none."""
    commands: Mapping[str, Any] = getattr(group, "commands", {})
    if not words or words[0] not in commands:
        return None
    name, *rest = words
    try:
        task = _choose_task(name, rest, _tasks_of(commands, name))[0]
    except ArgumentError:
        task = None
    return commands[name if task is None else _full_name(name, task)]


def option_labels(command: Any) -> dict[str, str]:
    """Say what a user types for each parameter of a command: its longest option, or its place in the usage line."""
    labels: dict[str, str] = {}
    for parameter in command.params:
        option = max(parameter.opts, key=len)
        label = option if option.startswith("-") else parameter.metavar
        labels |= {parameter.name: label, option.lstrip("-").replace("-", "_"): label}
    return labels


def is_given(context: typer.Context, name: str) -> bool:
    """Tell whether a parameter stands on the command line."""
    return getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"


def require_alone(context: typer.Context, *names: str) -> None:
    """Refuse other arguments beside an option that takes all settings from a checkpoint.

    Args:
        context: of the command.
        names: parameters that may stand together; the first is the option.

    Raises:
        ArgumentError: there are some.
    """
    labels = option_labels(context.command)
    given = [labels[key] for key in context.params if key not in names and is_given(context, key)]
    if given:
        raise ArgumentError(
            f"{names[0]}: expected no other argument, as all settings come from the checkpoint; got "
            f"{', '.join(given)}; leave them out"
        )
