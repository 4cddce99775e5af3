"""Recurrent nodes of an ONNX file to layers, in the order in which data passes.

nodes         finds the recurrent nodes
attributes    a node's attributes
tensors       its weights and initial states
equations     its cell
from_file     its layer
fill          the layer's weights
verification  runs the node beside the layer
"""
