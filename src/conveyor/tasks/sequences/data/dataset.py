"""The parts of a run's data, and what its model is made for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from conveyor.errors import DataError
from conveyor.frontend import CellDefinition
from conveyor.tasks.sequences.batching.features import Features, is_uneven
from conveyor.tasks.sequences.batching.scaling import Scaling
from conveyor.tasks.sequences.config import DataConfig, ModelConfig
from conveyor.tasks.sequences.data.collection import Sequences, check_channels, listed
from conveyor.tasks.sequences.data.reading import read_file
from conveyor.tasks.sequences.data.split import split
from conveyor.tasks.sequences.data.targets import Classes, ValueScale, values_of
from conveyor.tasks.sequences.model import decays
from conveyor.tasks.sequences.trained import Definition

Note = Callable[[str], None]


@dataclass(frozen=True)
class Dataset:
    """Labelled sequences in parts.

    Args:
        train: to train on.
        valid: to choose weights and temperature by.
        test: to judge the end by; None if there is no test.
        sha256: of each file, by path.
    """

    train: Sequences
    valid: Sequences
    test: Sequences | None = None
    sha256: dict[str, str] = field(default_factory=dict)


def read_dataset(
    task: str,
    config: DataConfig,
    seed: int,
    note: Note = lambda line: None,
    sha256: dict[str, str] | None = None,
) -> Dataset:
    """Read the files of a run and part them.

    Args:
        task: `classify`, `regress` or `tag`.
        config: which files and shares.
        seed: of the parting.
        note: told what is left out.
        sha256: of the files of a run that is resumed; None accepts any.

    Raises:
        DataError: a file cannot be used, or changed.
    """
    found: dict[str, str] = {}

    def read(path: str) -> Sequences:
        sequences, digest = read_file(
            path, config.columns, tagged=task == "tag", labelled=True, window=config.window, note=note
        )
        found[path] = digest
        if sha256 is not None and sha256.get(path) != digest:
            raise DataError(
                f"{path}: changed since the run began (SHA-256 expected {str(sha256.get(path))[:12]}…, got "
                f"{digest[:12]}…); restore it, or start a new run with another --output"
            )
        return sequences

    whole = read(config.file)
    valid = None if config.valid is None else read(config.valid)
    test = None if config.test is None else read(config.test)
    for other in (valid, test):
        if other is not None:
            check_channels(other, whole.channels)
    return part(task, whole, valid, test, config.valid_share, config.test_share, seed, found)


def part(
    task: str,
    whole: Sequences,
    valid: Sequences | None,
    test: Sequences | None,
    valid_share: float,
    test_share: float,
    seed: int,
    sha256: dict[str, str] | None = None,
) -> Dataset:
    """Take validation and test out of the whole where they are not given.

    Raises:
        DataError: a part would be empty.
    """
    shares = [0.0 if test is not None else test_share, 0.0 if valid is not None else valid_share]
    strata = [str(label) for label in whole.labels or ()] if task == "classify" else None
    try:
        tested, validated, trained = split(len(whole), shares, seed, strata, whole.groups)
    except DataError as error:
        raise DataError(f"{whole.source}: {error}") from None
    train = whole.select(trained)
    if valid is None:
        # A share of nothing: what is trained on judges itself, and there is no temperature to fit.
        valid = whole.select(validated) if len(validated) else train
    if test is None and len(tested):
        test = whole.select(tested)
    return Dataset(train, valid, test, sha256 or {})


def define(task: str, data: Dataset, cell: CellDefinition, config: ModelConfig) -> Definition:
    """Say what the model of a run is made for, from its training part.

    Raises:
        DataError: the labels or channels cannot be used.
        ArgumentError: the cell does not fit what is asked of it.
    """
    train = data.train
    scaling = Scaling.of(train)
    kind = feature_kind(train, cell, config)
    # Even stamps say nothing that counting steps does not, unless steps are missing where the model is used.
    timed = train.times is not None and (kind != "plain" or is_uneven(train, scaling.gap))
    features = Features(kind, len(train.channels), timed, scaling)
    labels = list(train.labels or ())
    if task == "regress":
        return Definition(task, train.channels, features, scale=ValueScale.of(values_of(train)))
    classes = Classes.of(labels, train.source)
    if task == "classify" and len(classes) > max(20, len(train) // 2):
        raise DataError(
            f"{train.source}: {len(classes):,} classes in {len(train):,} sequences ({listed(classes.names, 4)}); "
            "values to predict are --task regress (or Regressor)"
        )
    return Definition(task, train.channels, features, classes=classes)


def feature_kind(train: Sequences, cell: CellDefinition, config: ModelConfig) -> str:
    """Choose how missing values are told: to the cell if it reads them, else by channels, if any are missing."""
    if decays(cell):
        return "decay" if config.missing != "mask" else _refuse(cell)
    if config.missing == "decay":
        raise DataError(f"missing: {cell.name} reads no mask or time gap; choose a cell that does, such as gru_d")
    return "mask" if train.missing_share() > 0 else "plain"


def _refuse(cell: CellDefinition) -> str:
    raise DataError(
        f"missing: {cell.name} reads mask and time gaps itself; leave missing as auto, or choose another cell"
    )
