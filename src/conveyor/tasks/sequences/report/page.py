"""One page on a trained model of sequences: how well it does, and what decided one sequence.

The page needs no network, no script and no package; its figures are SVG in the page itself.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.tasks.sequences.evaluation.metrics import ClassScores, ValueScores
from conveyor.tasks.sequences.report.explain import Attribution
from conveyor.tasks.sequences.report.figures import bars, curve, effects_map, lines, reading_lines

_STEPS_LISTED = 12
_MOST_CLASSES = 30


@dataclass(frozen=True)
class Report:
    """All that the page shows.

    Args:
        title: of the page.
        facts: what the model is: label and value.
        classes: names of the classes; empty for values.
        scored: which sequences the scores are of, in words.
        scores: of them.
        occluded: the drop of accuracy (or rise of the error) with each channel at its mean, (C,); by name.
        losses: step, training and validation loss of each validation.
        attribution: what decided the chosen sequence.
        truth: its label as it was given; None if it has none.
        prediction: what the model says, in words.
        probabilities: of each class for the chosen sequence; None for values and tags.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    classes: tuple[str, ...]
    scored: str
    scores: ClassScores | ValueScores | None
    occluded: Sequence[tuple[str, float]]
    losses: Sequence[tuple[int, float, float]]
    attribution: Attribution
    truth: str | None
    prediction: str
    probabilities: NDArray[np.float64] | None


def set_page(report: Report) -> str:
    """Write the page as HTML."""
    sections = [
        ("sequence", f"What decided sequence {report.attribution.id}", _sequence(report)),
        ("scores", "How well it does", _scores(report)),
        ("channels", "Which channels matter", _channels(report)),
        ("training", "Training", _training(report)),
    ]
    there = [(id, name, body) for id, name, body in sections if body]
    facts = "".join(f"<div><dt>{_e(k)}</dt><dd>{_e(v)}</dd></div>" for k, v in report.facts)
    links = "".join(f'<li><a href="#{id}">{_e(name)}</a></li>' for id, name, _ in there)
    body = "".join(
        f'<section id="{id}" aria-labelledby="{id}-title"><h2 id="{id}-title">{_e(name)}</h2>{inside}</section>'
        for id, name, inside in there
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_e(report.title)}</title><style>{_STYLE}</style></head><body>"
        f'<header><h1>{_e(report.title)}</h1><dl class="facts">{facts}</dl>'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header><main>{body}</main>'
        f"<footer><p>Written by conveyor {version('conveyor')}. The effects of every step and channel lie beside this "
        "page in <code>effects.csv</code>.</p></footer></body></html>\n"
    )


def _e(value: Any) -> str:
    return html.escape(str(value))


def _sequence(report: Report) -> str:
    a = report.attribution
    said = f"The model says <b>{_e(report.prediction)}</b>"
    said += f"; it is <b>{_e(report.truth)}</b>. " if report.truth is not None else ". "
    unit = "log-odds" if report.classes else "value"
    of = f" of <b>{_e(a.target)}</b>" if report.classes else ""
    said += (
        f"With every value at its channel’s mean the {unit}{of} would be {_n(a.baseline)}; as it was read, it is "
        f"{_n(a.output)}. The effects below add up to the difference (integrated gradients; Sundararajan, Taly &amp; "
        "Yan 2017)."
    )
    parts = [f"<p>{said}</p>"]
    if report.probabilities is not None:
        order = np.argsort(-report.probabilities)[:_MOST_CLASSES]
        likely = [(report.classes[k], float(report.probabilities[k])) for k in order]
        parts.append(bars(likely, "Calibrated probability of each class", least=0.0, most=1.0, percent=True))
    parts.append("<h3>Effect of each step and channel</h3>")
    parts.append(
        f"<p>{_KEY.format(of=_e(a.target) if report.classes else 'a higher value')} Grey cells are missing values.</p>"
    )
    parts.append(effects_map(a))
    parts.append(f"<h3>Effect of each step, all channels together</h3>{curve(a)}")
    parts.append(f"<h3>The channels that decided, as they were read</h3>{reading_lines(a)}")
    rows = [
        (_when(a, t), channel, _n(float(a.values[t, a.channels.index(channel)])), _n(effect, sign=True))
        for t, channel, effect in a.strongest(_STEPS_LISTED)
        if effect
    ]
    parts.append("<h3>The strongest single values</h3>" + _table(("step", "channel", "value", "effect"), rows))
    return "".join(parts)


_KEY = '<span class="key pos">Orange</span> speaks for {of}, <span class="key neg">blue</span> against it.'


def _when(a: Attribution, step: int) -> str:
    return f"{step + 1}" if a.times is None else f"{step + 1} (time {a.times[step] - a.times[0]:g})"


def _scores(report: Report) -> str:
    scores = report.scores
    if scores is None:
        return ""
    if isinstance(scores, ValueScores):
        measures = [("MAE", _n(scores.mae)), ("RMSE", _n(scores.rmse)), ("R²", _n(scores.r2))]
        return f"<p>Of {report.scored}.</p>" + _table(("measure", "value"), measures)
    lead = (
        f"<p>Of {_e(report.scored)}: accuracy {scores.accuracy:.1%}, macro F1 {_n(scores.macro_f1)}, AUC "
        f"{_n(scores.macro_auc)}, log loss {_n(scores.log_loss)}. Confidence and accuracy differ by "
        f"{scores.calibration_error:.1%} on average (expected calibration error).</p>"
    )
    classes = [
        (
            n,
            f"{scores.confusion[k].sum():,}",
            *(_n(v[k]) for v in (scores.precision, scores.recall, scores.f1, scores.auc)),
        )
        for k, n in enumerate(report.classes)
    ]
    found = lead + _table(("class", "true", "precision", "recall", "F1", "AUC"), classes)
    if len(report.classes) <= _MOST_CLASSES:
        found += "<h3>Confusion matrix</h3>" + _confusion(report.classes, scores.confusion)
    return found


def _confusion(classes: Sequence[str], counts: NDArray[np.int64]) -> str:
    head = "".join(f'<th scope="col">{_e(n)}</th>' for n in classes)
    rows = ""
    for k, name in enumerate(classes):
        most = max(int(counts[k].sum()), 1)
        cells = "".join(
            f'<td style="--share:{n / most:.2f}" class="{"hit" if j == k else "miss"}">{n:,}</td>'
            for j, n in enumerate(counts[k].tolist())
        )
        rows += f'<tr><th scope="row">{_e(name)}</th>{cells}</tr>'
    return (
        '<div class="scroll" role="region" aria-label="Confusion matrix" tabindex="0"><table class="confusion">'
        f"<caption>A row a true class, a column a predicted one.</caption><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _channels(report: Report) -> str:
    if not report.occluded or report.scores is None:
        return ""
    what = "Accuracy lost" if isinstance(report.scores, ClassScores) else "Rise of the mean absolute error"
    rows = sorted(report.occluded, key=lambda row: -row[1])[:_MOST_CLASSES]
    most = max(max(abs(v) for _, v in rows), 1e-9)
    least = min(0.0, *(v for _, v in rows))
    percent = isinstance(report.scores, ClassScores)
    return (
        f"<p>{what} on {_e(report.scored)} when one channel’s values are put to their mean, one channel at a time. "
        "Channels that say the same stand in for each other, so that each alone may seem to matter little.</p>"
        + bars(rows, what, least=least, most=most, percent=percent)
    )


def _training(report: Report) -> str:
    if len(report.losses) < 2:
        return ""
    return "<p>Loss on what is trained on (with noise and dropout) and on the validation part.</p>" + losses_figure(
        report.losses
    )


def losses_figure(losses: Sequence[tuple[int, float, float]]) -> str:
    """Draw training and validation loss over the steps."""
    steps = [float(s) for s, _, _ in losses]
    return lines(
        steps,
        [("training", [t for _, t, _ in losses]), ("validation", [v for _, _, v in losses])],
        "Loss over the steps",
        "step",
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{_e(h)}</th>' for h in headings)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{_e(c)}</td>" if k else f'<th scope="row">{_e(c)}</th>' for k, c in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" aria-label="{_e(headings[0])}" tabindex="0"><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def _n(value: float, sign: bool = False) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:{'+' if sign else ''}.3g}".replace("-", "−")


_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6675; --back: #fff; --edge: #d8dee6; --body: #f6f8fa;
  --pos: 226 121 12; --neg: 44 112 214; --none: #c9d0d9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #a3aebb; --back: #14181e; --edge: #333c47;
  --body: #1b2027; --pos: 240 150 50; --neg: 96 160 255; --none: #47515d; } }
*, *::before, *::after { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--back);
  font: 1rem/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
h1 { font-size: clamp(1.5rem, 4.5vw, 2.2rem); line-height: 1.2; margin: 2rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h3 { font-size: 1.02rem; margin: 1.4rem 0 .4rem; }
p { max-width: 48rem; margin: .4rem 0 .9rem; }
a { color: rgb(var(--neg)); }
section { padding: 1.7rem 0 1.2rem; border-top: 1px solid var(--edge); }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 1.8rem; margin: 0 0 1rem; }
.facts dt { color: var(--soft); font-size: .82rem; } .facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; padding: 0; margin: 0 0 1.4rem; }
nav a { display: inline-block; padding: .25rem 0; }
.scroll { overflow-x: auto; max-width: 100%; }
:focus-visible { outline: 3px solid rgb(var(--neg)); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
caption { text-align: left; white-space: nowrap; color: var(--soft); padding-bottom: .3rem; }
th, td { padding: .2rem .6rem; text-align: right; white-space: nowrap; }
th:first-child { text-align: left; font-weight: 500; padding-left: 0; }
thead th { color: var(--soft); font-weight: 500; border-bottom: 1px solid var(--edge); }
.confusion td { min-width: 3rem; text-align: center; }
.confusion .hit { background: rgb(var(--neg) / calc(var(--share) * .45)); }
.confusion .miss { background: rgb(var(--pos) / calc(var(--share) * .6)); }
.key { padding: .05em .4em; border-radius: 4px; } .key.pos { background: rgb(var(--pos) / .5); }
.key.neg { background: rgb(var(--neg) / .5); }
svg { max-width: none; height: auto; display: block; } svg text { fill: var(--ink); font: 12px ui-sans-serif, system-ui,
  "DejaVu Sans", sans-serif; } svg .soft { fill: var(--soft); } svg .axis { stroke: var(--edge); fill: none; }
svg .pos { fill: rgb(var(--pos)); } svg .neg { fill: rgb(var(--neg)); } svg .none { fill: var(--none); }
svg .line { fill: none; stroke: var(--ink); stroke-width: 1.5; } svg .line.two { stroke: rgb(var(--pos)); }
footer { color: var(--soft); font-size: .9rem; border-top: 1px solid var(--edge); padding-bottom: 2rem; }
@media print { nav { display: none; } .scroll { overflow: visible; } }
"""
