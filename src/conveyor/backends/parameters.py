"""The old module path of `conveyor.backends.interface`, which pickled layers name."""

from conveyor.backends.interface import ParamLayout, Part

__all__ = ["Part", "Places"]


def Places(parts: object, text: str = "") -> ParamLayout:  # noqa: N802 - the name that pickles have
    """Build the parameter layout that a pickle describes."""
    return ParamLayout.parse(text)
