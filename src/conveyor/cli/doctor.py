"""`conveyor doctor`: what runs here, and why the rest does not."""

from __future__ import annotations

import json
import shutil

from conveyor.cli.console.printing import print_note, print_text
from conveyor.doctor import as_text, examine


def run_doctor(*, as_json: bool) -> int:
    """Print the report; return the exit code, 1 if the compiled backend does not work."""
    report = examine()
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    print_text(json.dumps(report.to_json(), indent=2) if as_json else as_text(report, width))
    if not report.works:
        print_note(f"the compiled backend does not work: {report.problems[0]}")
    return 0 if report.works else 1
