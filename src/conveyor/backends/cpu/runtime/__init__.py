"""Runs compiled passes on tensors.

memory_plan     the memory of a pass, and the jobs on it
launch_plan     where everything lies for sequences of one shape
workspace       memory that passes work in, used again
threads         runs a pass on torch's threads
oversubscription  whether others want the cores, too
sequence        the two passes
step_executor   one step after another, with the weights packed once
"""
