"""Measurements, so that what is said about speed can be checked: the numbers first, then the time.

timing            functions that run in turns, medians
roofline_kernels  loops that show what the machine can do
calibration       how fast the machine is at the moment
correctness       what gives wrong numbers is not timed
work              operations and bytes of a cell, from its program
roofline          the least time that they take
loop              the plain loop in torch, which loop_source writes
baselines         ours and its peers on the same numbers
rows              rows, lines, targets and verdicts
run               what the rows of a run share
sequences         lines about whole sequences
compare           the rows of `conveyor bench`
table             rows as text, markdown and JSON
session           a run from its options to its exit code

The table that every release is held to stands in `benchmarks/`.
"""
