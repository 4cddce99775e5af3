"""The command line: `conveyor demo | train | generate | bench | doctor`. Loading it does not load torch."""

from conveyor.cli.app import app, main

__all__ = ["app", "main"]
