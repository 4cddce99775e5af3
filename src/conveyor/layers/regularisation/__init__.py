"""What a layer drops, keeps or limits in training.

dropout  readings of the arguments
masks    the masks of a call
mixin    the arguments of every layer
"""
