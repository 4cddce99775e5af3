"""The schedule of a pass as code: its chunks of time steps, its threads, and the passes of a stack. No torch here.

job_list        the job array, which lists the work of a pass
pass_parts      the parts of a pass: before its chunks, their time steps, their sums, after them
driver          the function that runs a pass
row_division    sequences of unequal length divided between threads
barrier         the barrier between threads
task_scheduler  the passes of a stack in one function: directions at the same time, layers as a wavefront
openmp          the OpenMP library whose threads run it
"""
