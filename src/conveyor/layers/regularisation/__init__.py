"""Dropout, zoneout and gradient limits of a layer in training.

dropout  checks and conversions of the arguments
masks    the masks of a call
module   the arguments of every layer
"""
