"""`conveyor.forecast.Forecaster`: fit, predict and backtest on data frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from conveyor.errors import ArgumentError, DataError
from conveyor.tasks.cell_source import find_cell
from conveyor.tasks.forecast.config import QUANTILES, DataConfig, ForecastConfig, ModelConfig, default_training
from conveyor.tasks.forecast.data.profile import Profile
from conveyor.tasks.forecast.data.table import read_source
from conveyor.tasks.forecast.evaluation.backtest import Backtest, backtest
from conveyor.tasks.forecast.predict import predict
from conveyor.tasks.forecast.run import ForecastRun, Trained, load_trained
from conveyor.tasks.forecast.streaming import ForecastStream
from conveyor.tasks.training.trainer import StepReport

if TYPE_CHECKING:
    from conveyor.tasks.forecast.onnx_graph import ExportedForecaster


class Forecaster:
    """Forecasts series with a recurrent network.

    Tables are in long form: a row a series and stamp, `unique_id, ds, y` unless other columns are named. They are
    pandas or polars frames, or paths of CSV or Parquet files; what comes back is of the kind that went in.

    Args:
        horizon: steps that are forecast at once.
        cell: name of a cell, or module.py:function.
        time: column of the time stamps.
        id: column that tells the series apart; None takes `unique_id` if there is one.
        target: column that is forecast.
        freq: step between stamps as pandas writes it; None finds it.
        future: columns known beforehand.
        past: columns known up to the present.
        static: columns that don't change within a series.
        repeated: what to do about repeated stamps: `error`, `mean` or `last`.
        irregular: take rows as they come, with the time between them.
        season: lengths of the seasons in steps; () takes those of the frequency.
        quantiles: levels that are forecast.
        valid_windows: origins that validation forecasts from.
        test_windows: origins that are only scored at the end.
        max_steps: optimizer steps of the final training; each variant that is tried takes a fifth more.
        batch_size: windows of a step.
        lr: largest learning rate.
        seed: of weights and order.
        verbose: called with lines of text as the training goes; None says nothing.
        options: further fields of `ModelConfig` (`hidden_size`, `num_layers`, `dropout`, `context`, `scale`, `base`,
            `simulate`, `backend`) and of `TrainingConfig`.

    Raises:
        ArgumentError: a value is out of its range.
    """

    def __init__(
        self,
        horizon: int,
        *,
        cell: str = "lstm",
        time: str = "ds",
        id: str | None = None,
        target: str = "y",
        freq: str | None = None,
        future: Sequence[str] = (),
        past: Sequence[str] = (),
        static: Sequence[str] = (),
        repeated: str = "error",
        irregular: bool = False,
        season: Sequence[int] = (),
        quantiles: Sequence[float] = QUANTILES,
        valid_windows: int = DataConfig.valid_windows,
        test_windows: int = DataConfig.test_windows,
        max_steps: int = 700,
        batch_size: int = ForecastConfig.batch_size,
        lr: float = 5e-3,
        seed: int = 0,
        verbose: Callable[[str], object] | None = None,
        **options: Any,
    ) -> None:
        data = DataConfig(
            horizon,
            time=time,
            id=id,
            target=target,
            freq=freq,
            future=tuple(future),
            past=tuple(past),
            static=tuple(static),
            repeated=repeated,
            irregular=irregular,
            season=tuple(season),
            valid_windows=valid_windows,
            test_windows=test_windows,
        )
        of_model = {name: options.pop(name) for name in list(options) if name in ModelConfig.__dataclass_fields__}
        try:
            training = default_training(max_steps=max_steps, lr=lr, seed=seed, **options)
        except TypeError as error:
            raise ArgumentError(f"Forecaster: no such option as {', '.join(options)} ({error})") from error
        self.config = ForecastConfig(data, ModelConfig(quantiles=tuple(quantiles), **of_model), training, batch_size)
        self.cell = find_cell(cell)
        self.verbose = verbose
        self._trained: Trained | None = None
        self._run: ForecastRun | None = None
        self._history: pd.DataFrame | None = None

    def fit(self, data: Any) -> Self:
        """Train on a table.

        Raises:
            DataError: the table cannot be used.
            NonFiniteError: the loss is not finite.
        """
        frame = read_source(data)
        run = ForecastRun.start(self.config, self.cell, frame)
        say = self.verbose or (lambda line: None)
        assert run.dataset.panel.profile is not None, "a run reads whole tables"
        for line in run.dataset.panel.profile.lines():
            say(line)
        for report in run.train(None):
            if report.validation is not None:
                say(_progress(report, run))
        self._run, self._trained, self._history = run, run.trained(), frame
        self.config = run.config
        return self

    @property
    def trained(self) -> Trained:
        """The trained model.

        Raises:
            ArgumentError: nothing was, so far.
        """
        if self._trained is None:
            raise ArgumentError("Forecaster: expected a fitted one; call fit(data), or load(folder)")
        return self._trained

    @property
    def profile(self) -> Profile:
        """The profile of the table that it was fitted to."""
        if self._run is None:
            raise ArgumentError("profile: expected a forecaster that was fitted here; call fit(data)")
        profile = self._run.dataset.panel.profile
        assert profile is not None, "a run reads whole tables"
        return profile

    @property
    def scores(self) -> dict[str, dict[str, float | None]]:
        """Measures on the test origins, of the model and the baselines beside it."""
        return self.trained.scores or {}

    def predict(self, data: Any = None, future: Any = None) -> Any:
        """Forecast the horizon after each series' last row.

        Args:
            data: the series up to the present; None takes the table that it was fitted to.
            future: rows of the steps to come with the future columns, if there are such columns.

        Returns:
            A frame of columns `unique_id`, `ds` and one a quantile, of the kind that `data` is.

        Raises:
            DataError: a table cannot be used.
        """
        if data is None and self._history is None:
            raise DataError("data: expected the series up to the present: a loaded forecaster has none")
        history = self._history if data is None else read_source(data)
        assert history is not None
        ahead = None if future is None else read_source(future, "future")
        return _like(predict(self.trained, history, ahead), data)

    def backtest(self, data: Any = None, *, windows: int = 8, step: int | None = None, refit: int = 0) -> Backtest:
        """Forecast from the last origins of each series and score that beside the baselines.

        Args:
            data: the series with what came; None takes the table that it was fitted to.
            windows: number of origins.
            step: steps between them; None takes the horizon.
            refit: train anew at every so many origins; 0 never.

        Raises:
            DataError: the table cannot be used.
        """
        if data is None and self._history is None:
            raise DataError("data: expected the series with what came: a loaded forecaster has none")
        frame = self._history if data is None else read_source(data)
        assert frame is not None
        return backtest(self.trained, frame, windows=windows, step=step, refit=refit)

    def stream(self, data: Any) -> ForecastStream:
        """Begin streaming forecasts: one new value at a time, without reading the past again.

        Args:
            data: the series up to the present.

        Raises:
            DataError: the table cannot be used.
        """
        return ForecastStream(self.trained, read_source(data))

    def to_onnx(self, path: str | Path, *, overwrite: bool = False) -> ExportedForecaster:
        """Write the forecaster as ONNX, with its scaling, lags and intervals inside.

        Raises:
            ConversionError: the file computes something else; nothing is written.
        """
        from conveyor.tasks.forecast.onnx_graph import export_forecaster

        return export_forecaster(self.trained, path, overwrite=overwrite)

    def save(self, folder: str | Path) -> None:
        """Write the checkpoint of a fitted forecaster; `conveyor predict` and `load` read it.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        if self._run is None:
            raise ArgumentError("save: expected a forecaster that was fitted here; call fit(data)")
        self._run.save(Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Forecaster:
        """Load a forecaster from the checkpoint of `save` or `conveyor train --task forecast`.

        Raises:
            CheckpointError: the checkpoint cannot be used.
        """
        trained = load_trained(Path(folder))
        made = cls(trained.config.data.horizon)
        made.config, made._trained = trained.config, trained
        made.cell = trained.model.recurrent.cell
        return made


def _progress(report: StepReport, run: ForecastRun) -> str:
    assert report.validation is not None
    stage = f"trial {len(run.trials) + 1} of {len(run.variants)}, " if run.in_trial else ""
    return (
        f"{stage}step {report.step:,} of {run.total_steps:,}: pinball loss {report.validation.loss:.4f} on validation"
    )


def _like(table: pd.DataFrame, data: Any) -> Any:
    """A frame of the kind that the user gave."""
    if data is None or isinstance(data, pd.DataFrame | str | Path):
        return table
    import polars

    return polars.from_pandas(table)
