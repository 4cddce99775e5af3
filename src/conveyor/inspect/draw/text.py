"""A text coloured by a unit: each token in the colour of the unit's value after it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import ArgumentError
from conveyor.views.diagram.markup import escape_text

STYLE = (
    ".cv-text{--pos:235 140 20;--neg:70 145 235;font-family:ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',"
    "monospace;line-height:1.75;white-space:pre-wrap;overflow-wrap:anywhere;print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}"
    "@media screen and (prefers-color-scheme:dark){.cv-text{--pos:196 104 0;--neg:34 104 196}}"
    ".cv-text b{font-weight:400;padding:.22em 0;background-color:rgb(var(--pos)/calc(max(0,var(--v))*.85));"
    "background-image:linear-gradient(rgb(var(--neg)/calc(max(0,0 - var(--v))*.85)) 0 0)}"
)


def scaled(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], float, float]:
    """Scale values to −1 … 1 for colouring; returns them and the values that 0 and 1 stand for.

    Non-negative values (a gate) are centred at 0.5, or half of their maximum if that is above 1; values of both signs
    keep their zero, and are divided by the 99th percentile of their magnitude. Values that are not finite are
    uncoloured.
    """
    v = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    if v.size and v.min() >= 0:
        high = max(1.0, float(v.max()))
        return v / (high / 2) - 1, high / 2, high
    most = float(np.quantile(np.abs(v), 0.99)) if v.size else 0.0
    most = most or 1.0
    return np.clip(v / most, -1, 1), 0.0, most


def coloured_spans(tokens: Sequence[str], values: NDArray[np.floating]) -> str:
    """Return the tokens as HTML, each with its value of −1 … 1 for the style sheet.

    Raises:
        ArgumentError: There are not as many values as tokens.
    """
    if len(tokens) != len(values):
        raise ArgumentError(f"values: expected {len(tokens)}, as many as tokens, got {len(values)}; cut them alike")
    return "".join(
        f'<b style="--v:{v:.2f}">{escape_text(t).replace(chr(10), "⏎" + chr(10))}</b>'
        for t, v in zip(tokens, scaled(values)[0], strict=True)
    )


def coloured_text(tokens: Sequence[str], values: NDArray[np.floating], label: str) -> str:
    """Return a text coloured by one unit's values, as HTML that works alone in a page or a notebook.

    Args:
        tokens: The T tokens of the text.
        values: Those of one unit or gate after each token, (T,).
        label: A description of the values.

    Raises:
        ArgumentError: There are not as many values as tokens.
    """
    v = np.asarray(values, dtype=np.float64)
    spans = coloured_spans(tokens, v)
    span = f", from {v.min():.2f} (blue) to {v.max():.2f} (orange)" if len(v) else ""
    told = f"<figcaption>{escape_text(label)}{span}</figcaption>"
    return f'<style>{STYLE}</style><figure><div class="cv-text">{spans}</div>{told}</figure>'
