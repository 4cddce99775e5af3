"""Inspection of layers: measures, sentences, pictures and a report of the values inside.

gradient_taps  gradients by states at every step, through whatever pass runs
flow           gradient_flow
jacobians      the norms of products of Jacobians
activity       memory lengths, saturation, dead units, update sizes
finite         where values first stop being finite
summary        measures in words
diagnose       all of it for a model
probing        units that tell a property of a sequence
labels         properties of texts
draw           pictures, from the program alone
report         one page with all of it
"""
