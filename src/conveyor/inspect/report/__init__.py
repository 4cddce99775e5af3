"""The report on a trained layer: one page without network access, with its data and figures.

`gather` measures, `page` renders, `write` writes page, data and figures into a folder.
"""

from __future__ import annotations

from importlib.util import find_spec

from conveyor.errors import ArgumentError

_PACKAGES = ("matplotlib", "pandas", "pyarrow", "jinja2", "latex2mathml")


def missing_packages() -> tuple[str, ...]:
    """Return the optional packages that a report needs and that are not installed."""
    return tuple(name for name in _PACKAGES if find_spec(name) is None)


def require_packages() -> None:
    """Check the optional packages before any work.

    Raises:
        ArgumentError: A package is missing.
    """
    if missing := missing_packages():
        raise ArgumentError(f"a report needs {', '.join(missing)}: pip install 'conveyor[inspect]'")
