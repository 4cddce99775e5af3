"""`conveyor demo --task forecast`: the temperature of the next day at three airports, from a year of weather."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from conveyor.cli.console.output import free_name, is_free, numbered, require_free
from conveyor.cli.console.shell import command, path_word
from conveyor.cli.forecast.inspect import write_inspection
from conveyor.cli.forecast.predict import write_table
from conveyor.cli.train import follow, make_console
from conveyor.errors import CheckpointError
from conveyor.inspect.report import missing_packages
from conveyor.tasks.cell_source import find_cell
from conveyor.tasks.files import SHIPPED
from conveyor.tasks.forecast.config import DataConfig, ForecastConfig, ModelConfig, default_training
from conveyor.tasks.forecast.data.table import read_source
from conveyor.tasks.forecast.predict import predict
from conveyor.tasks.forecast.report.plot import plot_forecast
from conveyor.tasks.forecast.run import ForecastRun, load_trained
from conveyor.tasks.training.checkpoint import read_checkpoint

FOLDER = Path("runs/demo-forecast")
WEATHER = f"{SHIPPED}weather.csv.gz"
CONFIG = ForecastConfig(
    DataConfig(
        24, time="time_hour", id="origin", target="temp", past=("humid", "wind_speed", "precip", "pressure", "visib")
    ),
    ModelConfig(),
    default_training(max_steps=400),
    file=WEATHER,
)


def run_demo_forecast(output: Path | None, *, force: bool, max_steps: int | None) -> int:
    """Train on the weather, or go on where an earlier demo was stopped; return the exit code.

    Raises:
        ConveyorError: the output cannot be used.
    """
    config = CONFIG
    if max_steps is not None:
        config = replace(config, training=replace(config.training, max_steps=max_steps))
    console = make_console()
    folder = _folder(config, force=force) if output is None else output
    if not force and _is_unfinished(folder, config):
        console.print(f"Going on with the unfinished run in {folder}.")
        run = ForecastRun.resume(folder)
    else:
        require_free(folder, force=force)
        run = ForecastRun.start(config, find_cell("lstm"))
    code = follow(run, folder, console, estimate=True)
    if code == 0:
        _print_end(folder, console)
    return code


def _folder(config: ForecastConfig, *, force: bool) -> Path:
    return next(folder for folder in numbered(FOLDER) if force or is_free(folder) or _is_unfinished(folder, config))


def _is_unfinished(folder: Path, config: ForecastConfig) -> bool:
    try:
        checkpoint = read_checkpoint(folder)
        return bool(checkpoint.get("scores") is None and checkpoint.get("config") == config.to_json())
    except CheckpointError:
        return False


def _print_end(folder: Path, console: Console) -> None:
    trained, frame = load_trained(folder), read_source(WEATHER)
    table = predict(trained, frame)
    write_table(table, folder / "forecast.csv")
    console.print(f"\nThe next day's temperature at three airports, °F, in {folder / 'forecast.csv'}:")
    shown = table.groupby("unique_id", sort=False).nth([0, 6, 12, 18, 23])
    for row in shown[["unique_id", "ds", "y-q0.1", "y-q0.5", "y-q0.9"]].itertuples(index=False):
        console.print(f"  {row[0]}  {row[1]:%Y-%m-%d %H:%M}  {row[3]:6.1f}   80 %: {row[2]:.1f} to {row[4]:.1f}")
    if missing := missing_packages():
        told = command("inspect", path_word(folder), "-o", path_word(folder / "report"))
        console.print(
            f"To look inside it ({', '.join(missing)} are missing): pip install 'conveyor[inspect]', then\n  {told}"
        )
    else:
        plot_forecast(trained, frame, table, folder / "forecast.png")
        console.print(f"Drawn in {folder / 'forecast.png'}.")
        page = write_inspection(folder, None, None, folder / "report", console)
        console.print(f"What happens inside it, to open in a browser: {page}\n")
    console.print("Try next:")
    console.print(f"  {command('backtest', path_word(folder), '--windows', '14')}")
    console.print(f"  {command('predict', path_word(folder), '-o', str(free_name(Path('tomorrow.csv'))))}")
    words = ("train", "YOUR.csv", "--task", "forecast", "--horizon", "24", "-o", str(free_name(Path("runs/mine"))))
    console.print(f"  {command(*words)}")
