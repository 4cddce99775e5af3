"""Text coloured by a unit: each token by the unit's value after that token."""

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
    """Scale values to −1 … 1 for colours, with the values that 0 and 1 stand for.

    What is never negative (a gate) is centred at the middle of 0 and its largest possible value, 1; what has both signs
    keeps its zero, and is divided by the largest magnitude but the outermost hundredth. What is not
    finite has no colour.
    """
    v = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    if v.size and v.min() >= 0:
        high = max(1.0, float(v.max()))
        return v / (high / 2) - 1, high / 2, high
    most = float(np.quantile(np.abs(v), 0.99)) if v.size else 0.0
    most = most or 1.0
    return np.clip(v / most, -1, 1), 0.0, most


def coloured_spans(tokens: Sequence[str], values: NDArray[np.floating]) -> str:
    """Make HTML of the tokens, each with its value of −1 … 1 for the style sheet.

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
    """Make self-contained HTML of a text coloured by one unit's values, for a page or a notebook.

    Args:
        tokens: The tokens, T of them.
        values: Of one unit or gate after each, (T,).
        label: The meaning of the colour.

    Raises:
        ArgumentError: There are not as many values as tokens.
    """
    v = np.asarray(values, dtype=np.float64)
    spans = coloured_spans(tokens, v)
    span = f", from {v.min():.2f} (blue) to {v.max():.2f} (orange)" if len(v) else ""
    told = f"<figcaption>{escape_text(label)}{span}</figcaption>"
    return f'<style>{STYLE}</style><figure><div class="cv-text">{spans}</div>{told}</figure>'
