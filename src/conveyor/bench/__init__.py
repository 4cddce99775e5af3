"""Measurements, so that what is said about speed can be checked: the numbers first, then the time.

timing        functions that run in turns, medians
yardsticks    loops that show what the machine can do
calibration   how fast the machine is at the moment
gate          what gives wrong numbers is not timed
work          operations and bytes of a cell, from its program
bounds        the least time that they take
loop          the plain loop in torch, which loop_source writes
contestants   ours and its peers on the same numbers; onnx_step is one for single steps
rows          rows, lines, bars and verdicts
run           what the rows of a run share
sequences, cells, user, steps, whole   the lines; process runs what needs a process of its own
versus        the rows of `conveyor bench`
bars          the table that every release is held to
table         rows as text, markdown and JSON
session       a run from its options to its exit code
"""
