"""The names by which layers that were pickled before `conveyor.backends.interface` call parts of themselves."""

from conveyor.backends.interface import ParamLayout, Part

__all__ = ["Part", "Places"]


def Places(parts: object, text: str = "") -> ParamLayout:  # noqa: N802 - the name that pickles have
    """Make the layout that a pickle describes."""
    return ParamLayout.parse(text)
