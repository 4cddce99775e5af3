"""Writes a report to a folder: the page, its data, and its figures."""

from __future__ import annotations

from pathlib import Path

from conveyor.errors import ArgumentError
from conveyor.inspect.report import require_packages
from conveyor.inspect.report.content import Report
from conveyor.views.diagram import draw

PAGE = "index.html"


def write_report(report: Report, folder: Path, *, token_name: str = "character") -> Path:
    """Write a report into a folder, which is created.

    Args:
        report: The contents.
        folder: The folder; files of the same names are overwritten.
        token_name: The word for a token.

    Returns:
        The page's path.

    Raises:
        ArgumentError: An optional package is not installed, or the folder can't be written.
    """
    require_packages()
    import pandas

    from conveyor.inspect.report.page import set_page

    page = set_page(report, token_name=token_name)
    try:
        for name in ("data", "figures"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for drawn in (d for all_of in report.figures.values() for d in all_of):
            drawn.save(folder / "figures")
        for cell in report.cells:
            picture = draw(cell.program, f"Diagram of the cell {cell.name}")
            picture.save(folder / "figures" / f"diagram-{_file_name(cell.name)}.svg")
        for name, columns in report.tables.items():
            frame = pandas.DataFrame(dict(columns))
            frame.to_parquet(folder / "data" / f"{name}.parquet", index=False)
            if frame.size < 500_000:
                frame.to_csv(folder / "data" / f"{name}.csv", index=False)
        (folder / PAGE).write_text(page, encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"output: {folder} cannot be written ({error.strerror}); name another") from error
    return folder / PAGE


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
