"""The arguments of layers and of their calls: conversion and checks.

conversion        a constructor's arguments: cells, sizes, one value per layer
checks            a call's input and states
aux_inputs        a call's auxiliary inputs and resets
lengths           sequences of unequal length
nested            torch's nested tensors, taken as padded sequences with lengths
precision         dtypes under autocast and in layers of 16 bits
fx_proxies        calls that torch.fx traces
parameter_checks  tensors that stand in a parameter's place
"""
