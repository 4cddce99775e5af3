"""The configuration of a model of sequences and its data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from conveyor.tasks.checks import LARGEST_SIZE, at_least, between, fraction, one_of
from conveyor.tasks.config import TrainingConfig

TASKS = ("classify", "regress", "tag")
MISSING = ("auto", "decay", "mask")
CLASS_WEIGHTS = ("none", "balanced")
LARGE_SHARE_MISSING = 0.05
"""Share of missing values above which a cell that decays them is chosen."""


@dataclass(frozen=True)
class Columns:
    """The roles of a long frame's columns.

    Args:
        id: names the sequence of a row; None takes all rows as one sequence.
        time: number or date of a row; None takes rows in order, equally far apart.
        label: class or value of the row's sequence, or of the row when tagging.
        channels: what the model reads; none takes every other column of numbers.
        group: sequences of one group, such as a person, go to one part of the data; None keeps no groups.
    """

    id: str | None = "id"
    time: str | None = None
    label: str | None = "label"
    channels: tuple[str, ...] = ()
    group: str | None = None


@dataclass(frozen=True)
class DataConfig:
    """The configuration of sequences, their split and their batches.

    Args:
        file: CSV, Parquet, `.ts` or `.npz`.
        valid: file to validate on; None takes `valid_share` of `file`.
        test: file to test on at the end; None takes `test_share` of `file`.
        columns: of CSV and Parquet files.
        valid_share: share of the sequences that validation takes.
        test_share: share of the sequences that the test takes; 0 for no test.
        window: cut sequences into pieces of so many steps, when tagging; 0 leaves them whole.
        batch_size: sequences of an update.

    Raises:
        ArgumentError: a value is out of its range.
    """

    file: str = ""
    valid: str | None = None
    test: str | None = None
    columns: Columns = field(default_factory=Columns)
    valid_share: float = 0.1
    test_share: float = 0.15
    window: int = 0
    batch_size: int = 32

    def __post_init__(self) -> None:
        at_least("batch_size", self.batch_size, 1)
        at_least("window", self.window, 0)
        fraction("valid_share", self.valid_share)
        fraction("test_share", self.test_share)


@dataclass(frozen=True)
class ModelConfig:
    """The sizes of a model of sequences; the names are those of `conveyor.Recurrent`.

    Args:
        hidden_size: units of a layer and direction.
        num_layers: recurrent layers.
        bidirectional: whether a second direction reads from each sequence's end.
        dropout: probability between layers and before the head.
        noise: standard deviation of noise on the standardised input in training.
        missing: `decay` gives mask and time gaps to a cell that reads them, such as gru_d; `mask` carries the last
            value forward, with mask and time gap as further channels; `auto` chooses `decay` if the cell reads them.
        backend: what runs the layer.

    Raises:
        ArgumentError: a value is out of its range.
    """

    hidden_size: int = 100
    num_layers: int = 1
    bidirectional: bool = True
    dropout: float = 0.3
    noise: float = 0.0
    missing: str = "auto"
    backend: str = "auto"

    def __post_init__(self) -> None:
        between("hidden_size", self.hidden_size, 1, LARGEST_SIZE)
        between("num_layers", self.num_layers, 1, 1000)
        fraction("dropout", self.dropout)
        at_least("noise", self.noise, 0)
        one_of("missing", self.missing, MISSING)


@dataclass(frozen=True)
class SequenceConfig:
    """All of a training run but its cell.

    Args:
        task: `classify`, `regress` or `tag`.
        data: which sequences.
        model: the sizes of the model.
        training: how it is trained.
        class_weight: `balanced` weighs each class by one over its frequency.
    """

    task: str
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=lambda: training_config())
    class_weight: str = "none"

    def __post_init__(self) -> None:
        one_of("task", self.task, TASKS)
        one_of("class_weight", self.class_weight, CLASS_WEIGHTS)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        values = asdict(self)
        values["data"]["columns"]["channels"] = list(self.data.columns.channels)
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SequenceConfig:
        """Build the configuration that `to_json` returned."""
        data = dict(values["data"])
        columns = dict(data.pop("columns"))
        columns["channels"] = tuple(columns["channels"])
        return cls(
            values["task"],
            DataConfig(columns=Columns(**columns), **data),
            ModelConfig(**values["model"]),
            TrainingConfig(**values["training"]),
            values["class_weight"],
        )


def default_noise(task: str) -> float:
    """Return the noise that a task trains with: it helps to tell classes apart, and blurs values and steps."""
    return 0.5 if task == "classify" else 0.0


def training_config(**changes: Any) -> TrainingConfig:
    """Build the training of a model of sequences: its defaults differ from those of text."""
    return TrainingConfig(**({"lr": 3e-3, "weight_decay": 1e-2, "warmup": 50} | changes))
