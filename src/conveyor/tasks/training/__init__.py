"""The training that all tasks share.

trainer      the loop: steps, validation, early stop, checkpoints; resumed bit for bit
batch        batches of several tensors in an order that a seed fixes
optimizer    optimizers and groups of parameters
schedule     learning rates by step
nonfinite    the first value that is not finite, named
distributed  one run on several processes
state        what is saved beside the weights
checkpoint   a run's folder on disk, whole or not at all
"""
