"""Look inside a layer.

memory    how long units remember, how open gates are, which units are dead
flow      the gradient that reaches every step, and the Jacobians that carry it
diagnose  these as plain sentences, and the first value that is not finite
probe     units that tell a property of the sequence
labels    such properties of texts
draw      pictures of these, from the program alone
report    one page with all of it
"""
