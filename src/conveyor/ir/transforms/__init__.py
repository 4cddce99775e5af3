"""Transforms and analyses of programs.

autodiff        the backward program
plan            hoisting out of the time loop, packing of products
gate_analysis   the gate that keeps a state
param_layout    the layout of parameters in a layer's tensors: names, shapes, rows
rewrite         programs without biases, with resets, with probes
regularisation  programs with dropout, zoneout, gradient clipping
"""
