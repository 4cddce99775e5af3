"""`conveyor inspect` on a model of sequences: a report on how it does and on what decided one sequence."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from conveyor.atomic_write import write
from conveyor.cli.console.output import require_free, require_writable
from conveyor.cli.train import make_console
from conveyor.errors import ArgumentError
from conveyor.tasks.sequences.config import SequenceConfig
from conveyor.tasks.sequences.data.collection import Sequences
from conveyor.tasks.sequences.data.dataset import read_dataset
from conveyor.tasks.sequences.data.reading import read_file
from conveyor.tasks.sequences.evaluation.metrics import ClassScores
from conveyor.tasks.sequences.report.explain import Attribution, explain, occluded_channels
from conveyor.tasks.sequences.report.page import Report, set_page
from conveyor.tasks.sequences.run import load_trained
from conveyor.tasks.sequences.trained import Trained, count_parameters
from conveyor.tasks.training.checkpoint import Checkpoint

PAGE, TABLE = "index.html", "effects.csv"
_MOST_SCORED = 2000  # sequences on which channels are occluded


def run_inspect(
    folder: Path, sequence: str | None, data: str | None, target: str | None, output: Path, *, force: bool
) -> int:
    """Write the report on a model; return the exit code.

    Raises:
        ConveyorError: the model, the data or the folder cannot be used.
    """
    require_free(output, force=force)
    console = make_console()
    page = write_inspection(folder, sequence, data, target, output, console)
    console.print(f"Report: {page}, {page.stat().st_size / 1e6:.1f} MB; open it in a browser.")
    return 0


def write_inspection(
    folder: Path, sequence: str | None, data: str | None, target: str | None, output: Path, console: Console
) -> Path:
    """Explain one sequence and write the page into a folder; return the page's path.

    Raises:
        ConveyorError: the model, the data or the folder cannot be used.
    """
    trained, checkpoint = load_trained(folder)
    if target is not None and trained.definition.classes is None:
        raise ArgumentError("--target: names a class, and this run predicts values; leave it out")
    whole, held_out, words = _data(trained, checkpoint, data, console)
    index = _choose(trained, held_out) if sequence is None else None
    chosen = held_out if sequence is None else whole
    place = whole.place(sequence) if sequence is not None else index
    assert place is not None, "a sequence is named or chosen"
    require_writable(output)
    _say(console, f"explaining sequence {chosen.ids[place]}")
    attribution = explain(trained, chosen, place, target)
    _say(console, f"occluding each channel of {words}")
    report = _report(trained, checkpoint, folder, chosen, place, attribution, held_out, words)
    page = output / PAGE
    write(page, set_page(report).encode(), True)
    write(output / TABLE, _table(attribution).encode(), True)
    return page


def _say(console: Console, what: str) -> None:
    console.print(f"… {what}")


def _data(
    trained: Trained, checkpoint: Checkpoint, data: str | None, console: Console
) -> tuple[Sequences, Sequences, str]:
    """Read what may be explained, what the scores are of, and how to call that."""
    config = SequenceConfig.from_json(checkpoint.get("config"))
    tagged = trained.definition.tagged
    if data is not None:
        found, _ = read_file(
            data, config.data.columns, tagged=tagged, labelled=False, window=config.data.window, note=console.print
        )
        return found, found, f"the {len(found):,} sequences of {found.source}"
    if not config.data.file:
        raise ArgumentError(
            "inspect: the run was trained from Python on arrays, which are not kept; name a --data FILE"
        )
    parts = read_dataset(config.task, config.data, config.training.seed, sha256=checkpoint.get("data"))
    held_out = parts.valid if parts.test is None else parts.test
    name = "validation" if parts.test is None else "held-out test"
    return _joined(parts.train, parts.valid, parts.test), held_out, f"the {len(held_out):,} {name} sequences"


def _joined(*parts: Sequences | None) -> Sequences:
    there = [p for p in parts if p is not None]
    first = there[0]
    times = None if first.times is None else [t for p in there for t in p.times or ()]
    return Sequences(
        [v for p in there for v in p.values],
        first.channels,
        tuple(i for p in there for i in p.ids),
        times,
        [y for p in there for y in p.labels or ()],
        source=first.source,
    )


def _choose(trained: Trained, sequences: Sequences) -> int:
    """Choose the sequence whose likeliest class is surest, or the first of values."""
    if trained.definition.classes is None or trained.definition.tagged:
        return 0
    return int(np.argmax([p.max() for p in trained.probabilities(sequences)]))


def _report(
    trained: Trained,
    checkpoint: Checkpoint,
    folder: Path,
    chosen: Sequences,
    place: int,
    attribution: Attribution,
    scored: Sequences,
    words: str,
) -> Report:
    one = chosen.select([place])
    classes = trained.definition.classes
    names = () if classes is None else tuple(map(str, classes.names))
    scores = trained.score(scored) if scored.labels is not None else None
    occluded: list[tuple[str, float]] = []
    if scores is not None:
        few = scored if len(scored) <= _MOST_SCORED else scored.select(range(_MOST_SCORED))
        whole = trained.score(few)
        occluded = [
            (name, _worse(whole, without))
            for name, without in zip(trained.definition.channels, occluded_channels(trained, few), strict=True)
        ]
    probabilities = prediction = None
    if classes is None:
        prediction = ", ".join(f"{v:.4g}" for v in trained.outputs(one)[0])
    else:
        found = trained.probabilities(one)[0]
        probabilities = None if trained.definition.tagged else found
        if trained.definition.tagged:
            counts = np.bincount(found.argmax(1), minlength=len(names))
            prediction = ", ".join(f"{names[k]} at {counts[k]:,} steps" for k in np.argsort(-counts)[:4] if counts[k])
        else:
            prediction = f"{names[int(found.argmax())]} ({found.max():.1%})"
    return Report(
        f"Inside {folder.resolve().name}",
        _facts(trained, checkpoint),
        names,
        words,
        scores,
        occluded,
        [(v["step"], v["training_loss"], v["loss"]) for v in checkpoint.get("trainer", "history")],
        attribution,
        _truth(one, trained),
        prediction,
        probabilities,
    )


def _worse(whole: Any, without: Any) -> float:
    if isinstance(whole, ClassScores):
        return float(whole.accuracy - without.accuracy)
    return float(without.mae - whole.mae)


def _truth(one: Sequences, trained: Trained) -> str | None:
    if one.labels is None or trained.definition.tagged:
        return None
    label = one.labels[0]
    return None if isinstance(label, float) and math.isnan(label) else str(label)


def _facts(trained: Trained, checkpoint: Checkpoint) -> list[tuple[str, str]]:
    config = SequenceConfig.from_json(checkpoint.get("config"))
    model, kind = config.model, trained.definition.features.kind
    told = {
        "plain": "none are missing",
        "mask": "carried forward, with mask and time gap",
        "decay": "decayed by the cell, with mask and time gap",
    }
    return [
        ("task", trained.definition.task),
        ("cell", str(checkpoint.get("cell", "name"))),
        ("layers", str(model.num_layers)),
        ("units a layer", f"{model.hidden_size}{' a direction' if model.bidirectional else ''}"),
        ("parameters", f"{count_parameters(trained.model):,}"),
        ("channels", str(len(trained.definition.channels))),
        ("missing values", told[kind]),
        *([("temperature", f"{trained.temperature:.2f}")] if trained.definition.classes is not None else []),
    ]


def _table(a: Attribution) -> str:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["step", *(["time"] if a.times is not None else []), "channel", "value", "effect"])
    for t in range(len(a.values)):
        when = [] if a.times is None else [f"{a.times[t]:g}"]
        for c, name in enumerate(a.channels):
            value = float(a.values[t, c])
            out.writerow([t + 1, *when, name, "" if math.isnan(value) else f"{value:g}", f"{a.effects[t, c]:.6g}"])
    return text.getvalue()
