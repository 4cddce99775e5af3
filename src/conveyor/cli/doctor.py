"""`conveyor doctor`: what runs here, and why the rest does not."""

from __future__ import annotations

import json
import shutil

import typer

from conveyor.doctor import as_text, examine


def run_doctor(*, as_json: bool) -> int:
    """Print the report; return the exit code, 1 if the compiled backend does not work."""
    report = examine()
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    typer.echo(json.dumps(report.to_json(), indent=2) if as_json else as_text(report, width))
    if not report.works:
        typer.echo(f"conveyor: the compiled backend does not work: {report.problems[0]}", err=True)
    return 0 if report.works else 1
