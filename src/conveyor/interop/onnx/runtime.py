"""onnxruntime, if it is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conveyor.errors import ConversionError
from conveyor.interop.onnx.exporter.graph import Array

ABSENT = "onnxruntime is not installed; pip install 'conveyor[onnx]'"
_FATAL = 4  # below it onnxruntime prints what it raises


def session(data: bytes) -> Any:
    """Make an onnxruntime session on the CPU; None without onnxruntime.

    Raises:
        ConversionError: onnxruntime does not take it.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    try:
        # With the fallback it would print what goes wrong, and try the same again.
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # its exceptions share no base
        raise _refused(error) from error


def run(session: Any, names: Sequence[str] | None, given: Mapping[str, Array]) -> list[Array]:
    """Return the outputs of these names, or all.

    Raises:
        ConversionError: onnxruntime fails.
    """
    try:
        return list(session.run(names, dict(given)))
    except Exception as error:  # its exceptions share no base
        raise _refused(error) from error


def _refused(error: Exception) -> ConversionError:
    return ConversionError(f"onnxruntime does not run it: {' '.join(str(error).split())[:200]}")
