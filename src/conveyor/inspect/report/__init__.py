"""The report on a trained layer: one page that needs no network, and the data and figures beside it.

`gather` collects what is measured, `page` sets it, `write` puts page, data and figures into a folder.
"""

from __future__ import annotations

from importlib.util import find_spec

from conveyor.errors import ArgumentError

_PACKAGES = ("matplotlib", "pandas", "pyarrow", "jinja2", "latex2mathml")


def missing_packages() -> tuple[str, ...]:
    """The optional packages that a report needs and that are not installed."""
    return tuple(name for name in _PACKAGES if find_spec(name) is None)


def require_packages() -> None:
    """Say before any work what is not installed.

    Raises:
        ArgumentError: A package is missing.
    """
    if missing := missing_packages():
        raise ArgumentError(f"a report needs {', '.join(missing)}: pip install 'conveyor[inspect]'")
