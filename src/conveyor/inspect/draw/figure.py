"""Figures by matplotlib in one style, saved as SVG and PNG, or set into a page in its colours."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from conveyor.errors import ArgumentError
from conveyor.inspect.draw.fonts import escape_missing, families_for, warn_of_missing
from conveyor.views.diagram.markup import escape_text, well_formed
from conveyor.views.diagram.palette import LIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

INK, SOFT, EDGE = "#1d2530", "#57616e", "#c9d1da"
_VARIABLES = {INK: "--cv-ink", SOFT: "--cv-soft", EDGE: "--cv-edge", **{c: f"--cv-t{k}" for k, c in enumerate(LIGHT)}}
_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": EDGE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "figure.facecolor": "white",
    "axes.facecolor": "none",
    "lines.linewidth": 1.8,
    "savefig.dpi": 144,
    "svg.fonttype": "none",
}


@dataclass(frozen=True)
class Drawn:
    """A finished figure.

    Attributes:
        name: The name of its files.
        title: Its title.
        words: Its text alternative.
        svg: SVG text.
        png: The same as PNG.
    """

    name: str
    title: str
    words: str
    svg: str
    png: bytes

    def save(self, folder: Path) -> None:
        """Write the SVG and the PNG into a folder."""
        (folder / f"{self.name}.svg").write_text(self.svg, encoding="utf-8")
        (folder / f"{self.name}.png").write_bytes(self.png)

    def inline(self) -> str:
        """Return the SVG for a page: in the page's colours, with the text alternative."""
        svg = self.svg[self.svg.index("<svg") :]
        for colour, variable in _VARIABLES.items():
            svg = svg.replace(colour, f"var({variable})")
        svg = re.sub(r'(<g id="patch_1">\s*<path[^>]*?)fill: #ffffff', r"\1fill: none", svg, count=1)
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
        words = f"<title>{escape_text(self.title)}</title><desc>{escape_text(self.words)}</desc>"
        return re.sub(r"<svg([^>]*)>", lambda tag: f'<svg{tag[1]} role="img" class="figure">{words}', svg, count=1)


@contextmanager
def figure(
    width: float,
    height: float,
    rows: int = 1,
    columns: int = 1,
    *,
    layout: Literal["constrained"] | None = "constrained",
    **options: Any,
) -> Iterator[tuple[Figure, Any]]:
    """Make a figure in conveyor's style, and its axes; sizes are in inches.

    Raises:
        ArgumentError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ArgumentError("figures need matplotlib: pip install 'conveyor[inspect]'") from error
    with matplotlib.rc_context(_STYLE):
        made = Figure(figsize=(width, height), layout=layout)
        yield made, made.subplots(rows, columns, **options)


def finish(made: Figure, name: str, title: str, words: str) -> Drawn:
    """Render a figure as SVG and PNG, inside its `figure` context."""
    import matplotlib
    from matplotlib.text import Text

    for text in made.findobj(Text):
        assert isinstance(text, Text), "findobj finds what it is asked for"
        _make_drawable(text)
    with matplotlib.rc_context({"svg.hashsalt": name}):
        svg, png = io.StringIO(), io.BytesIO()
        made.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        made.savefig(png, format="png")
    return Drawn(name, title, words, well_formed(svg.getvalue()), png.getvalue())


def _make_drawable(text: Text) -> None:
    """Set a text's fonts so that every character is shown, or escaped where no font has it."""
    content = text.get_text()
    if not content or "\\mathdefault" in content:  # matplotlib's own numbers
        return
    content = " ".join(well_formed(content).split())
    families, missing = families_for(set(content), text.get_fontfamily())
    warn_of_missing(missing)
    text.set_text(escape_missing(content, missing))
    if families != text.get_fontfamily():
        text.set_fontfamily(families)
        text.set_fontweight("normal")  # the weight that every family has
    text.set_parse_math(False)
