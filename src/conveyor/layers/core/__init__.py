"""The parts that sequence layers and single steps are built from.

module           what every module answers to torch's tools
pickling         a layer as its class and its settings
torch_names      attributes and methods of torch.nn.RNNBase that libraries look for
layer_direction  one direction of one layer: a program and the tensors that hold its parameters
stack            layers on layers, directions, states in and out
layer_call       one call of a stack: its way through layers and directions
connections      plain, residual, skip
freed_graph      names a state that was not detached
memory_and_records  streams, records and estimates of memory, as methods of every layer
"""
