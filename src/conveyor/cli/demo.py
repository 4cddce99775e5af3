"""`conveyor demo`: an LSTM learns Moby-Dick."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from conveyor.cli.console.output import free_name, is_free, numbered, require_free
from conveyor.cli.console.printing import print_text
from conveyor.cli.console.shell import command, generate_command, path_word
from conveyor.cli.inspect import LENGTH, write_inspection
from conveyor.cli.train import follow, make_console
from conveyor.errors import CheckpointError, ConveyorError
from conveyor.inspect.report import missing_packages
from conveyor.tasks.cell_source import find_cell
from conveyor.tasks.config import TrainingConfig
from conveyor.tasks.files import SHIPPED
from conveyor.tasks.text.config import DataConfig, ModelConfig, TextConfig
from conveyor.tasks.text.run import TextRun, load_start
from conveyor.tasks.text.sample import generate
from conveyor.tasks.training.checkpoint import read_checkpoint

FOLDER = Path("runs/demo")
REPORT = "report"
BOOK = f"{SHIPPED}moby_dick.txt"
_NEXT = {
    "gru": ("--cell", "gru", "--epochs", "4"),
    "words": ("--level", "word", "--num-layers", "2", "--dropout", "0.2", "--epochs", "4"),
}
# Chosen by the lowest test loss at a few million characters, which is what two minutes allow on one core: few streams,
# because at a fixed number of characters the number of updates decides, and a high learning rate with tight clipping,
# because lower ones are still far from their end by then.
CONFIG = TextConfig(
    DataConfig((BOOK,), batch_size=8, window=64),
    ModelConfig(embedding_size=64, hidden_size=256, forget_bias=1.0),
    TrainingConfig(lr=6e-3, clip=0.25, epochs=6, evaluate_every=1000),
)


def run_demo(output: Path | None, *, force: bool, epochs: int | None, max_steps: int | None) -> int:
    """Train on the book, or go on where an earlier demo was stopped; return the exit code.

    Raises:
        ConveyorError: the output cannot be used.
    """
    usual = CONFIG.training
    training = replace(
        usual,
        epochs=usual.epochs if epochs is None else epochs,
        max_steps=usual.max_steps if max_steps is None else max_steps,
    )
    config = replace(CONFIG, training=training)
    console = make_console()
    folder = _folder(config, force=force) if output is None else output
    if output is None and folder != FOLDER:
        _tell_earlier(folder, console)
    if not force and _is_unfinished(folder, config):
        console.print(f"Going on with the unfinished run in {folder}.")
        run = TextRun.resume(folder)
    else:
        require_free(folder, force=force)
        run = TextRun.start(config, find_cell("lstm"))
    code = follow(run, folder, console, estimate=True)
    if code == 0:
        _print_end(run, folder, console)
    return code


def _folder(config: TextConfig, *, force: bool) -> Path:
    """The first of runs/demo, runs/demo-2, … that is free or holds this demo, unfinished."""
    return next(folder for folder in numbered(FOLDER) if force or is_free(folder) or _is_unfinished(folder, config))


def _is_unfinished(folder: Path, config: TextConfig) -> bool:
    try:
        checkpoint = read_checkpoint(folder)
        return bool(checkpoint.get("test_loss") is None and checkpoint.get("config") == config.to_json())
    except CheckpointError:
        return False


def _tell_earlier(folder: Path, console: Console) -> None:
    """Say that the usual folder is taken, and how to sample from what is in it."""
    console.print(f"{FOLDER} is there already and stays; this run goes to {folder}.")
    try:
        start = load_start(FOLDER)
    except ConveyorError:
        return
    console.print(f"Sample from the earlier one with:\n  {generate_command(FOLDER, start)}")


def _print_end(run: TextRun, folder: Path, console: Console) -> None:
    sample = generate(run.best_model(), run.dataset.vocabulary, "The whale", 500, temperature=0.6, seed=1)
    console.print("\nWhat it writes after “The whale”, at temperature 0.6:\n")
    print_text(f"{sample}\n")
    if missing := missing_packages():
        told = command("inspect", path_word(folder), "-o", path_word(folder / REPORT))
        console.print(
            f"To look inside it ({', '.join(missing)} are missing): pip install 'conveyor[inspect]', then\n  {told}\n"
        )
    else:
        page = write_inspection(folder, None, folder / REPORT, LENGTH, console)
        console.print(f"What happens inside it, to open in a browser: {page}\n")
    console.print(f"Try next, and name a text of your own in the place of {BOOK}:")
    console.print(f"  {generate_command(folder, 'Call me ', '--temperature', '0.8')}")
    for name, options in _NEXT.items():
        console.print(f"  {command('train', BOOK, '-o', str(free_name(Path('runs', name))), *options)}")
