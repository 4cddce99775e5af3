"""The figure of memory lengths: the time steps until half of each unit's state is left."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from conveyor.inspect.draw.figure import Drawn, figure, finish
from conveyor.views.diagram.palette import LIGHT

_LONGEST = 10_000.0


def memory_lengths(lengths: Mapping[str, NDArray[np.floating]], *, name: str = "memory") -> Drawn:
    """Draw the memory lengths of each layer's units, longest first.

    Args:
        lengths: Steps to half by layer, (H,) each; infinite for units that keep everything.
        name: The name of the files.

    Returns:
        The figure.
    """
    with figure(7.0, 3.4) as (made, ax):
        told = []
        for k, (label, steps) in enumerate(lengths.items()):
            ordered = np.sort(np.clip(np.nan_to_num(steps, nan=0.0, posinf=_LONGEST), 0.1, _LONGEST))[::-1]
            share = (np.arange(len(ordered)) + 1) / len(ordered)
            colour = LIGHT[k % len(LIGHT)]
            ax.plot(100 * share, ordered, color=colour, label=label, drawstyle="steps-pre")
            ax.fill_between(100 * share, ordered, 0.1, color=colour, alpha=0.12, step="pre", linewidth=0)
            told.append(
                f"{label}: half of the units forget half within {np.median(ordered):.1f} steps, the longest in "
                f"{ordered[0]:.0f}{' or more' if ordered[0] >= _LONGEST else ''}"
            )
        ax.set_yscale("log")
        ax.set_xlim(0, 100)
        ax.set_ylim(bottom=0.1)
        ax.set_xlabel("units, % of the layer, longest memory first")
        ax.set_ylabel("steps to half")
        if len(lengths) > 1:
            ax.legend(frameon=False)
        return finish(made, name, "Memory lengths", "; ".join(told) + ".")
