"""The view of a language model's run."""

from __future__ import annotations

from pathlib import Path

from conveyor.cli.console.meter import BITS, score
from conveyor.cli.console.shell import generate_command
from conveyor.cli.tasks.views import count_parameters
from conveyor.tasks.text.config import UNITS
from conveyor.tasks.text.run import TextRun


class TextView:
    """The view of a language model's run.

    Args:
        run: to tell.
    """

    loss_unit = BITS

    def __init__(self, run: TextRun) -> None:
        self.run = run
        self.unit = UNITS[run.config.data.level]

    def introduction(self) -> str:
        """Say which cell, how many parameters, how much text."""
        run, model = self.run, self.run.config.model
        layers = f"{model.num_layers} layer{'s' if model.num_layers > 1 else ''} of {model.hidden_size}"
        return (
            f"{run.cell.name}, {layers}, {count_parameters(run):,} parameters; {len(run.dataset.train):,} "
            f"{self.unit}s to train on, {len(run.dataset.vocabulary):,} in the vocabulary; {run.total_steps:,} steps."
        )

    def results(self) -> list[str]:
        """Say the loss on the validation and the held-out text."""
        progress, loss = self.run.trainer.progress, self.run.test_loss
        assert progress.best_loss is not None and loss is not None, "a finished run is validated and tested"
        return [
            f"Validation: {score(progress.best_loss, self.unit)}, best at step {progress.best_step:,}.",
            f"Held-out test: {score(loss, self.unit)}.",
        ]

    def next_command(self, folder: Path) -> str:
        """Write the command that samples from the model."""
        return generate_command(folder, self.run.dataset.start, "--temperature", "0.7")
