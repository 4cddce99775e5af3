"""Heat maps: values of every unit over time, one row per unit, one column per time step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import ArgumentError
from conveyor.inspect.draw.figure import Drawn, figure, finish
from conveyor.inspect.draw.fonts import escape_missing, families_for, warn_of_missing
from conveyor.views.diagram.markup import well_formed

_INCHES_A_STEP = 0.088
_INCHES_A_LETTER = 0.056
_MOST_ROWS = 160
_MOST_TOKENS = 160  # that are written below a picture
_MOST_LETTERS = 10  # of a token


def heat_maps(
    values: Mapping[str, NDArray[np.floating]],
    tokens: Sequence[str],
    *,
    name: str = "gates",
    title: str = "Gates over time",
    titles: Mapping[str, str] | None = None,
) -> Drawn:
    """Draw values over time, one map below the other, their units in one order.

    Args:
        values: By name, (T, H) each; of the same shape.
        tokens: The T input tokens.
        name: The name of the files.
        title: The figure's title.
        titles: Titles of single maps by their value's name.

    Returns:
        The figure; units are ordered by the mean of the first value, the highest on top.

    Raises:
        ArgumentError: There is nothing to draw, or shapes differ.
    """
    if not values:
        raise ArgumentError("values: expected at least one value over time, got none; name what was recorded")
    for key, v in values.items():
        if v.shape != next(iter(values.values())).shape or v.shape[0] != len(tokens):
            raise ArgumentError(
                f"values: expected ({len(tokens)}, H), as many as tokens, got {tuple(v.shape)} of {key}; cut them alike"
            )
    shown = [_visible(token) for token in tokens] if len(tokens) <= _MOST_TOKENS else []
    families, missing = families_for(set("".join(shown)), ["monospace"])
    warn_of_missing(missing)
    shown = [escape_missing(token, missing) for token in shown]
    longest = max(map(len, shown), default=1)
    order = np.argsort(-next(iter(values.values())).mean(0), kind="stable")
    steps, units = len(tokens), len(order)
    width = min(14.0, max(5.0, 1.4 + steps * _INCHES_A_STEP))
    below = 0.55 + (longest - 1) * _INCHES_A_LETTER
    height = 1.75 * len(values) + 0.15 + below
    # Places are given, as working them out draws every token several times over.
    with figure(width, height, len(values), 1, layout=None, squeeze=False) as (made, axes):
        made.subplots_adjust(0.75 / width, below / height, 1 - 0.05 / width, 1 - 0.35 / height, hspace=0.3)
        for (key, v), ax in zip(values.items(), axes[:, 0], strict=True):
            picture = _fewer(v[:, order].T)
            low, high = _span(v)
            gate = low >= 0
            image = ax.imshow(
                picture,
                aspect="auto",
                interpolation="nearest",
                cmap="cividis" if gate else "PuOr_r",
                vmin=0.0 if gate else low,
                vmax=max(1.0, high) if gate else high,
                extent=(-0.5, steps - 0.5, units, 0),
            )
            ax.set_title((titles or {}).get(key, key))
            ax.set_ylabel("units")
            ax.set_yticks([0, units])
            ax.set_xticks([])
            ax.grid(False)
            made.colorbar(image, ax=ax, pad=0.12 / width, fraction=0.55 / width, aspect=12)
        bottom = axes[-1, 0]
        for t, token in enumerate(shown):
            bottom.text(
                t,
                1.03 * units,
                token,
                fontsize=6.5,
                family=families,
                ha="center",
                va="top",
                rotation=90 if longest > 1 else 0,
                parse_math=False,
            )
        bottom.set_xlabel("what was read", labelpad=14 + (longest - 1) * _INCHES_A_LETTER * 72)
        words = (
            f"{len(values)} maps of {units} units over {steps} steps of text: "
            + "; ".join(
                f"{(titles or {}).get(k, k)}, mean {v.mean():.2f}, from {v.min():.2f} to {v.max():.2f}"
                for k, v in values.items()
            )
            + "."
        )
        return finish(made, name, title, words)


def _fewer(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Average neighbouring rows down to the number of pixels that a page has."""
    if len(rows) <= _MOST_ROWS:
        return rows
    return np.stack([part.mean(0) for part in np.array_split(rows, _MOST_ROWS)])


def _span(v: NDArray[np.floating]) -> tuple[float, float]:
    """Return the range of colours: from 0 for non-negative values, else symmetric and without outliers."""
    finite = v[np.isfinite(v)]
    if not finite.size or finite.min() >= 0:
        return 0.0, float(finite.max(initial=0.0))
    most = float(np.quantile(np.abs(finite), 0.99)) or 1.0
    return -most, most


def _visible(token: str) -> str:
    if not token.strip(" \n\t"):
        return token.translate({32: "␣", 10: "⏎", 9: "⇥"})[:_MOST_LETTERS]
    token = well_formed(token.strip(" \n\t"))
    return token if len(token) <= _MOST_LETTERS else f"{token[: _MOST_LETTERS - 1]}…"
