"""The base classes and parts of sequence layers and single steps.

module           the base class of all modules
pickling         the pickled form of a layer: its class and its settings
torch_names      attributes and methods of torch.nn.RNNBase that libraries use
layer_direction  one direction of one layer: a program and the tensors that hold its parameters
stack            stacked layers and directions, and their states
layer_call       one call of a stack, through its layers and directions
connections      plain, residual, skip
freed_graph      the error for a state that was not detached
memory_and_records  streams, records and estimates of memory, as methods of every layer
"""
