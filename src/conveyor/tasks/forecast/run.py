"""One training run of a forecaster: variants are tried, the best is trained, calibrated and scored beside baselines."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from conveyor.errors import CheckpointError, ConveyorError, DataError
from conveyor.frontend import CellDefinition
from conveyor.tasks.config import TrainingConfig
from conveyor.tasks.forecast.config import ForecastConfig
from conveyor.tasks.forecast.data.dataset import Dataset, build_dataset, resolve_columns
from conveyor.tasks.forecast.data.encode import Encoding
from conveyor.tasks.forecast.data.table import read_source
from conveyor.tasks.forecast.data.windows import Shape, TrainingWindows
from conveyor.tasks.forecast.evaluation.baselines import Ridge, fit_ridge
from conveyor.tasks.forecast.evaluation.conformal import Conformal, calibrate
from conveyor.tasks.forecast.evaluation.measures import score_table
from conveyor.tasks.forecast.evaluation.scoring import corrected, forecast_origins, origin_table
from conveyor.tasks.forecast.model import Forecaster, QuantileObjective, Variant, pinball
from conveyor.tasks.run import Run, build_model, misfit, read_cell, read_run, seed_run, unreadable
from conveyor.tasks.training.distributed import Distributed
from conveyor.tasks.training.trainer import Scores, Trainer

TASK = "forecast"
_TRIAL_PART = 0.2
"""Steps of a trial, as a part of the final training's."""


@dataclass(frozen=True)
class Trial:
    """The result of a variant's trial.

    Args:
        variant: what was tried.
        loss: on the validation origins, lower is better.
    """

    variant: Variant
    loss: float


class ForecastRun(Run[Forecaster]):
    """A training run in memory; `save` and `resume` move it to and from a checkpoint.

    Its stages are a short trial of each variant that validation chooses among, and the training of the best.

    Args:
        config: all but the cell and the table.
        cell: of every layer.
        frame: the table.
        trials: done before, of a run that is resumed.

    Raises:
        ConveyorError: the table or the cell cannot be used.
    """

    TASK = TASK
    DESCRIPTION = "a forecaster"

    def __init__(
        self, config: ForecastConfig, cell: CellDefinition, frame: pd.DataFrame, trials: tuple[Trial, ...] = ()
    ) -> None:
        self.config = config
        self.training = config.training
        self.cell = cell
        self.sha256 = digest(frame)
        self.dataset: Dataset = build_dataset(frame, config)
        self.variants = candidates(config, self.dataset)
        self.trials = list(trials)
        self.conformal: Conformal | None = None
        self.scores: dict[str, dict[str, float | None]] | None = None
        self._ridge: Ridge | None = None
        self.share = Distributed.of_environment()
        self.share.check(config.batch_size)
        self._begin_stage()

    @classmethod
    def start(cls, config: ForecastConfig, cell: CellDefinition, source: Any = None) -> ForecastRun:
        """Begin a run on a table, or on the file that the configuration names.

        Raises:
            ConveyorError: the table, the cell or a number cannot be used.
        """
        frame = read_source(config.file if source is None else source)
        return cls(replace(config, data=resolve_columns(frame, config.data)), cell, frame)

    @classmethod
    def resume(cls, folder: Path, source: Any = None) -> ForecastRun:
        """Continue the run whose checkpoint is in `folder`; its table must be the same.

        Raises:
            CheckpointError: the checkpoint cannot be used.
            DataError: the table is missing or changed.
        """
        checkpoint = read_run(folder, cls)
        cell = read_cell(checkpoint)
        try:
            config = ForecastConfig.from_json(checkpoint.get("config"))
            trials = tuple(Trial(Variant(**t["variant"]), t["loss"]) for t in checkpoint.get("trials"))
        except (ConveyorError, KeyError, TypeError, AttributeError) as error:
            raise unreadable(checkpoint, error) from error
        if source is None and config.file is None:
            raise DataError(f"{folder}: the run was given its table in memory; give it again to resume")
        frame = read_source(config.file if source is None else source)
        if digest(frame) != checkpoint.get("data"):
            raise DataError(f"{config.file or 'data'}: changed since the run began; restore it, or train anew")
        run = cls(config, cell, frame, trials)
        run.restore(checkpoint)
        run.scores = checkpoint.get("scores")
        if (stored := checkpoint.get("conformal")) is not None:
            run.conformal = Conformal.from_json(stored)
        return run

    # Stages

    @property
    def variant(self) -> Variant:
        """The variant of this stage."""
        if len(self.trials) < len(self.variants) and len(self.variants) > 1:
            return self.variants[len(self.trials)]
        return min(self.trials, key=lambda trial: trial.loss).variant if self.trials else self.variants[0]

    @property
    def in_trial(self) -> bool:
        """Tell whether variants are still being tried."""
        return len(self.variants) > 1 and len(self.trials) < len(self.variants)

    def _trial_training(self) -> TrainingConfig:
        training = self.training
        steps = max(round(training.max_steps * _TRIAL_PART), 1) if training.max_steps else 0
        epochs = training.epochs if training.max_steps else max(round(training.epochs * _TRIAL_PART), 1)
        every = min(training.evaluate_every, max(steps // 3, 1)) if training.evaluate_every and steps else 0
        warmup = min(training.warmup, steps // 4) if steps else training.warmup
        return replace(training, max_steps=steps, epochs=epochs, evaluate_every=every, warmup=warmup, patience=0)

    def _begin_stage(self) -> None:
        seed_run(self.training)
        self._begin_stage_with(self._build(self.variant))

    def _begin_stage_with(self, model: Forecaster) -> None:
        self.model = model
        self.share.vary_random_numbers()
        data, config = self.dataset, self.config
        windows = TrainingWindows(data.reader, data.split.train, config.batch_size, config.training.seed)
        objective = QuantileObjective(config.model.quantiles)
        training = self._trial_training() if self.in_trial else self.training
        self.trainer = Trainer(self.model, windows, objective, self._validate, training, self.share)
        self.steps_before = self._trial_steps() * len(self.trials)

    def _trial_steps(self) -> int:
        batches = max(len(self.dataset.split.train) // min(self.config.batch_size, len(self.dataset.split.train)), 1)
        return self._trial_training().total_steps(batches) if len(self.variants) > 1 else 0

    def _build(self, variant: Variant) -> Forecaster:
        data, model = self.dataset, self.config.model
        static = data.reader.encoded.static.shape[1]
        what = f"a {self.cell.name} of hidden_size {model.hidden_size}"
        return build_model(
            lambda: Forecaster(self.cell, data.reader.shape, static, model, variant, max(data.base_lag, 0)),
            what,
            "choose smaller sizes",
        )

    def begin_next_stage(self) -> bool:
        """Go on to the next variant, or to the training of the best."""
        if not self.in_trial:
            return False
        best = self.trainer.progress.best_loss
        assert best is not None, "a trial ends with a validation"
        self.trials.append(Trial(self.variant, best))
        self._begin_stage()
        return True

    @property
    def total_steps(self) -> int:
        """Optimizer steps of all trials and the training."""
        trials = self._trial_steps() * len(self.variants)
        return trials + self.training.total_steps(len(self.trainer.windows))

    @property
    def has_steps_left(self) -> bool:
        """Tell whether training is not finished."""
        return self.in_trial or self.trainer.progress.finished is None

    # Scores

    def _validate(self) -> Scores:
        data = self.dataset
        quantiles = forecast_origins(self.model, data.reader, data.split.valid)
        targets = data.reader.targets(data.split.valid)
        known = targets["known"]
        count = known.sum().clamp_min(1.0)
        loss = pinball(quantiles, targets["y"], torch.tensor(self.config.model.quantiles)).mean(-1)
        error = (quantiles[..., self.model.median] - targets["y"]) * known
        apart = (targets["y"] - (targets["y"] * known).sum() / count) * known
        metrics = {
            "mae": float(error.abs().sum() / count),
            "nse": 1.0 - float(error.square().sum() / apart.square().sum().clamp_min(1e-12)),
        }
        return Scores(float((loss * known).sum() / count), metrics)

    @property
    def tested(self) -> bool:
        """Tell whether the run is over."""
        return self.scores is not None

    def test(self) -> None:
        """Calibrate on the validation origins, and score the best weights on the test origins."""
        data, levels = self.dataset, self.config.model.quantiles
        model = self.best_model()
        quantiles = forecast_origins(model, data.reader, data.split.valid)
        targets = data.reader.targets(data.split.valid)
        self.conformal = calibrate(quantiles, targets["y"], targets["known"], levels)
        origins = data.split.test if len(data.split.test) else data.split.valid
        table = origin_table(
            data.panel,
            data.reader,
            origins,
            corrected(model, data.reader, origins, self.conformal),
            levels,
            season=data.season,
            ridge=self.ridge(),
        )
        self.scores = score_table(table, data.history, levels, data.season)

    def ridge(self) -> Ridge:
        """The ridge regression on the training origins."""
        if self._ridge is None:
            data = self.dataset
            self._ridge = fit_ridge(data.reader, data.split.train, data.split.valid, data.encoding.seasons)
        return self._ridge

    def trained(self) -> Trained:
        """The forecaster as `load_trained` would load it."""
        data = self.dataset
        return Trained(
            self.best_model().eval(),
            self.config,
            data.encoding,
            self.conformal,
            data.context,
            data.season,
            self.scores,
            tuple(self.trials),
        )

    def document(self) -> dict[str, Any]:
        """Return the configuration, the encoding, the trials, the correction and the scores."""
        data = self.dataset
        return {
            "config": self.config.to_json(),
            "data": self.sha256,
            "encoding": data.encoding.to_json(),
            "shape": asdict(data.reader.shape),
            "context": data.context,
            "season": data.season,
            "base_lag": data.base_lag,
            "variant": asdict(self.variant),
            "trials": [asdict(trial) for trial in self.trials],
            "conformal": None if self.conformal is None else self.conformal.to_json(),
            "scores": self.scores,
        }


def candidates(config: ForecastConfig, data: Dataset) -> tuple[Variant, ...]:
    """Choose the variants that validation decides among; those that the user fixed are not varied."""
    model = config.model
    seasonal = data.base_lag >= 0 and not model.simulate
    usual = [
        Variant("window", "seasonal" if seasonal else "none"),
        Variant("series", "none", dropout=0.3),
        Variant("series", "none", linear=True, dropout=0.3),
    ]
    if model.simulate:
        usual = [Variant("series", "none", dropout=0.2)]
    if model.base == "seasonal" and not seasonal:
        raise DataError("base: expected a series with a season within reach for 'seasonal'; give --season, or none")
    chosen = []
    for variant in usual:
        fixed: dict[str, Any] = {} if model.dropout is None else {"dropout": model.dropout}
        fixed |= {} if model.scale == "auto" else {"scale": model.scale}
        fixed |= {} if model.base == "auto" else {"base": model.base}
        fixed |= {} if model.linear == "auto" else {"linear": model.linear == "yes"}
        chosen.append(replace(variant, **fixed))
    return tuple(dict.fromkeys(chosen))


def digest(frame: pd.DataFrame) -> str:
    """SHA-256 of a table's columns and values."""
    hashed = hashlib.sha256(repr(list(map(str, frame.columns))).encode())
    hashed.update(np.ascontiguousarray(pd.util.hash_pandas_object(frame, index=False).to_numpy()).tobytes())
    return hashed.hexdigest()


@dataclass(frozen=True)
class Trained:
    """A trained forecaster, without the data that it was trained on.

    Attributes:
        model: With its best weights, in evaluation mode.
        config: As it was trained.
        encoding: What was learned about the columns.
        conformal: The correction of its intervals; None if the run was not finished.
        context: Steps that windows read before their origin.
        season: Of the seasonal naive forecast.
        scores: On the test origins; None if the run was not finished.
        trials: The variants that were tried.
    """

    model: Forecaster
    config: ForecastConfig
    encoding: Encoding
    conformal: Conformal | None
    context: int
    season: int
    scores: dict[str, dict[str, float | None]] | None
    trials: tuple[Trial, ...]


def load_trained(folder: Path) -> Trained:
    """Load the best weights of a run; neither its data nor the cell's source is needed.

    Raises:
        CheckpointError: the checkpoint cannot be used.
    """
    checkpoint = read_run(folder, ForecastRun)
    cell = read_cell(checkpoint)
    try:
        config = ForecastConfig.from_json(checkpoint.get("config"))
        encoding = Encoding.from_json(checkpoint.get("encoding"))
        variant = Variant(**checkpoint.get("variant"))
        trials = tuple(Trial(Variant(**t["variant"]), t["loss"]) for t in checkpoint.get("trials"))
        stored = checkpoint.get("conformal")
        conformal = None if stored is None else Conformal.from_json(stored)
        shape = Shape(**checkpoint.get("shape"))
        static = sum(code.width for code in encoding.static.values())
        with torch.random.fork_rng():
            base_lag = max(checkpoint.get("base_lag"), 0)
            model = Forecaster(cell, shape, static, config.model, variant, base_lag)
    except CheckpointError:
        raise
    except (ConveyorError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise unreadable(checkpoint, error) from error
    try:
        model.load_state_dict(checkpoint.tensors("best"))
    except RuntimeError as error:
        raise misfit(checkpoint) from error
    return Trained(
        model.eval(),
        config,
        encoding,
        conformal,
        checkpoint.get("context"),
        checkpoint.get("season"),
        checkpoint.get("scores"),
        trials,
    )
