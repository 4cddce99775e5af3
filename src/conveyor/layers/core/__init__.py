"""What sequence layers and single steps are made of.

module           what every module answers to torch's tools
layer_direction  one direction of one layer: a program and the tensors that hold its parameters
stack            layers on layers, directions, states in and out
layer_call       one call of a stack: its way through layers and directions
aux_inputs       what a call is given beside its input
arguments        readings of arguments that layers share
argument_checks  checks of what a layer is given
connections      plain, residual, skip
packing          sequences of unequal length
precision        types under autocast and in layers of 16 bits
freed_graph      names a state that was not detached
mixin            streams, records and estimates of memory, as methods of every layer
"""
