"""The inspection of a layer: measures of its values, sentences, pictures and a report page.

gradient_taps  gradients with respect to states at every time step, on any backend
flow           gradient_flow
jacobians      the norms of products of Jacobians
activity       memory lengths, saturation, dead units, update sizes
finite         the first value that is not finite
summary        measures in words
diagnose       all measures of a model
probing        units that predict a property of a sequence
labels         properties of texts
draw           pictures, drawn from the program
report         one page with all measures
"""
