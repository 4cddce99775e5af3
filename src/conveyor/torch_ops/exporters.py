"""Registers the translation of this package's operations with torch's ONNX exporters, if a process uses them.

Nothing of ONNX is loaded here: importing torch's exporters takes seconds, and most processes never do. Every tracer
runs the kernels of the operations, so they call this; the translation is imported by name, since it belongs to a later
layer of the package.
"""

from __future__ import annotations

import sys
from importlib import import_module

from conveyor.errors import ConversionError

_EXPORTER = "torch.onnx._internal.exporter._registration"
_TORCHSCRIPT = "torch.onnx._internal.torchscript_exporter._globals"
_TRANSLATION = "conveyor.interop.onnx.torch_exporters.torch_export"


def tell_exporters() -> None:
    """Register the translation with torch's exporters if one is in use; a second call does nothing.

    Raises:
        ConversionError: One is in use, and the package onnx is missing.
    """
    scripting = sys.modules.get(_TORCHSCRIPT)
    if not (_EXPORTER in sys.modules and "onnxscript" in sys.modules) and not (
        scripting is not None and scripting.GLOBALS.in_onnx_export
    ):
        return
    try:
        translation = import_module(_TRANSLATION)
    except ImportError as error:
        raise ConversionError(
            f"torch.onnx.export of conveyor's layers needs the package onnx ({error}); pip install 'conveyor[onnx]', or"
            " cv.replace(model, back=True) for torch.nn's layers"
        ) from error
    translation.register()
