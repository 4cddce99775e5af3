"""Trained layers without torch: `load` reads a file of `cv.save` and runs it step by step on NumPy and llvmlite.

    from conveyor.runtime import load

    layer = load("model.safetensors")
    y = layer.step(x)                 # x (input_size,), y (output_size,): the bits of `layer.stream()`

safetensors  the file: its tensors as NumPy arrays, its description, its checksum
description  from the description to programs and where their parameters lie
resident     one layer's step in compiled code, with the weights packed
stream       the layers on each other
"""

from conveyor.runtime.stream import RuntimeLayer, load

__all__ = ["RuntimeLayer", "load"]
