"""Transformations and analyses of programs.

autodiff        the backward program
plan            what leaves the time loop, which products are made as one
gate_analysis   the gate that decides how much of a state is kept
param_layout    how parameters lie in a layer's tensors: names, shapes, rows
rewrite         programs without biases, with resets, with probes
regularisation  programs that drop, keep or limit what goes from step to step
"""
