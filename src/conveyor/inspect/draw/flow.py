"""The figure of gradient flow: the gradient's norm at each time step, for cells side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from conveyor.errors import ArgumentError
from conveyor.inspect.draw.figure import Drawn, figure, finish
from conveyor.inspect.draw.numbers import set_number
from conveyor.views.diagram.palette import LIGHT

Curves = Mapping[str, NDArray[np.floating]]
_DASHES = ("-", "--", ":", "-.")


def flow(panels: Mapping[str, Curves], *, name: str = "flow", title: str = "Gradient flow") -> Drawn:
    """Draw norms over the steps back from the loss, one panel per cell, all on one scale.

    Args:
        panels: By the panel's title: curves by their label, (T,) each, the last step last.
        name: The name of the files.
        title: The figure's title.

    Returns:
        The figure; a norm is shown as a share of its value at the last step.

    Raises:
        ArgumentError: There is nothing to draw.
    """
    if not panels or not all(panels.values()):
        raise ArgumentError("panels: expected at least one curve a panel, got none; give gradient norms by name")
    told = []
    steps = max(len(n) for c in panels.values() for n in c.values()) - 1
    with figure(min(max(6.5, 3.4 * len(panels) + 0.8), 12.0), 3.5, 1, len(panels), sharey=True, squeeze=False) as (
        made,
        axes,
    ):
        for (label, curves), ax in zip(panels.items(), axes[0], strict=True):
            for k, (curve, norms) in enumerate(curves.items()):
                share = relative(norms)
                back = np.arange(len(share))[::-1]
                ax.plot(
                    back,
                    np.clip(share, 1e-30, None),
                    color=LIGHT[(k * 2 + 1) % len(LIGHT)],
                    linestyle=_DASHES[k % 4],
                    label=curve,
                )
                told.append(f"{label}, {curve}: {set_number(float(share[0]))}")
            ax.set_title(label)
            ax.set_yscale("log")
            ax.set_xlabel("steps back from the loss")
            ax.invert_xaxis()
            ax.legend(frameon=False, loc="lower right")
        low = min(float(relative(n).min()) for c in panels.values() for n in c.values())
        high = max(float(relative(n).max()) for c in panels.values() for n in c.values())
        axes[0, 0].set_ylim(max(low, 1e-12) / 3, max(high, 1.0) * 3)
        axes[0, 0].set_ylabel("gradient, share of the last step's")
        return finish(
            made,
            name,
            title,
            f"The share of the last step's gradient that is left {steps} steps back: {'; '.join(told)}.",
        )


def relative(norms: NDArray[np.floating]) -> NDArray[np.floating]:
    """Divide norms by the last one; values that are not finite count as zero."""
    finite = np.nan_to_num(np.asarray(norms, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    last = float(finite[-1])
    return finite / (last if last > 0 else 1.0)
