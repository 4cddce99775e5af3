"""One training run of a language model: from a configuration, or from where its checkpoint left it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from conveyor.errors import ArgumentError, CheckpointError, ConveyorError
from conveyor.frontend import CellDefinition
from conveyor.tasks.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from conveyor.tasks.distributed import Distributed
from conveyor.tasks.text.config import TextConfig
from conveyor.tasks.text.dataset import Dataset, read_dataset
from conveyor.tasks.text.evaluate import evaluate
from conveyor.tasks.text.locate import locate
from conveyor.tasks.text.model import LanguageModel, cross_entropy
from conveyor.tasks.text.start import knows, usual_start
from conveyor.tasks.text.streams import Streams
from conveyor.tasks.text.vocabulary import Vocabulary, vocabulary_from_json
from conveyor.tasks.trainer import StepReport, Trainer

TASK = "text"
_TENSORS = ("weights", "best", "training")


class TextRun:
    """A training run in memory; `save` and `resume` move it to and from a checkpoint.

    Building one seeds torch's random generator and sets its number of threads.

    Args:
        config: all but the cell.
        cell: of every layer.
        dataset: read with `config`.

    Raises:
        ConveyorError: the cell needs inputs that a language model has not, or the model cannot be built.
    """

    def __init__(self, config: TextConfig, cell: CellDefinition, dataset: Dataset) -> None:
        if cell.program.aux:
            raise ArgumentError(
                f"cell: expected a cell that reads x alone, got {cell.name}, which also reads "
                f"{', '.join(aux.name for aux in cell.program.aux)}; a language model has no such input"
            )
        self.config = config
        self.cell = cell
        self.dataset = dataset
        self.test_loss: float | None = None
        torch.set_num_threads(config.training.threads)
        torch.manual_seed(config.training.seed)
        self.model = _build_model(cell, len(dataset.vocabulary), config)
        data = config.data
        self.share = Distributed.of_environment()
        self.share.check(data.batch_size)
        self.share.vary_random_numbers()
        self.trainer = Trainer(
            self.model,
            Streams(dataset.train, data.batch_size, data.window),
            cross_entropy,
            lambda: evaluate(self.model, dataset.valid, data.batch_size, data.window),
            config.training,
            self.share,
        )

    @classmethod
    def start(cls, config: TextConfig, cell: CellDefinition) -> TextRun:
        """Begin a run.

        Raises:
            ConveyorError: a file, the cell or a number cannot be used.
        """
        return cls(config, cell, read_dataset(config.data))

    @classmethod
    def resume(cls, folder: Path, texts: Sequence[Path] = ()) -> TextRun:
        """Continue the run whose checkpoint is in `folder`; its texts must be the same, but may have moved.

        Args:
            folder: of the run.
            texts: files and folders in which its texts are now, if they are neither where they were nor beside it.

        Raises:
            CheckpointError: the checkpoint cannot be used.
            TextError: a text is missing or changed.
        """
        checkpoint = _read(folder)
        config, cell, vocabulary = _definition(checkpoint)
        located = locate(config.data, checkpoint.get("data"), folder, texts)
        dataset = read_dataset(located.config, vocabulary, located.sha256)
        if "start" in checkpoint.document:
            dataset = replace(dataset, start=checkpoint.get("start"))
        run = cls(replace(config, data=located.config), cell, dataset)
        tensors = {role: checkpoint.tensors(role) for role in _TENSORS}
        try:
            run.trainer.restore(checkpoint.get("trainer"), tensors)
        except (KeyError, TypeError, RuntimeError) as error:
            raise _misfit(checkpoint) from error
        run.test_loss = checkpoint.get("test_loss")
        return run

    def save(self, folder: Path) -> None:
        """Write the checkpoint of this moment; of several processes all must call it, and the first writes.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        trainer, tensors = self.trainer.snapshot()
        if not self.share.is_rank_zero:
            return
        document = {
            "task": TASK,
            "torch": torch.__version__,
            "config": self.config.to_json(),
            "cell": {"name": self.cell.name, "program": self.cell.program.text},
            "data": self.dataset.sha256,
            "start": self.dataset.start,
            "test_loss": self.test_loss,
            "trainer": trainer,
            "vocabulary": self.dataset.vocabulary.to_json(),
        }
        write_checkpoint(folder, document, tensors)

    def train(self, folder: Path) -> Iterator[StepReport]:
        """Train to the end, with checkpoints on the way; stop iterating and `save` to break off.

        The test loss, of the best weights, is there once the iterator is exhausted.

        Raises:
            NonFiniteError: the loss is not finite; the last checkpoint stays.
            CheckpointError: the folder cannot be written.
        """
        every = self.config.training.checkpoint_every
        if self.trainer.progress.step == 0:
            self.save(folder)
        for report in self.trainer:
            if report.validation is not None or report.step % every == 0:
                self.save(folder)
            yield report
        if self.test_loss is None:
            data = self.config.data
            self.test_loss = evaluate(self.best_model(), self.dataset.test, data.batch_size, data.window)
            self.save(folder)

    def best_model(self) -> LanguageModel:
        """A copy of the model with the weights of the best validation."""
        model = copy.deepcopy(self.model)
        model.load_state_dict(self.trainer.best_weights)
        return model


def load_model(folder: Path) -> tuple[LanguageModel, Vocabulary]:
    """Load the best weights of a run; neither the data nor the cell's source is needed.

    Raises:
        CheckpointError: the checkpoint cannot be used.
    """
    checkpoint = _read(folder)
    config, cell, vocabulary = _definition(checkpoint)
    with torch.random.fork_rng():
        model = LanguageModel(cell, len(vocabulary), config.model)
    try:
        model.load_state_dict(checkpoint.tensors("best"))
    except RuntimeError as error:
        raise _misfit(checkpoint) from error
    return model, vocabulary


def load_start(folder: Path) -> str:
    """Read what samples of the run in `folder` begin with.

    Raises:
        CheckpointError: the checkpoint cannot be used.
    """
    checkpoint = _read(folder)
    vocabulary = _definition(checkpoint)[2]
    start = checkpoint.document.get("start")
    return start if isinstance(start, str) and knows(vocabulary, start) else usual_start(vocabulary)


def _build_model(cell: CellDefinition, vocabulary_size: int, config: TextConfig) -> LanguageModel:
    if not config.model.proj_size and any(node.type.width == "proj" for node in cell.program.nodes):
        raise ArgumentError(f"proj_size: expected at least 1 for {cell.name}, which projects, got 0; give --proj-size")
    try:
        return LanguageModel(cell, vocabulary_size, config.model)
    except ConveyorError:
        raise
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise ArgumentError(
            f"model: a {cell.name} of hidden_size {config.model.hidden_size} and embedding_size "
            f"{config.model.embedding_size} cannot be built ({reason}); choose smaller sizes"
        ) from error


def _read(folder: Path) -> Checkpoint:
    checkpoint = read_checkpoint(folder)
    task = checkpoint.get("task")
    if task != TASK:
        raise CheckpointError(
            f"{folder}: expected a language model on text, got task {task!r}; use that task's command"
        )
    return checkpoint


def _definition(checkpoint: Checkpoint) -> tuple[TextConfig, CellDefinition, Vocabulary]:
    cell: dict[str, Any] = checkpoint.get("cell")
    try:
        config = TextConfig.from_json(checkpoint.get("config"))
        definition = CellDefinition.from_text(cell["name"], cell["program"])
        return config, definition, vocabulary_from_json(checkpoint.get("vocabulary"))
    except (ConveyorError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{checkpoint.folder}: its configuration cannot be read ({type(error).__name__}: {error}); copy it again"
        ) from error


def _misfit(checkpoint: Checkpoint) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.folder}: its tensors do not fit its configuration; it was altered: copy it again"
    )
