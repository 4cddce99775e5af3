"""One training run on sequences: from a configuration, or from where its checkpoint left it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from conveyor.cells import cells
from conveyor.errors import CheckpointError, ConveyorError, DataError
from conveyor.frontend import CellDefinition
from conveyor.tasks.run import Run, build_model, misfit, read_cell, read_run, seed_run, unreadable
from conveyor.tasks.sequences.batching.batches import Batches, Targets
from conveyor.tasks.sequences.batching.features import Features, Item
from conveyor.tasks.sequences.config import LARGE_SHARE_MISSING, SequenceConfig
from conveyor.tasks.sequences.data.collection import Sequences
from conveyor.tasks.sequences.data.dataset import Dataset, define, read_dataset
from conveyor.tasks.sequences.data.targets import UNLABELLED, Classes, ValueScale
from conveyor.tasks.sequences.evaluation.calibration import fit_temperature
from conveyor.tasks.sequences.evaluation.metrics import ClassScores, ValueScores
from conveyor.tasks.sequences.model import SequenceModel
from conveyor.tasks.sequences.objective import Objective, balanced_weights
from conveyor.tasks.sequences.trained import Definition, Trained, run_items
from conveyor.tasks.training.checkpoint import Checkpoint, read_checkpoint
from conveyor.tasks.training.distributed import Distributed
from conveyor.tasks.training.trainer import Scores, Trainer

Note = Callable[[str], None]
AUTO_CELL = "auto"
UPDATES, FEWEST_EPOCHS, MOST_EPOCHS = 800, 15, 200
"""How long a run is if its epochs are left open: as many as give so many updates, within these bounds."""


class SequenceRun(Run[SequenceModel]):
    """A training run in memory; `save` and `resume` move it to and from a checkpoint.

    Building one seeds torch's random generator and sets its number of threads.

    Args:
        config: all but the cell.
        cell: of every layer.
        dataset: read with `config`, or from arrays.
        definition: what the model is made for; None finds out from the training part.

    Raises:
        ConveyorError: the data or the cell cannot be used, or the model cannot be built.
    """

    DESCRIPTION: ClassVar[str] = "a model of sequences"

    def __init__(
        self, config: SequenceConfig, cell: CellDefinition, dataset: Dataset, definition: Definition | None = None
    ) -> None:
        self.config = config = with_short_warmup(config, len(dataset.train))
        self.cell = cell
        self.dataset = dataset
        self.training = config.training
        self.results: dict[str, Any] | None = None
        self.definition = define(config.task, dataset, cell, config.model) if definition is None else definition
        for part in (dataset.train, dataset.valid, dataset.test):
            self._check_labels(part)
        self.share = Distributed.of_environment()
        self.share.check(config.data.batch_size)
        train, valid = (self._coded(part) for part in (dataset.train, dataset.valid))
        seed_run(config.training)
        self.model = _build(cell, self.definition, config)
        self.share.vary_random_numbers()
        self.objective = Objective(config.task, self._class_weights(train[1]))
        self.batches = Batches(*train, self.definition.tagged, config.data.batch_size, config.training.seed)
        self._valid = valid
        self.trainer = Trainer(self.model, self.batches, self.objective, self._validate, config.training, self.share)

    @classmethod
    def start(
        cls,
        config: SequenceConfig,
        cell: CellDefinition | None,
        note: Note = lambda line: None,
        *,
        auto_epochs: bool = False,
    ) -> SequenceRun:
        """Begin a run on files.

        Args:
            config: all but the cell.
            cell: of every layer; None chooses one by what is missing.
            note: told what is left out.
            auto_epochs: whether to choose the number of passes by the size of the data.

        Raises:
            ConveyorError: a file, the cell or a number cannot be used.
        """
        dataset = read_dataset(config.task, config.data, config.training.seed, note)
        config = with_epochs(config, len(dataset.train)) if auto_epochs else config
        return RUNS[config.task](config, choose_cell(dataset.train, config) if cell is None else cell, dataset)

    @classmethod
    def resume(cls, folder: Path) -> Self:
        """Continue the run whose checkpoint is in `folder`; its data files must be the same.

        Raises:
            CheckpointError: the checkpoint cannot be used.
            DataError: a data file is missing or changed.
        """
        checkpoint = read_run(folder, cls)
        config, cell, definition = _definition(checkpoint)
        if not config.data.file:
            raise CheckpointError(f"{folder}: was trained from Python on arrays, which are not kept; fit it there")
        dataset = read_dataset(config.task, config.data, config.training.seed, sha256=checkpoint.get("data"))
        run = cls(config, cell, dataset, definition)
        run.restore(checkpoint)
        run.results = checkpoint.get("results")
        return run

    def _check_labels(self, part: Sequences | None) -> None:
        """Say before any training that a part has labels that can't be learnt from or compared with."""
        if part is None or self.definition.classes is None:
            return
        if not any((codes != UNLABELLED).any() for codes in self.definition.classes.encode(part)):
            raise DataError(f"{part.source}: no step of its training, validation or test part has a label; label more")

    def _coded(self, sequences: Sequences) -> tuple[list[Item], Targets]:
        return self.definition.features.items(sequences), self.definition.encode(sequences)

    def _class_weights(self, targets: Targets) -> torch.Tensor | None:
        if self.config.class_weight == "none" or self.definition.classes is None:
            return None
        codes = torch.from_numpy(np.concatenate(targets))
        counts = torch.bincount(codes[codes != UNLABELLED], minlength=len(self.definition.classes))
        return balanced_weights(counts.float())

    def _validate(self) -> Scores:
        """Score the validation part; two losses closer than the standard error of one are not told apart."""
        items, targets = self._valid
        outputs = run_items(self.model, items, self.definition.tagged)
        if self.definition.classes is None:
            errors = ((np.stack(outputs) - np.stack(targets)) ** 2).mean(1)
            return Scores(float(errors.mean()), {}, _standard_error(errors))
        logits = torch.from_numpy(np.concatenate([np.atleast_2d(r) for r in outputs]))
        codes = torch.from_numpy(np.concatenate(targets))
        known = codes != UNLABELLED
        logits, codes = logits[known].float(), codes[known]
        loss = self.objective.classes(logits, codes).loss.item()
        each = functional.cross_entropy(logits, codes, reduction="none").numpy()
        # Steps of one sequence are not independent: their error is that of as many sequences.
        error = _standard_error(each) * float(np.sqrt(len(each) / len(items)))
        return Scores(loss, {"accuracy": float((logits.argmax(1) == codes).float().mean())}, error)

    @property
    def tested(self) -> bool:
        """Tell whether the run is over: trained, calibrated and scored."""
        return self.results is not None

    def test(self) -> None:
        """Calibrate the best weights, and score them on validation and test data."""
        trained = self.trained(temperature=self._temperature())
        results: dict[str, Any] = {
            "temperature": trained.temperature,
            "valid": scores_json(trained.score(self.dataset.valid)),
        }
        if self.dataset.test is not None:
            results["test"] = scores_json(trained.score(self.dataset.test))
        self.results = results

    def _temperature(self) -> float:
        if self.definition.classes is None or self.dataset.valid is self.dataset.train:
            return 1.0
        items, targets = self._valid
        logits = np.concatenate([np.atleast_2d(r) for r in run_items(self.best_model(), items, self.definition.tagged)])
        codes = np.concatenate(targets)
        known = codes != UNLABELLED
        return fit_temperature(logits[known], codes[known].astype(np.int64))

    def trained(self, temperature: float | None = None) -> Trained:
        """Take the best weights, calibrated if the run is over."""
        if temperature is None:
            temperature = 1.0 if self.results is None else self.results["temperature"]
        return Trained(self.best_model(), self.definition, temperature)

    def document(self) -> dict[str, Any]:
        """Return what a run on sequences adds to the checkpoint."""
        return {
            "config": self.config.to_json(),
            "data": self.dataset.sha256,
            "definition": definition_json(self.definition),
            "results": self.results,
        }


class ClassifyRun(SequenceRun):
    """A run that learns one class a sequence."""

    TASK: ClassVar[str] = "classify"
    DESCRIPTION: ClassVar[str] = "a classifier of sequences"


class RegressRun(SequenceRun):
    """A run that learns one value, or a few, a sequence."""

    TASK: ClassVar[str] = "regress"
    DESCRIPTION: ClassVar[str] = "a regression on sequences"


class TagRun(SequenceRun):
    """A run that learns one class a step."""

    TASK: ClassVar[str] = "tag"
    DESCRIPTION: ClassVar[str] = "a tagger of sequences"


RUNS: dict[str, type[SequenceRun]] = {run.TASK: run for run in (ClassifyRun, RegressRun, TagRun)}


def choose_cell(train: Sequences, config: SequenceConfig) -> CellDefinition:
    """Choose the cell: one that decays missing values where many are, else an LSTM."""
    many = train.missing_share() > LARGE_SHARE_MISSING
    if config.model.missing == "decay" or (many and config.model.missing == "auto"):
        return cells["gru_d"]
    return cells["lstm"]


def load_trained(folder: Path) -> tuple[Trained, Checkpoint]:
    """Load the best weights of a run, calibrated; neither the data nor the cell's source is needed.

    Raises:
        CheckpointError: the checkpoint cannot be used.
    """
    checkpoint = read_checkpoint(folder)
    task = checkpoint.get("task")
    if task not in RUNS:
        raise CheckpointError(f"{folder}: expected a model of sequences, got task {task!r}; use that task's command")
    config, cell, definition = _definition(checkpoint)
    with torch.random.fork_rng():
        model = SequenceModel(cell, definition.features, definition.outputs, definition.tagged, config.model)
    try:
        model.load_state_dict(checkpoint.tensors("best"))
    except RuntimeError as error:
        raise misfit(checkpoint) from error
    results = checkpoint.get("results")
    return Trained(model.eval(), definition, results["temperature"] if results else 1.0), checkpoint


def _standard_error(values: NDArray[Any]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def _build(cell: CellDefinition, definition: Definition, config: SequenceConfig) -> SequenceModel:
    sizes = f"a {cell.name} of hidden_size {config.model.hidden_size}"
    return build_model(
        lambda: SequenceModel(cell, definition.features, definition.outputs, definition.tagged, config.model),
        sizes,
        "choose smaller sizes",
    )


def _definition(checkpoint: Checkpoint) -> tuple[SequenceConfig, CellDefinition, Definition]:
    cell = read_cell(checkpoint)
    try:
        config = SequenceConfig.from_json(checkpoint.get("config"))
        return config, cell, definition_from_json(checkpoint.get("definition"))
    except (ConveyorError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(checkpoint, error) from error


def definition_json(definition: Definition) -> dict[str, Any]:
    """Return a definition as JSON values."""
    classes, scale = definition.classes, definition.scale
    return {
        "task": definition.task,
        "channels": list(definition.channels),
        "features": definition.features.to_json(),
        "classes": None if classes is None else list(classes.names),
        "scale": None if scale is None else {"mean": list(scale.mean), "deviation": list(scale.deviation)},
    }


def definition_from_json(values: dict[str, Any]) -> Definition:
    """Build the definition that `definition_json` returned."""
    classes, scale = values["classes"], values["scale"]
    return Definition(
        values["task"],
        tuple(values["channels"]),
        Features.from_json(values["features"]),
        None if classes is None else Classes(tuple(classes)),
        None if scale is None else ValueScale(tuple(scale["mean"]), tuple(scale["deviation"])),
    )


def scores_json(scores: ClassScores | ValueScores) -> dict[str, Any]:
    """Return scores as JSON values, None where one is not a number."""
    values = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(scores).items()}
    if isinstance(scores, ClassScores):
        values |= {name: getattr(scores, name) for name in ("count", "accuracy", "macro_f1", "macro_auc")}
    return {k: _finite(v) for k, v in values.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def with_short_warmup(config: SequenceConfig, sequences: int) -> SequenceConfig:
    """Let the learning rate rise for a tenth of a short run at most."""
    steps = config.training.total_steps(-(-sequences // config.data.batch_size))
    return replace(config, training=replace(config.training, warmup=min(config.training.warmup, steps // 10)))


def with_epochs(config: SequenceConfig, sequences: int) -> SequenceConfig:
    """Set as many epochs as give a small data set enough updates."""
    batches = -(-sequences // config.data.batch_size)
    epochs = min(max(-(-UPDATES // batches), FEWEST_EPOCHS), MOST_EPOCHS)
    return replace(config, training=replace(config.training, epochs=epochs))
