"""The view of a run on sequences."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from conveyor.cli.console.meter import LossUnit
from conveyor.cli.console.shell import command, path_word
from conveyor.tasks.sequences.data.collection import Sequences, listed
from conveyor.tasks.sequences.data.targets import class_key
from conveyor.tasks.sequences.run import SequenceRun
from conveyor.tasks.sequences.trained import count_parameters

_LOSSES = {
    "classify": LossUnit("nats", lambda loss: loss),
    "tag": LossUnit("nats", lambda loss: loss),
    "regress": LossUnit("of the variance", lambda loss: loss),
}


class SequenceView:
    """The view of a run on sequences.

    Args:
        run: to tell.
    """

    def __init__(self, run: SequenceRun) -> None:
        self.run = run
        self.unit = "step" if run.definition.tagged else "sequence"
        self.loss_unit = _LOSSES[run.definition.task]

    def introduction(self) -> str:
        """Say which data, what is missing of them, and which model."""
        run, config, data = self.run, self.run.config, self.run.dataset
        parts = [f"{len(data.train):,} sequences to train on", f"{len(data.valid):,} to validate"]
        if data.test is not None:
            parts.append(f"{len(data.test):,} to test")
        layers = f"{config.model.num_layers} layer{'s' if config.model.num_layers > 1 else ''}"
        both = " and direction" if config.model.bidirectional else ""
        batches = run.batches
        return "\n".join(
            [
                f"{', '.join(parts)}; {_profile(data.train)}.",
                *([self._classes()] if run.definition.classes is not None else []),
                f"{run.cell.name}, {layers} of {config.model.hidden_size} a layer{both}, "
                f"{count_parameters(run.model):,} parameters; {run.total_steps:,} steps; "
                f"batches of {config.data.batch_size} are {batches.fill:.0%} filled.",
            ]
        )

    def _classes(self) -> str:
        classes, train = self.run.definition.classes, self.run.dataset.train
        assert classes is not None, "a classifier has classes"
        counts = Counter(
            class_key(v)
            for label in train.labels or ()
            for v in (label if isinstance(label, np.ndarray) and label.ndim else [label])
            if v is not None
        )
        return f"Classes: {listed([f'{n} ({counts[class_key(n)]:,})' for n in classes.names], 12)}."

    def results(self) -> list[str]:
        """Say how well the run does on validation and test data."""
        results = self.run.results
        assert results is not None, "a finished run is scored"
        progress = self.run.trainer.progress
        lines = [f"Validation: {scores_line(results['valid'])}, best at step {progress.best_step:,}."]
        if "test" in results:
            lines.append(f"Held-out test: {scores_line(results['test'])}.")
        if self.run.definition.classes is not None:
            lines.append(f"Probabilities are calibrated by a temperature of {results['temperature']:.2f}.")
        return lines

    def next_command(self, folder: Path) -> str:
        """Write the command that looks inside the model."""
        return command("inspect", path_word(folder), "-o", path_word(folder / "report"))


def scores_line(scores: dict[str, Any]) -> str:
    """Write scores in a line."""
    if "accuracy" not in scores:
        return f"MAE {scores['mae']:.4g}, RMSE {scores['rmse']:.4g}, R² {_number(scores['r2'])}"
    return (
        f"accuracy {scores['accuracy']:.1%} of {scores['count']:,}, F1 {_number(scores['macro_f1'])}, "
        f"AUC {_number(scores['macro_auc'])}, log loss {_number(scores['log_loss'])}"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _profile(sequences: Sequences) -> str:
    lengths = sequences.lengths
    steps = (
        f"{lengths.min():,} steps"
        if lengths.min() == lengths.max()
        else f"{lengths.min():,} to {lengths.max():,} steps"
    )
    missing = sequences.missing_share()
    told = f"{missing:.1%} of the values are missing" if missing else "no value is missing"
    return f"{steps} of {len(sequences.channels)} channels ({listed(sequences.channels, 6)}); {told}"
