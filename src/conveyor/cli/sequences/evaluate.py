"""`conveyor evaluate`: how well a trained model of sequences does on a file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from conveyor.atomic_write import write
from conveyor.cli.sequences.view import scores_line
from conveyor.cli.train import make_console
from conveyor.errors import ArgumentError, DataError
from conveyor.tasks.sequences.config import SequenceConfig
from conveyor.tasks.sequences.data.collection import Sequences
from conveyor.tasks.sequences.data.reading import read_file
from conveyor.tasks.sequences.evaluation.metrics import ClassScores
from conveyor.tasks.sequences.run import load_trained, scores_json
from conveyor.tasks.sequences.trained import Trained

_MOST_CLASSES = 20  # of a confusion matrix on the terminal


def run_evaluate(folder: Path, file: str, predictions: Path | None, json_file: Path | None, *, force: bool) -> int:
    """Score a model on a file; return the exit code.

    Raises:
        ConveyorError: the run, the file or an output cannot be used.
    """
    for path in (predictions, json_file):
        _require_free(path, force=force)
    trained, checkpoint = load_trained(folder)
    config = SequenceConfig.from_json(checkpoint.get("config"))
    console = make_console()
    sequences, _ = read_file(
        file,
        config.data.columns,
        tagged=trained.definition.tagged,
        labelled=False,
        window=config.data.window,
        note=console.print,
    )
    if sequences.labels is not None:
        _print_scores(console, trained, sequences, json_file, force)
    elif predictions is None or json_file is not None:
        raise DataError(f"{sequences.source}: has no labels to compare with; -o FILE writes predictions alone")
    if predictions is not None:
        write(predictions, _predictions(trained, sequences).encode(), force)
        console.print(f"Predictions: {predictions}")
    return 0


def _print_scores(
    console: Console, trained: Trained, sequences: Sequences, json_file: Path | None, force: bool
) -> None:
    scores = trained.score(sequences)
    found = scores_json(scores)
    console.print(f"{len(sequences):,} sequences: {scores_line(found)}.")
    if isinstance(scores, ClassScores):
        _print_classes(console, trained, scores)
    if json_file is not None:
        write(json_file, (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode(), force)
        console.print(f"Scores: {json_file}")


def _require_free(path: Path | None, *, force: bool) -> None:
    if path is not None and path.exists() and not force:
        raise ArgumentError(f"{path} is there already; name another, or overwrite it with --force")


def _print_classes(console: Console, trained: Trained, scores: ClassScores) -> None:
    classes = trained.definition.classes
    assert classes is not None, "a classifier has classes"
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("class")
    for heading in ("true", "precision", "recall", "F1", "AUC"):
        table.add_column(heading, justify="right")
    for k, name in enumerate(classes.names):
        numbers = (scores.precision[k], scores.recall[k], scores.f1[k], scores.auc[k])
        cells = ("–" if np.isnan(v) else f"{v:.3f}" for v in numbers)
        table.add_row(str(name), f"{scores.confusion[k].sum():,}", *cells)
    console.print(table)
    console.print(f"Calibration: confidence and accuracy differ by {scores.calibration_error:.1%} on average.")
    if len(classes) > _MOST_CLASSES:
        return
    matrix = Table(box=SIMPLE_HEAD, pad_edge=False)
    matrix.add_column("true \\ predicted")
    for name in classes.names:
        matrix.add_column(str(name), justify="right")
    for name, row in zip(classes.names, scores.confusion, strict=True):
        matrix.add_row(str(name), *(f"{n:,}" for n in row))
    console.print(matrix)


def _predictions(trained: Trained, sequences: Sequences) -> str:
    """Write a row a sequence, or a step: what it is, what is predicted, and each probability."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    classes = trained.definition.classes
    if classes is None:
        values = trained.outputs(sequences)
        count = len(values[0])
        out.writerow(["id", *(["prediction"] if count == 1 else [f"prediction-{k}" for k in range(count)])])
        out.writerows([name, *map(repr, row.tolist())] for name, row in zip(sequences.ids, values, strict=True))
        return text.getvalue()
    tagged = trained.definition.tagged
    out.writerow(["id", *(["step"] if tagged else []), "prediction", *(f"p-{name}" for name in classes.names)])
    for name, found in zip(sequences.ids, trained.probabilities(sequences), strict=True):
        for step, row in enumerate(np.atleast_2d(found)):
            likeliest = classes.names[int(row.argmax())]
            out.writerow([name, *([step + 1] if tagged else []), likeliest, *(f"{p:.6g}" for p in row)])
    return text.getvalue()
