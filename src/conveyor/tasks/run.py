"""The base of all training runs: trained step by step, saved at any step, resumed."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import torch
from torch import nn

from conveyor.errors import ArgumentError, CheckpointError, ConveyorError
from conveyor.frontend import CellDefinition
from conveyor.tasks.config import TrainingConfig
from conveyor.tasks.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from conveyor.tasks.training.distributed import Distributed
from conveyor.tasks.training.trainer import StepReport, Trainer

Model = TypeVar("Model", bound=nn.Module)
_TENSORS = ("weights", "best", "training")


class Run(ABC, Generic[Model]):
    """A training run in memory; `save` and `resume` move it to and from a checkpoint.

    A task's constructor calls `seed_run` before it builds the model, and sets the attributes below.

    Attributes:
        TASK: The task's name in checkpoints and on the command line.
        DESCRIPTION: What such a run trains, in words.
        cell: Of every layer.
        training: How the model is trained.
        model: What is trained.
        share: This process's part, if several train.
        trainer: Of the present stage; most runs have one.
        steps_before: Optimizer steps of earlier stages.
    """

    TASK: ClassVar[str]
    DESCRIPTION: ClassVar[str]

    cell: CellDefinition
    training: TrainingConfig
    model: Model
    share: Distributed
    trainer: Trainer
    steps_before: int = 0

    @classmethod
    @abstractmethod
    def resume(cls, folder: Path) -> Self:
        """Continue the run whose checkpoint is in `folder`; its data must be the same.

        Raises:
            ConveyorError: the checkpoint or its data cannot be used.
        """

    @property
    @abstractmethod
    def tested(self) -> bool:
        """Tell whether the run is over: trained, and scored on the test data."""

    @abstractmethod
    def test(self) -> None:
        """Score the best weights on what was held out."""

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """Return what the task adds to the checkpoint's document, as JSON values."""

    def begin_next_stage(self) -> bool:
        """Begin another stage of training after the present one; False if there is none."""
        return False

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.trainer.total_steps

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self.steps_before + self.trainer.progress.step

    @property
    def has_steps_left(self) -> bool:
        """Tell whether training is not finished."""
        return self.trainer.progress.finished is None

    def save(self, folder: Path) -> None:
        """Write the checkpoint of this moment; of several processes all must call it, and the first writes.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        trainer, tensors = self.trainer.snapshot()
        if not self.share.is_rank_zero:
            return
        head = {"task": self.TASK, "torch": torch.__version__}
        cell = {"name": self.cell.name, "program": self.cell.program.text}
        write_checkpoint(folder, {**head, "cell": cell, **self.document(), "trainer": trainer}, tensors)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go to where the trainer of a checkpoint was.

        Raises:
            CheckpointError: its tensors do not fit.
        """
        tensors = {role: checkpoint.tensors(role) for role in _TENSORS}
        try:
            self.trainer.restore(checkpoint.get("trainer"), tensors)
        except (KeyError, TypeError, RuntimeError) as error:
            raise misfit(checkpoint) from error

    def train(self, folder: Path | None) -> Iterator[StepReport]:
        """Train to the end, with checkpoints on the way; stop iterating and `save` to break off.

        The run is `tested` once the iterator is exhausted.

        Args:
            folder: of the checkpoints; None writes none.

        Raises:
            NonFiniteError: the loss is not finite; the last checkpoint stays.
            CheckpointError: the folder cannot be written.
        """
        if self.step == 0:
            self._save_to(folder)
        while True:
            for report in self.trainer:
                if report.validation is not None or report.step % self.training.checkpoint_every == 0:
                    self._save_to(folder)
                yield replace(report, step=self.steps_before + report.step) if self.steps_before else report
            if not self.begin_next_stage():
                break
            self._save_to(folder)
        if not self.tested:
            self.test()
            self._save_to(folder)

    def _save_to(self, folder: Path | None) -> None:
        if folder is not None:
            self.save(folder)

    def best_model(self) -> Model:
        """A copy of the model with the weights of the best validation."""
        model = copy.deepcopy(self.model)
        model.load_state_dict(self.trainer.best_weights)
        return model


def seed_run(training: TrainingConfig) -> None:
    """Set torch's threads and random generator as a run begins, the same in every process.

    Call `share.vary_random_numbers()` once the model is built.
    """
    torch.set_num_threads(training.threads)
    torch.manual_seed(training.seed)


def read_run(folder: Path, run: type[Run[Any]]) -> Checkpoint:
    """Read the checkpoint of a run of one task.

    Raises:
        CheckpointError: there is none, it is damaged, or it is of another task.
    """
    checkpoint = read_checkpoint(folder)
    task = checkpoint.get("task")
    if task != run.TASK:
        raise CheckpointError(f"{folder}: expected {run.DESCRIPTION}, got task {task!r}; use that task's command")
    return checkpoint


def read_cell(checkpoint: Checkpoint) -> CellDefinition:
    """Read the cell of a checkpoint; neither the registry nor its source is needed.

    Raises:
        CheckpointError: it cannot be read.
    """
    cell: dict[str, Any] = checkpoint.get("cell")
    try:
        return CellDefinition.from_text(cell["name"], cell["program"])
    except (ConveyorError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(checkpoint, error) from error


def build_model(build: Callable[[], Model], what: str, mend: str) -> Model:
    """Build a model; sizes that torch refuses are the user's mistake.

    Args:
        build: called without arguments.
        what: the model and its sizes, in words.
        mend: what to do about sizes that are too large.

    Raises:
        ConveyorError: it cannot be built.
    """
    try:
        return build()
    except ConveyorError:
        raise
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise ArgumentError(f"model: {what} cannot be built ({reason}); {mend}") from error


def unreadable(checkpoint: Checkpoint, error: Exception) -> CheckpointError:
    """Say that a checkpoint's configuration cannot be read."""
    return CheckpointError(
        f"{checkpoint.folder}: its configuration cannot be read ({type(error).__name__}: {error}); copy it again"
    )


def misfit(checkpoint: Checkpoint) -> CheckpointError:
    """Say that a checkpoint's tensors and configuration don't belong together."""
    return CheckpointError(
        f"{checkpoint.folder}: its tensors do not fit its configuration; it was altered: copy it again"
    )
