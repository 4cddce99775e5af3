"""conveyor: write a recurrent cell's equations once, as the paper writes them, and get everything from that text.

Nothing heavy is loaded by `import conveyor`; each name loads what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from conveyor import moved

if TYPE_CHECKING:
    from conveyor import forecast as forecast
    from conveyor import sequences as sequences
    from conveyor.backends import why_not as why_not
    from conveyor.build.build import build as build
    from conveyor.cells import cells as cells
    from conveyor.errors import ArgumentError as ArgumentError
    from conveyor.errors import BackendError as BackendError
    from conveyor.errors import CellError as CellError
    from conveyor.errors import CheckpointError as CheckpointError
    from conveyor.errors import ConversionError as ConversionError
    from conveyor.errors import ConveyorError as ConveyorError
    from conveyor.errors import DataError as DataError
    from conveyor.errors import NonFiniteError as NonFiniteError
    from conveyor.errors import ProgramError as ProgramError
    from conveyor.errors import TextError as TextError
    from conveyor.frontend import CellDefinition as CellDefinition
    from conveyor.frontend import abs as abs
    from conveyor.frontend import activation as activation
    from conveyor.frontend import affine as affine
    from conveyor.frontend import cell as cell
    from conveyor.frontend import clip as clip
    from conveyor.frontend import clip_gradient as clip_gradient
    from conveyor.frontend import cos as cos
    from conveyor.frontend import detach as detach
    from conveyor.frontend import exp as exp
    from conveyor.frontend import layer_norm as layer_norm
    from conveyor.frontend import log as log
    from conveyor.frontend import log1p as log1p
    from conveyor.frontend import max as max
    from conveyor.frontend import maximum as maximum
    from conveyor.frontend import mean as mean
    from conveyor.frontend import minimum as minimum
    from conveyor.frontend import relu as relu
    from conveyor.frontend import sigmoid as sigmoid
    from conveyor.frontend import sin as sin
    from conveyor.frontend import softplus as softplus
    from conveyor.frontend import sqrt as sqrt
    from conveyor.frontend import square as square
    from conveyor.frontend import sum as sum
    from conveyor.frontend import tanh as tanh
    from conveyor.frontend import weight as weight
    from conveyor.frontend import where as where
    from conveyor.inspect.activity import dead_units as dead_units
    from conveyor.inspect.activity import memory_length as memory_length
    from conveyor.inspect.activity import saturation as saturation
    from conveyor.inspect.activity import update_size as update_size
    from conveyor.inspect.diagnose import Diagnosis as Diagnosis
    from conveyor.inspect.diagnose import diagnose as diagnose
    from conveyor.inspect.flow import GradientFlow as GradientFlow
    from conveyor.inspect.flow import gradient_flow as gradient_flow
    from conveyor.inspect.probing import probe as probe
    from conveyor.interop.common.layer_file import load as load
    from conveyor.interop.common.layer_file import save as save
    from conveyor.interop.common.report import Report as Report
    from conveyor.interop.common.weight_layouts import Order as Order
    from conveyor.interop.common.weight_layouts import from_order as from_order
    from conveyor.interop.common.weight_layouts import to_order as to_order
    from conveyor.interop.keras import from_keras as from_keras
    from conveyor.interop.keras import to_keras as to_keras
    from conveyor.interop.onnx import from_onnx as from_onnx
    from conveyor.interop.onnx import to_onnx as to_onnx
    from conveyor.interop.torch import from_torch as from_torch
    from conveyor.interop.torch import to_torch as to_torch
    from conveyor.interop.torch.from_state_dict import from_state_dict as from_state_dict
    from conveyor.interop.torch.replace import replace as replace
    from conveyor.ir.program import Program as Program
    from conveyor.layers import GRU as GRU
    from conveyor.layers import LSTM as LSTM
    from conveyor.layers import RNN as RNN
    from conveyor.layers import Cell as Cell
    from conveyor.layers import GRUCell as GRUCell
    from conveyor.layers import LSTMCell as LSTMCell
    from conveyor.layers import Recurrent as Recurrent
    from conveyor.layers import RNNCell as RNNCell
    from conveyor.layers.recording.record import recording as recording
    from conveyor.layers.recording.trace import Trace as Trace
    from conveyor.sequences.streams import StreamSampler as StreamSampler
    from conveyor.sequences.tbptt import tbptt as tbptt

_PUBLIC = {
    "backends": ("why_not",),
    "build": ("build",),
    "cells": ("cells",),
    "errors": (
        "ArgumentError",
        "BackendError",
        "CellError",
        "CheckpointError",
        "ConversionError",
        "ConveyorError",
        "DataError",
        "NonFiniteError",
        "ProgramError",
        "TextError",
    ),
    "inspect.activity": ("dead_units", "memory_length", "saturation", "update_size"),
    "inspect.diagnose": ("Diagnosis", "diagnose"),
    "inspect.flow": ("GradientFlow", "gradient_flow"),
    "inspect.probing": ("probe",),
    "interop.common.layer_file": ("load", "save"),
    "interop.torch.from_state_dict": ("from_state_dict",),
    "interop.keras": ("from_keras", "to_keras"),
    "interop.onnx": ("from_onnx", "to_onnx"),
    "interop.common.weight_layouts": ("Order", "from_order", "to_order"),
    "interop.torch.replace": ("replace",),
    "interop.common.report": ("Report",),
    "interop.torch": ("from_torch", "to_torch"),
    "frontend": (
        "CellDefinition abs activation affine cell clip clip_gradient cos detach exp layer_norm log log1p max maximum"
        " mean minimum relu sigmoid sin softplus sqrt square sum tanh weight where"
    ).split(),
    "layers": ("Cell", "GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNCell", "Recurrent"),
    "layers.recording.record": ("recording",),
    "layers.recording.trace": ("Trace",),
    "ir.program": ("Program",),
    "sequences.streams": ("StreamSampler",),
    "sequences.tbptt": ("tbptt",),
}
_PACKAGES = ("forecast", "sequences")
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}

moved.install()

__all__ = sorted([*_MODULE_OF, *_PACKAGES, "__version__"])  # noqa: PLE0605 - made of the one table above


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("conveyor")
    if name in _PACKAGES:
        return import_module(f"conveyor.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'conveyor' has no attribute '{name}'", name=name)
    value = getattr(import_module(f"conveyor.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _tell_torch() -> None:
    from conveyor.states import register_when_torch_comes

    register_when_torch_comes()


_tell_torch()
