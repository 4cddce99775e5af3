"""The command line, `conveyor COMMAND …`; loading it does not load torch."""

from conveyor.cli.app import app, main

__all__ = ["app", "main"]
