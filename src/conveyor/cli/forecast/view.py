"""The view of a forecaster's run on the terminal, and its start."""

from __future__ import annotations

from pathlib import Path

from conveyor.cli.console.meter import LossUnit
from conveyor.cli.console.output import free_name
from conveyor.cli.console.shell import command, path_word
from conveyor.cli.tasks.views import count_parameters
from conveyor.cli.train import start_run
from conveyor.tasks.cell_source import find_cell
from conveyor.tasks.forecast.config import ForecastConfig
from conveyor.tasks.forecast.names import MODEL
from conveyor.tasks.forecast.run import ForecastRun

PINBALL = LossUnit("pinball loss", lambda loss: loss)
_SHOWN = ("MAE", "RMSE", "MASE", "pinball", "scaled CRPS", "NSE", "KGE")


def start_forecast(config: ForecastConfig, cell: str, output: Path, *, force: bool, dry_run: bool) -> int:
    """Train a forecaster from the beginning; return the exit code.

    Raises:
        ConveyorError: something that the user gave cannot be used.
    """
    return start_run(lambda: ForecastRun.start(config, find_cell(cell)), output, force=force, dry_run=dry_run)


class ForecastView:
    """The view of a forecaster's run.

    Args:
        run: to tell.
    """

    unit = "value"
    loss_unit = PINBALL

    def __init__(self, run: ForecastRun) -> None:
        self.run = run

    def introduction(self) -> str:
        """Tell the profile of the data, then what will be trained."""
        run, data = self.run, self.run.dataset
        profile = data.panel.profile
        lines = [] if profile is None else profile.lines()
        model = run.config.model
        layers = f"{model.num_layers} layer{'s' if model.num_layers > 1 else ''} of {model.hidden_size}"
        split = data.split
        lines.append(
            f"Windows: {len(split.train):,} to train on, {len(split.valid):,} for validation, {len(split.test):,} for "
            f"the test; each reads {data.context:,} steps and forecasts {run.config.data.horizon:,}."
        )
        lags = ", ".join(f"{lag:,}" for lag in data.encoding.lags) or "none"
        lines.append(f"Lags beside them: {lags}; calendar: {', '.join(data.encoding.cycles) or 'none'}.")
        if len(run.variants) > 1:
            lines.append("Validation chooses among: " + "; ".join(v.words() for v in run.variants) + ".")
        lines.append(f"{run.cell.name}, {layers}, {count_parameters(run):,} parameters; {run.total_steps:,} steps.")
        return "\n".join(lines)

    def results(self) -> list[str]:
        """Tell what was chosen, and the scores beside the baselines'."""
        run = self.run
        assert run.scores is not None, "a finished run is scored"
        progress = run.trainer.progress
        lines = []
        if run.trials:
            tried = "; ".join(f"{trial.variant.words()}: {trial.loss:.4f}" for trial in run.trials)
            lines.append(f"Tried: {tried}.")
        lines.append(f"Chosen: {run.variant.words()}.")
        lines.append(f"Validation: pinball loss {progress.best_loss:.4f}, best at step {progress.best_step:,}.")
        lines += score_lines(run.scores, "Held-out test" if len(run.dataset.split.test) else "Validation origins")
        return lines

    def next_command(self, folder: Path) -> str:
        """Write the command that forecasts with the run, or that scores it where a future is needed."""
        if self.run.config.data.future:
            # The future's columns are the user's to give; a backtest runs on what is there.
            return command("backtest", path_word(folder), "--windows", "8")
        return command("predict", path_word(folder), "-o", str(free_name(Path("forecast.csv"))))


def score_lines(scores: dict[str, dict[str, float | None]], what: str) -> list[str]:
    """Write a table of scores, a line a model."""
    if not scores:
        return [f"{what}: no value came in it."]
    names = [name for name in scores[MODEL] if name in _SHOWN or name.startswith("coverage")]
    head = ["", *names]
    rows = [[model, *(_number(values.get(name)) for name in names)] for model, values in scores.items()]
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    lines = [f"{what}:"]
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  " + "  ".join(cells))
    return lines


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
