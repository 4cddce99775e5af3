"""Progress messages on a terminal, for the import and export of layers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

from conveyor.errors import ConveyorError
from conveyor.interop.common.report import Report


class Told:
    """Collects the reports of layers, and shows how far it is.

    Args:
        status: Where that is shown.
        doing: What is being done.
    """

    def __init__(self, status: Status, doing: str) -> None:
        self._status = status
        self._doing = doing
        self.reports: list[Report] = []

    def __call__(self, report: Report) -> None:
        """Take a report."""
        self.reports.append(report)
        self._status.update(Text(f"{self._doing}: {len(self.reports)} compared, last {report.name or report.after}"))

    def check(self) -> None:
        """Refuse what does not compute the same.

        Raises:
            ConveyorError: There is such a layer.
        """
        wrong = next((r for r in self.reports if not r.ok), None)
        if wrong is not None:
            raise ConveyorError(str(wrong))


@contextmanager
def progress(console: Console, doing: str) -> Iterator[Told]:
    """Show on a terminal what is being done until it is done."""
    with console.status(Text(doing)) as status, warnings.catch_warnings():
        # A difference that is too large is refused by `Told.check`, in one line.
        warnings.simplefilter("ignore", UserWarning)
        yield Told(status, doing)
