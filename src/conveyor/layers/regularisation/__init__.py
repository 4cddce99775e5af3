"""What a layer drops, keeps or limits in training.

dropout  readings of the arguments
masks    the masks of a call
module   the arguments of every layer
"""
