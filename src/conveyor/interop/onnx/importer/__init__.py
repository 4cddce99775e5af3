"""Recurrent nodes of an ONNX file to layers, in the order in which data passes.

nodes         finds the recurrent nodes
attributes    what a node says about itself
tensors       what it reads
equations     its cell
from_file     its layer
fill          the layer's weights
verification  runs the node beside the layer
"""
