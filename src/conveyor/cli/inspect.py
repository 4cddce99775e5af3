"""`conveyor inspect`: a report on a trained model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from torch import Tensor
from torch.nn import functional

from conveyor.cli.console.output import require_free, require_writable
from conveyor.cli.console.printing import print_note
from conveyor.cli.train import make_console
from conveyor.inspect.draw.fonts import MissingGlyphs
from conveyor.inspect.report import require_packages
from conveyor.inspect.report.gather import Say, Subject, gather
from conveyor.inspect.report.write import write_report
from conveyor.tasks.text.config import UNITS
from conveyor.tasks.text.data.reading import Reading, open_reading

LENGTH = 1200  # tokens that the page shows
_BESIDE = ("rnn", "lstm", "gru")
READ = 12_000  # tokens that are measured; fewer if the text is shorter


def run_inspect(model: Path, text: Path | None, output: Path, length: int, *, force: bool) -> int:
    """Write the report on a model; return the exit code.

    Raises:
        ConveyorError: The model, the text or the folder cannot be used.
    """
    require_packages()
    require_free(output, force=force)
    console = make_console()
    page = write_inspection(model, text, output, length, console)
    console.print(f"Report: {page}, {page.stat().st_size / 1e6:.1f} MB; open it in a browser.")
    return 0


def write_inspection(model: Path, text: Path | None, output: Path, length: int, console: Console) -> Path:
    """Measure a model and write its report into a folder; return the page's path.

    Raises:
        ConveyorError: The model, the text or the folder cannot be used.
    """
    reading = open_reading(model, text, max(READ, length))
    require_writable(output)
    with shown_progress(console) as say, told_once():
        report = gather(_subject(model, reading, length), say)
        say("writing")
        return write_report(report, output, token_name=UNITS[reading.vocabulary.level])


def _subject(folder: Path, reading: Reading, length: int) -> Subject:
    model, layer = reading.model, reading.model.recurrent
    cells = list(dict.fromkeys(u.cell.name for u in layer.units))
    facts = [
        ("cell", ", ".join(cells)),
        ("layers", str(layer.num_layers)),
        ("units a layer", str(layer.units[0].output_size)),
        ("parameters", f"{sum(p.numel() for p in model.parameters()):,}"),
        ("vocabulary", f"{len(reading.vocabulary)} {UNITS[reading.vocabulary.level]}s"),
    ]
    if reading.test_loss is not None:
        facts.append(("held-out loss", f"{reading.test_loss:.3f} nats a {UNITS[reading.vocabulary.level]}"))
    facts.append(("text", reading.source))
    if reading.unknown:
        facts.append(("unknown words", f"{reading.unknown:,} of {len(reading.numbers):,}, read as <unk>"))
    with torch.no_grad():
        x = model.embedding(reading.numbers.unsqueeze(1))
    last = reading.numbers[-1:]

    def loss(y: Tensor) -> Tensor:
        """Compute the cross-entropy of the last token, predicted from the tokens before it."""
        return functional.cross_entropy(model.decode(y[-1]), last)

    return Subject(f"Inside {folder.resolve().name}", facts, layer, x, reading.tokens, length, loss, _BESIDE)


@contextmanager
def told_once() -> Iterator[None]:
    """Say on standard error, once each, what pictures could not show."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MissingGlyphs)
        yield
    for warning in caught:
        if not issubclass(warning.category, MissingGlyphs):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    for message in dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, MissingGlyphs)):
        print_note(message)


@contextmanager
def shown_progress(console: Console) -> Iterator[Say]:
    """Show what is being done: with a clock on a terminal, a line each elsewhere."""
    if not console.is_terminal:
        yield lambda what: console.print(f"… {what}")
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading the model")
        yield lambda what: progress.update(task, description=what)
