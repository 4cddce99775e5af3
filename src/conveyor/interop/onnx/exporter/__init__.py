"""Layers and models to an ONNX file, in the order in which data passes.

chain         the chain of a model's modules
interface     the graph's inputs and outputs
recurrence    a recurrent module as the export sees it
layer         a recurrent layer: layers on layers, directions, states
operators     … as one of ONNX's operators; weights in its order
scan          … as a `Scan`; emit writes its body by op_table
reverse       … from the end to the start
graph         the builder of a graph
to_file       the file
verification  runs it beside the model
"""
