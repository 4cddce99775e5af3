"""The base of the estimators of sequences: scikit-learn's parameters, training, saving, explaining."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch

from conveyor.errors import ArgumentError, CheckpointError, ConveyorError, DataError, shown
from conveyor.frontend import CellDefinition
from conveyor.tasks.cell_source import find_cell
from conveyor.tasks.sequences.config import (
    Columns,
    DataConfig,
    ModelConfig,
    SequenceConfig,
    default_noise,
    training_config,
)
from conveyor.tasks.sequences.data.arrays import as_sequences
from conveyor.tasks.sequences.data.collection import Sequences, check_channels, check_values
from conveyor.tasks.sequences.data.dataset import Dataset, part
from conveyor.tasks.sequences.evaluation.metrics import ClassScores, ValueScores
from conveyor.tasks.sequences.run import RUNS, SequenceRun, choose_cell, load_trained, with_epochs
from conveyor.tasks.sequences.trained import Trained, count_parameters

if TYPE_CHECKING:
    from conveyor.tasks.sequences.onnx_graph import Written
    from conveyor.tasks.sequences.report.explain import Attribution


@contextmanager
def _own_torch_settings() -> Iterator[None]:
    """Put torch's random generator and number of threads back after the body, which sets both."""
    threads = torch.get_num_threads()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(threads)


class Estimator:
    """Trains a model of sequences with scikit-learn's interface; scikit-learn itself is not needed.

    Args:
        cell: name of a cell, `module.py:function`, or a cell; `auto` takes an LSTM, or gru_d if more than 5% of the
            values are missing.
        hidden_size: units of a layer and direction.
        num_layers: recurrent layers.
        bidirectional: whether a second direction reads from each sequence's end.
        dropout: probability between layers and before the head.
        noise: standard deviation of noise on the standardised input in training; None takes 0.5 to
            classify and 0 otherwise.
        missing: `auto`, `decay` or `mask`: how the model is told what is missing.
        class_weight: `balanced` weighs each class by one over its frequency; None weighs all alike.
        batch_size: sequences of an update.
        epochs: passes over the data; None takes as many as a small data set needs.
        lr: largest learning rate, which falls to 2% of it along a cosine.
        weight_decay: decay of the matrices.
        patience: passes without a lower validation loss after which training stops; 0 never stops early.
        validation: share of the sequences that chooses the best weights and the temperature, or (X, y) of others; 0
            trains on all, keeps the weights of the lowest training loss and fits no temperature.
        random_state: seed of the parting, the weights, the order and the noise.
        threads: CPU threads.
        verbose: whether to print a line at each validation.
        id: of long frames, the column that names a row's sequence; None takes all rows as one.
        time: the column of numbers or dates; None takes rows in order.
        label: the column of labels.
        channels: the columns that are read; none takes every other column of numbers.
        group: the column of groups whose sequences stay in one part of the data.

    Attributes:
        trained_: the model with all that it takes to predict, once fitted.
        history_: the validations of the training.
    """

    TASK: ClassVar[str]
    trained_: Trained
    history_: list[Any]

    def __init__(
        self,
        *,
        cell: Any = "auto",
        hidden_size: int = ModelConfig.hidden_size,
        num_layers: int = ModelConfig.num_layers,
        bidirectional: bool = ModelConfig.bidirectional,
        dropout: float = ModelConfig.dropout,
        noise: float | None = None,
        missing: str = ModelConfig.missing,
        class_weight: str | None = None,
        batch_size: int = DataConfig.batch_size,
        epochs: int | None = None,
        lr: float = 3e-3,
        weight_decay: float = 1e-2,
        patience: int = 0,
        validation: Any = DataConfig.valid_share,
        random_state: int = 0,
        threads: int = 1,
        verbose: bool = False,
        id: str | None = "id",
        time: str | None = None,
        label: str | None = "label",
        channels: Sequence[str] = (),
        group: str | None = None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.noise = noise
        self.missing = missing
        self.class_weight = class_weight
        self.batch_size = batch_size
        self.epochs = epochs
        self.lr = lr
        self.weight_decay = weight_decay
        self.patience = patience
        self.validation = validation
        self.random_state = random_state
        self.threads = threads
        self.verbose = verbose
        self.id = id
        self.time = time
        self.label = label
        self.channels = channels
        self.group = group

    # Parameters, as scikit-learn's tools read and set them

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name.

        Raises:
            ArgumentError: there is no such parameter.
        """
        for name, value in params.items():
            if name not in self._names():
                raise ArgumentError(
                    f"{type(self).__name__} has no parameter {name!r}; it has {', '.join(self._names())}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {n: p.default for n, p in inspect.signature(type(self).__init__).parameters.items()}
        told = [f"{n}={shown(v)}" for n, v in self.get_params().items() if v is not defaults[n] and v != defaults[n]]
        return f"{type(self).__name__}({', '.join(told)})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "trained_")

    def __sklearn_tags__(self) -> Any:
        # Only scikit-learn calls this, so it is there.
        from sklearn.utils import InputTags, Tags, TargetTags

        kind = {"classify": "classifier", "regress": "regressor"}.get(self.TASK)
        inputs = InputTags(one_d_array=False, two_d_array=True, three_d_array=True, allow_nan=True)
        return Tags(kind, TargetTags(required=False), *self._kind_tags(), input_tags=inputs)

    def _kind_tags(self) -> tuple[Any, Any, Any]:
        """The tags of transformers, classifiers and regressors."""
        return None, None, None

    # Training

    def fit(self, X: Any, y: Any = None, *, times: Any = None) -> Self:
        """Train a fresh model.

        Args:
            X: n sequences: a list of (T, C) arrays, an (n, C, T) array, or a long frame; NaN where a value is missing.
            y: n labels; None takes those in the frame.
            times: for arrays, the time stamps of each sequence; None where steps are equally far apart.

        Raises:
            ConveyorError: an argument or the data cannot be used, or the loss is not finite.
        """
        whole = self._labelled(X, y, times)
        config = self._config(len(whole))
        if isinstance(self.validation, tuple):
            valid = self._labelled(*self.validation) if len(self.validation) > 1 else None
            if valid is None:
                raise ArgumentError("validation: expected a share below 1, or (X, y), got a tuple of one")
            check_channels(valid, whole.channels)
            data = Dataset(whole, valid)
        else:
            data = part(self.TASK, whole, None, None, config.data.valid_share, 0.0, config.training.seed)
        return self._train(config, data)

    def _train(self, config: SequenceConfig, data: Dataset) -> Self:
        cell = self._cell(data.train, config)
        with _own_torch_settings():
            return self._train_run(RUNS[self.TASK](config, cell, data))

    def _train_run(self, run: SequenceRun) -> Self:
        for report in run.train(None):
            if self.verbose and report.validation is not None:
                found = report.validation
                print(
                    f"step {found.step:,}/{run.total_steps:,}: train {found.training_loss:.4f}, valid {found.loss:.4f}"
                )
        self._run = run
        self._take(run.trained())
        self.history_ = run.trainer.history
        return self

    def _take(self, trained: Trained) -> None:
        self.trained_ = trained
        self.n_parameters_ = count_parameters(trained.model)

    def _cell(self, train: Sequences, config: SequenceConfig) -> CellDefinition:
        if isinstance(self.cell, CellDefinition):
            return self.cell
        if not isinstance(self.cell, str):
            raise ArgumentError(f"cell: expected a cell or the name of one, got {type(self.cell).__name__}")
        return choose_cell(train, config) if self.cell == "auto" else find_cell(self.cell)

    def _config(self, sequences: int) -> SequenceConfig:
        share = 0.0 if isinstance(self.validation, tuple) else self.validation
        if isinstance(share, bool) or not isinstance(share, int | float):
            raise ArgumentError(f"validation: expected a share below 1, or (X, y), got {shown(self.validation)}")
        noise = default_noise(self.TASK) if self.noise is None else self.noise
        config = SequenceConfig(
            self.TASK,
            DataConfig(columns=self._columns(), valid_share=share, test_share=0.0, batch_size=self.batch_size),
            ModelConfig(self.hidden_size, self.num_layers, self.bidirectional, self.dropout, noise, self.missing),
            training_config(
                lr=self.lr,
                weight_decay=self.weight_decay,
                patience=self.patience,
                epochs=1 if self.epochs is None else self.epochs,
                seed=self.random_state,
                threads=self.threads,
            ),
            self.class_weight or "none",
        )
        return config if self.epochs is not None else with_epochs(config, round(sequences * (1 - share)))

    def _columns(self) -> Columns:
        return Columns(self.id, self.time, self.label, tuple(self.channels), self.group)

    def _sequences(self, X: Any, times: Any, *, labelled: bool = False) -> Sequences:
        found = as_sequences(X, self._columns(), times=times, tagged=self.TASK == "tag", labelled=labelled)
        check_values(found)
        return found

    def _labelled(self, X: Any, y: Any, times: Any = None) -> Sequences:
        sequences = self._sequences(X, times, labelled=y is None)
        if y is None:
            if sequences.labels is None:
                raise DataError(
                    "y: expected a label for each sequence, got none; give y, or a frame with a label column"
                )
            return sequences
        return replace(sequences, labels=self._labels(y, sequences))

    def _labels(self, y: Any, sequences: Sequences) -> list[Any]:
        if not hasattr(y, "__len__") or isinstance(y, str) or len(y) != len(sequences):
            got = f"{len(y)}" if hasattr(y, "__len__") else type(y).__name__
            raise DataError(f"y: expected a label for each of {len(sequences)} sequences, got {got}")
        return list(np.asarray(y)) if not isinstance(y, list) else list(y)

    # Prediction

    def _fitted(self) -> Trained:
        if not hasattr(self, "trained_"):
            raise ArgumentError(f"this {type(self).__name__} is not fitted yet; call fit(X, y) first")
        return self.trained_

    def evaluate(self, X: Any, y: Any = None, *, times: Any = None) -> ClassScores | ValueScores:
        """Predict labelled sequences and compare: confusion matrix, F1, AUC; or errors of values.

        Raises:
            DataError: the sequences or labels cannot be used.
        """
        trained = self._fitted()
        return trained.score(self._labelled(X, y, times))

    def explain(self, X: Any, index: int = 0, *, times: Any = None, target: Any = None) -> Attribution:
        """Say which steps and channels of one sequence decided.

        Args:
            X: sequences, as for fit.
            index: which of them.
            times: their stamps, as for fit.
            target: the class, or the place of the value, that is explained; None takes what is predicted.

        Raises:
            DataError: the sequence cannot be used.
        """
        from conveyor.tasks.sequences.report.explain import explain

        sequences = self._sequences(X, times)
        if not 0 <= index < len(sequences):
            raise ArgumentError(f"index: expected 0 to {len(sequences) - 1}, got {index}")
        return explain(self._fitted(), sequences, index, target)

    def to_onnx(self, path: Any, *, overwrite: bool = False) -> Written:
        """Write the whole model, from raw values to probabilities, as an ONNX file; see docs/classification.md.

        Raises:
            ConveyorError: onnx is missing, the path cannot be used, or the graph gives other numbers than the model.
        """
        trained = self._fitted()
        try:
            from conveyor.tasks.sequences.onnx_graph import write_onnx
        except ModuleNotFoundError as error:
            raise ConveyorError(f"ONNX files need the package onnx ({error}); pip install 'conveyor[onnx]'") from error
        return write_onnx(trained, path, overwrite=overwrite)

    # Files

    def save(self, folder: str | Path) -> None:
        """Write the trained model into a folder, as `conveyor train` does.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        self._fitted()
        if not hasattr(self, "_run"):
            raise ArgumentError(
                "this model was loaded or unpickled; its folder, or the estimator that fitted it, has it"
            )
        self._run.save(Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Load what `save` or `conveyor train` wrote.

        Raises:
            CheckpointError: the folder has no such model.
        """
        trained, checkpoint = load_trained(Path(folder))
        if trained.definition.task != cls.TASK:
            raise CheckpointError(f"{folder}: expected a run of task {cls.TASK}, got {trained.definition.task}")
        config = SequenceConfig.from_json(checkpoint.get("config"))
        columns, model, training = config.data.columns, config.model, config.training
        self = cls(
            cell=checkpoint.get("cell", "name"),
            hidden_size=model.hidden_size,
            num_layers=model.num_layers,
            bidirectional=model.bidirectional,
            dropout=model.dropout,
            noise=model.noise,
            missing=model.missing,
            class_weight=None if config.class_weight == "none" else config.class_weight,
            batch_size=config.data.batch_size,
            epochs=training.epochs,
            lr=training.lr,
            weight_decay=training.weight_decay,
            patience=training.patience,
            validation=config.data.valid_share,
            random_state=training.seed,
            threads=training.threads,
            id=columns.id,
            time=columns.time,
            label=columns.label,
            channels=columns.channels,
            group=columns.group,
        )
        self._take(trained)
        return self

    def __getstate__(self) -> dict[str, Any]:
        # A run holds data and optimizer; a pickle holds what predicts.
        return {name: value for name, value in self.__dict__.items() if name != "_run"}

    _run: SequenceRun
