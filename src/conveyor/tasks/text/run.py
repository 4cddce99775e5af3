"""One training run of a language model: from a configuration, or from where its checkpoint left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from conveyor.errors import ArgumentError, ConveyorError
from conveyor.frontend import CellDefinition
from conveyor.tasks.run import Run, build_model, misfit, read_cell, read_run, seed_run, unreadable
from conveyor.tasks.text.config import TextConfig
from conveyor.tasks.text.data.dataset import Dataset, read_dataset
from conveyor.tasks.text.data.locate import locate
from conveyor.tasks.text.data.start import knows, usual_start
from conveyor.tasks.text.data.streams import Streams
from conveyor.tasks.text.data.vocabulary import Vocabulary, vocabulary_from_json
from conveyor.tasks.text.evaluate import evaluate
from conveyor.tasks.text.model import LanguageModel, next_token_loss
from conveyor.tasks.training.checkpoint import Checkpoint
from conveyor.tasks.training.distributed import Distributed
from conveyor.tasks.training.trainer import Trainer

TASK = "text"


class TextRun(Run[LanguageModel]):
    """A training run in memory; `save` and `resume` move it to and from a checkpoint.

    Building one seeds torch's random generator and sets its number of threads.

    Args:
        config: all but the cell.
        cell: of every layer.
        dataset: read with `config`.

    Raises:
        ConveyorError: the cell needs inputs that a language model has not, or the model cannot be built.
    """

    TASK = TASK
    DESCRIPTION = "a language model on text"

    def __init__(self, config: TextConfig, cell: CellDefinition, dataset: Dataset) -> None:
        if cell.program.aux:
            raise ArgumentError(
                f"cell: expected a cell that reads x alone, got {cell.name}, which also reads "
                f"{', '.join(aux.name for aux in cell.program.aux)}; a language model has no such input"
            )
        self.config = config
        self.training = config.training
        self.cell = cell
        self.dataset = dataset
        self.test_loss: float | None = None
        seed_run(config.training)
        self.model = _build_model(cell, len(dataset.vocabulary), config)
        data = config.data
        self.share = Distributed.of_environment()
        self.share.check(data.batch_size)
        self.share.vary_random_numbers()
        self.trainer = Trainer(
            self.model,
            Streams(dataset.train, data.batch_size, data.window),
            next_token_loss,
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
        checkpoint = read_run(folder, cls)
        config, cell, vocabulary = _definition(checkpoint)
        located = locate(config.data, checkpoint.get("data"), folder, texts)
        dataset = read_dataset(located.config, vocabulary, located.sha256)
        if "start" in checkpoint.document:
            dataset = replace(dataset, start=checkpoint.get("start"))
        run = cls(replace(config, data=located.config), cell, dataset)
        run.restore(checkpoint)
        run.test_loss = checkpoint.get("test_loss")
        return run

    @property
    def tested(self) -> bool:
        """Tell whether the run is over."""
        return self.test_loss is not None

    def test(self) -> None:
        """Find the loss on the held-out text, of the best weights."""
        data = self.config.data
        self.test_loss = evaluate(self.best_model(), self.dataset.test, data.batch_size, data.window)

    def document(self) -> dict[str, Any]:
        """Return the configuration, the files' digests, the vocabulary and the test loss."""
        return {
            "config": self.config.to_json(),
            "data": self.dataset.sha256,
            "start": self.dataset.start,
            "test_loss": self.test_loss,
            "vocabulary": self.dataset.vocabulary.to_json(),
        }


def load_model(folder: Path) -> tuple[LanguageModel, Vocabulary]:
    """Load the best weights of a run; neither the data nor the cell's source is needed.

    Raises:
        CheckpointError: the checkpoint cannot be used.
    """
    checkpoint = read_run(folder, TextRun)
    config, cell, vocabulary = _definition(checkpoint)
    with torch.random.fork_rng():
        model = LanguageModel(cell, len(vocabulary), config.model)
    try:
        model.load_state_dict(checkpoint.tensors("best"))
    except RuntimeError as error:
        raise misfit(checkpoint) from error
    return model, vocabulary


def load_start(folder: Path) -> str:
    """Read what samples of the run in `folder` begin with.

    Raises:
        CheckpointError: the checkpoint cannot be used.
    """
    checkpoint = read_run(folder, TextRun)
    vocabulary = _definition(checkpoint)[2]
    start = checkpoint.document.get("start")
    return start if isinstance(start, str) and knows(vocabulary, start) else usual_start(vocabulary)


def _build_model(cell: CellDefinition, vocabulary_size: int, config: TextConfig) -> LanguageModel:
    sizes = config.model
    if not sizes.proj_size and any(node.type.width == "proj" for node in cell.program.nodes):
        raise ArgumentError(f"proj_size: expected at least 1 for {cell.name}, which projects, got 0; give --proj-size")
    what = f"a {cell.name} of hidden_size {sizes.hidden_size} and embedding_size {sizes.embedding_size}"
    return build_model(lambda: LanguageModel(cell, vocabulary_size, sizes), what, "choose smaller sizes")


def _definition(checkpoint: Checkpoint) -> tuple[TextConfig, CellDefinition, Vocabulary]:
    cell = read_cell(checkpoint)
    try:
        return (
            TextConfig.from_json(checkpoint.get("config")),
            cell,
            vocabulary_from_json(checkpoint.get("vocabulary")),
        )
    except (ConveyorError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(checkpoint, error) from error
