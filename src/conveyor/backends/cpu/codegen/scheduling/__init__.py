"""The execution of a pass as code: its chunks of steps, its threads, and the passes of a stack. No torch here.

job_list        the array that tells a pass what to do
pass_parts      the parts of a pass: ahead of its chunks, their steps, their sums, behind them
driver          the function that runs a pass
row_division    sequences of unequal length divided between threads
barrier         the function by which threads wait for each other
task_scheduler  the passes of a stack in one function: directions at the same time, layers as a wavefront
openmp          the library whose threads run all this
"""
