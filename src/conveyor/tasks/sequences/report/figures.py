"""Figures of the page on a model of sequences, as SVG text; colours come from the page's style."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conveyor.tasks.sequences.report.explain import Attribution

_LEFT, _WIDE = 130, 820  # pixels: of the names, and of what stands beside them
_CHANNELS, _LINES = 40, 4  # most that are shown
_CELLS = 400  # most steps of a map that have a cell of their own


def bars(rows: Sequence[tuple[str, float]], label: str, *, least: float, most: float, percent: bool) -> str:
    """Draw a bar a row, from zero."""
    height = 22
    span = (most - least) or 1.0
    zero = _LEFT + (0.0 - least) / span * 480
    parts = []
    for k, (name, value) in enumerate(rows):
        x = _LEFT + (value - least) / span * 480
        told = f"{value:.1%}" if percent else f"{value:.3g}"
        y = k * height
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">{_short(name)}</text>'
            f'<rect class="{"pos" if value >= 0 else "neg"}" x="{min(x, zero):.1f}" y="{y + 4}" '
            f'width="{max(abs(x - zero), 1):.1f}" height="14" rx="2"/>'
            f'<text class="soft" x="{max(x, zero) + 6:.1f}" y="{y + 15}">{told.replace("-", "−")}</text>'
        )
    return _svg(_LEFT + 560, len(rows) * height + 6, label, parts)


def effects_map(a: Attribution) -> str:
    """Draw the effect of each step and channel as a coloured cell; strong channels first if there are many."""
    order = _by_weight(a)[:_CHANNELS]
    effects, missing, edges = _binned(a)
    top = float(np.abs(effects).max()) or 1.0
    height = max(14, min(24, 480 // max(len(order), 1)))
    columns = effects.shape[0]
    width = _WIDE / columns
    parts = []
    for row, channel in enumerate(order):
        y = row * height
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + height / 2 + 4:.1f}" text-anchor="end">{_short(a.channels[channel])}</text>'
        )
        for t in range(columns):
            value = float(effects[t, channel])
            kind = "none" if missing[t, channel] else "pos" if value >= 0 else "neg"
            opacity = 0.5 if missing[t, channel] else abs(value) / top
            if opacity < 0.01:
                continue
            parts.append(
                f'<rect class="{kind}" x="{_LEFT + t * width:.2f}" y="{y}" width="{width + 0.05:.2f}" '
                f'height="{height - 1}" opacity="{opacity:.2f}">'
                f"<title>{_cell(a, edges, t, channel, value)}</title></rect>"
            )
    bottom = len(order) * height
    parts.append(f'<rect class="axis" x="{_LEFT}" y="0" width="{_WIDE}" height="{bottom}"/>')
    parts += _time_axis(a, bottom + 16)
    return _svg(_LEFT + _WIDE + 30, bottom + 26, "Effects by step and channel", parts)


def curve(a: Attribution) -> str:
    """Draw the effect of each step as a bar."""
    effects, _, _ = _binned(a)
    steps = effects.sum(1)
    top = float(np.abs(steps).max()) or 1.0
    width = _WIDE / len(steps)
    parts = [f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _WIDE}" y1="50" y2="50"/>']
    for t, value in enumerate(steps.tolist()):
        size = abs(value) / top * 46
        y = 50 - size if value >= 0 else 50
        parts.append(
            f'<rect class="{"pos" if value >= 0 else "neg"}" x="{_LEFT + t * width:.2f}" y="{y:.1f}" '
            f'width="{max(width - 0.5, 0.5):.2f}" height="{size:.1f}"/>'
        )
    parts.append(f'<text class="soft" x="{_LEFT - 8}" y="14" text-anchor="end">{_signed(top)}</text>')
    parts.append(f'<text class="soft" x="{_LEFT - 8}" y="98" text-anchor="end">{_signed(-top)}</text>')
    parts += _time_axis(a, 116)
    return _svg(_LEFT + _WIDE + 30, 124, "Effect of each step", parts)


def reading_lines(a: Attribution) -> str:
    """Draw the channels with the most weight as they were read, each value on the colour of its effect."""
    order = _by_weight(a)[:_LINES]
    top = float(np.abs(a.effects).max()) or 1.0
    height, parts = 76, []
    steps = len(a.values)
    x = _LEFT + (np.arange(steps) + 0.5) / steps * _WIDE
    for row, channel in enumerate(order):
        values = a.values[:, channel]
        known = ~np.isnan(values)
        y0 = row * height
        low, high = (float(f(values[known])) for f in (np.min, np.max)) if known.any() else (0.0, 0.0)
        y = y0 + 60 - (values - low) / ((high - low) or 1.0) * 52
        parts.append(f'<text x="{_LEFT - 8}" y="{y0 + 38}" text-anchor="end">{_short(a.channels[channel])}</text>')
        for at, told in ((y0 + 12, high), (y0 + 64, low)):
            parts.append(f'<text class="soft" x="{_LEFT + _WIDE + 6}" y="{at}">{_plain(told)}</text>')
        parts += [f'<polyline class="line" points="{piece}"/>' for piece in _pieces(x, y, known)]
        for t in np.flatnonzero(known):
            share = abs(float(a.effects[t, channel])) / top
            if share > 0.1:
                kind = "pos" if a.effects[t, channel] >= 0 else "neg"
                parts.append(f'<circle class="{kind}" cx="{x[t]:.1f}" cy="{y[t]:.1f}" r="{2 + 4 * share:.1f}"/>')
    parts += _time_axis(a, len(order) * height + 10)
    return _svg(_LEFT + _WIDE + 70, len(order) * height + 20, "Channels as they were read", parts)


def lines(
    at: Sequence[float], curves: Sequence[tuple[str, Sequence[float]]], label: str, axis: str, height: int = 180
) -> str:
    """Draw two curves over a common axis."""
    x = np.asarray(at)
    every = np.concatenate([np.asarray(v, dtype=np.float64) for _, v in curves])
    low, high = min(0.0, float(every.min())), float(every.max())
    place = _LEFT + (x - x[0]) / ((x[-1] - x[0]) or 1.0) * 600
    parts = [f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + 600}" y1="{height}" y2="{height}"/>']
    for k, (name, values) in enumerate(curves):
        y = height - (np.asarray(values) - low) / ((high - low) or 1.0) * (height - 14)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(place, y, strict=True))
        parts.append(f'<polyline class="line{" two" if k else ""}" points="{points}"/>')
        parts.append(
            f'<line class="line{" two" if k else ""}" x1="{_LEFT + 450}" x2="{_LEFT + 474}" y1="{14 + 18 * k}" '
            f'y2="{14 + 18 * k}"/><text x="{_LEFT + 482}" y="{18 + 18 * k}">{html.escape(name)}</text>'
        )
    parts.append(f'<text class="soft" x="{_LEFT - 8}" y="16" text-anchor="end">{_plain(high)}</text>')
    parts.append(f'<text class="soft" x="{_LEFT - 8}" y="{height}" text-anchor="end">{_plain(low)}</text>')
    parts.append(f'<text class="soft" x="{_LEFT}" y="{height + 18}">{axis} {x[0]:,.0f}</text>')
    parts.append(f'<text class="soft" x="{_LEFT + 600}" y="{height + 18}" text-anchor="end">{x[-1]:,.0f}</text>')
    return _svg(_LEFT + 640, height + 26, label, parts)


def _svg(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<div class="scroll" role="region" aria-label="{html.escape(label)}" tabindex="0"><svg width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{html.escape(label)}">'
        f"{''.join(parts)}</svg></div>"
    )


def _by_weight(a: Attribution) -> list[int]:
    return [int(k) for k in np.argsort(-np.abs(a.effects).sum(0), kind="stable")]


def _binned(a: Attribution) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Sum effects over neighbouring steps where there are more than fit: (columns, C), missing, and their borders."""
    steps = len(a.effects)
    columns = min(steps, _CELLS)
    edges = np.linspace(0, steps, columns + 1).round().astype(np.int64)
    effects = np.add.reduceat(a.effects, edges[:-1], axis=0)
    missing = np.logical_and.reduceat(np.isnan(a.values), edges[:-1], axis=0)
    return effects, missing, edges


def _cell(a: Attribution, edges: NDArray[np.int64], t: int, channel: int, value: float) -> str:
    first, last = int(edges[t]), int(edges[t + 1]) - 1
    steps = f"step {first + 1}" if first == last else f"steps {first + 1} to {last + 1}"
    read = f", value {_plain(float(a.values[first, channel]))}" if first == last else ""
    return f"{html.escape(a.channels[channel])}, {steps}{read}: {_signed(value)}"


def _time_axis(a: Attribution, y: float) -> list[str]:
    steps = len(a.values)
    places = sorted({0, steps // 4, steps // 2, 3 * steps // 4, steps - 1})
    found = []
    for t in places:
        told = f"step {t + 1}" if a.times is None else f"t = {a.times[t] - a.times[0]:g}"
        x = _LEFT + (t + 0.5) / steps * _WIDE
        found.append(f'<text class="soft" x="{x:.1f}" y="{y:.0f}" text-anchor="middle">{told}</text>')
    return found


def _pieces(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]], known: NDArray[np.bool_]) -> list[str]:
    """Cut a curve where values are missing; a value alone is a short stroke."""
    pieces: list[list[str]] = [[]]
    for a, b, there in zip(x, y, known, strict=True):
        if there:
            pieces[-1].append(f"{a:.1f},{b:.1f}")
        elif pieces[-1]:
            pieces.append([])
    return [" ".join(p if len(p) > 1 else [p[0], p[0]]) for p in pieces if p]


def _short(name: str) -> str:
    return html.escape(name if len(name) <= 18 else f"{name[:17]}…")


def _plain(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")
