"""The command line: `conveyor demo | train | generate`. Loading it does not load torch."""

from conveyor.cli.app import app, main

__all__ = ["app", "main"]
