"""Import of the recurrent nodes of an ONNX file, in the order of the data flow.

nodes         finds the recurrent nodes
attributes    what a node says about itself
tensors       what it reads
equations     its cell
from_file     its layer
fill          the layer's weights
verification  runs the node beside the layer
"""
