"""The configuration of a language model and its data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from conveyor.tasks.checks import LARGEST_SIZE, at_least, between, finite, fraction, one_of
from conveyor.tasks.config import TrainingConfig

LEVELS = ("char", "byte", "word")
UNITS = {"char": "character", "byte": "byte", "word": "word"}


@dataclass(frozen=True)
class DataConfig:
    """The texts of a run, and their division into tokens and sets.

    Args:
        files: text to train on, one after another.
        valid: files to validate on; none takes 5% of `files`.
        test: files to test on at the end; none takes the last 5% of `files`.
        level: `char`, `byte` or `word`.
        vocabulary_size: largest vocabulary of words, `<unk>` included; other levels have no cap.
        batch_size: number of parallel streams the text is cut into.
        window: steps of truncated BPTT.

    Raises:
        ArgumentError: a value is out of its range.
    """

    files: tuple[str, ...]
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    level: str = "char"
    vocabulary_size: int = 10_000
    batch_size: int = 16
    window: int = 64

    def __post_init__(self) -> None:
        one_of("level", self.level, LEVELS)
        at_least("vocabulary_size", self.vocabulary_size, 2)
        at_least("batch_size", self.batch_size, 1)
        at_least("window", self.window, 1)


@dataclass(frozen=True)
class ModelConfig:
    """The sizes of a language model; the names are those of `conveyor.Recurrent`.

    Args:
        embedding_size: width of a token's vector.
        hidden_size: units of a layer.
        num_layers: recurrent layers.
        bias: whether the cell's products have biases.
        proj_size: width of the projected output, for cells that have one; 0 for none.
        dropout: probability on the embedding, between layers and before the decoder.
        forget_bias: initial bias of the forget gate; None leaves the cell's default.
        tie_weights: whether the decoder uses the embedding's matrix.
        backend: what runs the layer.

    Raises:
        ArgumentError: a value is out of its range.
    """

    embedding_size: int = 64
    hidden_size: int = 256
    num_layers: int = 1
    bias: bool = True
    proj_size: int = 0
    dropout: float = 0.0
    forget_bias: float | None = None
    tie_weights: bool = False
    backend: str = "auto"

    def __post_init__(self) -> None:
        between("embedding_size", self.embedding_size, 1, LARGEST_SIZE)
        between("hidden_size", self.hidden_size, 1, LARGEST_SIZE)
        between("num_layers", self.num_layers, 1, 1000)
        between("proj_size", self.proj_size, 0, LARGEST_SIZE)
        finite("forget_bias", self.forget_bias or 0.0)
        fraction("dropout", self.dropout)


@dataclass(frozen=True)
class TextConfig:
    """All of a training run but its cell.

    Args:
        data: which text, and how it is cut.
        model: the sizes of the model.
        training: how it is trained.
    """

    data: DataConfig
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        values = asdict(self)
        values["data"] = {k: list(v) if isinstance(v, tuple) else v for k, v in values["data"].items()}
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TextConfig:
        """Build the configuration that `to_json` returned."""
        data: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values["data"].items()}
        return cls(DataConfig(**data), ModelConfig(**values["model"]), TrainingConfig(**values["training"]))
