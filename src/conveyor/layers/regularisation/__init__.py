"""Regularisation in training: dropout, zoneout and gradient clipping.

dropout  the conversion of the arguments, and single masks
masks    the masks of a call
module   the regularisation arguments of every layer
"""
