"""Benchmarks: correctness first, then time.

timing            interleaved timing of functions, medians
roofline_kernels  loops that reach the machine's peak rates
calibration       the current speed of the machine
correctness       the check before every measurement
work              operations and bytes of a cell, from its program
roofline          the least time that they take
loop              the plain loop in torch, which loop_source writes
baselines         conveyor's layers and baselines on the same tensors
rows              rows, lines, targets and verdicts
run               one run of several rows
sequences         lines about whole sequences
compare           the rows of `conveyor bench`
table             rows as text, markdown and JSON
session           a run from its options to its exit code

The table that every release is held to stands in `benchmarks/`.
"""
