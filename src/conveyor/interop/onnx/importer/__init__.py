"""Import of the recurrent nodes of an ONNX file, in the order of the data flow.

nodes         finds the recurrent nodes
attributes    a node's attributes
tensors       its weights and initial states
equations     its cell
from_file     its layer
fill          the layer's weights
verification  runs the node beside the layer
"""
